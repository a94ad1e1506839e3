import { firstFive } from '../model/error.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

/**
 * Do the groups of the waves that are to move only read? A group whose offsets are committed in a transaction belongs to an application that writes what it makes of its records in the same one:
 * the standby would refuse its writes. One that writes without transactions can't be told by the brokers; the catalog says it (`alsoProduces`).
 */
export function checkWaveGroups({ waveGroups, waveCommits }: Snapshot): Check {
  const name = 'groups of waves'
  const required = 'groups that only read: none that commits in transactions'
  const remedy = 'Take the wave off the group in the catalog and say alsoProduces: true: it moves with the producers, at the switchover.'
  if (waveGroups.length === 0) return judged(name, 'pass', 'no wave moves', required, '')
  if (!waveCommits.seen) return judged(name, 'inconclusive', waveCommits.why, required, remedy)
  const of = (wanted: string) => waveGroups.filter((groupId) => (waveCommits.value.get(groupId) ?? 'unknown') === wanted)
  const writing = of('in transactions')
  if (writing.length > 0) return judged(name, 'fail', `commit in transactions: ${firstFive(writing)}`, required, remedy)
  const unknown = of('unknown')
  const again = 'Its newest commit lies too far back to be found in time: let it commit once more.'
  if (unknown.length > 0) return judged(name, 'inconclusive', `not known how they commit: ${firstFive(unknown)}`, required, again)
  return judged(name, 'pass', `${waveGroups.length} groups`, required, '')
}
