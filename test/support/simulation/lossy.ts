/** Moves that leave records behind: a way back without its mirror, and a failover; how each is judged by what clients saw and what the logs hold. */
import { type Colour, otherColour } from '../../../engine/model/colour.ts'
import { KbgError } from '../../../engine/model/error.ts'
import type { Loss } from '../../../engine/model/loss.ts'
import { GuardianRounds } from '../../../engine/run/guardian/round.ts'
import type { OversightPorts } from '../../../engine/run/ports.ts'
import { departures } from '../../../engine/switchover/conformance.ts'
import type { Outcome } from './actor.ts'
import { killBroker, logOf, newCluster, valueAt, visibleOffsets, visibleValues } from './brokers.ts'
import { allPartitions } from './cluster-port.ts'
import { limits } from './fleet.ts'
import { routeOf, violate } from './invariants.ts'
import { changeConnector } from './mirror.ts'
import { wiring } from './names.ts'
import { journalOf } from './settle.ts'
import type { Simulation } from './simulation.ts'
import { applicationPartitions, type World } from './world.ts'

/** Longer than any run: nobody starts them again before that. */
const goneMs = 3_600_000

/** Somebody stops the connector that copies into a colour, behind everybody's back. */
export function stopMirrorInto(world: World, target: Colour): void {
  wantMirrorInto(world, target, 'STOPPED')
}

/** What {@link stopMirrorInto} stopped runs again. */
export function letMirrorRunInto(world: World, target: Colour): void {
  wantMirrorInto(world, target, 'RUNNING')
}

function wantMirrorInto(world: World, target: Colour, wanted: 'STOPPED' | 'RUNNING'): void {
  for (const connector of Object.values(world.workers[target].connectors)) {
    if (!connector.name.startsWith('kbg-mirror-')) continue
    connector.wanted = wanted
    changeConnector(world, connector)
  }
}

/** Every broker of a colour is killed. */
export function kill(world: World, colour: Colour): void {
  for (const { id } of world.clusters[colour].brokers) killBroker(world, world.clusters[colour], id, goneMs)
}

/** They come back with their logs, as they were: the live one was open. */
export function comeBack(world: World, colour: Colour): void {
  world.clusters[colour].isReturning = true
  for (const entry of world.agenda) if (entry.event.kind === 'broker-back' && entry.event.colour === colour) entry.atMs = world.nowMs
}

/** A colour is made anew, with its worker: another cluster, empty and born fenced. @returns what the fleet is wired to from then on */
export function renew(world: World, colour: Colour): typeof wiring {
  world.clusters[colour] = newCluster(colour, allPartitions)
  world.workers[colour] = { connectors: {}, offsets: {}, isExactlyOnce: true, upAtMs: 0 }
  return { ...wiring, clusters: { ...wiring.clusters, [colour]: { ...wiring.clusters[colour], clusterId: `another ${colour}` } } }
}

/** A guardian without the watch: its rounds, one after the other, until the end of the run. */
export function startGuardian(simulation: Simulation, colour: Colour, processId: number): void {
  simulation.start(`guardian beside ${colour}`, async (ports) => {
    const stop = new AbortController().signal
    const rounds = new GuardianRounds({ ports: ports as OversightPorts, wiring, limits, colour, processId, tell: () => undefined, stop })
    for (;;) await ports.clock.sleep(await rounds.next(stop), stop)
  })
}

/** How an update ended: `done`, or the code and the text of the refusal. */
export function told(outcome: Outcome | null): { readonly code: string; readonly text: string } {
  if (outcome === null) return { code: 'killed', text: '' }
  if (outcome.kind === 'done') return { code: 'done', text: '' }
  return { code: outcome.error instanceof KbgError ? outcome.error.code : 'other', text: String(outcome.error) }
}

/** The word for a failover, as an ordinary move's refusal shows it. */
export function failoverWordOf(refusal: string): string {
  return /pulumi config set failover (\S+) on the traffic stack/.exec(refusal)?.[1] ?? ''
}

/** Acknowledged values that stand on one colour and not on the other. */
export function onlyOn(world: World, colour: Colour): readonly string[] {
  return applicationPartitions.flatMap((partition) => {
    const there = new Set(visibleValues(logOf(world.clusters[otherColour(colour)], partition)))
    return visibleValues(logOf(world.clusters[colour], partition)).filter((value) => !there.has(value))
  })
}

export function lossOf(world: World): Loss | undefined {
  const decided = journalOf(world).findLast((entry) => entry.kind === 'decided' && entry.outcome === 'switch')
  return decided?.kind === 'decided' ? decided.loss : undefined
}

/** What the journal says was left behind, read where it says. */
export function leftValues(world: World, { colour, ranges }: Loss): readonly string[] {
  return Object.entries(ranges).flatMap(([partition, { from, to }]) => {
    const log = logOf(world.clusters[colour], partition)
    return visibleOffsets(log, Number(from), to === null ? log.records.length : Number(to)).map((offset) => valueAt(log, offset))
  })
}

/** Acknowledged before the decision on the colour that was left, and not on the one that is live: lost. It has to be exactly what the journal tells. */
export function checkLost(world: World, lost: Colour, stated: Loss): void {
  const values = new Set(leftValues(world, stated))
  const live = routeOf(world)?.live ?? lost
  const there = new Set(applicationPartitions.flatMap((partition) => visibleValues(logOf(world.clusters[live], partition))))
  for (const [value, colour] of Object.entries(world.history.acknowledged)) {
    const isLost = !there.has(value)
    if (isLost && (colour !== lost || !values.has(value)))
      violate(world, 'I1', `${value} was acknowledged on ${colour}, is not on ${live}, and nobody has stated it`)
    if (!isLost && values.has(value)) violate(world, 'I1', `${value} is told as lost and stands on ${live}`)
  }
}

/** Nothing copies in either direction, and the journal follows the protocol. */
export function checkDivergedFleet(world: World): void {
  const running = Object.values(world.workers).flatMap(({ connectors }) =>
    Object.values(connectors).filter(({ name, wanted }) => name.startsWith('kbg-mirror-') && wanted === 'RUNNING'),
  )
  if (running.length > 0) violate(world, 'I10', `mirrors that run beside a colour that has diverged: ${running.map(({ name }) => name).join(', ')}`)
  for (const text of departures(journalOf(world), world.history.routes)) violate(world, 'protocol', text)
}
