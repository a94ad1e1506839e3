/** What must hold at every moment, and what must hold at the end: judged by what clients saw and what the logs hold, never by what the orchestrator says. */
import { type Colour, colours, otherColour } from '../../../engine/model/colour.ts'
import { JournalEntry } from '../../../engine/model/journal.ts'
import { groupRoute, type RouteDocument, routeKeys } from '../../../engine/model/route.ts'
import { logOf, visibleOffsets, visibleValues } from './brokers.ts'
import { fleet } from './names.ts'
import { applicationPartitions, type SimulatedCluster, type World } from './world.ts'

const keys = routeKeys(fleet)
/** A gate that was just passed lets no mirror lag so far. */
const longestLagMs = 5_000
/** What has been so for as long could be seen by whoever looks before he acts. */
const knownMs = 300

export function violate(world: World, invariant: string, text: string): void {
  const isKnown = world.history.violations.some((known) => known.invariant === invariant && known.text === text)
  if (!isKnown) world.history.violations.push({ invariant, text, atMs: world.nowMs })
}

export function routeOf(world: World): RouteDocument | null {
  const stored = world.etcd.keys[keys.route]
  return stored === undefined ? null : (JSON.parse(stored.value) as RouteDocument)
}

/** Whether an application's append would be taken somewhere: by a broker that leads a partition of theirs and doesn't know of a fence. */
export function isOpen(cluster: SimulatedCluster): boolean {
  const leaders = new Set(applicationPartitions.map((partition) => logOf(cluster, partition).leader))
  return cluster.brokers.some(({ id, state, isFenced }) => leaders.has(id) && state !== 'dead' && !isFenced)
}

/** Behind every event. */
export function checkStep(world: World): void {
  checkOpenColours(world)
  checkNewEntries(world)
}

/** I6. A late request of somebody who has given it up may open a second colour: that is counted, and the next run has to put it right. */
function checkOpenColours(world: World): void {
  const { blue, green } = world.clusters
  for (const cluster of [blue, green]) {
    if (cluster.isChangedLate && !cluster.isFenced && !cluster.isOpenedLate) {
      cluster.isOpenedLate = true
      cluster.openedLateAtMs = world.nowMs
    }
    if (isOpen(cluster)) continue
    cluster.isOpenedLate = false
    if (cluster.isFenced) cluster.isReturning = false
  }
  if (!isOpen(blue) || !isOpen(green)) return
  if (blue.isReturning || green.isReturning) except(world, 'both colours open while one that was left in a failover returns')
  else if (blue.isOpenedLate || green.isOpenedLate) except(world, 'both colours open by a fence request that landed late')
  else violate(world, 'I6', 'both colours are open for application writes')
}

function except(world: World, text: string): void {
  if (!world.history.excepted.includes(text)) world.history.excepted.push(text)
}

/** I7, at each append of an application. */
export function noteAppend(world: World, colour: Colour, value: string): void {
  const route = routeOf(world)
  if (route === null || world.history.late.includes(value)) return
  const isLive = route.state === 'deciding' ? colour === route.target : colour === route.live
  if (isLive) return
  if (world.clusters[colour].isReturning) except(world, `an append to a colour that has returned: ${value}`)
  else if (world.clusters[colour].isOpenedLate) except(world, 'an append to a colour that a late fence request had opened')
  else violate(world, 'I7', `${value} was appended on ${colour}, while the route says ${route.state}, live ${route.live}, target ${route.target}`)
}

/** A fence is lifted by whoever has won the decision, and by nobody before; also where no append happens to come in between. */
export function noteFence(world: World, { colour, isFenced, isChangedLate }: SimulatedCluster): void {
  const route = routeOf(world)
  if (route === null || isFenced || isChangedLate) return
  const other = world.clusters[otherColour(colour)]
  const isKnown = other.isOpenedLate && isOpen(other) && world.nowMs - other.openedLateAtMs > knownMs
  if (isKnown) violate(world, 'I6', `the fence of ${colour} was lifted though ${other.colour} had been open for ${knownMs} ms`)
  const isDecided = route.state === 'deciding' ? colour === route.target : route.state !== 'held' && colour === route.live
  if (!isDecided) violate(world, 'I6', `the fence of ${colour} was lifted while the route said ${route.state}, live ${route.live}, target ${route.target}`)
}

/** I3: what a group has committed it is never given again; but for a late record, which the reverse mirror brings back behind itself to a group that stays. */
export function noteGiven(world: World, groupId: string, value: string, colour: Colour): void {
  if (world.history.late.includes(value)) return
  const isAgain = world.history.committed[groupId]?.[value] === true
  // What a group had committed on a colour that is gone nobody could read.
  if (isAgain && world.clusters[otherColour(colour)].isLeft) except(world, `${groupId} reads again behind a failover`)
  else if (isAgain) violate(world, 'I3', `${groupId} is given ${value} on ${colour} again, which it has committed`)
}

/** Every entry stands under the lock in force; the decision stands on a cut that holds. */
function checkNewEntries(world: World): void {
  const head = Number(world.etcd.keys[keys.journalHead]?.value ?? 0)
  if (head === world.checkedEntry) return
  for (let number = world.checkedEntry + 1; number <= head; number += 1) {
    const stored = world.etcd.keys[keys.journalEntry(number)]
    if (stored === undefined) {
      violate(world, 'I8', `journal entry ${number} is not there`)
      continue
    }
    const entry = JournalEntry.parse(JSON.parse(stored.value))
    const lock = world.etcd.keys[keys.lock]
    if (String(lock?.create) !== entry.term)
      violate(world, 'I8', `entry ${number} (${entry.kind}) of term ${entry.term} was written while the lock was ${lock?.create ?? 'free'}`)
    const route = world.etcd.keys[keys.route]
    if (route !== undefined && route.mod === stored.mod) world.history.routes.push({ entryNumber: number, route: JSON.parse(route.value) as RouteDocument })
    if (entry.kind === 'opened' && entry.lossy === undefined) checkOpened(world)
    if (entry.kind === 'step' && entry.step === 'release') checkPublished(world)
    if (entry.kind === 'decided' && entry.loss?.how === 'failover') world.clusters[entry.loss.colour].isLeft = true
    if (entry.kind === 'decided' && entry.outcome === 'switch') checkDecision(world, entry.cut?.source ?? 'blue', entry.loss !== undefined)
  }
  world.checkedEntry = head
}

/** F29, I14: behind the gate, a switchover is opened only for a mirror that copies. */
function checkOpened(world: World): void {
  const source = routeOf(world)?.live ?? 'blue'
  for (const partition of applicationPartitions) {
    const there = new Set(visibleValues(logOf(world.clusters[otherColour(source)], partition)))
    const log = logOf(world.clusters[source], partition)
    const old = visibleOffsets(log, 0, log.records.length).filter((offset) => {
      const record = log.records[offset]
      return record?.kind === 'data' && record.sinceMs < world.nowMs - longestLagMs && !there.has(record.value)
    })
    if (old.length > 0) violate(world, 'I14', `a switchover was opened though ${old.length} records of ${partition} had not been copied for ${longestLagMs} ms`)
  }
}

/** I9: whoever is sent to a colour is taken there, by every broker that wasn't away a moment ago. */
function checkPublished(world: World): void {
  const route = routeOf(world)
  const cluster = world.clusters[route?.live ?? 'blue']
  const refusing = cluster.brokers.filter(({ state, isFenced, backAtMs }) => state === 'up' && isFenced && world.nowMs - backAtMs > knownMs)
  if (refusing.length > 0 && !cluster.isChangedLate) violate(world, 'I9', `${cluster.colour} was published while ${refusing.length} of its brokers refused`)
}

/** I1, at the point of no return: what is visible on the source, or will be, is visible on the target; late records are excepted, and what a lossy move states is judged by itself. */
function checkDecision(world: World, source: Colour, isLossy: boolean): void {
  const late = new Set(world.history.late)
  for (const partition of applicationPartitions) {
    const there = new Set(visibleValues(logOf(world.clusters[otherColour(source)], partition)))
    const missing = logOf(world.clusters[source], partition).records.flatMap((record) =>
      record.kind === 'data' && record.state !== 'aborted' && !late.has(record.value) && !there.has(record.value) ? [record.value] : [],
    )
    if (missing.length > 0 && !isLossy) violate(world, 'I1', `decided while ${missing.join(', ')} stood on ${source} only`)
  }
  if (isOpen(world.clusters[source]) && !world.clusters[source].isOpenedLate) violate(world, 'I6', `decided while ${source} was open`)
}

/** How the end is judged. */
export interface EndChecks {
  /** Nothing went wrong that a client could notice: every record once, to every group once. */
  readonly isGraceful: boolean
}

/** When faults have ended, a run has put things right, and clients have caught up. */
export function checkEnd(world: World, { isGraceful }: EndChecks): void {
  const route = routeOf(world)
  if (route === null) {
    violate(world, 'I9', 'there is no route')
    return
  }
  checkOneWritable(world)
  for (const partition of applicationPartitions) checkPartition(world, route.live, partition)
  for (const [groupId, given] of Object.entries(world.history.consumed)) checkGroup(world, route, groupId, given, isGraceful)
}

/** I9: exactly one colour is writable, the one that the route names, and routed clients go there. */
export function checkOneWritable(world: World): void {
  const route = routeOf(world)
  if (route === null) return
  if (route.state !== 'open') {
    violate(world, 'I9', `stuck: the route is ${route.state}`)
    return
  }
  for (const colour of colours) {
    const wanted = colour === route.live ? 'open' : 'fenced'
    const others = world.clusters[colour].brokers.filter(({ state, isFenced }) => state === 'up' && (isFenced ? 'fenced' : 'open') !== wanted)
    if (others.length > 0) violate(world, 'I9', `${colour} has to be ${wanted}, ${others.length} of its brokers are not`)
  }
  for (const [groupId, { state }] of Object.entries(route.groups)) if (state === 'held') violate(world, 'I9', `group ${groupId} is held for ever`)
}

/** I1, I2, I4, I10, I13. */
function checkPartition(world: World, live: Colour, partition: string): void {
  const { acknowledged, aborted, late } = world.history
  const values = visibleValues(logOf(world.clusters[live], partition))
  const there = new Set(values)
  const own = Object.keys(acknowledged).filter((value) => value.includes(`:${partition}:`))
  const lost = own.filter((value) => !there.has(value) && !late.includes(value))
  if (lost.length > 0) violate(world, 'I1', `acknowledged and not on ${live}: ${lost.slice(0, 5).join(', ')}`)
  for (const colour of colours) {
    const side = visibleValues(logOf(world.clusters[colour], partition))
    const twice = side.filter((value, index) => side.indexOf(value) !== index && !(colour !== live && late.includes(value)))
    if (twice.length > 0) violate(world, colour === live ? 'I2' : 'I10', `twice on ${colour}: ${twice.slice(0, 5).join(', ')}`)
    const undead = side.filter((value) => aborted.includes(value))
    if (undead.length > 0) violate(world, 'I13', `aborted and visible on ${colour}: ${undead.slice(0, 5).join(', ')}`)
  }
  const newest = new Map<string, number>()
  for (const value of values) {
    const [client = '', , number = '0'] = value.split(':')
    if (late.includes(value)) continue
    if (Number(number) < (newest.get(client) ?? -1)) violate(world, 'I4', `${value} stands behind number ${newest.get(client)} on ${live}`)
    newest.set(client, Math.max(Number(number), newest.get(client) ?? -1))
  }
}

/** I5, and of a graceful move that nothing is given twice. */
function checkGroup(world: World, route: RouteDocument, groupId: string, given: readonly { readonly value: string }[], isGraceful: boolean): void {
  const { colour } = groupRoute(route, groupId)
  const seen = new Set(given.map(({ value }) => value))
  const all = applicationPartitions.flatMap((partition) => visibleValues(logOf(world.clusters[colour], partition)))
  const skipped = all.filter((value) => !seen.has(value))
  if (skipped.length > 0) violate(world, 'I5', `${groupId} was never given ${skipped.slice(0, 5).join(', ')} (${skipped.length} in all)`)
  if (isGraceful && given.length > seen.size) violate(world, 'I2', `${groupId} was given ${given.length - seen.size} records twice`)
}
