import { build, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js'
import { z } from 'zod'

/** Every value of one arm, with three significant digits, as an HdrHistogram (V2, compressed, base64): other tools read and merge it. */
export const NamedHistogram = z.strictObject({
  name: z.string().min(1),
  /** The unit of the histogram's whole numbers. */
  unit: z.string().min(1),
  count: z.int().nonnegative(),
  median: z.number(),
  p99: z.number(),
  maximum: z.number(),
  encoded: z.string().min(1),
})
export type NamedHistogram = z.infer<typeof NamedHistogram>

/** A histogram of milliseconds, kept in microseconds. */
export function histogramOfMs(name: string, valuesMs: Iterable<number>): NamedHistogram {
  const histogram = build({ numberOfSignificantValueDigits: 3 })
  for (const value of valuesMs) histogram.recordValue(Math.max(0, Math.round(value * 1_000)))
  return {
    name,
    unit: 'µs',
    count: histogram.totalCount,
    median: histogram.getValueAtPercentile(50),
    p99: histogram.getValueAtPercentile(99),
    maximum: histogram.totalCount === 0 ? 0 : histogram.maxValue,
    encoded: encoded(histogram),
  }
}

/** The standard encoding of HdrHistogram. */
export function encoded(histogram: Histogram): string {
  return encodeIntoCompressedBase64(histogram)
}
