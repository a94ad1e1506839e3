import type { Colour } from '../../model/colour.ts'
import { firstFive, KbgError, messageOf } from '../../model/error.ts'
import type { PartitionEnd, WriterFacts } from '../../model/facts.ts'
import type { TopicPartition } from '../../model/partition.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { Execution } from '../execution.ts'

/** Producers are held while this is found out. */
const namingMs = 2_000
/** Of so many partitions the writers are read, and of each one's growth the first offsets: who writes much shows there as well. */
const mostPartitions = 20
const mostOffsets = 1_000n
/** Failures behind a proven fence that a writer may be the cause of. */
const causedByWriters: ReadonlySet<string> = new Set(['not-settled', 'not-drained', 'cut-moved'])

/** What came on one partition behind the fence. */
export interface Growth {
  readonly partition: TopicPartition
  readonly from: bigint
  readonly to: bigint
}

interface Written extends Growth {
  readonly writers: readonly WriterFacts[]
}

/** Partitions whose log end has moved since. */
export function grownPartitions(before: readonly PartitionEnd[], now: readonly PartitionEnd[]): readonly Growth[] {
  const ends = new Map(before.map((end) => [end.partition, end.logEndOffset]))
  return now.flatMap(({ partition, logEndOffset }) => {
    const from = ends.get(partition) ?? logEndOffset
    return logEndOffset > from ? [{ partition, from, to: logEndOffset }] : []
  })
}

/**
 * The same failure, or `written-behind-fence` with it as its cause when somebody has written on the fenced source meanwhile: where, how much, and by which producers. A log holds a producer's id and, by its
 * coordinator, its transactional id; neither the principal nor the client id is written down in it, and who the super users are, whom no fence stops, a broker doesn't tell.
 *
 * @param since the source's ends as they were read behind the proven fence
 */
export async function namingWriters(run: Execution, source: Colour, since: readonly PartitionEnd[], failure: unknown): Promise<unknown> {
  if (!(failure instanceof KbgError && causedByWriters.has(failure.code)) || run.cancelled.aborted || run.lock.lost.aborted) return failure
  const deadline = run.untilCancelled(namingMs, 'who has written behind the fence')
  try {
    const grown = grownPartitions(since, await run.ports.clusters[source].logs.ends(run.wiring.topics, deadline))
    const written = await writersOn(run, source, grown.slice(0, mostPartitions), deadline)
    return written.length === 0 ? failure : await writtenBehind(run, source, written, failure, deadline)
  } catch (thrown) {
    return new KbgError(failure.code, `Whether somebody writes on ${source} behind the fence could not be found out (${messageOf(thrown)}).`, {
      cause: failure,
    })
  }
}

/** Growth without records that a reader sees is left out: markers of transactions that have ended, or records of one that is open, which is told by its own name. */
async function writersOn(run: Execution, source: Colour, grown: readonly Growth[], deadline: Deadline): Promise<readonly Written[]> {
  const { logs } = run.ports.clusters[source]
  const read = async (growth: Growth): Promise<Written> => {
    const { partition, from, to } = growth
    const upTo = to - from > mostOffsets ? from + mostOffsets : to
    return { ...growth, writers: await logs.writers(partition, from, upTo, deadline) }
  }
  return (await Promise.all(grown.map(read))).filter(({ writers }) => writers.length > 0)
}

async function writtenBehind(run: Execution, source: Colour, written: readonly Written[], cause: KbgError, deadline: Deadline): Promise<KbgError> {
  const producerIds = [...new Set(written.flatMap(({ writers }) => writers.flatMap(({ producerId }) => producerId ?? [])))]
  const ids = producerIds.length === 0 ? new Map<bigint, string>() : await run.ports.clusters[source].transactions.idsOf(producerIds, deadline)
  const lines = written.map(({ partition, from, to, writers }) => `${partition} ${to - from} from ${from} by ${writersText(writers, ids)}`)
  return new KbgError('written-behind-fence', `Somebody writes on ${source}, whose fence was proven on every broker.`, {
    facts: { observed: firstFive(lines), required: 'no record behind the fence' },
    remedy:
      'Kafka tells neither principal nor client of it. Who writes on is one of the super.users in server.properties: stop it, or let it write as a user of its own (brokers log whom they let pass with kafka.authorizer.logger=DEBUG). ' +
      'A single record may be of a request that was past its permission check when the fence came. Then try again with a new attempt.',
    cause,
  })
}

/** `producer 4001 epoch 0 (3 records, last sequence 7 at 2026-01-01T00:00:00.000Z, transactional id loader)` */
export function writersText(writers: readonly WriterFacts[], ids: ReadonlyMap<bigint, string>): string {
  return writers.map((writer) => oneWriterText(writer, ids)).join(' and ')
}

function oneWriterText(
  { producerId, producerEpoch, lastSequence, lastTimestamp, transactional, records }: WriterFacts,
  ids: ReadonlyMap<bigint, string>,
): string {
  const at = timeText(lastTimestamp)
  const count = `${records} ${records === 1 ? 'record' : 'records'}`
  if (producerId === null) return `a producer without an id (${count}, last at ${at})`
  const id = ids.get(producerId) ?? (transactional ? 'one that is forgotten' : 'none')
  return `producer ${producerId} epoch ${producerEpoch} (${count}, last sequence ${lastSequence} at ${at}, transactional id ${id})`
}

/** A producer may stamp its records with any number. */
function timeText(timestamp: bigint): string {
  const date = new Date(Number(timestamp))
  return Number.isNaN(date.getTime()) ? String(timestamp) : date.toISOString()
}
