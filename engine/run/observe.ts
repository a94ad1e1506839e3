import { isFailover, isWayBack, type Purpose } from '../gate/assess.ts'
import { ownUsersApart } from '../model/cluster-access.ts'
import type { Colour } from '../model/colour.ts'
import { messageOf } from '../model/error.ts'
import type { GroupFacts } from '../model/facts.ts'
import type { JournalEntry } from '../model/journal.ts'
import type { Limits } from '../model/limits.ts'
import type { RouteDocument } from '../model/route.ts'
import { largestForm, publishMs } from '../model/route-publication.ts'
import type { ColourSnapshot, LagSample, MirrorSnapshot, Reading, Snapshot } from '../model/snapshot.ts'
import type { Wiring } from '../model/wiring.ts'
import type { Deadline } from '../ports/clock.ts'
import { mirrorRecord } from '../switchover/journal-reading.ts'
import { isMirrorConnector } from './connector-names.ts'
import { sampleLag } from './lag.ts'
import { measureRest } from './measure-loss.ts'
import { observeGroups } from './observe-groups.ts'
import type { Ports } from './ports.ts'

/** Looking for the newest commits of a wave's groups may read much of their coordinators' logs. */
const commitsMs = 5_000

/** What is to be observed: the move that an intent asks for. */
export interface ObservedMove {
  readonly source: Colour
  readonly target: Colour
  /** Groups that waves would take there while the producers stay; none for a switchover. */
  readonly waveGroups?: readonly string[]
}

/** An audit that is stuck must not cost a gate the time in which the mirror would have caught up. */
const auditPatienceMs = 2_000

const notAsked = { seen: false, why: 'not asked on a way back' } as const

/**
 * Observes everything that a gate judges: read-only, and bounded by the deadline and the lag samples' own bound. What can't be read is a reading
 * with its reason, never an exception: the gate turns it into `inconclusive`.
 *
 * @param purpose on a way back no group is looked at, and on a guardian's no producer either: its gate doesn't judge them, and a sick colour takes long to tell
 */
export async function observe(
  ports: Ports,
  wiring: Wiring,
  limits: Limits,
  move: ObservedMove,
  lagSamples: number,
  deadline: Deadline,
  purpose: Purpose = 'move',
): Promise<Snapshot> {
  const routeReading = await read(() => ports.store.read(deadline))
  const journal = routeReading.seen ? routeReading.value.journal : []
  const listOf = async (colour: Colour): Promise<ColourSnapshot['groups']> =>
    isWayBack(purpose) ? notAsked : await read(() => ports.clusters[colour].groups.list(deadline))
  const lists = { blue: listOf('blue'), green: listOf('green') }
  const [sights, clients, publications, audit, source, target, mirror, groups, waveCommits] = await Promise.all([
    isFailover(purpose) ? read(() => ports.store.sights(deadline)) : null,
    read(() => ports.store.clients(deadline)),
    purpose === 'move' ? observePublications(ports, wiring, routeReading.seen ? routeReading.value.route : null, deadline) : [],
    observeAudit(ports, deadline),
    observeColour(ports, wiring, move.source, lists[move.source], purpose, deadline),
    observeColour(ports, wiring, move.target, lists[move.target], purpose, deadline),
    observeMirror(ports, wiring, limits, move, journal, lagSamples, deadline),
    observeMovedGroups(ports, wiring, limits, move, routeReading.seen ? routeReading.value.route : null, lists, deadline),
    observeWaveCommits(ports, move, deadline),
  ])
  const [sourceAtLast, targetAtLast] =
    purpose === 'move' ? await Promise.all([quorumAgain(ports, source, deadline), quorumAgain(ports, target, deadline)]) : [source, target]
  const unmirrored = mirror.lag.at(-1)?.kind === 'caught-up' ? null : await observeRest(ports, wiring, move, journal, deadline)
  return {
    source: move.source,
    target: move.target,
    waveGroups: move.waveGroups ?? [],
    waveCommits,
    observedAtMs: ports.clock.wallClock().getTime(),
    topics: wiring.topics,
    route: routeReading.seen ? { seen: true, value: { route: routeReading.value.route, journal } } : routeReading,
    clients,
    publications,
    colours: move.source === 'blue' ? { blue: sourceAtLast, green: targetAtLast } : { blue: targetAtLast, green: sourceAtLast },
    mirror,
    unmirrored,
    audit,
    sights,
    guardians: wiring.guardians,
    catalogGroups: wiring.groups,
    unprovenGroups: wiring.unprovenGroups,
    groups,
    fenceBindings: ports.clusters[move.target].fence.bindings,
    ownUsers: ownUsersApart(wiring.clusters),
  }
}

/** A move holds every group of the catalog at most; others are moved too, and have room as far as the catalog leaves it. */
async function observePublications(ports: Ports, { groups }: Wiring, route: RouteDocument | null, deadline: Deadline): Promise<Snapshot['publications']> {
  const patience = deadline.within(Math.min(publishMs, deadline.remainingMs() / 2), 'what is published')
  return await Promise.all(
    ports.publications.map(async (publication) => ({
      place: publication.place,
      epoch: await read(() => publication.epoch(patience)),
      unfit: route === null ? null : unfitFor(publication, largestForm(route, groups)),
    })),
  )
}

function unfitFor(publication: Ports['publications'][number], route: RouteDocument): string | null {
  try {
    publication.refuseUnfit(route)
    return null
  } catch (thrown) {
    return messageOf(thrown)
  }
}

/** What stands on the source only, while both go on. */
async function observeRest(
  ports: Ports,
  wiring: Wiring,
  move: ObservedMove,
  journal: readonly JournalEntry[],
  deadline: Deadline,
): Promise<Snapshot['unmirrored']> {
  const patience = deadline.within(Math.min(auditPatienceMs, deadline.remainingMs() / 2), "the audit to come to the target's end")
  return await read(async () => (await measureRest({ ports, topics: wiring.topics, journal, move }, patience, deadline)).unmirrored)
}

async function observeAudit({ audit }: Ports, deadline: Deadline): Promise<Snapshot['audit']> {
  return audit === null ? null : await read(() => audit.facts(deadline))
}

async function observeWaveCommits(ports: Ports, { source, waveGroups = [] }: ObservedMove, deadline: Deadline): Promise<Snapshot['waveCommits']> {
  if (waveGroups.length === 0) return { seen: true, value: new Map() }
  const patience = deadline.within(Math.min(commitsMs, deadline.remainingMs() / 2), 'how the groups of waves commit')
  return await read(() => ports.clusters[source].groups.commitsHow(waveGroups, patience))
}

async function observeMovedGroups(
  ports: Ports,
  wiring: Wiring,
  limits: Limits,
  move: ObservedMove,
  route: RouteDocument | null,
  lists: Readonly<Record<Colour, Promise<Reading<readonly GroupFacts[]>>>>,
  deadline: Deadline,
): Promise<Snapshot['groups']> {
  const [blue, green] = await Promise.all([lists.blue, lists.green])
  return await observeGroups(ports, wiring, limits, { ...move, route, listed: { blue, green } }, deadline)
}

async function observeColour(
  ports: Ports,
  wiring: Wiring,
  colour: Colour,
  groups: Promise<Reading<readonly GroupFacts[]>>,
  purpose: Purpose,
  deadline: Deadline,
): Promise<ColourSnapshot> {
  const { inventory, transactions, fence, producers } = ports.clusters[colour]
  const [cluster, topics, acls, quotas, scramUsers, authorizers, quorum, groupFacts, openTransactions, probes, producerIds] = await Promise.all([
    read(() => inventory.cluster(deadline)),
    read(() => inventory.topics(deadline)),
    read(() => inventory.acls(deadline)),
    read(() => inventory.quotas(deadline)),
    read(() => inventory.scramUsers(deadline)),
    read(() => inventory.authorizers(deadline)),
    read(async () => {
      const facts = await inventory.quorum(deadline)
      return { ...facts, firstLeaderEpoch: facts.leaderEpoch }
    }),
    groups,
    read(() => transactions.open(deadline)),
    read(() => fence.probe(deadline)),
    purpose === 'way back' ? notAsked : read(() => producers.ids(wiring.topics, deadline)),
  ])
  const catalog = { topics, acls, quotas, scramUsers }
  const expectedClusterId = wiring.clusters[colour].clusterId
  const seen = { cluster, ...catalog, authorizers, quorum, groups: groupFacts, openTransactions, probes, producers: producerIds }
  return { colour, expectedClusterId, ...seen }
}

/**
 * Behind everything else, which takes seconds: a quorum that keeps losing its leader has one at most single moments. Only for a plain move: off a sick colour a try is worth more than a refusal, and one that
 * is gone takes a look's whole time.
 */
async function quorumAgain({ clusters }: Ports, colour: ColourSnapshot, deadline: Deadline): Promise<ColourSnapshot> {
  const { quorum: first } = colour
  if (!first.seen) return colour
  const { firstLeaderEpoch } = first.value
  return { ...colour, quorum: await read(async () => ({ ...(await clusters[colour.colour].inventory.quorum(deadline)), firstLeaderEpoch })) }
}

async function observeMirror(
  ports: Ports,
  wiring: Wiring,
  limits: Limits,
  move: ObservedMove,
  journal: readonly JournalEntry[],
  lagSamples: number,
  deadline: Deadline,
): Promise<MirrorSnapshot> {
  const mirror = ports.mirrors[move.source]
  const record = mirrorRecord(journal, move.source)
  const [forward, runningBackwards] = await Promise.all([
    read(async () => (record === null ? null : await mirror.facts(record.connector, deadline))),
    read(() => connectorsThatRun(ports, move.target, move.source, deadline)),
  ])
  if (record === null) return { forward, runningBackwards, lag: [] }
  const subject = {
    clock: ports.clock,
    source: ports.clusters[move.source],
    target: ports.clusters[move.target],
    mirror,
    connector: record.connector,
    topics: wiring.topics,
    isAudited: ports.audit !== null,
  }
  const lag: LagSample[] = []
  for (let number = 0; number < lagSamples && !deadline.over; number += 1) {
    const startedMs = ports.clock.monotonicMs()
    const sample = await sampleLag(subject, Math.min(2 * limits.maxMirrorLagMs, deadline.remainingMs() / 2))
    lag.push(sample)
    if (sample.kind !== 'caught-up') break
    const restMs = limits.lagSampleIntervalMs - (ports.clock.monotonicMs() - startedMs)
    if (number + 1 < lagSamples && restMs > 0) await ports.clock.sleep(Math.min(restMs, deadline.remainingMs()), deadline.cancelled)
  }
  return { forward, runningBackwards, lag }
}

/** Mirror connectors source -> target that aren't stopped: of any name, so that one started by hand is found too. */
export async function connectorsThatRun(ports: Ports, source: Colour, target: Colour, deadline: Deadline): Promise<readonly string[]> {
  const mirror = ports.mirrors[source]
  const names = (await mirror.connectors(deadline)).filter((name) => isMirrorConnector(name, source, target))
  const facts = await Promise.all(names.map((name) => mirror.facts(name, deadline)))
  return facts.filter((connector) => connector.state !== 'STOPPED' && connector.state !== 'absent').map((connector) => `${connector.name} (${connector.state})`)
}

async function read<T>(probe: () => Promise<T>): Promise<Reading<T>> {
  try {
    return { seen: true, value: await probe() }
  } catch (thrown) {
    return { seen: false, why: messageOf(thrown) }
  }
}
