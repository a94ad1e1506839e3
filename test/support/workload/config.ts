import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { CaFile } from '../../../engine/model/cluster-access.ts'
import { Colour } from '../../../engine/model/colour.ts'
import { KbgError } from '../../../engine/model/error.ts'
import { FleetName } from '../../../engine/model/fleet.ts'
import { RouteParameter } from '../../../engine/model/route-publication.ts'
import { RouteStoreAccess } from '../../../engine/model/wiring.ts'

const Servers = z.array(z.string().regex(/^[^:]+:\d+$/, 'host:port')).min(1)
const Name = z.string().regex(/^[a-zA-Z0-9._-]+$/, 'letters, digits, dot, underscore and dash')

const TopicLoad = z.strictObject({
  name: Name,
  partitions: z.int().positive(),
  /** Number of different keys; 0 sends without a key, to the partitions in turn. */
  keys: z.int().nonnegative(),
})
export type TopicLoad = z.infer<typeof TopicLoad>

const ProducerLoad = z.strictObject({
  /** Part of every value id, so unique. */
  id: Name,
  user: Name,
  topics: z.array(Name).min(1),
  ratePerSecond: z.number().positive(),
  /** Records that are due at once when the load starts, so that groups have something to be behind of. */
  preloadRecords: z.int().nonnegative(),
  /** Null for a producer without transactions. Every `abortEvery`-th transaction is aborted on purpose. */
  transactions: z.strictObject({ transactionalId: Name, abortEvery: z.int().min(2), everyMs: z.int().positive() }).nullable(),
})
export type ProducerLoad = z.infer<typeof ProducerLoad>

const GroupLoad = z.strictObject({
  groupId: Name,
  user: Name,
  topics: z.array(Name).min(1),
  members: z.int().positive(),
  /** After about so many records each member pauses, and stays behind until it is resumed. Null: it keeps up. */
  pauseAfterRecords: z.int().positive().nullable(),
})
export type GroupLoad = z.infer<typeof GroupLoad>

const PlainServers = z.strictObject({ produceBootstrapServers: Servers, consumeBootstrapServers: Servers })

/** Which clients the load is made with. */
export const ClientKind = z.discriminatedUnion('kind', [
  /** Plain kafkajs on one colour. */
  z.strictObject({ kind: z.literal('plain'), colour: Colour, produceBootstrapServers: Servers, consumeBootstrapServers: Servers }),
  /** Plain kafkajs that is stopped on one colour and started on the other by command, in the same histories: what users do without a routed client. */
  z.strictObject({ kind: z.literal('movable'), start: Colour, clusters: z.strictObject({ blue: PlainServers, green: PlainServers }) }),
  /** The routed client: the store's endpoints and where its login for applications stands. */
  z.strictObject({ kind: z.literal('routed'), fleet: FleetName, routeStore: RouteStoreAccess }),
  /** The routed client that polls a published route, and groups that follow nothing but a name, which they ask the DNS server at `dns` for. */
  z.strictObject({ kind: z.literal('published'), fleet: FleetName, parameter: RouteParameter, dns: Servers.element, nameOfGroup: z.record(Name, Name) }),
])
export type ClientKind = z.infer<typeof ClientKind>

/** Everything that a workload process is told. It holds no secret: logins are in the credentials file. */
export const WorkloadConfig = z
  .strictObject({
    version: z.literal(1),
    /** A directory that has no history yet. */
    historyDir: z.string().min(1),
    client: ClientKind,
    /** A file like `CredentialsFile`; null for brokers without logins. */
    credentialsFile: z.string().min(1).nullable(),
    /** Of brokers that speak TLS. */
    caFile: CaFile.optional(),
    recordBytes: z
      .int()
      .positive()
      .max(100 * 1024),
    /** How long due records are collected before they are sent together: the cost follows requests, not records. */
    tickMs: z.int().positive().max(1_000),
    topics: z.array(TopicLoad).min(1),
    producers: z.array(ProducerLoad),
    groups: z.array(GroupLoad),
  })
  .check((context) => {
    const { topics, producers, groups } = context.value
    const known = new Set(topics.map((topic) => topic.name))
    const report = (path: (string | number)[], message: string) => context.issues.push({ code: 'custom', message, input: context.value, path })
    ;[...producers.entries()].forEach(([index, producer]) => {
      if (producers.findIndex((other) => other.id === producer.id) !== index) report(['producers', index, 'id'], `${producer.id} is there twice`)
      for (const topic of producer.topics) if (!known.has(topic)) report(['producers', index, 'topics'], `unknown topic ${topic}`)
    })
    ;[...groups.entries()].forEach(([index, group]) => {
      if (groups.findIndex((other) => other.groupId === group.groupId) !== index) report(['groups', index, 'groupId'], `${group.groupId} is there twice`)
      for (const topic of group.topics) if (!known.has(topic)) report(['groups', index, 'topics'], `unknown topic ${topic}`)
    })
  })
export type WorkloadConfig = z.infer<typeof WorkloadConfig>

/** @throws KbgError `workload-config` with every problem of the file at once */
export function readWorkloadConfig(file: string): WorkloadConfig {
  const parsed = WorkloadConfig.safeParse(JSON.parse(readFileSync(file, 'utf8')))
  if (parsed.success) return parsed.data
  throw new KbgError('workload-config', 'The workload can not be started like this.', { facts: { problems: z.prettifyError(parsed.error).split('\n') } })
}

/** What a workload process is told while it runs, a line of JSON each. */
export const WorkloadCommand = z.discriminatedUnion('command', [
  /** Connect is done when `ready` was said; this starts the schedule. */
  z.strictObject({ command: z.literal('start') }),
  /** Nothing new is sent; calls under way are waited for. Answered by `producersStopped`. */
  z.strictObject({ command: z.literal('stopProducers') }),
  /** Members that paused go on. */
  z.strictObject({ command: z.literal('resumeGroups') }),
  /** Movable clients only: stops producers or groups in good order; sends stay due. Answered by `left`. */
  z.strictObject({ command: z.literal('leave'), which: z.enum(['producers', 'groups']) }),
  /** Movable clients only: starts them again on that colour. Answered by `joined` when they are connected. */
  z.strictObject({ command: z.literal('join'), which: z.enum(['producers', 'groups']), colour: Colour }),
  /** Waits until every group has read everything that was acknowledged, and a little longer. Answered by `drained`. */
  z.strictObject({ command: z.literal('drain'), deadlineSeconds: z.number().positive() }),
  /** Leaves, closes the histories, exits. Answered by `ended`. */
  z.strictObject({ command: z.literal('end') }),
])
export type WorkloadCommand = z.infer<typeof WorkloadCommand>

/** How a run stands, for a live view. */
export const WorkloadStatus = z.strictObject({
  type: z.literal('status'),
  atNs: z.number(),
  ackedRecords: z.strictObject({ blue: z.int(), green: z.int() }),
  /** Acknowledged in the last second. */
  ratePerSecond: z.number(),
  /** Due, but not acknowledged yet: grows while clients are held. */
  dueUnackedRecords: z.int(),
  errors: z.int(),
  /** The colour of the last acknowledgement. */
  writing: Colour.nullable(),
  /** The longest time without an acknowledgement of any producer since the last status. */
  longestWithoutAckMs: z.number(),
  /** By group: acknowledged records that it has not read, and where it read last. */
  groups: z.record(z.string(), z.strictObject({ lagRecords: z.int(), reading: Colour.nullable(), polledRecords: z.int() })),
})
export type WorkloadStatus = z.infer<typeof WorkloadStatus>

/** What a workload process says, a line of JSON each. */
export const WorkloadReport = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready') }),
  WorkloadStatus,
  z.strictObject({ type: z.literal('producersStopped'), ackedRecords: z.int() }),
  z.strictObject({ type: z.literal('left') }),
  z.strictObject({ type: z.literal('joined') }),
  /** `complete` is false when the deadline was over first. */
  z.strictObject({ type: z.literal('drained'), complete: z.boolean(), lagRecords: z.record(z.string(), z.int()) }),
  z.strictObject({ type: z.literal('ended') }),
  /** An error that a client was given, or that ended the process. */
  z.strictObject({ type: z.literal('problem'), message: z.string() }),
])
export type WorkloadReport = z.infer<typeof WorkloadReport>
