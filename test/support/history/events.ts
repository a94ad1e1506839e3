import { z } from 'zod'
import { Colour } from '../../../engine/model/colour.ts'
import { OffsetText } from '../../../engine/model/offset-json.ts'

/**
 * What one client saw, as lines of JSON: one file for each client instance, from a `start` to an `end` that carries the number of events,
 * so that a history whose tail is missing is told from a short one.
 *
 * Events carry a whole call or batch each, because a line per record would cost the workload more than its Kafka clients do.
 * Times are CLOCK_MONOTONIC nanoseconds (`process.hrtime`), comparable between the processes of one machine and exact to 2 ns (a double
 * holds 104 days exactly). A value id is `<producer>:<sequence>`; it is unique, and the record's value carries it.
 */

const AtNs = z.number().nonnegative()
const Count = z.int().nonnegative()

/** Offsets of the records of one batch, as Kafka's record batches have them: a base and a distance for each record. */
const positions = {
  topic: z.string(),
  partition: Count,
  firstOffset: OffsetText,
  /** Distance of each record from `firstOffset`; markers, aborted and compacted records make gaps. */
  offsetDeltas: z.array(z.number()),
  /** Value ids; one that starts with `!` says how the record was damaged on its way. */
  values: z.array(z.string()),
}

/** The first event of an instance: who writes this history and, for readers, what they have to read. */
export const StartEvent = z.strictObject({
  type: z.literal('start'),
  version: z.literal(1),
  instance: z.string().min(1),
  atNs: AtNs,
  role: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('producer'), producer: z.string().min(1) }),
    z.strictObject({ kind: z.literal('consumer'), group: z.string().min(1), topics: z.array(z.string()).min(1) }),
    z.strictObject({ kind: z.literal('fullReader'), colour: Colour, topics: z.array(z.string()).min(1) }),
  ]),
})

/** One call of `send`, written before it is made. The arrays are parallel: one entry for each record. */
export const SendEvent = z.strictObject({
  type: z.literal('send'),
  producer: z.string(),
  /** Number of the call within the producer: its {@link SendResultEvent} has the same. */
  call: Count,
  topic: z.string(),
  transaction: z.string().nullable(),
  seqs: z.array(z.number()),
  keys: z.array(z.string().nullable()),
  /** Where the default partitioner puts each record. */
  partitions: z.array(z.number()),
  /** When the schedule wanted each record sent. */
  intendedAtNs: z.array(z.number()),
  sentAtNs: AtNs,
})

/** How the records of one partition of a call ended. */
export const SendOutcome = z.discriminatedUnion('outcome', [
  /** `baseOffset` is null where the broker had the batch already (DUPLICATE_SEQUENCE) and no longer says where. */
  z.strictObject({ outcome: z.literal('acked'), colour: Colour, partition: Count, baseOffset: OffsetText.nullable(), ackedAtNs: AtNs }),
  /** A definite no: the brokers refused it, nothing was appended. `partition: null` means every partition without an outcome of its own. */
  z.strictObject({ outcome: z.literal('denied'), partition: Count.nullable(), error: z.string() }),
  /** It may have been appended, or not. */
  z.strictObject({ outcome: z.literal('unknown'), partition: Count.nullable(), error: z.string() }),
])
export type SendOutcome = z.infer<typeof SendOutcome>

/** The end of a call of `send`. */
export const SendResultEvent = z.strictObject({
  type: z.literal('sendResult'),
  producer: z.string(),
  call: Count,
  atNs: AtNs,
  outcomes: z.array(SendOutcome),
})

/** A step of a transaction, written after it ended. `failed` is a definite no (the transaction is aborted), `unknown` may be either. */
export const TransactionEvent = z.strictObject({
  type: z.literal('txn'),
  producer: z.string(),
  transaction: z.string(),
  action: z.enum(['begin', 'commit', 'abort']),
  result: z.enum(['ok', 'failed', 'unknown']),
  error: z.string().nullable(),
  /** Where it was committed. */
  colour: Colour.nullable(),
  invokedAtNs: AtNs,
  atNs: AtNs,
})

/** A batch that a member of a group was given; `atNs` is taken before anything else is done with it. */
export const PollEvent = z.strictObject({ type: z.literal('poll'), group: z.string(), colour: Colour, ...positions, atNs: AtNs })

/** A commit of offsets, written after it ended. An offset is the next one to read, as Kafka commits them. */
export const CommitEvent = z.strictObject({
  type: z.literal('commit'),
  group: z.string(),
  colour: Colour,
  offsets: z.array(z.strictObject({ topic: z.string(), partition: Count, offset: OffsetText })),
  result: z.enum(['ok', 'failed', 'unknown']),
  error: z.string().nullable(),
  atNs: AtNs,
})

/** Partitions that a member got or gave up. */
export const AssignmentEvent = z.strictObject({
  type: z.enum(['assigned', 'revoked']),
  group: z.string(),
  colour: Colour.nullable(),
  partitions: z.array(z.strictObject({ topic: z.string(), partitions: z.array(Count) })),
  atNs: AtNs,
})

/** A batch of the independent read of a whole cluster at the end of a run: the second view of the truth. */
export const FinalReadEvent = z.strictObject({
  type: z.literal('finalRead'),
  colour: Colour,
  ...positions,
  /** Each record's own timestamp; absent: it was not kept. */
  timestampsMs: z.array(z.number()).optional(),
})

/** The last event; `events` counts all before it. */
export const EndEvent = z.strictObject({ type: z.literal('end'), events: Count, atNs: AtNs })

/** Everything that a client can see. */
export const HistoryEvent = z.discriminatedUnion('type', [
  StartEvent,
  SendEvent,
  SendResultEvent,
  TransactionEvent,
  PollEvent,
  CommitEvent,
  AssignmentEvent,
  FinalReadEvent,
  EndEvent,
])
export type HistoryEvent = z.infer<typeof HistoryEvent>
export type EventOf<Type extends HistoryEvent['type']> = Extract<HistoryEvent, { type: Type }>

/** The history of one client instance. Reading it may throw: see `reader.ts`. */
export interface History {
  /** The instance's name, for messages. */
  readonly instance: string
  readonly events: Iterable<HistoryEvent>
}

/** Now, as all events have it: CLOCK_MONOTONIC nanoseconds. */
export function nowNs(): number {
  return Number(process.hrtime.bigint())
}
