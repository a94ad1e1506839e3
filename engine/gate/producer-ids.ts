import { firstFive } from '../model/error.ts'
import type { Limits } from '../model/limits.ts'
import type { ProducerFacts, ProducerIds } from '../model/producer-ids.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

/** The check's name: off a sick colour, silence about them is asked again. */
export const producerIds = 'producer ids'

/** Ids that far ahead are never reached: a colour would have to give one to a new producer every second for thirty years. */
const reach = 1_000_000_000n

/**
 * Could an idempotent producer cross to the target by its address alone (a proxy, a DNS name), with an id that the target has given or will give to another one? The target would compare its
 * sequence with the other one's, and acknowledge what it takes for a repetition without appending it. A routed client has a producer of its own on each colour, and a transactional one is refused.
 */
export function checkProducerIds({ colours, source, target }: Snapshot, { sharedProducerIds }: Pick<Limits, 'sharedProducerIds'>): Check {
  const name = producerIds
  const required = `no idempotent producer of ${source} whose id ${target} has given out, or is about to`
  const remedy =
    `Give ${target} a fresh cluster: a colour that is made here begins its ids far from the other's. Where every client is routed, or ends before it writes to ${target}: ` +
    'pulumi config set --path limits.sharedProducerIds accept -s <the traffic stack>.'
  const [here, there] = [colours[source].producers, colours[target].producers]
  if (!here.seen) return judged(name, 'inconclusive', here.why, required, remedy)
  if (!there.seen) return judged(name, 'inconclusive', there.why, required, remedy)
  const idempotent = here.value.active.filter(({ transactional }) => !transactional)
  const shared = [...Map.groupBy(idempotent, ({ producerId }) => producerId)].flatMap(([id, own]) => sharedAs(id, own, there.value, target))
  if (shared.length === 0) return judged(name, 'pass', `apart: ${target} goes on at ${there.value.next}`, required, '')
  const isAccepted = sharedProducerIds === 'accept'
  return judged(name, isAccepted ? 'pass' : 'fail', `${isAccepted ? 'accepted: ' : ''}${firstFive(shared)}`, required, remedy)
}

function sharedAs(id: bigint, own: readonly ProducerFacts[], { active, next }: ProducerIds, target: string): readonly string[] {
  const places = new Set(own.map(({ partition }) => partition))
  const known = active.find(({ producerId, partition }) => producerId === id && places.has(partition))
  if (known) return [`${id} wrote to ${known.partition} on both`]
  return id >= next && id < next + reach ? [`${id} wrote to ${own[0]?.partition}, ${target} goes on at ${next}`] : []
}
