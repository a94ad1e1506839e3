import { streamsApplications } from '../gate/streams-applications.ts'
import { colours } from '../model/colour.ts'
import { messageOf } from '../model/error.ts'
import { groupRoute, type RouteDocument } from '../model/route.ts'
import type { Wiring } from '../model/wiring.ts'
import type { Deadline } from '../ports/clock.ts'
import type { Ports } from './ports.ts'

/** Looking for the newest commits of groups may read much of their coordinators' logs. */
const commitsMs = 5_000

/** Groups whose applications also write, with what shows it: no wave may take them. */
export interface AlsoWriting {
  readonly because: ReadonlyMap<string, string>
  /** What couldn't be looked at. */
  readonly notes: readonly string[]
}

/**
 * Which of these groups also write, on the colour where each reads: Kafka Streams' by their internal topics, of the waves' groups those that commit in transactions. One that writes without
 * either can't be told.
 */
export async function alsoWriting(ports: Ports, wiring: Wiring, route: RouteDocument, groupIds: readonly string[], deadline: Deadline): Promise<AlsoWriting> {
  const inWaves = new Set(Object.values(wiring.waves).flat())
  const [because, notes] = [new Map<string, string>(), [] as string[]]
  for (const colour of colours) {
    const here = groupIds.filter((groupId) => groupRoute(route, groupId).colour === colour)
    if (here.length === 0) continue
    const { inventory, groups } = ports.clusters[colour]
    const patience = deadline.within(commitsMs, `how groups commit on ${colour}`)
    try {
      const asked = here.filter((groupId) => inWaves.has(groupId))
      const [topics, how] = await Promise.all([inventory.topics(deadline), asked.length === 0 ? new Map() : groups.commitsHow(asked, patience)])
      for (const [groupId, own] of streamsApplications(topics, here)) because.set(groupId, `Kafka Streams, ${own.length} internal topics on ${colour}`)
      for (const [groupId, commits] of how) if (commits === 'in transactions') because.set(groupId, `commits in transactions on ${colour}`)
    } catch (thrown) {
      notes.push(`who also writes on ${colour}: ${messageOf(thrown)}`)
    }
  }
  return { because, notes }
}
