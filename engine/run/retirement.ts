import { openRouteStore } from '../adapters/etcd/route-store.ts'
import { connectCluster } from '../adapters/kafka/cluster.ts'
import { isExcludedGroup } from '../gate/group-states.ts'
import type { ClusterAccess } from '../model/cluster-access.ts'
import { type Colour, otherColour } from '../model/colour.ts'
import { firstFive, messageOf } from '../model/error.ts'
import { type ClientRegistration, isApplication } from '../model/route.ts'
import type { RouteStoreAccess, Wiring } from '../model/wiring.ts'
import { type Clock, Deadline } from '../ports/clock.ts'
import type { RouteReading } from '../ports/route-store.ts'
import { mirrorRecord, openSwitch } from '../switchover/journal-reading.ts'
import { isWatching, newestWatch } from '../switchover/watch-reading.ts'
import type { Ports } from './ports.ts'

const storeMs = 5_000

/** What the guard of a colour keeps in its own state: `destroy` doesn't run the program. */
export interface RetirementRequest {
  readonly fleet: string
  readonly cluster: ClusterAccess
  readonly routeStore: RouteStoreAccess
  /** The operator has said that this colour is to go (`retire: true`, in an update of its own). */
  readonly retire: boolean
  /** The fleet's name repeated: the whole fleet ends, its live colour included. */
  readonly decommission: string | null
  readonly quietSeconds: number
}

/** Why a colour may not be destroyed now; empty: it may. Asked before anything is deleted. */
export async function mayRetire(request: RetirementRequest, clock: Clock, cancelled?: AbortSignal): Promise<readonly string[]> {
  if (request.decommission === request.fleet) return []
  const { colour } = request.cluster
  try {
    const store = await openRouteStore(request.routeStore, request.fleet, clock)
    try {
      const deadline = new Deadline(clock, storeMs, 'the route store', cancelled)
      const reading = await store.read(deadline)
      // An empty store proves nothing: it may have been wiped. Then the brokers are asked.
      if (reading.route === null) return await reasonsWithoutRoute(request, clock, 'the route store holds none')
      return reasonsOfRoute(colour, request.retire, reading, await store.clients(deadline))
    } finally {
      await store.close()
    }
  } catch (thrown) {
    return await reasonsWithoutRoute(request, clock, messageOf(thrown))
  }
}

/** The route's answer (pure): live, moving, read from, or still the copy that the way back needs. */
export function reasonsOfRoute(
  colour: Colour,
  retire: boolean,
  reading: Pick<RouteReading, 'route' | 'journal'>,
  clients: readonly ClientRegistration[],
): readonly string[] {
  const { route, journal } = reading
  if (route === null) return ['the route store holds no route']
  const reasons: string[] = []
  if (route.live === colour) reasons.push(`${colour} is live (epoch ${route.epoch}): switch to ${otherColour(colour)} first`)
  if (route.state !== 'open' || openSwitch(journal) !== null)
    reasons.push(`a switchover is open (route ${route.state}): run pulumi up on the traffic stack, it finishes it or takes it back`)
  const watch = newestWatch(journal)
  if (isWatching(watch)) reasons.push(`guardians watch ${watch.colour} and may have to go back: wait until that is over (kbg status)`)
  const groups = Object.entries(route.groups).filter(([, group]) => group.colour === colour)
  if (groups.length > 0) reasons.push(`consumer groups read there: ${groups.map(([groupId]) => groupId).join(', ')}`)
  if (route.defaultConsumerColour === colour && route.live !== colour) reasons.push('groups that the route does not list read there')
  const readers = clients.filter((client) => isApplication(client) && client.colour === colour)
  if (readers.length > 0) reasons.push(`routed clients use it: ${readers.map((client) => client.clientId).join(', ')}`)
  const backup = mirrorRecord(journal, otherColour(colour))
  if (!retire && backup !== null && backup.what !== 'stopped') {
    reasons.push(
      `the mirror ${backup.source} -> ${backup.target} still feeds it, so that traffic can go back: set retire in its config, in an update of its own, when that is no longer wanted`,
    )
  } else if (!retire) {
    reasons.push('retire is not set in its config')
  }
  return reasons
}

/** Without a readable route the brokers themselves are asked: no group has members, and nothing moves for `quietSeconds`. */
async function reasonsWithoutRoute(request: RetirementRequest, clock: Clock, why: string): Promise<readonly string[]> {
  if (!request.retire) return [`the route can't be read (${why}) and retire is not set in its config`]
  const cluster = connectCluster(request.cluster, clock)
  try {
    const deadline = new Deadline(clock, request.quietSeconds * 1_000 + 20_000, `${request.cluster.colour} to be quiet`)
    const groups = (await cluster.groups.list(deadline)).filter((group) => group.memberCount > 0 && !isExcludedGroup(group.groupId))
    if (groups.length > 0) return [`the route can't be read (${why}), and groups have members there: ${groups.map((group) => group.groupId).join(', ')}`]
    const topics = (await cluster.inventory.topics(deadline)).filter((topic) => !topic.internal && !topic.topic.startsWith('kbg.')).map((topic) => topic.topic)
    const before = await cluster.logs.ends(topics, deadline)
    await clock.sleep(request.quietSeconds * 1_000)
    const after = new Map((await cluster.logs.ends(topics, deadline)).map((end) => [end.partition, end.logEndOffset]))
    const moved = before.filter((end) => after.get(end.partition) !== end.logEndOffset)
    return moved.length === 0 ? [] : [`the route can't be read (${why}), and records still arrive in ${moved.map((end) => end.partition).join(', ')}`]
  } catch (thrown) {
    return [`neither the route (${why}) nor the brokers (${messageOf(thrown)}) can be asked`]
  } finally {
    await cluster.close()
  }
}

/** Why the route may not end now, read from the store; empty: it may. */
export async function mayEndRoute(ports: Pick<Ports, 'store' | 'clock'>, wiring: Wiring, decommission: string | null): Promise<readonly string[]> {
  const deadline = new Deadline(ports.clock, storeMs, 'the route store')
  const endsMirror = Object.values(wiring.workers).some((worker) => 'kind' in worker)
  return reasonsAgainstEnding(wiring.fleet, decommission, await ports.store.read(deadline), await ports.store.clients(deadline), endsMirror)
}

/**
 * Why the traffic stack may not be destroyed now: an open switch, or clients that follow the route; empty: it may.
 * @param endsMirror whether the mirror ends with it, as on MSK Connect: there a change of the program that takes the stack's parts out must not, while a route is followed
 */
export function reasonsAgainstEnding(
  fleet: string,
  decommission: string | null,
  reading: Pick<RouteReading, 'route' | 'journal'>,
  clients: readonly ClientRegistration[],
  endsMirror = false,
): readonly string[] {
  const reasons: string[] = []
  if ((reading.route !== null && reading.route.state !== 'open') || openSwitch(reading.journal) !== null) {
    reasons.push('a switchover is open: run pulumi up first, it finishes it or takes it back')
  }
  const applications = clients.filter(isApplication)
  if (applications.length > 0 && decommission !== fleet) {
    reasons.push(`routed clients are registered: ${firstFive(applications.map(({ clientId }) => clientId))}`)
  }
  if (endsMirror && reading.route !== null && decommission !== fleet) {
    reasons.push(`the mirror behind ${reading.route.live} ends with it, and clients that poll are registered nowhere`)
  }
  return reasons
}
