import type { Colour } from '../../model/colour.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import type { GuardianSight } from '../../model/guardian-sight.ts'
import { Deadline } from '../../ports/clock.ts'
import type { Cluster } from '../../ports/cluster.ts'
import type { RouteFollowing } from '../../ports/route-store.ts'
import { unreachableCodes } from '../reconcile-fences.ts'
import type { GuardianParts } from './keeper.ts'

const everyMs = 2_000
const lookMs = 2_000
const sayMs = 5_000

/**
 * Says in the route store which brokers of both colours it reaches, whenever that changes, until `over`: whoever is about to take a colour for gone asks those that look from elsewhere. Beside the rounds, because
 * these rest while somebody else is at work, which is when it is asked.
 */
export async function keepTestifying({ ports, colour, processId }: GuardianParts, following: RouteFollowing, over: AbortSignal): Promise<void> {
  const { clock, clusters } = ports
  let said = ''
  while (!over.aborted) {
    try {
      const look = (each: Cluster) => reached(each, () => new Deadline(clock, lookMs, `${each.colour} to answer`, over))
      const [blue, green] = await Promise.all([look(clusters.blue), look(clusters.green)])
      const reaches = { blue: [...blue], green: [...green] }
      const text = JSON.stringify(reaches)
      const sight: GuardianSight = { version: 1, instanceId: guardianInstance(colour, processId), beside: colour, reaches }
      if (text !== said) await following.testify(sight, new Deadline(clock, sayMs, 'what it sees to be written', over))
      said = text
    } catch (thrown) {
      if (over.aborted) return
      if (!(thrown instanceof KbgError)) throw thrown // the store is away, which the rounds tell: it is said again when it is back
    }
    await clock.sleep(everyMs, over).catch(() => undefined) // woken by the end: the loop's condition ends it
  }
}

/** On either listener: brokers without a quorum still tell of their cluster where the probe can't reach them. What refuses to talk (another cluster, a wrong password) answers too. */
async function reached(cluster: Cluster, within: () => Deadline): Promise<readonly string[]> {
  const probes = await answers(within(), (deadline) => cluster.fence.probe(deadline))
  if (probes !== null && 'said' in probes) return [probes.said]
  const alive = (probes?.value ?? []).filter(({ answer }) => answer !== 'unreachable')
  if (alive.length > 0) return alive.map(({ brokerId, answer }) => `broker ${brokerId} (${answer})`)
  const facts = await answers(within(), (deadline) => cluster.inventory.cluster(deadline)) // with a time of its own: a listener that drops all has used up the probe's
  if (facts === null) return []
  return ['said' in facts ? facts.said : 'a broker that tells of its cluster']
}

/** null: nobody answers. */
async function answers<T>(deadline: Deadline, ask: (deadline: Deadline) => Promise<T>): Promise<{ readonly value: T } | { readonly said: string } | null> {
  try {
    return { value: await deadline.race(ask(deadline)) }
  } catch (thrown) {
    deadline.cancelled?.throwIfAborted()
    if (!(thrown instanceof KbgError)) throw thrown
    return unreachableCodes.includes(thrown.code) ? null : { said: `a broker that says: ${messageOf(thrown)}` }
  }
}

/** What a guardian's process is called in the route store. */
export function guardianInstance(colour: Colour, processId: number): string {
  return `kbg-guardian-${colour}-${processId}`
}
