import { connectClients, type KafkaClients } from '../adapters/kafka/clients.ts'
import { connectExisting, type ExistingAccess } from '../adapters/kafka/existing.ts'
import { isExcludedGroup } from '../gate/group-states.ts'
import { type GroupClient, groupClients, type ToldGroup, type ToldProducers } from '../model/client-inventory.ts'
import type { Colour } from '../model/colour.ts'
import { KbgError, messageOf } from '../model/error.ts'
import { type ClientRegistration, isApplication } from '../model/route.ts'
import type { Reading } from '../model/snapshot.ts'
import type { Wiring } from '../model/wiring.ts'
import type { Clock, Deadline } from '../ports/clock.ts'
import type { Ports } from './ports.ts'

/** The clients of one cluster, as its brokers and, of a fleet, its route store tell them. */
export interface ClientsLook {
  /** The live colour; null: a cluster that is none. */
  readonly colour: Colour | null
  readonly clients: Reading<readonly GroupClient[]>
  /** Groups whose kind tells no members. */
  readonly untold: readonly string[]
  readonly producers: Reading<readonly ToldProducers[]>
  /** Routed applications; null: there is no route. */
  readonly registered: readonly ClientRegistration[] | null
}

/** Looks at the live colour of a fleet. @throws KbgError `no-route`, and what the route store throws */
export async function lookAtClients({ store }: Pick<Ports, 'store'>, { clusters, topics, fleet }: Wiring, deadline: Deadline): Promise<ClientsLook> {
  const [{ route }, all] = await Promise.all([store.read(deadline), store.clients(deadline)])
  if (route === null) throw new KbgError('no-route', `The route store holds no route of ${fleet}.`, { remedy: 'Run pulumi up on its traffic stack first.' })
  const clients = connectClients(clusters[route.live])
  try {
    return await look(clients, async () => topics, route.live, all.filter(isApplication), deadline)
  } finally {
    clients.close()
  }
}

/** Looks at a cluster that is no colour yet. @throws KbgError when nobody answers there */
export async function lookAtExistingClients(access: ExistingAccess, clock: Clock, deadline: Deadline): Promise<ClientsLook> {
  const { cluster, clients } = await connectExisting(access, clock, deadline)
  const topics = async () => (await cluster.inventory.topics(deadline)).flatMap(({ topic, internal }) => (internal ? [] : [topic]))
  try {
    return await look(clients, topics, null, null, deadline)
  } finally {
    await cluster.close()
  }
}

async function look(
  clients: KafkaClients,
  topics: () => Promise<readonly string[]>,
  colour: Colour | null,
  registered: readonly ClientRegistration[] | null,
  deadline: Deadline,
): Promise<ClientsLook> {
  const [groups, producers] = await Promise.all([
    seen(async () => (await clients.groups(deadline)).filter(({ groupId }) => !isExcludedGroup(groupId))),
    seen(async () => clients.producers(await topics(), deadline)),
  ])
  const told: readonly ToldGroup[] = groups.seen ? groups.value : []
  return {
    ...{ colour, producers, registered },
    clients: groups.seen ? { seen: true, value: groupClients(told, registered) } : groups,
    untold: told.flatMap(({ groupId, type, members }) => (members === null ? [`${groupId} (${type})`] : [])),
  }
}

async function seen<T>(reading: () => Promise<T>): Promise<Reading<T>> {
  try {
    return { seen: true, value: await reading() }
  } catch (thrown) {
    return { seen: false, why: messageOf(thrown) }
  }
}
