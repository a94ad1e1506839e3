import { type ClusterAccess, canaryTopic } from '../../model/cluster-access.ts'
import { firstFive, KbgError } from '../../model/error.ts'
import type { BrokerProbe, ProbeAnswer } from '../../model/facts.ts'
import type { Deadline } from '../../ports/clock.ts'
import { describeBinding } from './admin.ts'
import { BrokerConnections } from './connections.ts'
import { AclFence, deny, fenceBindings } from './fence.ts'
import { KafkaInventory } from './inventory.ts'
import { persistently } from './refusal.ts'
import { fleetScope } from './scope.ts'

/**
 * Tries whether a fence works on a cluster that this project didn't provision, with a denial on the canary topic alone: on every broker it has to refuse the probe, and neither operator nor
 * mirror. Kafka tells nobody who its super users are, and only they pass a denial. Nothing of an application is touched, and the denial is taken away again.
 *
 * @throws KbgError `fence-trial` naming who was refused, or wasn't, and by which broker
 */
export async function tryFence(access: ClusterAccess, deadline: Deadline): Promise<void> {
  const connections = { operator: new BrokerConnections(access, 'operator'), mirror: new BrokerConnections(access, 'mirror'), probe: new BrokerConnections(access, 'probe') } // biome-ignore format: one line
  const topic = canaryTopic(access.colour)
  const trial = { bindings: [deny('topic', topic, 'Write')], topic }
  const as = (who: keyof typeof connections) => new AclFence(connections.operator, connections[who], trial)
  const requireThat = (who: keyof typeof connections, wanted: ProbeAnswer, why: Why) => untilAll(access, as(who), who, wanted, why, deadline)
  try {
    const passing = async () => {
      await requireThat('probe', 'fenced', whyDenied)
      // Every broker knows the denial now, so who is still let through is a super user there.
      for (const who of ['operator', 'mirror'] as const) await requireThat(who, 'open', whySuper)
    }
    if (await isFenced(connections.operator, deadline)) return await passing()
    // First open, then refused: otherwise a probe that has no right yet would pass for one that a denial stops.
    await requireThat('probe', 'open', whyProbe)
    await as('probe').raise(deadline)
    try {
      await passing()
    } finally {
      await as('probe').lift(deadline)
    }
  } finally {
    for (const each of Object.values(connections)) each.close()
  }
}

/** A standby that is adopted again: its own fence denies all that a trial would. */
async function isFenced(operator: BrokerConnections, deadline: Deadline): Promise<boolean> {
  const there = new Set((await new KafkaInventory(operator, fleetScope).acls(deadline)).map(describeBinding))
  return fenceBindings.every((binding) => there.has(describeBinding(binding)))
}

interface Why {
  readonly required: string
  readonly remedy: string
}

const whyProbe: Why = {
  required: 'may write to the canary topic, by its own binding',
  remedy: 'The user of external.users.probe has to be able to log in where producers do, and nothing may deny it Write.',
}
const whyDenied: Why = {
  required: 'is refused by a denial',
  remedy: 'It must be no super user; otherwise a fence could not be seen, and every broker needs an authorizer that obeys ACLs.',
}
const whySuper: Why = {
  required: 'passes a denial: a super user',
  remedy: 'Have it in super.users of every broker: a fence would stop this project too.',
}

/** How long a broker may take to learn of a binding. */
const learnMs = 5_000

async function untilAll(access: ClusterAccess, fence: AclFence, who: string, wanted: ProbeAnswer, why: Why, deadline: Deadline): Promise<void> {
  const patience = deadline.within(Math.min(learnMs, deadline.remainingMs()), `${who} to be answered by every broker`)
  let last: readonly BrokerProbe[] = []
  try {
    await persistently(patience, async () => {
      last = await fence.probe(patience)
      if (last.length > 0 && last.every(({ answer }) => answer === wanted)) return
      throw new KbgError('fence-trial', 'not yet', { retriable: true })
    })
  } catch (cause) {
    const others = last.filter(({ answer }) => answer !== wanted).map(({ brokerId, answer, detail }) => `broker ${brokerId}: ${answer} (${detail})`)
    if (!(cause instanceof KbgError) || !['deadline', 'fence-trial'].includes(cause.code)) throw cause
    throw new KbgError('fence-trial', `A fence would not work on ${access.colour} as it is.`, {
      facts: { who, required: why.required, observed: others.length === 0 ? 'no answer' : firstFive(others) },
      remedy: `${why.remedy} Nothing of an application was touched.`,
      cause,
    })
  }
}
