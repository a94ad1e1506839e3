import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AlignedRun, AmbiguousRange as AuditedAmbiguousRange, Difference } from '../../engine/audit/record.ts'
import { type Colour, otherColour } from '../../engine/model/colour.ts'
import type { MapRun, OffsetPair } from '../../engine/offsets/map-block.ts'
import type { AmbiguousRange, MapDifference } from '../../engine/offsets/map-coverage.ts'
import { scanBlocks } from '../../engine/offsets/map-scan.ts'
import { openMap } from '../../engine/offsets/offset-map.ts'
import { emptyMap, OffsetMapBuilder } from '../../engine/offsets/offset-map-builder.ts'
import { type PartitionMapEnds, translateByMap } from '../../engine/offsets/translate-by-map.ts'

/** What happened at one place of the one sequence that both logs hold; the gaps are markers, aborted data or compaction holes in front of it. */
interface Entry {
  readonly kind: 'both' | 'missing' | 'foreign' | 'duplicate' | 'changed' | 'compacted'
  /** The side that lacks the record or has the extra one. */
  readonly on: Colour
  readonly gaps: OffsetPair
}

interface Visible {
  readonly offset: bigint
  readonly id: string
  /** Compaction removed its copy on the other side, because a newer record of its key is there. */
  readonly excused: boolean
}

/** Both logs written out, and the places of the aligned pairs: the truth that the map is compared with. */
interface History {
  readonly logs: Readonly<Record<Colour, readonly Visible[]>>
  readonly pairs: readonly OffsetPair[]
  readonly differences: readonly (MapDifference & { readonly afterPairs: number })[]
  readonly begin: OffsetPair
  readonly end: OffsetPair
}

function historyOf(entries: readonly Entry[], begin: OffsetPair, tail: OffsetPair): History {
  const at = { ...begin }
  const logs: Record<Colour, Visible[]> = { blue: [], green: [] }
  const [pairs, places]: [OffsetPair[], { kind: Entry['kind']; blue: number; green: number; afterPairs: number }[]] = [[], []]
  const put = (side: Colour, id: string, excused = false) => logs[side].push({ offset: at[side]++, id, excused })
  for (const [index, { kind, on, gaps }] of entries.entries()) {
    at.blue += gaps.blue
    at.green += gaps.green
    const place = { kind, blue: logs.blue.length, green: logs.green.length, afterPairs: pairs.length }
    if (kind === 'both') pairs.push({ ...at })
    else if (kind !== 'compacted') places.push(place)
    if (kind === 'both' || kind === 'changed') {
      put(on, kind === 'both' ? `r${index}` : `changed${index}`)
      put(otherColour(on), `r${index}`)
    } else if (kind === 'missing' || kind === 'compacted') put(otherColour(on), `r${index}`, kind === 'compacted')
    else put(on, kind === 'duplicate' ? (logs[on].at(-1)?.id ?? `extra${index}`) : `extra${index}`)
  }
  const differences = places.map(({ kind, blue, green, afterPairs }) => {
    return { kind, blue: logs.blue[blue]?.offset ?? null, green: logs.green[green]?.offset ?? null, afterPairs }
  })
  return { logs, pairs, differences, begin, end: { blue: at.blue + tail.blue, green: at.green + tail.green } }
}

/** As the audit grows it: record by record, differences in their place, tiny blocks. */
function built({ pairs, differences, begin, end }: History, blockRuns = 3) {
  const builder = new OffsetMapBuilder(emptyMap(begin), blockRuns)
  const stored: Buffer[] = []
  for (let index = 0; index <= pairs.length; index++) {
    for (const difference of differences) if (difference.afterPairs === index) builder.noteDifference(difference)
    const pair = pairs[index]
    if (pair !== undefined) builder.append({ ...pair, records: 1 })
    stored.push(...builder.drainSealed().map(({ bytes }) => bytes))
  }
  builder.advanceTo(end, BigInt(pairs.length))
  return { builder, stored, map: openMap(builder.state, { read: (index) => stored[index] ?? Buffer.alloc(0) }, 2) }
}

interface Cut {
  readonly ends: OffsetPair
  readonly starts: OffsetPair
}

const endsFrom = (from: Colour, { ends, starts }: Cut): PartitionMapEnds => ({
  ...{ sourceStart: starts[from], sourceEnd: ends[from] },
  ...{ targetStart: starts[otherColour(from)], targetEnd: ends[otherColour(from)] },
})

/** The meaning, by brute force: ids that a reader at this offset gets, of what the other side could have as well. */
const unread = ({ logs }: History, side: Colour, offset: bigint, start: bigint) =>
  logs[side].filter((record) => record.offset >= offset && record.offset >= start && !record.excused).map(({ id }) => id)

const gapSize = fc.constantFrom(0n, 0n, 0n, 1n, 1n, 2n, 7n)
const pairOf = (size: fc.Arbitrary<bigint>) => fc.record({ blue: size, green: size })
const colour = fc.constantFrom<Colour>('blue', 'green')
const clean = fc.record({ kind: fc.constantFrom<Entry['kind']>('both', 'both', 'both', 'both', 'both', 'compacted'), on: colour, gaps: pairOf(gapSize) })
const damaged = fc.record({
  kind: fc.constantFrom<Entry['kind']>('both', 'both', 'both', 'both', 'both', 'both', 'both', 'missing', 'foreign', 'duplicate', 'changed', 'compacted'),
  on: colour,
  gaps: pairOf(gapSize),
})
const historyFrom = (entry: fc.Arbitrary<Entry>) =>
  fc
    .tuple(fc.array(entry, { maxLength: 40 }), pairOf(fc.bigInt({ min: 0n, max: 30n })), pairOf(gapSize))
    .map(([entries, begin, tail]) => historyOf(entries, begin, tail))

/** A cut right behind one of the pairs or at the end, and retention on both sides up to some offset. */
const cutOf = (history: History, at: number, retained: OffsetPair): Cut => {
  const last = history.pairs[at]
  const ends = last === undefined ? history.end : { blue: last.blue + 1n, green: last.green + 1n }
  const within = (side: Colour) => (history.begin[side] + retained[side] > ends[side] ? ends[side] : history.begin[side] + retained[side])
  return { ends, starts: { blue: within('blue'), green: within('green') } }
}
const retention = pairOf(fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 40n })))
const everyOffset = (history: History, side: Colour) =>
  Array.from({ length: Number(history.end[side] - history.begin[side]) + 4 }, (_, index) => history.begin[side] + BigInt(index) - 1n).filter(
    (offset) => offset >= 0n,
  )

describe('the offset map', () => {
  it("takes the audit's runs and differences as they are", () => {
    const run: AlignedRun = { blue: 1n, green: 2n, records: 3 }
    const difference: Difference = { kind: 'missing', on: 'green', blue: 4n, green: null }
    const range: AuditedAmbiguousRange = { from: run, to: { blue: 4n, green: 5n } }
    const builder = new OffsetMapBuilder(emptyMap({ blue: 0n, green: 0n }))
    builder.append(run satisfies MapRun)
    builder.noteDifference(difference satisfies MapDifference)
    builder.noteAmbiguous(range satisfies AmbiguousRange)
    expect(builder.state.coverage).toMatchObject({ alignedRecords: 3n, differencesInAll: 1, ambiguous: [range] })
  })

  it('without differences: every position is exact and means the same records, in both directions, on both sides of any cut', () => {
    fc.assert(
      fc.property(historyFrom(clean), fc.nat(50), colour, (history, at, from) => {
        const { map } = built(history)
        const cut = cutOf(history, at, { blue: 0n, green: 0n })
        const to = otherColour(from)
        for (const committed of everyOffset(history, from)) {
          const found = translateByMap(map, from, committed, endsFrom(from, cut))
          const inside = committed >= history.begin[from] && committed <= history.end[from]
          expect([committed, found.verdict]).toEqual([committed, inside ? 'exact' : 'not provable'])
          if (!inside) continue
          const next = history.pairs.find((pair) => pair[from] >= committed)
          const none = committed > cut.ends[from] ? history.end[to] : cut.ends[to]
          const isBehindCut = committed <= cut.ends[from] && (next?.[from] ?? 0n) >= cut.ends[from]
          expect([committed, found.targetOffset]).toEqual([committed, `${isBehindCut || next === undefined ? none : next[to]}`])
          expect(unread(history, to, BigInt(found.targetOffset ?? -1), 0n)).toEqual(unread(history, from, committed, 0n))
          expect(found.lagRecords).toBe(history.pairs.filter((pair) => pair[from] >= committed && pair[from] < cut.ends[from]).length)
        }
      }),
      { numRuns: 120 },
    )
  })

  it('with differences and retention: exact only where the group gets the same records, and everywhere behind them', () => {
    let [provable, refused] = [0, 0]
    fc.assert(
      fc.property(historyFrom(damaged), retention, colour, (history, retained, from) => {
        const { map } = built(history)
        const [cut, to] = [cutOf(history, 1_000, retained), otherColour(from)]
        const lastDifference = history.differences.at(-1)
        for (const committed of everyOffset(history, from)) {
          const found = translateByMap(map, from, committed, endsFrom(from, cut))
          if (found.verdict === 'exact') {
            provable++
            expect(committed).toBeGreaterThanOrEqual(cut.starts[from])
            expect(BigInt(found.targetOffset ?? -1)).toBeGreaterThanOrEqual(cut.starts[to])
            const own = unread(history, from, committed, cut.starts[from])
            expect([committed, unread(history, to, BigInt(found.targetOffset ?? -1), cut.starts[to])]).toEqual([committed, own])
          } else {
            refused++
            const next = history.pairs.findIndex((pair) => pair[from] >= committed)
            const behindAll = lastDifference === undefined || history.pairs.some((pair, index) => index >= lastDifference.afterPairs && pair[from] < committed)
            const held = committed >= cut.starts[from] && committed >= history.begin[from] && committed <= history.end[from]
            const heldThere = next < 0 || (history.pairs[next]?.[to] ?? 0n) >= cut.starts[to]
            expect([committed, behindAll && held && heldThere]).toEqual([committed, false])
          }
        }
      }),
      { numRuns: 250 },
    )
    expect(provable).toBeGreaterThan(200)
    expect(refused).toBeGreaterThan(1_000)
  })

  it('translated there and back means the same visible record', () => {
    fc.assert(
      fc.property(historyFrom(clean), colour, (history, from) => {
        const { map } = built(history)
        const [cut, to] = [cutOf(history, 1_000, { blue: 0n, green: 0n }), otherColour(from)]
        const nextOf = (offset: bigint) => history.pairs.find((pair) => pair[from] >= offset)
        for (const committed of everyOffset(history, from).filter((offset) => offset >= history.begin[from] && offset <= history.end[from])) {
          const there = BigInt(translateByMap(map, from, committed, endsFrom(from, cut)).targetOffset ?? -1)
          const back = BigInt(translateByMap(map, to, there, endsFrom(to, cut)).targetOffset ?? -1)
          expect(nextOf(back)).toEqual(nextOf(committed))
        }
      }),
    )
  })

  it('resumed anywhere from its state and the blocks of its anchors is what it would have been', () => {
    fc.assert(
      fc.property(historyFrom(clean), fc.nat(40), (history, stop) => {
        const whole = built(history)
        const first = new OffsetMapBuilder(emptyMap(history.begin), 3)
        for (const pair of history.pairs.slice(0, stop)) first.append({ ...pair, records: 1 })
        const second = new OffsetMapBuilder(first.state, 3)
        for (const pair of history.pairs.slice(stop)) second.append({ ...pair, records: 1 })
        second.advanceTo(history.end, BigInt(history.pairs.length))
        expect(second.state).toEqual(whole.builder.state)
        const stored = [...first.drainSealed(), ...second.drainSealed()].map(({ bytes }) => bytes)
        expect(Buffer.concat(stored)).toEqual(Buffer.concat(whole.stored))
        expect(scanBlocks(Buffer.concat(stored)).anchors).toEqual(whole.builder.state.anchors)
      }),
    )
  })

  it('merges runs that continue each other, and no others', () => {
    const builder = new OffsetMapBuilder(emptyMap({ blue: 0n, green: 0n }))
    builder.append({ blue: 0n, green: 10n, records: 5 })
    builder.append({ blue: 5n, green: 15n, records: 5 })
    builder.append({ blue: 10n, green: 21n, records: 1 })
    builder.append({ blue: 12n, green: 22n, records: 1 })
    expect(builder.state.openRuns).toEqual([
      { blue: 0n, green: 10n, records: 10 },
      { blue: 10n, green: 21n, records: 1 },
      { blue: 12n, green: 22n, records: 1 },
    ])
    expect(builder.state.coverage).toMatchObject({ alignedRecords: 12n, auditedUpTo: { blue: 13n, green: 23n } })
  })

  it('only grows forwards, and its watermark only over what it holds', () => {
    const builder = new OffsetMapBuilder(emptyMap({ blue: 5n, green: 5n }))
    expect(() => builder.append({ blue: 4n, green: 5n, records: 1 })).toThrow(/offset-map-order/)
    builder.append({ blue: 5n, green: 5n, records: 2 })
    expect(() => builder.append({ blue: 6n, green: 9n, records: 1 })).toThrow(/offset-map-order/)
    expect(() => builder.append({ blue: 9n, green: 6n, records: 1 })).toThrow(/offset-map-order/)
    expect(() => builder.append({ blue: 9n, green: 9n, records: 0 })).toThrow(/offset-map-order/)
    expect(() => builder.advanceTo({ blue: 9n, green: 9n }, 3n)).toThrow(/offset-map-incomplete/)
    builder.advanceTo({ blue: 9n, green: 9n }, 2n)
    expect(() => builder.advanceTo({ blue: 9n, green: 8n }, 2n)).toThrow(/offset-map-order/)
    expect(() => builder.append({ blue: 8n, green: 9n, records: 1 })).toThrow(/offset-map-order/)
    builder.append({ blue: 9n, green: 9n, records: 1 })
  })
})
