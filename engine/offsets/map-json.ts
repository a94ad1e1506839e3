import { z } from 'zod'
import { KbgError } from '../model/error.ts'
import { OffsetText } from '../model/offset-json.ts'
import { type Anchor, blockOf, decodeBlock, encodeBlock, type MapRun, type OffsetPair, runOf } from './map-block.ts'
import { type MapState, recordsIn } from './offset-map.ts'

const PairJson = z.strictObject({ blue: OffsetText, green: OffsetText })

/** A {@link MapState} as JSON, without its anchors: those are read from the stored blocks. Offsets are decimal text, the open runs one encoded block in base64. */
export const MapStateJson = z.strictObject({
  openRuns: z.string().nullable(),
  coverage: z.strictObject({
    auditedFrom: PairJson,
    auditedUpTo: PairJson,
    alignedRecords: OffsetText,
    prunedRecords: OffsetText,
    ambiguous: z.array(z.strictObject({ from: PairJson, to: PairJson })),
    differences: z.array(z.strictObject({ kind: z.string(), blue: OffsetText.nullable(), green: OffsetText.nullable() })),
    differencesInAll: z.int().nonnegative(),
  }),
})
export type MapStateJson = z.infer<typeof MapStateJson>

/** The JSON form of a map's state. */
export function mapStateToJson({ openRuns, coverage }: MapState): MapStateJson {
  const runs = openRuns.length === 0 ? null : encodeBlock(blockOf(openRuns, coverage.alignedRecords - recordsIn(openRuns)))
  return {
    openRuns: runs === null ? null : runs.toString('base64'),
    coverage: {
      auditedFrom: pairToJson(coverage.auditedFrom),
      auditedUpTo: pairToJson(coverage.auditedUpTo),
      alignedRecords: coverage.alignedRecords.toString(),
      prunedRecords: coverage.prunedRecords.toString(),
      ambiguous: coverage.ambiguous.map(({ from, to }) => ({ from: pairToJson(from), to: pairToJson(to) })),
      differences: coverage.differences.map(({ kind, blue, green }) => ({ kind, blue: textOf(blue), green: textOf(green) })),
      differencesInAll: coverage.differencesInAll,
    },
  }
}

/**
 * The state that was saved.
 *
 * @param anchors those of the stored blocks, by scanBlocks
 * @throws KbgError `offset-map-damaged` when the open runs aren't what was written
 */
export function mapStateFromJson({ openRuns, coverage }: MapStateJson, anchors: readonly Anchor[]): MapState {
  return {
    anchors,
    openRuns: openRuns === null ? [] : runsOf(openRuns, BigInt(coverage.alignedRecords)),
    coverage: {
      auditedFrom: pairOf(coverage.auditedFrom),
      auditedUpTo: pairOf(coverage.auditedUpTo),
      alignedRecords: BigInt(coverage.alignedRecords),
      prunedRecords: BigInt(coverage.prunedRecords),
      ambiguous: coverage.ambiguous.map(({ from, to }) => ({ from: pairOf(from), to: pairOf(to) })),
      differences: coverage.differences.map(({ kind, blue, green }) => ({ kind, blue: bigintOf(blue), green: bigintOf(green) })),
      differencesInAll: coverage.differencesInAll,
    },
  }
}

function runsOf(base64: string, alignedRecords: bigint): readonly MapRun[] {
  const block = decodeBlock(Buffer.from(base64, 'base64'))
  if (block.span.recordsBefore + block.span.records !== alignedRecords) {
    throw new KbgError('offset-map-damaged', "The open runs of an offset map don't end at its coverage.", {
      facts: { observed: `${block.span.recordsBefore + block.span.records}`, required: `${alignedRecords}` },
    })
  }
  return Array.from({ length: block.span.runs }, (_, index) => runOf(block, index))
}

function pairToJson({ blue, green }: OffsetPair): z.infer<typeof PairJson> {
  return { blue: blue.toString(), green: green.toString() }
}

function pairOf({ blue, green }: z.infer<typeof PairJson>): OffsetPair {
  return { blue: BigInt(blue), green: BigInt(green) }
}

function textOf(offset: bigint | null): string | null {
  return offset === null ? null : offset.toString()
}

function bigintOf(text: string | null): bigint | null {
  return text === null ? null : BigInt(text)
}
