/** What producers and consumers have in common: they follow the route by news that may be late, lost or doubled, and say under which epoch they act. */
import { type ClientRegistration, groupRoute, type RouteDocument, routeKeys, writableColour } from '../../../engine/model/route.ts'
import { moveConsumer } from './consumers.ts'
import { put } from './etcd.ts'
import { after, Unanswered, type WorldEvent } from './events.ts'
import { fleet } from './names.ts'
import { followProducer } from './sending.ts'
import { between, chance, type Following, type SimulatedConsumer, type SimulatedProducer, type World } from './world.ts'

const retryMs = 100

/** Somebody who has not read the route yet. */
export function following(): Following {
  return { epoch: 0, route: null, told: '', extraMs: 0 }
}

function clientOf(world: World, clientId: string): SimulatedProducer | SimulatedConsumer {
  const client = world.producers[clientId] ?? world.consumers[clientId]
  if (client === undefined) throw new Error(`no client ${clientId}`)
  return client
}

/** A new route is on its way to every client. */
export function spreadNews(world: World, route: RouteDocument): void {
  for (const client of [...Object.values(world.producers), ...Object.values(world.consumers)]) {
    const ms = between(world, world.habits.news) + client.follows.extraMs
    // A watch that broke is opened again behind a fresh read: nothing is missed for ever.
    if (chance(world, world.habits.newsLost)) after(world, ms + between(world, [100, 2_000]), { kind: 'read-again', clientId: client.clientId })
    else after(world, ms, { kind: 'news', clientId: client.clientId, route })
    if (chance(world, world.habits.newsTwice)) after(world, ms + between(world, [0, 500]), { kind: 'news', clientId: client.clientId, route })
  }
}

/** Epochs only grow: what is older, or known, is ignored. */
function takeNews(world: World, clientId: string, route: RouteDocument): void {
  const client = clientOf(world, clientId)
  if (route.epoch <= client.follows.epoch) return
  client.follows.epoch = route.epoch
  client.follows.route = route
  if ('groupId' in client) moveConsumer(world, client)
  else followProducer(world, client)
}

/** Says what a client acts on now, unless it has said that already. */
export function register(world: World, client: SimulatedProducer | SimulatedConsumer, state: ClientRegistration['state'], epoch: number): void {
  const { route } = client.follows
  if (route === null) return
  const isConsumer = 'groupId' in client
  const registration: ClientRegistration = {
    ...{ version: 1, clientId: client.clientId, instanceId: client.clientId, kind: isConsumer ? 'consumer' : client.kind },
    ...{ groupId: isConsumer ? client.groupId : null, transactionalId: null, ackedEpoch: epoch, state, software: 'simulated' },
    colour: state === 'held' ? null : isConsumer ? groupRoute(route, client.groupId).colour : writableColour(route),
  }
  const told = JSON.stringify(registration)
  if (told === client.follows.told) return
  client.follows.told = told
  after(world, between(world, world.habits.request), { kind: 'register', registration })
}

type ClientEvent = Extract<WorldEvent, { kind: 'news' | 'read-again' | 'register' }>

export function performClientEvent(world: World, event: ClientEvent): void {
  try {
    switch (event.kind) {
      case 'news':
        takeNews(world, event.clientId, event.route)
        return
      case 'read-again': {
        if (world.etcd.isAway) throw new Unanswered('refused')
        const stored = world.etcd.keys[routeKeys(fleet).route]
        if (stored !== undefined) takeNews(world, event.clientId, JSON.parse(stored.value) as RouteDocument)
        return
      }
      case 'register': {
        if (world.etcd.isAway) throw new Unanswered('refused')
        // Only the newest is repeated until the store has it.
        const client = clientOf(world, event.registration.clientId)
        if (client.follows.told === JSON.stringify(event.registration))
          put(world, routeKeys(fleet).client(event.registration.instanceId), client.follows.told, null)
        return
      }
    }
  } catch (thrown) {
    if (!(thrown instanceof Unanswered)) throw thrown
    after(world, retryMs, event)
  }
}
