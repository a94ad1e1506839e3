import { describe, expect, it } from 'vitest'
import { GroupPosition } from '../../engine/model/journal.ts'
import { byCheckpoint, type Checkpoint, isMoreRecent, translateDownstream } from '../../engine/offsets/by-checkpoint.ts'
import { bySnapshot } from '../../engine/offsets/by-snapshot.ts'
import { byTimestamp } from '../../engine/offsets/by-timestamp.ts'
import { countBack } from '../../engine/offsets/count-back.ts'
import { type OffsetSync, OffsetSyncStore } from '../../engine/offsets/offset-sync-store.ts'
import { positionsOf } from '../../engine/offsets/strategy.ts'
import { byMap } from '../../engine/offsets/translate-by-map.ts'

const sync = (upstreamOffset: number, downstreamOffset: number): OffsetSync => ({
  upstreamOffset: BigInt(upstreamOffset),
  downstreamOffset: BigInt(downstreamOffset),
})

/** Syncs from (100, 40) on: `step` source offsets further each, `extra` more on the target. */
function syncs(count: number, step: (index: number) => number, extra: (index: number) => number): readonly OffsetSync[] {
  let [up, down] = [100, 40]
  return Array.from({ length: count }, (_, index) => {
    const one = sync(up, down)
    up += step(index)
    down += step(index) + extra(index)
    return one
  })
}

function storeOf(all: readonly OffsetSync[], loading = 0): OffsetSyncStore {
  const store = new OffsetSyncStore(loading > 0)
  for (const [index, one] of all.entries()) {
    store.add(one)
    if (index + 1 === loading) store.loaded()
  }
  return store
}

const fallingBack = [
  ...syncs(
    20,
    () => 64,
    () => 0,
  ),
  sync(700, 9_000),
  sync(1_000, 9_540),
  sync(1_064, 9_604),
  sync(1_128, 9_668),
]

describe("MirrorMaker's offset syncs", () => {
  const committed = [99, 100, 101, 137, 500, 700, 701, 1_000, 1_099, 1_500, 1_999, 2_000, 2_500, 2_999, 3_000, 4_000]

  // What org.apache.kafka.connect.mirror.OffsetSyncStore of Kafka 4.3.1 answered to the same syncs (-1: no checkpoint), and the distinct ones that it kept.
  it.each([
    [
      'a sync every 100 records',
      syncs(
        30,
        () => 100,
        () => 1,
      ),
      0,
      '-1 40 41 41 41 41 41 41 41 41 1657 1657 2464 2869 2969 2970',
      '3000,2900,2700,2500,1700,100',
    ],
    [
      'irregular ones',
      syncs(
        60,
        (i) => 1 + ((i * 37) % 90),
        (i) => (i % 3 === 0 ? 1 : 0),
      ),
      0,
      '-1 40 41 41 41 41 41 41 41 41 1803 1803 2241 2767 2767 2767',
      '2806,2729,2539,2284,1849,100',
    ],
    [
      'a restart behind the twelfth',
      syncs(
        30,
        () => 100,
        () => 1,
      ),
      12,
      '-1 -1 -1 -1 -1 -1 -1 -1 -1 1152 1152 1959 2364 2869 2969 2970',
      '3000,2900,2800,2400,2000,1200',
    ],
    ['one that goes back', fallingBack, 0, '-1 -1 -1 -1 -1 9000 9001 9540 9605 9669 9669 9669 9669 9669 9669 9669', '1128,1064,1000,700'],
    [
      'a sync for each record',
      syncs(
        200,
        () => 1,
        () => 0,
      ),
      0,
      '-1 40 41 41 240 240 240 240 240 240 240 240 240 240 240 240',
      '299,298,296,292,284,276,260,228,100',
    ],
  ] as const)('translate as its own store does: %s', (_, all, loading, answers, kept) => {
    const store = storeOf(all, loading)
    const found = committed.map((offset) => translateDownstream(store, BigInt(offset)))
    expect(found.map((one) => (one.kind === 'none' ? '-1' : `${one.downstreamOffset}`)).join(' ')).toBe(answers)
    expect(store.kept.map((one) => one.upstreamOffset).join(',')).toBe(kept)
  })

  it('say how many records would be delivered again: at most one for each offset between', () => {
    const store = storeOf([sync(10, 110)])
    expect(translateDownstream(store, 10n)).toMatchObject({ downstreamOffset: 110n, redelivered: { least: 0n, most: 0n } })
    expect(translateDownstream(store, 11n)).toMatchObject({ downstreamOffset: 111n, redelivered: { least: 0n, most: 0n } })
    expect(translateDownstream(store, 500n)).toMatchObject({ downstreamOffset: 111n, redelivered: { least: 0n, most: 489n } })
  })

  it('give a later checkpoint only for a group that was set back, or further on', () => {
    const last = sync(50, 150)
    expect(isMoreRecent(undefined, last)).toBe(true)
    expect([sync(60, 160), sync(49, 149), sync(60, 150), sync(60, 140), sync(50, 150)].map((next) => isMoreRecent(last, next))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
  })
})

describe('translation by checkpoints', () => {
  const find = (committed: bigint, last?: Checkpoint, partition = 't-0') =>
    byCheckpoint({ stores: new Map([['t-0', storeOf([sync(10, 110)])]]), emitted: new Map(last ? [['g', new Map([['t-0', last]])]] : []) }).find({
      groupId: 'g',
      partition,
      committed,
    })

  it('is exact only where a sync stands exactly there', () => {
    expect(find(10n)).toMatchObject({ verdict: 'exact', targetOffset: '110' })
    expect(find(11n)).toMatchObject({ verdict: 'not provable', targetOffset: '111', reason: expect.stringMatching(/0 to 0 records/) })
    expect(find(500n)).toMatchObject({ verdict: 'not provable', targetOffset: '111', reason: expect.stringMatching(/source offset 10: 0 to 489 records/) })
  })

  it('has nothing to write where no sync stands before it', () => {
    expect(find(9n)).toMatchObject({ verdict: 'not provable', targetOffset: null, reason: expect.stringMatching(/behind the committed offset 9/) })
    expect(find(9n, undefined, 'u-0')).toMatchObject({ verdict: 'not provable', targetOffset: null })
    expect(translateDownstream(new OffsetSyncStore(false), 9n)).toMatchObject({ kind: 'none' })
  })

  it('stays at an earlier checkpoint that is further on', () => {
    expect(find(500n, sync(400, 390))).toMatchObject({
      verdict: 'not provable',
      targetOffset: '390',
      reason: expect.stringMatching(/earlier checkpoint, source offset 400/),
    })
    expect(find(500n, sync(600, 590))).toMatchObject({ targetOffset: '111' })
    expect(find(9n, sync(8, 108))).toMatchObject({ verdict: 'not provable', targetOffset: '108' })
    expect(find(10n, sync(10, 110))).toMatchObject({ verdict: 'exact', targetOffset: '110' })
  })
})

describe('snapshot and restore', () => {
  const noted = [
    { sourceOffset: 100n, targetOffset: 250n },
    { sourceOffset: 40n, targetOffset: 140n },
    { sourceOffset: 100n, targetOffset: 240n },
  ]
  const find = (committed: bigint, partition = 't-0') => bySnapshot(new Map([['t-0', noted]])).find({ groupId: 'g', partition, committed })

  it('is exact for a group that stands at a noted place, at its earliest target offset', () => {
    expect(find(40n)).toMatchObject({ verdict: 'exact', targetOffset: '140' })
    expect(find(100n)).toMatchObject({ verdict: 'exact', targetOffset: '240' })
  })

  it('otherwise goes back to the last place before it, which is no proof', () => {
    expect(find(99n)).toMatchObject({ verdict: 'not provable', targetOffset: '140', reason: expect.stringMatching(/up to 59 records/) })
    expect(find(101n)).toMatchObject({ verdict: 'not provable', targetOffset: '240', reason: expect.stringMatching(/up to 1 records/) })
    expect(find(39n)).toMatchObject({ verdict: 'not provable', targetOffset: null })
    expect(find(100n, 'u-0')).toMatchObject({ verdict: 'not provable', targetOffset: null })
  })
})

describe('every strategy', () => {
  it('answers for every group and partition, in the form in which a journal holds it', () => {
    const [starts, own] = [
      new Map([['t-0', 3n]]),
      new Map([
        ['t-0', 9n],
        ['t-1', 0n],
        ['t-2', 4n],
      ]),
    ]
    const ends = { sourceStarts: starts, sourceEnds: own, targetStarts: starts, targetEnds: own }
    const strategies = [
      countBack(ends, new Map()),
      byMap(new Map(), 'blue', ends),
      byTimestamp(ends, new Map()),
      bySnapshot(new Map([['t-0', [{ sourceOffset: 7n, targetOffset: 8n }]]])),
      byCheckpoint({ stores: new Map([['t-0', storeOf([sync(6, 106)])]]), emitted: new Map() }),
    ]
    const groups = [
      { groupId: 'reads', committed: new Map([['t-0', 8n]]) },
      { groupId: 'passed', committed: new Map([['t-0', 2n]]) },
      { groupId: 'new', committed: new Map() },
    ]
    const answers = strategies.map((strategy) => positionsOf(strategy, groups, ends))
    expect(answers.flat().map((position) => GroupPosition.parse(position))).toEqual(answers.flat())
    expect(answers.map((positions) => positions[0]?.method)).toEqual(['count-back', 'map', 'timestamp', 'snapshot', 'checkpoint'])
    for (const positions of answers) {
      const said = positions.map(({ groupId, topic, partition, verdict }) => `${groupId} ${topic}-${partition} ${verdict}`)
      expect(said).toEqual([
        'new *-0 without offsets',
        'passed t-0 not provable',
        'passed t-1 exact',
        'passed t-2 not provable',
        'reads t-0 not provable',
        'reads t-1 exact',
        'reads t-2 not provable',
      ])
      expect(positions[1]?.reason).toMatch(/below the log start 3/)
    }
    expect(answers.map((positions) => positions[4]?.targetOffset)).toEqual([null, null, null, '8', '107'])
  })
})
