import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Colour, otherColour } from '../../engine/model/colour.ts'
import { nearestProven } from '../../engine/offsets/nearest-proven.ts'
import { openMap } from '../../engine/offsets/offset-map.ts'
import { emptyMap, OffsetMapBuilder } from '../../engine/offsets/offset-map-builder.ts'
import { type PartitionMapEnds, translateByMap } from '../../engine/offsets/translate-by-map.ts'
import { compare, type Outcome } from '../support/audit-history/drive.ts'
import { cleanHistory, type Logs, wholeHistory } from '../support/audit-history/logs.ts'

const starts = { blue: 0n, green: 0n }

/** The map of what a comparison found, as the audit would have built it. */
function mapOf({ runs, differences, ambiguous, facts }: Pick<Outcome, 'runs' | 'differences' | 'ambiguous' | 'facts'>, from = starts) {
  const builder = new OffsetMapBuilder(emptyMap(from), 3)
  const stored: Buffer[] = []
  for (const run of runs) {
    builder.append(run)
    stored.push(...builder.drainSealed().map(({ bytes }) => bytes))
  }
  for (const difference of differences) builder.noteDifference(difference)
  for (const range of ambiguous) builder.noteAmbiguous(range)
  builder.advanceTo(facts.watermark, BigInt(runs.reduce((sum, run) => sum + run.records, 0)))
  return openMap(builder.state, { read: (index) => stored[index] ?? Buffer.alloc(0) })
}

function endsOf(from: Colour, watermark: Readonly<Record<Colour, bigint>>, logs: Logs): PartitionMapEnds {
  const to = otherColour(from)
  return { sourceStart: logs[from].start, sourceEnd: watermark[from], targetStart: logs[to].start, targetEnd: watermark[to] }
}

const small = { blue: 10n, green: 10n }
function tenRecords(from: Readonly<Record<Colour, bigint>> = starts) {
  const builder = new OffsetMapBuilder(emptyMap(from))
  builder.append({ blue: from.blue, green: from.green, records: 10 })
  return builder
}
const whole: PartitionMapEnds = { sourceStart: 0n, sourceEnd: 10n, targetStart: 0n, targetEnd: 10n }

describe('the nearest proven place', () => {
  it('of an exact position is the position, with nothing read again', () => {
    const map = openMap(tenRecords().state, { read: () => Buffer.alloc(0) })
    expect(nearestProven(map, 'blue', 4n, whole)).toEqual({ sourceOffset: 4n, targetOffset: 4n, lagRecords: 6, mostRedelivered: 0n })
  })

  it('inside equal neighbours is before them, over as many ranges as touch', () => {
    const builder = tenRecords()
    builder.noteAmbiguous({ from: { blue: 2n, green: 2n }, to: { blue: 5n, green: 5n } })
    builder.noteAmbiguous({ from: { blue: 5n, green: 5n }, to: { blue: 8n, green: 8n } })
    const map = openMap(builder.state, { read: () => Buffer.alloc(0) })
    expect(nearestProven(map, 'green', 7n, whole)).toMatchObject({ sourceOffset: 1n, targetOffset: 1n, mostRedelivered: 6n })
    expect(nearestProven(map, 'green', 8n, whole)).toMatchObject({ sourceOffset: 8n, mostRedelivered: 0n })
  })

  it('behind what was compared is the watermark, and every offset in between counts', () => {
    const map = openMap(tenRecords().state, { read: () => Buffer.alloc(0) })
    expect(nearestProven(map, 'blue', 25n, whole)).toMatchObject({ sourceOffset: 10n, targetOffset: 10n, mostRedelivered: 15n })
  })

  it('that retention took from the source is where its copy still stands; below the map there is none', () => {
    const map = openMap(tenRecords({ blue: 5n, green: 5n }).state, { read: () => Buffer.alloc(0) })
    const late = { ...whole, sourceStart: 9n, sourceEnd: 15n, targetEnd: 15n }
    expect(nearestProven(map, 'blue', 6n, late)).toMatchObject({ sourceOffset: 6n, targetOffset: 6n, mostRedelivered: 0n })
    expect(nearestProven(map, 'blue', 4n, late)).toMatchObject({ reason: expect.stringMatching(/compared blue from offset 5/) })
    expect(nearestProven(map, 'blue', 6n, { ...late, targetStart: 8n })).toMatchObject({ reason: expect.stringMatching(/retention passed it there/) })
  })

  it('is nowhere while a difference lies ahead, nor behind a block at the log’s very beginning, nor in a damaged block', () => {
    const differing = tenRecords()
    differing.noteDifference({ kind: 'missing', blue: 10n, green: null })
    const behind = { ...whole, sourceEnd: 10n }
    expect(nearestProven(openMap(differing.state, { read: () => Buffer.alloc(0) }), 'blue', 4n, behind)).toMatchObject({
      reason: expect.stringMatching(/missing/),
    })
    const equal = tenRecords()
    equal.noteAmbiguous({ from: starts, to: small })
    expect(nearestProven(openMap(equal.state, { read: () => Buffer.alloc(0) }), 'blue', 4n, whole)).toMatchObject({ reason: expect.stringMatching(/equal/) })
    const stored = new OffsetMapBuilder(emptyMap(starts), 1)
    for (const at of [0n, 5n, 10n]) stored.append({ blue: at, green: 2n * at, records: 3 })
    stored.drainSealed()
    const damaged = openMap(stored.state, { read: () => Buffer.alloc(3) })
    expect(nearestProven(damaged, 'blue', 1n, { ...whole, sourceEnd: 13n, targetEnd: 23n })).toMatchObject({ reason: expect.stringMatching(/damaged/) })
  })

  it('never skips a record that was not processed, reads again no more than it says, and is the last exact place at or before', () => {
    const seen = { moved: 0, redelivered: 0, refused: 0 }
    const histories = fc.oneof(wholeHistory(24), cleanHistory(24))
    fc.assert(
      fc.property(histories, fc.constantFrom<Colour>('blue', 'green'), fc.array(fc.tuple(fc.nat(30), fc.nat(3)), { maxLength: 3 }), (history, from, blocks) => {
        const found = compare(history, [], false)
        // The audit tells few ambiguous ranges of short histories: some more of any place and length, which are only more to go around.
        const ranges = blocks.flatMap(([at, length]) => {
          const [first, last] = [history.pairs[at], history.pairs[at + length]]
          return first === undefined || last === undefined ? [] : [{ from: first, to: { blue: last.blue + 1n, green: last.green + 1n } }]
        })
        const map = mapOf({ ...found, ambiguous: [...found.ambiguous, ...ranges] }, { blue: history.blue.start, green: history.green.start })
        const [to, { watermark }] = [otherColour(from), found.facts]
        const ends = endsOf(from, watermark, history)
        for (let committed = 0n; committed <= history[from].end + 2n; committed += 1n) {
          const place = nearestProven(map, from, committed, ends)
          const naive = lastExact(committed, (offset) => translateByMap(map, from, offset, { ...ends, sourceStart: 0n }).targetOffset)
          if ('reason' in place) {
            seen.refused++
            expect([committed, naive]).toEqual([committed, null])
            continue
          }
          expect([committed, place.sourceOffset, place.targetOffset]).toEqual([committed, naive?.offset, naive?.target])
          const unprocessed = history.pairs.filter((pair) => pair[from] >= committed)
          expect(unprocessed.filter((pair) => pair[to] < place.targetOffset)).toEqual([])
          const again = history.pairs.filter((pair) => pair[from] < committed && pair[to] >= place.targetOffset).length
          expect(BigInt(again)).toBeLessThanOrEqual(place.mostRedelivered)
          seen.moved++
          if (again > 0) seen.redelivered++
        }
      }),
      { numRuns: 300 },
    )
    expect(seen.moved).toBeGreaterThan(1_000)
    expect(seen.redelivered).toBeGreaterThan(100)
    expect(seen.refused).toBeGreaterThan(20)
  })
})

/** The meaning, by trying every offset. */
function lastExact(committed: bigint, translate: (offset: bigint) => string | null): { readonly offset: bigint; readonly target: bigint } | null {
  for (let offset = committed; offset >= 0n; offset -= 1n) {
    const target = translate(offset)
    if (target !== null) return { offset, target: BigInt(target) }
  }
  return null
}
