import fc from 'fast-check'
import type { AuditRecord, OffsetPair } from '../../../engine/audit/record.ts'
import type { Colour } from '../../../engine/model/colour.ts'

/** One side's log: offsets that no record has were markers or aborted records. */
export interface Log {
  readonly start: bigint
  readonly end: bigint
  readonly records: readonly AuditRecord[]
}

export type Logs = Readonly<Record<Colour, Log>>

/** A history of one partition, and which record is whose copy. */
export interface History extends Logs {
  readonly pairs: readonly OffsetPair[]
}

/** Lays records out in a log: before record i so many offsets are a marker's or an aborted record's; `gaps` is gone through again and again. */
export function layOut(digests: readonly bigint[], gaps: readonly number[], start = 0n): Log {
  let next = start
  const records = digests.map((digest, index): AuditRecord => {
    const offset = next + BigInt(gaps[index % gaps.length] ?? 0)
    next = offset + 1n
    return { offset, digest, key: null }
  })
  return { start, end: next + BigInt(gaps[digests.length % gaps.length] ?? 0), records }
}

/** The log after retention took its first `count` records. */
export function withoutHead(log: Log, count: number): Log {
  const records = log.records.slice(count)
  return count === 0 ? log : { start: records[0]?.offset ?? log.end, end: log.end, records }
}

/** The log before its last `count` records were copied. */
export function withoutTail(log: Log, count: number): Log {
  if (count === 0) return log
  const records = log.records.slice(0, Math.max(0, log.records.length - count))
  return { start: log.start, end: (records.at(-1)?.offset ?? log.start - 1n) + 1n, records }
}

/** Record contents: mostly new ones, some equal to their neighbour, in blocks of any length. */
export const contents = (most: number): fc.Arbitrary<readonly bigint[]> =>
  fc
    .array(
      fc.record({
        digest: fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }),
        copies: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 5 })),
      }),
      { maxLength: most },
    )
    .map((blocks) => {
      const distinct = new Map(blocks.map((block) => [block.digest, block]))
      return [...distinct.values()].flatMap(({ digest, copies }) => Array.from({ length: copies }, () => digest))
    })

/** Gaps as transactions make them: each side has its own, whichever of them the records were first written to. */
export const gaps = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 3 })), { minLength: 1, maxLength: 12 })

/** A partition without damage: both sides whole. */
export const wholeHistory = (most: number): fc.Arbitrary<History> =>
  fc.tuple(contents(most), gaps, gaps).map(([digests, blueGaps, greenGaps]) => {
    const [blue, green] = [layOut(digests, blueGaps), layOut(digests, greenGaps)]
    return { blue, green, pairs: pairsOf(blue, green) }
  })

/** A partition without damage, whose heads retention may have taken, and of which one side may not have the tail yet. */
export const cleanHistory = (most: number): fc.Arbitrary<History> =>
  fc.tuple(wholeHistory(most), fc.nat(), fc.nat(), fc.nat({ max: 6 }), fc.boolean()).map(([whole, blueHead, greenHead, tail, isBlueBehind]) => {
    const records = whole.pairs.length
    const heads = { blue: blueHead % 3 === 0 ? blueHead % (records + 1) : 0, green: greenHead % 3 === 0 ? greenHead % (records + 1) : 0 }
    const head = Math.max(heads.blue, heads.green)
    const kept = Math.min(tail, records - head)
    const [blue, green] = [withoutHead(whole.blue, heads.blue), withoutHead(whole.green, heads.green)]
    const pairs = whole.pairs.slice(head, records - kept)
    return isBlueBehind ? { blue: withoutTail(blue, kept), green, pairs } : { blue, green: withoutTail(green, kept), pairs }
  })

function pairsOf(blue: Log, green: Log): readonly OffsetPair[] {
  return blue.records.map((record, index) => ({ blue: record.offset, green: green.records[index]?.offset ?? -1n }))
}
