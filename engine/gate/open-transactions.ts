import { firstFive } from '../model/error.ts'
import type { OpenTransaction } from '../model/facts.ts'
import type { Limits } from '../model/limits.ts'
import type { ColourSnapshot } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

/** Is the oldest open transaction of the live colour young enough to end inside the drain? */
export function checkOpenTransactions(source: ColourSnapshot, limits: Limits): Check {
  const name = `open transactions on ${source.colour}`
  const maxAgeMs = limits.drainDeadlineMs / 2
  const required = `none older than ${maxAgeMs} ms`
  const remedy = 'Find the transactional id that hangs (kafka-transactions.sh) and end it.'
  if (!source.openTransactions.seen) return judged(name, 'inconclusive', source.openTransactions.why, required, remedy)
  const open = source.openTransactions.value.filter((transaction) => !isMarkedEverywhere(transaction))
  const old = open.filter((transaction) => transaction.ageMs !== null && transaction.ageMs > maxAgeMs)
  if (old.length > 0) return judged(name, 'fail', firstFive(old.map(transactionText)), required, remedy)
  const undated = open.filter((transaction) => transaction.ageMs === null)
  if (undated.length > 0) return judged(name, 'inconclusive', `age not known: ${firstFive(undated.map(transactionText))}`, required, remedy)
  return judged(name, 'pass', `${open.length} open`, required, '')
}

/**
 * Its end stands in each of its partitions: the coordinator forgets one when that one's leader has written the marker. Only the coordinator's own last word is missing (TransactionMarkerChannelManager), for which nothing of a switchover
 * waits, and which a broker that died at that moment can leave out for as long as the coordinator lives.
 */
function isMarkedEverywhere({ state, partitions }: OpenTransaction): boolean {
  return (state === 'PrepareCommit' || state === 'PrepareAbort') && partitions.length === 0
}

/** One open transaction as one phrase. No request of Kafka tells a producer's host. */
export function transactionText({ transactionalId, producerId, producerEpoch, state, ageMs, partitions }: OpenTransaction): string {
  const who = transactionalId ?? 'a transaction that no coordinator knows'
  const where = partitions.length === 0 ? 'nothing written yet' : `writing to ${firstFive(partitions)}`
  return `${who} (producer ${producerId} epoch ${producerEpoch}, ${state}${ageMs === null ? '' : ` for ${ageMs} ms`}, ${where})`
}
