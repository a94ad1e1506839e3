import type { Colour } from '../../engine/model/colour.ts'
import type { GroupPosition, JournalEntry, JournalFact, TimelineMark } from '../../engine/model/journal.ts'

/** Journals as switchovers leave them, made up: every number in them is chosen so that a test can name it. */

const openedAtMs = Date.parse('2026-11-22T20:39:02.000Z')
/** The monotonic clock of a run when the wall clock said {@link openedAtMs}. */
const monotonicMs = 5_000_000

/** A fact of a run, so many milliseconds after {@link openedAtMs}. */
type Line = readonly [atMs: number, fact: JournalFact, term?: string | undefined]

/** Lines as journal entries, numbered on from `first`. */
export function journalOf(lines: readonly Line[], first = 1, term = '70'): readonly JournalEntry[] {
  return lines.map(([atMs, fact, own], index) => {
    const head = { number: first + index, term: own ?? term, atWallClock: new Date(openedAtMs + atMs).toISOString(), atMonotonicMs: monotonicMs + atMs }
    return { ...fact, ...head } as JournalEntry
  })
}

/** A position whose offsets tell its group and partition apart. */
export function positionOf(groupId: string, partition: number, over: Partial<GroupPosition> = {}): GroupPosition {
  const offsets = { sourceOffset: `${100 + partition}`, targetOffset: `${120 + partition}`, lagRecords: 2 }
  return { groupId, topic: 'orders', partition, ...offsets, method: 'count-back', verdict: 'exact', reason: 'two records left to read', ...over }
}

const connector = (from: Colour) => `kbg-mirror-${from}-60`
const mirror = (source: Colour, what: Extract<JournalFact, { kind: 'mirror' }>['what']): JournalFact => {
  return { kind: 'mirror', connector: connector(source), source, target: source === 'blue' ? 'green' : 'blue', what }
}
const step = (name: Extract<JournalFact, { kind: 'step' }>['step'], what: 'begin' | 'done' | 'skipped'): JournalFact => {
  return { kind: 'step', step: name, what, detail: 'epoch 0' }
}
const groups = (positions: readonly GroupPosition[], moved: readonly string[], stayed: readonly string[] = [], positionEntriesBefore = 0): JournalFact => {
  return { kind: 'groups', positions: [...positions], positionEntriesBefore, moved: [...moved], stayed: [...stayed] }
}
const marks = (at: Readonly<Partial<Record<TimelineMark['mark'], number>>>): TimelineMark[] =>
  (Object.keys(at) as TimelineMark['mark'][]).map((mark) => ({ mark, atMonotonicMs: monotonicMs + (at[mark] ?? 0) }))

const opened: Line = [0, { kind: 'opened', source: 'blue', target: 'green', attempt: 3, epoch: 8 }]
const untilHold: readonly Line[] = [opened, [20, mirror('green', 'created')], [1_000, step('hold', 'begin')], [1_015, fence('blue')]]

function fence(colour: Colour): JournalFact {
  return { kind: 'fence', colour, what: 'raising', bindings: ['deny write', 'deny create'] }
}

const ends = { 'orders-0': '100', 'orders-1': '9007199254740993', 'orders-10': '99', 'audit-log-0': '7' }
const decided: Line = [
  1_290,
  {
    ...{ kind: 'decided', outcome: 'switch', reason: 'drained and cut', graceful: true },
    cut: { source: 'blue', target: 'green', sourceEnds: ends, targetEnds: { ...ends, 'orders-0': '120', 'orders-10': '119' } },
  },
]
const released: Line = [1_400, step('release', 'done')]
const turnedRound: readonly Line[] = [
  [2_900, mirror('blue', 'stopped')],
  [3_000, mirror('green', 'seeded')],
  [3_400, mirror('green', 'running')],
]
const notProvable = positionOf('late', 1, { verdict: 'not provable', targetOffset: null, lagRecords: null, reason: 'retention took what it would have read' })
/** Two batches: the near groups, and the far ones, whose positions stand in two entries. */
const twoBatches: readonly Line[] = [
  [3_500, step('groups', 'begin')],
  [4_000, groups([positionOf('billing', 0), positionOf('billing', 1), positionOf('web', 0)], ['billing', 'web'])],
  [4_100, step('groups', 'begin')],
  [6_900, { kind: 'positions', positions: [positionOf('archive', 0), positionOf('archive', 1)] }],
  [7_000, groups([positionOf('archive', 10), positionOf('late', 0), notProvable], ['archive'], ['late: orders-1 not provable: retention'], 1)],
  [7_100, step('groups', 'done')],
]
const timeline = [
  ...marks({ 'held-published': 1_005, fenced: 1_080, held: 1_105, drained: 1_205, cut: 1_225, decided: 1_300, lifted: 1_360, published: 1_405 }),
  ...marks({ reversed: 3_405, 'groups-held': 3_505, 'groups-released': 4_005 }),
  ...marks({ 'groups-held': 4_105, 'groups-released': 7_005 }),
]
const closed = (over: Partial<Extract<JournalFact, { kind: 'closed' }>> = {}): Line => [
  7_500,
  { kind: 'closed', outcome: 'switched', live: 'green', epoch: 17, graceful: true, reason: 'blue -> green', timeline, ...over },
]

/** A graceful switchover blue -> green: a hold of 400 ms, two batches, a group that stays. */
export const switchedLines: readonly Line[] = [...untilHold, decided, released, ...turnedRound, ...twoBatches, [7_400, mirror('blue', 'deleted')], closed()]

/** The same, but its run ended behind the release; a second run turned the mirror, and found one group that the first couldn't move. */
export const resumedLines: readonly Line[] = [
  ...[...untilHold, decided, released],
  [2_000, groups([positionOf('web', 0), positionOf('a: b', 0)], ['web'], ['a: b: still Stable with 1 members'])],
  ...[...turnedRound, [5_000, groups([positionOf('a: b', 0, { targetOffset: '121' })], ['a: b'])] as const].map(([at, fact]): Line => [at, fact, '90']),
  [7_500, { ...closed({ graceful: false, timeline: marks({ reversed: 3_405, 'groups-held': 4_500, 'groups-released': 5_005 }) })[1] }, '90'],
]

/** Taken back when the hold had lasted 300 ms. */
export const abortedLines: readonly Line[] = [
  ...untilHold,
  [1_200, { kind: 'decided', outcome: 'abort', cut: null, reason: 'cut-moved: orders-0 moved', graceful: false }],
  [1_305, step('release', 'skipped')],
  [1_500, mirror('green', 'deleted')],
  [
    1_600,
    {
      ...{ kind: 'closed', outcome: 'aborted', live: 'blue', epoch: 11, graceful: false, reason: 'cut-moved: orders-0 moved' },
      timeline: marks({ 'held-published': 1_005, fenced: 1_080, held: 1_105 }),
    },
  ],
]

/** As far as a run came that was killed behind its decision. */
export const unfinishedLines: readonly Line[] = [...untilHold, decided]
