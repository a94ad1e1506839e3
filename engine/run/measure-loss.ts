import { lossWithout, missingBelow } from '../gate/unmirrored.ts'
import type { AuditFacts } from '../model/audit-facts.ts'
import type { Colour } from '../model/colour.ts'
import { KbgError, messageOf } from '../model/error.ts'
import type { PartitionEnd } from '../model/facts.ts'
import type { JournalEntry } from '../model/journal.ts'
import type { LostRange, Unmirrored } from '../model/loss.ts'
import type { PartitionOffsets, TopicPartition } from '../model/partition.ts'
import type { Reading } from '../model/snapshot.ts'
import type { Deadline } from '../ports/clock.ts'
import { mirrorRecord } from '../switchover/journal-reading.ts'
import type { ObservedMove } from './observe.ts'
import type { Ports } from './ports.ts'

const pauseMs = 50
/** Up to so many offsets their records are read and counted; beyond, offsets are counted, which are more by markers and aborted records. */
const mostCounted = 50_000

/** What is measured, of which topics. */
export interface LossSubject {
  readonly ports: Ports
  readonly topics: readonly string[]
  readonly journal: readonly JournalEntry[]
  readonly move: ObservedMove
}

/** What stays behind, and per partition the source's offset behind the last record that the target has. */
export interface MeasuredLoss {
  readonly unmirrored: Unmirrored
  readonly copied: PartitionOffsets
}

interface Copied {
  readonly offsets: PartitionOffsets
  /** Partitions of which the audit says so; Connect's committed offsets are believed of the others. */
  readonly audited: ReadonlySet<TopicPartition>
  readonly audit: Reading<AuditFacts> | null
}

/**
 * Counts what stands on a source that answers, and not on the target: behind the audit's watermark where that has come to the target's end, else behind what Connect has committed as copied. Exact when
 * neither side moves any more.
 *
 * @param patience for how long the audit is waited for to come to the target's end
 * @throws KbgError `loss-unknown` when neither audit nor mirror can say what was copied
 */
export async function measureRest(subject: LossSubject, patience: Deadline, deadline: Deadline): Promise<MeasuredLoss> {
  const { ports, topics, move } = subject
  const source = ports.clusters[move.source].logs
  const ends = await source.ends(topics, deadline)
  const { offsets, audited, audit } = await copiedUpTo(subject, patience, deadline)
  const copied = new Map(ends.map((end) => [end.partition, startOf(end, offsets.get(end.partition))]))
  const gaps = ends.flatMap((end) => {
    const from = copied.get(end.partition) ?? end.logStartOffset
    return end.lastStableOffset > from ? [{ partition: end.partition, from, to: end.lastStableOffset }] : []
  })
  const offsetsBehind = gaps.reduce((sum, { from, to }) => sum + to - from, 0n)
  const isCounted = offsetsBehind <= BigInt(mostCounted)
  const ranges = await Promise.all(
    gaps.map(async ({ partition, from, to }) => {
      const records = isCounted ? (await source.visible(partition, from, to, deadline)).length : Number(to - from)
      return [partition, { from: from.toString(), to: to.toString(), records }] as const
    }),
  )
  const missing = audit?.seen === true ? missingOf(audit.value, new Set(copied.keys()), move.source) : {}
  const lost = together(Object.fromEntries(ranges.filter(([, { records }]) => records > 0)), missing)
  const isAudited = ends.every(({ partition }) => audited.has(partition))
  const isExact = isAudited && Object.keys(missing).length === 0
  const bound = isCounted ? (isExact ? 'exactly' : 'at least') : 'at most'
  const by = `${Object.keys(missing).length > 0 ? 'what the audit misses there, and ' : ''}${isAudited ? "behind the audit's watermark" : 'behind what Connect has committed as copied'}, ${isCounted ? 'read and counted' : 'offsets counted'}`
  return { unmirrored: { records: totalOf(lost), bound, ranges: lost, by }, copied }
}

/** The same of a source that is gone: see {@link lossWithout}. */
export async function measureWithout(subject: LossSubject, patience: Deadline, deadline: Deadline): Promise<MeasuredLoss> {
  const { offsets, audit } = await copiedUpTo(subject, patience, deadline)
  return { unmirrored: lossWithout(audit, subject.move.source, subject.topics), copied: offsets }
}

/** What the audit has passed and misses on the target, by partition. */
function missingOf({ partitions }: AuditFacts, measured: ReadonlySet<TopicPartition>, source: Colour): Readonly<Record<string, LostRange>> {
  return Object.fromEntries(
    partitions.flatMap((each) => {
      const found = measured.has(each.partition) ? missingBelow(each, source) : null
      return found === null ? [] : [[each.partition, { ...found, to: each.watermark[source] }]]
    }),
  )
}

/** Both of each partition: what was missed lies before what wasn't copied yet. */
function together(behind: Readonly<Record<string, LostRange>>, missing: Readonly<Record<string, LostRange>>): Readonly<Record<string, LostRange>> {
  const both = Object.entries(missing).map(([partition, own]) => {
    const more = behind[partition]
    return [partition, more === undefined ? own : { from: own.from, to: more.to, records: own.records + more.records }] as const
  })
  return { ...behind, ...Object.fromEntries(both) }
}

function totalOf(ranges: Readonly<Record<string, LostRange>>): number {
  return Object.values(ranges).reduce((sum, { records }) => sum + records, 0)
}

/** Of what was never copied nothing is on the target; what retention has taken on the source can't be lost again. */
function startOf({ logStartOffset }: PartitionEnd, copied = 0n): bigint {
  return copied > logStartOffset ? copied : logStartOffset
}

async function copiedUpTo(subject: LossSubject, patience: Deadline, deadline: Deadline): Promise<Copied> {
  const { audit, offsets: audited } = await auditedUpTo(subject, patience, deadline)
  const connect = await connectUpTo(subject, deadline)
  if (connect === null && audited.size === 0) {
    throw new KbgError('loss-unknown', `Neither audit nor mirror says what of ${subject.move.source} was copied.`, {
      facts: { required: 'an audit that has come to the end, or the mirror of the journal' },
      remedy: 'kbg status names the mirror; kbg audit says how far the comparison has come.',
    })
  }
  return { offsets: new Map([...(connect ?? []), ...audited]), audited: new Set(audited.keys()), audit }
}

/** Behind the last offset that Connect has committed as copied; null: the journal knows no mirror. */
async function connectUpTo({ ports, journal, move }: LossSubject, deadline: Deadline): Promise<PartitionOffsets | null> {
  const record = mirrorRecord(journal, move.source)
  if (record === null) return null
  const copied = await ports.mirrors[move.source].copiedOffsets(record.connector, deadline)
  return new Map([...copied].map(([partition, offset]) => [partition, offset + 1n]))
}

/** The audit's watermark on the source, of every partition of which it has come to the target's end. */
async function auditedUpTo({ ports, topics, move }: LossSubject, patience: Deadline, deadline: Deadline) {
  if (ports.audit === null) return { audit: null, offsets: new Map<TopicPartition, bigint>() }
  const ends = await ports.clusters[move.target].logs.ends(topics, deadline)
  let audit: Reading<AuditFacts> = { seen: false, why: 'not asked' }
  for (;;) {
    audit = await factsOf(ports.audit, deadline)
    const offsets = reached(audit, ends, move)
    if (offsets.size === ends.length || patience.remainingMs() <= pauseMs) return { audit, offsets }
    await deadline.clock.sleep(pauseMs, deadline.cancelled)
  }
}

async function factsOf(audit: NonNullable<Ports['audit']>, deadline: Deadline): Promise<Reading<AuditFacts>> {
  try {
    return { seen: true, value: await audit.facts(deadline) }
  } catch (thrown) {
    deadline.check()
    return { seen: false, why: messageOf(thrown) }
  }
}

function reached(
  audit: Reading<AuditFacts>,
  ends: readonly PartitionEnd[],
  { source, target }: { readonly source: Colour; readonly target: Colour },
): Map<TopicPartition, bigint> {
  if (!audit.seen) return new Map()
  const endOf = new Map(ends.map(({ partition, lastStableOffset }) => [partition, lastStableOffset]))
  return new Map(
    audit.value.partitions.flatMap(({ partition, watermark }) => {
      const end = endOf.get(partition)
      return end !== undefined && BigInt(watermark[target]) >= end ? [[partition, BigInt(watermark[source])] as const] : []
    }),
  )
}
