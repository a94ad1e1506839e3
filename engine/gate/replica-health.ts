import { firstFive } from '../model/error.ts'
import type { ColourSnapshot } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

/**
 * Does every partition of the mirrored topics and of Kafka's own have all its replicas in sync, a leader, and room above min.insync.replicas?
 *
 * @param wanted `leaders`: a leader each is enough to drain a colour that is to be left; that it takes no writes may be why
 */
export function checkReplicaHealth(colour: Pick<ColourSnapshot, 'colour' | 'topics'>, topics: readonly string[], wanted: 'all' | 'leaders' = 'all'): Check {
  const name = `replicas of ${colour.colour}`
  const required = wanted === 'all' ? 'every replica in sync, a leader each, replicas above min.insync.replicas' : 'a leader of each partition'
  const remedy = 'Wait until the brokers have caught up, or repair the one that is missing.'
  if (!colour.topics.seen) return judged(name, 'inconclusive', colour.topics.why, required, remedy)
  const judgedTopics = colour.topics.value.filter((topic) => topics.includes(topic.topic) || topic.internal)
  const ill: string[] = []
  let partitions = 0
  for (const topic of judgedTopics) {
    for (const partition of topic.partitions) {
      partitions += 1
      const place = `${topic.topic}-${partition.partition}`
      if (partition.leader < 0) ill.push(`${place} without leader`)
      else if (wanted === 'leaders') continue
      else if (partition.isr.length < partition.replicas.length) ill.push(`${place} ${partition.isr.length}/${partition.replicas.length} in sync`)
      else if (partition.replicas.length > 1 && topic.minInsyncReplicas >= partition.replicas.length) {
        ill.push(`${place} min.insync.replicas ${topic.minInsyncReplicas} of ${partition.replicas.length}`)
      }
    }
  }
  if (partitions === 0) return judged(name, 'inconclusive', 'no partition seen', required, remedy)
  const sound = `${partitions} partitions ${wanted === 'all' ? 'in sync' : 'with a leader'}`
  return judged(name, ill.length === 0 ? 'pass' : 'fail', ill.length === 0 ? sound : firstFive(ill), required, remedy)
}
