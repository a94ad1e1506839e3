import { z } from 'zod'
import { Colour } from './colour.ts'
import { DrillResult } from './drill.ts'
import { HookEvent } from './hook.ts'
import { Loss, LossyMove } from './loss.ts'
import { OffsetsJson, OffsetText } from './offset-json.ts'
import { CutAudit, PackedCut, packCut, unpackCut } from './packed-cut.ts'
import { GroupPace, WatchBaseline, WatchEvent, WatchMeasure } from './watch.ts'
import { WaveName } from './wave.ts'

/** Names of the switchover's steps, in order. */
export const StepName = z.enum(['lock', 'gate', 'arm', 'hold', 'fence', 'drain', 'cut', 'release', 'reverse', 'groups', 'watch', 'finish'])
export type StepName = z.infer<typeof StepName>

/** Per partition the pair (source end, target end) proven equal: nothing before it is missing on the target. */
export const Cut = z.strictObject({
  source: Colour,
  target: Colour,
  sourceEnds: OffsetsJson,
  targetEnds: OffsetsJson,
  /** The audit's verdict: all partitions equal up to these ends, with so many records on both sides; absent: no audit ran. */
  audit: CutAudit.optional(),
})
export type Cut = z.infer<typeof Cut>

/** Reads a cut in the form in which it is stored, and in the long one of older journals. */
const StoredCut = z.union([PackedCut.transform(unpackCut), Cut])

/**
 * How one group's position on one partition was found. `exact` moves a group; so does `redeliver`, the nearest proven place before its own, for a group that the
 * operator has named for it.
 */
export const GroupPosition = z.strictObject({
  groupId: z.string(),
  topic: z.string(),
  partition: z.int().nonnegative(),
  sourceOffset: z.string(),
  targetOffset: z.string().nullable(),
  lagRecords: z.int().nonnegative().nullable(),
  method: z.enum(['count-back', 'map', 'timestamp', 'snapshot', 'checkpoint']),
  verdict: z.enum(['exact', 'not provable', 'without offsets', 'redeliver']),
  reason: z.string(),
})
export type GroupPosition = z.infer<typeof GroupPosition>

/** A moment of a switchover, in the orchestrator's monotonic milliseconds. The write window is split at these. */
export const TimelineMark = z.strictObject({
  mark: z.enum(['held-published', 'held', 'fenced', 'drained', 'cut', 'decided', 'lifted', 'published', 'reversed', 'groups-held', 'groups-released']),
  atMonotonicMs: z.number(),
})
export type TimelineMark = z.infer<typeof TimelineMark>

const head = {
  number: z.int().positive(),
  /** Create revision of the lock under which it was written. */
  term: z.string(),
  atWallClock: z.iso.datetime(),
  /** Monotonic milliseconds of the writer; comparable on one machine only. */
  atMonotonicMs: z.number(),
}

/** One line of the journal: what was intended (`before` an effect) or what is known (`after`). */
export const JournalEntry = z.discriminatedUnion('kind', [
  z.strictObject({ ...head, kind: z.literal('created'), live: Colour, epoch: z.int() }),
  z.strictObject({
    ...head,
    kind: z.literal('opened'),
    source: Colour,
    target: Colour,
    attempt: z.int(),
    epoch: z.int(),
    /** Waves that the intent wants elsewhere than on its live colour: whoever finishes this switchover for its orchestrator leaves them there. */
    consumers: z.record(WaveName, Colour).optional(),
    /** Why a guardian moves traffic back by itself; absent: the operator wants it. */
    automatic: z.string().optional(),
    /** How the source has failed its watch, where the operator leaves it for that: little was asked of it, and nothing is that it may refuse. Absent: it counted as sound. */
    sick: z.string().optional(),
    /** The operator wants it although records stay behind; absent: none may. */
    lossy: LossyMove.optional(),
  }),
  z.strictObject({
    ...head,
    kind: z.literal('mirror'),
    connector: z.string(),
    source: Colour,
    target: Colour,
    what: z.enum(['created', 'seeded', 'running', 'stopped', 'deleted']),
  }),
  z.strictObject({ ...head, kind: z.literal('step'), step: StepName, what: z.enum(['begin', 'done', 'skipped']), detail: z.string() }),
  z.strictObject({ ...head, kind: z.literal('fence'), colour: Colour, what: z.enum(['raising', 'lifting']), bindings: z.array(z.string()) }),
  z.strictObject({
    ...head,
    kind: z.literal('decided'),
    outcome: z.enum(['switch', 'abort']),
    cut: StoredCut.nullable(),
    reason: z.string(),
    graceful: z.boolean(),
    /** What is left behind on the source, which has diverged from here on; absent: nothing. */
    loss: Loss.optional(),
  }),
  /** Positions of a batch that don't fit into its `groups` entry. They count only once that entry stands behind them. */
  z.strictObject({ ...head, kind: z.literal('positions'), positions: z.array(GroupPosition) }),
  z.strictObject({
    ...head,
    kind: z.literal('groups'),
    /** The wave that they belong to; absent: they moved with the producers. */
    wave: z.string().optional(),
    positions: z.array(GroupPosition),
    /** How many `positions` entries directly before this one belong to the same batch. */
    positionEntriesBefore: z.int().nonnegative().default(0),
    moved: z.array(z.string()),
    /** `<group>: <reason>`; the groups behind the first hundred without the reason. */
    stayed: z.array(z.string()),
  }),
  /**
   * A wave of groups that moves while the producers stay. `moving`: its groups are held; `moved`: they read on the target, and are watched; `settled`: they
   * read on at their former pace; `returning` and `returned`: they didn't, and went back.
   */
  z.strictObject({
    ...head,
    kind: z.literal('wave'),
    wave: z.string(),
    source: Colour,
    target: Colour,
    what: z.enum(['moving', 'moved', 'settled', 'returning', 'returned']),
    groups: z.array(z.string()),
    /** Their pace before the move, with `moving`. */
    pace: z.record(z.string(), GroupPace).default({}),
    /** The intent's attempt, with `moving`: what whoever finishes this wave for its orchestrator latches. */
    attempt: z.int().nonnegative().optional(),
    reason: z.string(),
  }),
  /** The watch behind a switchover, see {@link WatchEvent}. */
  z.strictObject({
    ...head,
    kind: z.literal('watch'),
    what: WatchEvent,
    /** The colour that was looked at. */
    colour: Colour,
    /** With `begun`, and for people only: when it ends if nothing comes in between. Who watches counts on his own monotonic clock. */
    untilWallClock: z.iso.datetime().nullable().default(null),
    baseline: WatchBaseline.nullable().default(null),
    measures: z.array(WatchMeasure).default([]),
    reason: z.string(),
  }),
  /**
   * Records that came behind the cut on `colour`, by requests that had passed their permission check before the fence. `found`: about to be appended to the other colour, whose end was `targetOffset`;
   * `appended`: the first of them stands there at `targetOffset`.
   */
  z.strictObject({
    ...head,
    kind: z.literal('late'),
    what: z.enum(['found', 'appended']),
    colour: Colour,
    partition: z.string().min(1),
    /** Of the topic on `colour`: one that is made anew there has no late records. */
    topicId: z.string(),
    /** The first one's offset, and the offset behind the last one. */
    sourceOffset: OffsetText,
    sourceEnd: OffsetText,
    records: z.int().positive(),
    targetOffset: OffsetText,
  }),
  /** A notice that a hook didn't take; of which entry it was, and what the hook said. */
  z.strictObject({ ...head, kind: z.literal('notice'), hook: z.string(), event: HookEvent, journalEntry: z.int().positive(), said: z.string() }),
  /** What a drill came to. */
  z.strictObject({ ...head, kind: z.literal('drill'), ...DrillResult.shape }),
  /** Offsets of a group on a colour where it doesn't read, deleted by the operator's explicit order. */
  z.strictObject({ ...head, kind: z.literal('group-reset'), groupId: z.string(), colour: Colour, offsets: OffsetsJson }),
  z.strictObject({
    ...head,
    kind: z.literal('closed'),
    outcome: z.enum(['switched', 'aborted']),
    live: Colour,
    epoch: z.int(),
    graceful: z.boolean(),
    reason: z.string(),
    timeline: z.array(TimelineMark),
  }),
])
export type JournalEntry = z.infer<typeof JournalEntry>

/** An entry as it is stored: JSON, the cut packed. {@link JournalEntry} reads it back. */
export function journalEntryText(entry: JournalEntry): string {
  return JSON.stringify(entry.kind === 'decided' && entry.cut !== null ? { ...entry, cut: packCut(entry.cut) } : entry)
}

/** What a writer says of an entry; number, term and times are added where it is written. */
export type JournalFact = JournalEntry extends infer E ? (E extends JournalEntry ? Omit<E, 'number' | 'term' | 'atWallClock' | 'atMonotonicMs'> : never) : never
