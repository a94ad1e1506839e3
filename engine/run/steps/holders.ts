import { transactionText } from '../../gate/open-transactions.ts'
import { firstFive, messageOf } from '../../model/error.ts'
import type { PartitionEnd } from '../../model/facts.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { Cluster } from '../../ports/cluster.ts'

/**
 * Asks who holds these partitions open, beside a wait that goes on, so that naming them makes no hold longer.
 *
 * @returns the answer so far, or why there is none
 */
export function askHolders(cluster: Cluster, unsettled: readonly PartitionEnd[], deadline: Deadline): () => string {
  const held = unsettled.filter((end) => end.lastStableOffset < end.highWatermark).map(({ partition }) => partition)
  if (held.length === 0) return () => 'none: a follower lags'
  let told = 'who holds them was not answered in time'
  cluster.transactions.holding(held, deadline).then(
    (found) => {
      told = found.length === 0 ? 'none was found there a moment before' : firstFive(found.map(transactionText))
    },
    (thrown) => {
      told = `they can't be named: ${messageOf(thrown)}`
    },
  )
  return () => told
}
