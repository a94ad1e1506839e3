import { KbgError } from '../../model/error.ts'
import type { TopicPartition } from '../../model/partition.ts'
import type { RecordParts } from '../../ports/audit-reader.ts'
import type { Deadline } from '../../ports/clock.ts'
import { type Hash64, recordPartsOf } from './audit-records.ts'
import type { BrokerConnections } from './connections.ts'
import { fetchV12 } from './fetch.ts'
import type { Leaders } from './leaders.ts'
import { committedBatches, wholeBatches } from './record-batches.ts'
import { errorName, persistently, requireNone } from './refusal.ts'

/** A broker gives the first batch whole, however long it is: this is only what may come behind it. */
const maxBytes = 64 * 1024

/**
 * The parts of the visible record at `offset`; undefined when there is none there (any more).
 * @throws KbgError `kafka`, `unknown-topic`, `deadline`, `compression`
 */
export async function readRecordParts(
  connections: BrokerConnections,
  leaders: Leaders,
  partition: TopicPartition,
  offset: bigint,
  hash64: Hash64,
  deadline: Deadline,
): Promise<RecordParts | undefined> {
  return persistently(deadline, async () => {
    try {
      const [leader] = (await leaders.byLeader([partition], deadline)).keys()
      const broker = await connections.broker(leader ?? -1, deadline)
      const answer = await broker.request('Fetch', fetchV12, [[{ partition, offset, maxBytes }], maxBytes], 'none', deadline)
      requireNone(answer.errorCode, `Can't read from broker ${leader}.`)
      const [fetched] = answer.partitions
      if (!fetched || errorName(fetched.errorCode) === 'OFFSET_OUT_OF_RANGE') return undefined
      requireNone(fetched.errorCode, `Can't read ${partition}.`)
      const batches = [...wholeBatches(fetched.records)]
      if (batches.length === 0 && offset < fetched.lastStableOffset) throw new KbgError('no-progress', `${partition} wasn't read.`, { retriable: true })
      const holder = [...committedBatches(batches, fetched.aborted)].find((batch) => batch.baseOffset <= offset && offset <= batch.lastOffset)
      return holder && recordPartsOf(holder, offset, hash64)
    } catch (thrown) {
      if (thrown instanceof KbgError && thrown.retriable) leaders.forget()
      throw thrown
    }
  })
}
