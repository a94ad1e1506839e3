import { describe, expect, it } from 'vitest'
import { KbgError } from '../../engine/model/error.ts'
import type { PartitionOffsets } from '../../engine/model/partition.ts'
import type { MapRun, OffsetPair } from '../../engine/offsets/map-block.ts'
import { keptPlaces } from '../../engine/offsets/map-coverage.ts'
import { type BlockSource, openMap } from '../../engine/offsets/offset-map.ts'
import { emptyMap, OffsetMapBuilder } from '../../engine/offsets/offset-map-builder.ts'
import { translateAllByMap, translateByMap } from '../../engine/offsets/translate-by-map.ts'

/** Runs of ten records; blue has a marker behind each, green two. */
const tens = (count: number): readonly MapRun[] =>
  Array.from({ length: count }, (_, index) => ({ blue: 100n + 11n * BigInt(index), green: 12n * BigInt(index), records: 10 }))
const begin = { blue: 100n, green: 0n }

function grown(runs: readonly MapRun[], end: OffsetPair, blockRuns = 2) {
  const builder = new OffsetMapBuilder(emptyMap(begin), blockRuns)
  for (const run of runs) builder.append(run)
  builder.advanceTo(end, BigInt(runs.reduce((sum, run) => sum + run.records, 0)))
  return { builder, stored: builder.drainSealed().map(({ bytes }) => bytes) }
}

const source = (stored: readonly Buffer[], reads: number[] = []): BlockSource => ({
  read: (index) => {
    reads.push(index)
    return stored[index] ?? Buffer.alloc(0)
  },
})
const ten = grown(tens(10), { blue: 210n, green: 120n })
const ends = { sourceStart: 100n, sourceEnd: 210n, targetStart: 0n, targetEnd: 120n }
const map = openMap(ten.builder.state, source(ten.stored))
const at = (committed: bigint, more: Partial<typeof ends> = {}) => translateByMap(map, 'blue', committed, { ...ends, ...more })

describe('a position by the map', () => {
  it('is the copy of the next record, inside a run, at its ends and in a gap', () => {
    expect(at(100n)).toMatchObject({ verdict: 'exact', targetOffset: '0', lagRecords: 100 })
    expect(at(105n)).toMatchObject({ verdict: 'exact', targetOffset: '5', lagRecords: 95 })
    expect(at(109n)).toMatchObject({ targetOffset: '9', lagRecords: 91 })
    expect(at(110n)).toMatchObject({ targetOffset: '12', lagRecords: 90 })
    expect(at(111n)).toMatchObject({ targetOffset: '12', lagRecords: 90 })
    expect(at(208n)).toMatchObject({ targetOffset: '117', lagRecords: 1 })
    expect(at(209n)).toMatchObject({ targetOffset: '120', lagRecords: 0, reason: 'nothing left to read before the cut' })
    expect(at(210n)).toMatchObject({ targetOffset: '120', lagRecords: 0 })
  })

  it.each([
    ['retention passed it', 104n, { sourceStart: 105n }, /below the log start 105/],
    ['retention passed its copy on the target', 104n, { targetStart: 5n }, /copy had offset 4, and the target's log begins at 5/],
    ['nothing was compared there', 99n, { sourceStart: 0n }, /compared blue from offset 100 on/],
    ['it lies beyond what was compared', 211n, {}, /beyond what the audit has compared: blue up to 210/],
    ['the audit has not come to the cut of the source', 105n, { sourceEnd: 211n }, /has come to blue 210, green 120, the cut is at blue 211/],
    ['the audit has not come to the cut of the target', 105n, { targetEnd: 121n }, /the cut is at blue 210, green 121/],
    ['the map says another thing than the cut', 205n, { targetEnd: 100n }, /contradict/],
  ] as const)('is not provable when %s', (_, committed, more, reason) => {
    expect(at(committed, more)).toMatchObject({ verdict: 'not provable', targetOffset: null, reason: expect.stringMatching(reason) })
  })

  it("right at the target's log start is provable", () => {
    expect(at(105n, { targetStart: 5n })).toMatchObject({ verdict: 'exact', targetOffset: '5' })
  })

  it('beyond an older cut is exact as far as the audit has come since', () => {
    const older = { sourceEnd: 110n, targetEnd: 11n }
    expect(at(115n, older)).toMatchObject({ verdict: 'exact', targetOffset: '16', lagRecords: 0 })
    expect(at(110n, older)).toMatchObject({ verdict: 'exact', targetOffset: '11', lagRecords: 0 })
    expect(at(100n, older)).toMatchObject({ verdict: 'exact', targetOffset: '0', lagRecords: 10 })
    expect(at(210n, older)).toMatchObject({ verdict: 'exact', targetOffset: '120' })
  })
})

describe('differences and ambiguous places', () => {
  /** Green lacks the record at blue 110, which stands alone between two runs. */
  function withMissing() {
    const builder = new OffsetMapBuilder(emptyMap(begin), 2)
    const [first, ...rest] = tens(10)
    if (first !== undefined) builder.append(first)
    builder.noteDifference({ kind: 'missing', blue: 110n, green: 12n })
    for (const run of rest) builder.append(run)
    builder.advanceTo({ blue: 210n, green: 120n }, 100n)
    return builder
  }

  it('hold back who would still come upon them, on either side', () => {
    const opened = openMap(withMissing().state, source(ten.stored))
    const verdicts = (from: 'blue' | 'green', offsets: readonly bigint[]) =>
      offsets.map(
        (offset) =>
          translateByMap(opened, from, offset, from === 'blue' ? ends : { sourceStart: 0n, sourceEnd: 120n, targetStart: 100n, targetEnd: 210n }).verdict,
      )
    expect(verdicts('blue', [100n, 110n, 111n, 112n])).toEqual(['not provable', 'not provable', 'exact', 'exact'])
    expect(verdicts('green', [0n, 11n, 12n, 13n])).toEqual(['not provable', 'not provable', 'not provable', 'exact'])
    expect(translateByMap(opened, 'blue', 105n, ends).reason).toMatch(/missing at blue 110, green 12/)
  })

  it("at one side's end hold back everybody there", () => {
    const builder = withMissing()
    builder.noteDifference({ kind: 'missing', blue: 209n, green: null })
    const opened = openMap(builder.state, source(ten.stored))
    expect(translateByMap(opened, 'blue', 210n, ends).verdict).toBe('exact')
    expect(translateByMap(opened, 'green', 120n, { sourceStart: 0n, sourceEnd: 120n, targetStart: 100n, targetEnd: 210n })).toMatchObject({
      verdict: 'not provable',
      reason: expect.stringMatching(/green end/),
    })
  })

  it('of which several records belong to one finding hold back the whole gap', () => {
    const builder = new OffsetMapBuilder(emptyMap(begin))
    builder.append({ blue: 100n, green: 0n, records: 5 })
    builder.noteDifference({ kind: 'swapped', blue: 105n, green: 5n })
    builder.append({ blue: 110n, green: 10n, records: 5 })
    const opened = openMap(builder.state, source([]))
    const verdict = (offset: bigint) => translateByMap(opened, 'blue', offset, { sourceStart: 0n, sourceEnd: 115n, targetStart: 0n, targetEnd: 15n }).verdict
    expect([104n, 105n, 106n, 109n, 110n, 111n].map(verdict)).toEqual(['not provable', 'not provable', 'not provable', 'not provable', 'exact', 'exact'])
  })

  it('that are ambiguous hold back who stands inside', () => {
    const { builder, stored } = grown(tens(10), { blue: 210n, green: 120n })
    builder.noteAmbiguous({ from: { blue: 102n, green: 2n }, to: { blue: 105n, green: 5n } })
    const opened = openMap(builder.state, source(stored))
    expect([101n, 102n, 104n, 105n].map((offset) => translateByMap(opened, 'blue', offset, ends).verdict)).toEqual([
      'exact',
      'not provable',
      'not provable',
      'exact',
    ])
    expect(translateByMap(opened, 'blue', 104n, ends).reason).toMatch(/blue 102 to 105/)
  })

  it('that are told again with a later end are one', () => {
    const builder = new OffsetMapBuilder(emptyMap(begin))
    const range = (from: bigint, to: bigint) => ({ from: { blue: from, green: from }, to: { blue: to, green: to } })
    for (const each of [range(102n, 104n), range(110n, 112n), range(110n, 115n)]) builder.noteAmbiguous(each)
    expect(builder.state.coverage.ambiguous).toEqual([range(102n, 104n), range(110n, 115n)])
  })

  it('are kept in bounds: the latest differences, and nothing is said up to an ambiguous range that was dropped', () => {
    const builder = new OffsetMapBuilder(emptyMap(begin))
    for (let index = 0n; index <= keptPlaces; index++) {
      builder.noteDifference({ kind: 'changed', blue: 100n + index, green: index })
      builder.noteAmbiguous({ from: { blue: 100n + index, green: index }, to: { blue: 101n + index, green: index + 1n } })
    }
    const { differences, differencesInAll, ambiguous, auditedFrom } = builder.state.coverage
    expect([differences.length, differences[0]?.blue, differencesInAll]).toEqual([keptPlaces, 101n, keptPlaces + 1])
    expect([ambiguous.length, auditedFrom]).toEqual([keptPlaces, { blue: 101n, green: 1n }])
  })

  it('that retention removed uncompared begin the map afresh', () => {
    const { builder, stored } = grown(tens(2), { blue: 122n, green: 24n })
    builder.startAgainAt({ blue: 150n, green: 60n })
    builder.append({ blue: 150n, green: 60n, records: 5 })
    const opened = openMap(builder.state, source(stored))
    const over = { sourceStart: 0n, sourceEnd: 65n, targetStart: 150n, targetEnd: 155n }
    expect([30n, 59n].map((offset) => translateByMap(opened, 'green', offset, over).verdict)).toEqual(['not provable', 'not provable'])
    expect(translateByMap(opened, 'green', 60n, over)).toMatchObject({ verdict: 'exact', targetOffset: '150', lagRecords: 5 })
  })
})

describe('stored blocks', () => {
  it('are read one at a time, and kept while they are in use', () => {
    const reads: number[] = []
    const opened = openMap(ten.builder.state, source(ten.stored, reads), 2)
    expect(ten.stored).toHaveLength(4)
    const look = (...offsets: bigint[]) => offsets.map((offset) => opened.place('blue', offset).next?.green)
    expect(look(100n, 101n, 122n, 123n, 100n)).toEqual([0n, 1n, 24n, 25n, 0n])
    expect(reads).toEqual([0, 1])
    look(144n, 100n, 122n, 200n)
    expect(reads).toEqual([0, 1, 2, 1])
  })

  it('end early where a double could not hold their offsets any more', () => {
    const far = 2n ** 60n
    const { builder, stored } = grown(
      [
        { blue: 100n, green: 0n, records: 1 },
        { blue: 101n, green: far, records: 3 },
      ],
      { blue: 104n, green: far + 3n },
      10,
    )
    expect([stored.length, builder.state.openRuns.length]).toEqual([1, 1])
    expect(openMap(builder.state, source(stored)).place('blue', 103n)).toEqual({ next: { blue: 103n, green: far + 2n }, recordsBefore: 3n })
    expect(openMap(builder.state, source(stored)).place('green', 5n)).toEqual({ next: { blue: 101n, green: far }, recordsBefore: 1n })
  })

  it('that are damaged or others make their positions unprovable, and only theirs', () => {
    const [first, second, ...rest] = ten.stored as [Buffer, Buffer, ...Buffer[]]
    const flipped = Buffer.from(second)
    flipped.writeUInt8(flipped.readUInt8(flipped.length - 1) ^ 1, flipped.length - 1)
    for (const wrong of [flipped, first, second.subarray(1), Buffer.alloc(0)]) {
      const opened = openMap(ten.builder.state, source([first, wrong, ...rest]))
      expect([100n, 125n, 150n].map((offset) => translateByMap(opened, 'blue', offset, ends).verdict)).toEqual(['exact', 'not provable', 'exact'])
    }
  })

  it("that can't be read are an error, not an answer", () => {
    const opened = openMap(ten.builder.state, {
      read: () => {
        throw new KbgError('disk', 'disk gone')
      },
    })
    expect(() => translateByMap(opened, 'blue', 100n, ends)).toThrow('disk gone')
  })

  it('or runs that are missing are noticed when the map is opened', () => {
    const { anchors, openRuns, coverage } = ten.builder.state
    const opening = (state: Partial<typeof ten.builder.state>) => () => openMap({ anchors, openRuns, coverage, ...state }, source(ten.stored))
    expect(opening({})).not.toThrow()
    expect(opening({ anchors: anchors.slice(0, -1) })).toThrow(/80 aligned records, where the audit has counted 100/)
    expect(opening({ anchors: anchors.slice(1) })).toThrow(/offset-map-incomplete/)
    expect(opening({ anchors: anchors.toSpliced(1, 1) })).toThrow(/block 1: 40 records lie before it/)
    expect(opening({ openRuns: [] })).toThrow(/offset-map-incomplete/)
    expect(opening({ openRuns: tens(2) })).toThrow(/open runs begin before/)
  })

  it("wholly before both logs' beginnings are pruned; the rest answers as before", () => {
    const { builder, stored } = grown(tens(10), { blue: 210n, green: 120n })
    expect(builder.prune({ blue: 143n, green: 23n })).toBe(1)
    expect(builder.prune({ blue: 143n, green: 45n })).toBe(0)
    expect(builder.prune({ blue: 143n, green: 46n })).toBe(1)
    const opened = openMap(builder.state, source(stored.slice(2)))
    expect(translateByMap(opened, 'blue', 144n, { ...ends, sourceStart: 143n })).toMatchObject({ verdict: 'exact', targetOffset: '48', lagRecords: 60 })
    expect(translateByMap(opened, 'blue', 142n, ends)).toMatchObject({ verdict: 'not provable', reason: expect.stringMatching(/compared blue from/) })
    expect(builder.prune({ blue: 1_000n, green: 1_000n })).toBe(2)
    expect(translateByMap(openMap(builder.state, source([])), 'blue', 200n, ends)).toMatchObject({ verdict: 'exact', targetOffset: '109', lagRecords: 9 })
  })
})

describe('all groups at once', () => {
  const of = (...offsets: readonly [string, bigint][]): PartitionOffsets => new Map(offsets)
  const cut = {
    sourceStarts: of(['t-0', 100n], ['t-1', 0n]),
    sourceEnds: of(['t-0', 210n], ['t-1', 0n], ['t-2', 7n], ['u-0', 5n]),
    targetStarts: of(['t-0', 0n]),
    targetEnds: of(['t-0', 120n], ['t-1', 0n], ['t-2', 9n], ['u-0', 5n]),
  }

  it('are each translated, without offsets, or refused with the reason', () => {
    const groups = [
      { groupId: 'b', committed: of(['t-0', 205n], ['u-0', 1n], ['elsewhere-0', 3n]) },
      { groupId: 'a', committed: of(['t-0', -1n]) },
      { groupId: 'c', committed: of(['t-0', 50n]) },
    ]
    const positions = translateAllByMap(groups, new Map([['t-0', map]]), 'blue', cut)
    expect(
      positions.map(({ groupId, topic, partition, method, verdict, targetOffset }) => `${groupId} ${topic}-${partition} ${method} ${verdict} ${targetOffset}`),
    ).toEqual([
      'a *-0 map without offsets null',
      'b elsewhere-0 map not provable null',
      'b t-0 map exact 114',
      'b t-1 map exact 0',
      'b t-2 map not provable null',
      'b u-0 map not provable null',
      'c t-0 map not provable null',
      'c t-1 map exact 0',
      'c t-2 map not provable null',
    ])
    expect(positions.find(({ groupId, topic }) => groupId === 'b' && topic === 'u')?.reason).toMatch(/no audit has compared/)
  })

  it('decode a block once, in whatever order they come', () => {
    const reads: number[] = []
    const groups = [205n, 100n, 150n, 106n, 199n, 130n, 100n, 170n].map((offset, index) => ({ groupId: `g${index}`, committed: of(['t-0', offset]) }))
    const opened = openMap(ten.builder.state, source(ten.stored, reads), 1)
    const positions = translateAllByMap(groups, new Map([['t-0', opened]]), 'blue', cut).filter(({ partition }) => partition === 0)
    expect(positions.map(({ targetOffset }) => targetOffset)).toEqual(['114', '0', '54', '6', '108', '32', '0', '76'])
    expect(reads).toEqual([0, 1, 2, 3])
  })
})
