import { observeCluster } from '../../../engine/adapters/local/cluster.ts'
import type { Colour } from '../../../engine/model/colour.ts'
import { KbgError, messageOf } from '../../../engine/model/error.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'
import type { TopicFacts } from '../../../engine/ports/cluster.ts'
import type { Pair } from '../../support/pair.ts'

/**
 * Waits until every broker of a colour runs and is registered, and every partition has all its replicas in sync.
 *
 * @throws KbgError `deadline`, with the last reason why it isn't so or could not be told
 */
export async function untilWhole(pair: Pair, colour: Colour, totalMs: number): Promise<void> {
  const deadline = new Deadline(systemClock, totalMs, `${colour} to be whole`)
  let lacks: string | undefined = 'not asked'
  while (!deadline.over) {
    try {
      lacks = await whatLacks(pair, colour, deadline)
      if (lacks === undefined) return
    } catch (thrown) {
      lacks = messageOf(thrown) // the connection was to a broker that was stopped; the next question goes to another
    }
    await systemClock.sleep(100)
  }
  throw new KbgError('deadline', `Gave up waiting for ${colour} to be whole.`, {
    facts: { observed: lacks ?? 'nothing', required: 'every broker up, every replica in sync' },
  })
}

async function whatLacks(pair: Pair, colour: Colour, deadline: Deadline): Promise<string | undefined> {
  const { inventory } = pair.ports.clusters[colour]
  const processes = observeCluster(pair.root, pair.wiring.fleet, colour)?.brokers ?? []
  const dead = processes.filter(({ pid }) => pid === null).map(({ nodeId }) => nodeId)
  if (processes.length === 0 || dead.length > 0) return `brokers ${dead.join(', ')} of ${processes.length} don't run`
  const { brokers } = await inventory.cluster(deadline)
  if (brokers.length < processes.length) return `${brokers.length} of ${processes.length} brokers are registered`
  const behind = outOfSync(await inventory.topics(deadline))
  return behind.length === 0 ? undefined : `${behind.length} partitions out of sync, ${behind[0]} among them`
}

/** The partitions that lack a replica, as `topic-partition` (pure). One without a leader lacks all that it has no answer for. */
export function outOfSync(topics: readonly Pick<TopicFacts, 'topic' | 'partitions'>[]): readonly string[] {
  return topics.flatMap(({ topic, partitions }) =>
    partitions.filter(({ isr, replicas }) => isr.length < replicas.length).map(({ partition }) => `${topic}-${partition}`),
  )
}
