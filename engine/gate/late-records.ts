import { firstFive } from '../model/error.ts'
import { lateRecords } from '../model/late-records.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

/**
 * Does the target hold records that came there behind an earlier cut? They were appended to the other colour by the switchover, and its mirror has brought them back behind themselves: the
 * target has them twice. A topic that was made anew there since has none of them.
 */
export function checkLateRecords({ route, target, colours }: Snapshot): Check {
  const name = 'late records'
  const required = `no partition of ${target} that holds some`
  const remedy = `Give ${target} a fresh cluster (destroy it and bring it up again); the mirror then copies everything anew.`
  if (!route.seen) return judged(name, 'inconclusive', route.why, required, remedy)
  const late = lateRecords(route.value.journal).filter(({ colour }) => colour === target)
  const { topics } = colours[target]
  if (late.length > 0 && !topics.seen) return judged(name, 'inconclusive', topics.why, required, remedy)
  const ids = new Set(topics.seen ? topics.value.map(({ topicId }) => topicId) : [])
  const still = late.filter(({ topicId }) => ids.has(topicId))
  if (still.length === 0) return judged(name, 'pass', 'none', required, '')
  return judged(name, 'fail', firstFive(still.map(({ partition, records, sourceOffset }) => `${partition} (${records} at ${sourceOffset})`)), required, remedy)
}
