import type { WatchMeasure } from '../model/watch.ts'
import type { GroupLook } from './group-pace.ts'

/** What was measured, or why there is no number: an error is a failed sample; null: the colour could not be reached from here, which may be the way to it. */
export type Measured = number | Refused | null

export interface Refused {
  readonly refused: string
}

/** One sample of a colour. */
export interface WatchSample {
  /** Monotonic. */
  readonly atMs: number
  /** Milliseconds until a canary record was acknowledged to the probe on every leader. */
  readonly append: Measured
  /** Milliseconds from an append until a committed reader of the same colour saw it. */
  readonly endToEnd: Measured
  /** Records per second into each topic since the sample before; null: there is none before it, or the ends couldn't be read. */
  readonly flows: ReadonlyMap<string, number> | null
  /** null: not looked at this time, or not seen. */
  readonly groups: ReadonlyMap<string, GroupLook> | null
  /** Routed producers that are registered as writing to the colour; null: not known. */
  readonly producers: number | null
  /** Routed consumers that are registered as reading on the colour, by group; null: not known. */
  readonly consumers: ReadonlyMap<string, number> | null
}

/** More failed samples than this for each good one, never enough of them in a row, are no pass. */
const mostFailedPerGood = 1 / 3

/** One sample as it is judged; `unknown` is neither: it ends a run of failed samples and proves nothing. */
export interface Look {
  readonly is: 'good' | 'failed' | 'unknown'
  /** What was observed, for people. */
  readonly what: string
}

/** The median of the numbers that are times, null when there are fewer than `atLeast` (pure). What is no number counts as not measured. */
export function medianOf(measured: readonly Measured[], atLeast: number): number | null {
  const numbers = measured.filter((one): one is number => typeof one === 'number' && Number.isFinite(one) && one >= 0).toSorted((a, b) => a - b)
  return numbers.length < atLeast ? null : (numbers[Math.floor((numbers.length - 1) / 2)] ?? null)
}

/** How many failed samples in a row stand at the end (pure). */
export function failingNow(looks: readonly Look[]): number {
  return looks.length - 1 - looks.findLastIndex(({ is }) => is !== 'failed')
}

/**
 * The verdict over looks (pure): `fail` at `failures` failed ones in a row, and never otherwise: what flaps, what is too little and what couldn't be seen is `inconclusive`.
 */
export function judgeLooks(name: string, looks: readonly Look[], failures: number, required: string): WatchMeasure {
  const told = (verdict: WatchMeasure['verdict'], observed: string): WatchMeasure => ({ name, verdict, observed, required })
  const run = longestRun(looks)
  if (run.length >= failures) return told('fail', `${run.length} failed samples in a row, the last one: ${run.at(-1)?.what}`)
  const of = (is: Look['is']) => looks.filter((look) => look.is === is)
  const [good, failed, unknown] = [of('good'), of('failed'), of('unknown')]
  const counts = `${good.length} of ${looks.length} samples good, ${failed.length} failed, ${unknown.length} not known`
  const last = (some: readonly Look[]) => (some.length === 0 ? '' : `; the last one: ${some.at(-1)?.what}`)
  if (good.length < failures || unknown.length > good.length) return told('inconclusive', `${counts}${last(failed.length > unknown.length ? failed : unknown)}`)
  const open = failingNow(looks)
  if (open > 0) return told('inconclusive', `${open} of ${failures} failed samples in a row at the end${last(failed)}`)
  if (failed.length > good.length * mostFailedPerGood) return told('inconclusive', `it flaps: ${counts}${last(failed)}`)
  return told('pass', failed.length === 0 ? `${good.length} samples` : counts)
}

function longestRun(looks: readonly Look[]): readonly Look[] {
  let [longest, run]: [Look[], Look[]] = [[], []]
  for (const look of looks) {
    run = look.is === 'failed' ? [...run, look] : []
    if (run.length > longest.length) longest = run
  }
  return longest
}
