import { noAudit } from '../gate/audit.ts'
import { type Colour, otherColour } from '../model/colour.ts'
import type { DrillMark } from '../model/drill.ts'
import { firstFive, messageOf } from '../model/error.ts'
import type { BrokerProbe } from '../model/facts.ts'
import type { JournalEntry } from '../model/journal.ts'
import { type ClientRegistration, isApplication, type RouteDocument } from '../model/route.ts'
import type { Reading } from '../model/snapshot.ts'
import type { Waves } from '../model/wave.ts'
import { drillLines, drillMarkLines } from './drill-verdict.ts'
import { mirrorRecord, openSwitch } from './journal-reading.ts'
import { type LossFacts, lossLines } from './loss-text.ts'
import { guardiansText, isGuarded, type NextFacts, nextText } from './next-text.ts'
import { publishedLines, type ToldThere } from './publications-text.ts'
import { lateLines, watchLines } from './watch-reading.ts'
import { consumersOf, openWaves } from './waves.ts'

/** What `kbg status` looks at. */
export interface StatusFacts extends NextFacts, LossFacts {
  readonly route: RouteDocument | null
  readonly probes: Readonly<Record<Colour, Reading<readonly BrokerProbe[]>>>
  /** The catalog's groups by wave. */
  readonly waves: Waves
  /** Of a drill that runs, or has left something; null or absent: neither. */
  readonly drillMark?: Reading<DrillMark | null>
  /** Where the route is published. */
  readonly publications: readonly ToldThere[]
  /** Whether an audit compares both sides. */
  readonly isAudited: boolean
}

/** Any state in words: who writes where, what is fenced, which step is open since when, what happens next by itself, what the operator can do (pure). */
export function statusText(facts: StatusFacts): string {
  const { route, journal } = facts
  if (route === null && journal.length > 0) {
    return 'The route document is gone, though the journal tells of one: restore the route store from its backup. Clients go on with the route that they know.'
  }
  if (route === null) return 'There is no route yet: pulumi up on the traffic stack creates it.'
  return [
    `route     epoch ${route.epoch}, ${writers(route)}`,
    `fences    blue ${fenceText(facts.probes.blue)}; green ${fenceText(facts.probes.green)}`,
    ...fenceAdvice(facts, route),
    `mirror    ${mirrorText(journal)}`,
    ...(facts.isAudited ? [] : [`audit     ${noAudit}`]),
    `readers   ${readersText(route)}`,
    ...wavesText(facts, route),
    `clients   ${clientsText(facts.clients, route.epoch)}`,
    ...publishedLines(facts.publications, route.epoch, isGuarded(facts)),
    `guardians ${guardiansText(facts, route.epoch)}`,
    `lock      ${facts.lockHolder === null ? 'free' : `held by ${facts.lockHolder}`}`,
    ...openText(facts, route),
    ...watchLines(journal),
    ...lateLines(journal),
    ...lossLines(facts, route),
    ...drillLines(journal),
    ...drillMarkOf(facts),
    ...next(facts, route),
    ...(route.latch ? [`latch     attempt ${route.latch.attempt}: ${route.latch.reason} (kbg ack allows the next one)`] : []),
  ].join('\n')
}

function drillMarkOf({ drillMark, lockHolder }: StatusFacts): readonly string[] {
  if (drillMark?.seen === false) return [`drill     whether one runs, or has left something, can't be read: ${drillMark.why}`]
  return drillMarkLines(drillMark?.value ?? null, lockHolder)
}

function writers(route: RouteDocument): string {
  switch (route.state) {
    case 'open':
      return `producers write to ${route.live}`
    case 'held':
      return `producers are held, nobody decided yet (${route.live} -> ${route.target})`
    case 'aborting':
      return `producers are held; it was decided that ${route.live} stays`
    case 'deciding':
      return `producers are held; it was decided that ${route.target} takes over`
  }
}

function fenceText(probes: Reading<readonly BrokerProbe[]>): string {
  if (!probes.seen) return `not known (${probes.why})`
  const answers = new Set(probes.value.map((probe) => probe.answer))
  if (answers.size === 1) return [...answers].join()
  return firstFive(probes.value.map((probe) => `broker ${probe.brokerId} ${probe.answer}`))
}

/** An open route wants its live colour open and the other fenced; a request that landed late leaves it otherwise. */
function fenceAdvice(facts: StatusFacts, route: RouteDocument): readonly string[] {
  if (route.state !== 'open') return []
  const says = (colour: Colour, answer: BrokerProbe['answer']) => {
    const probes = facts.probes[colour]
    return probes.seen && probes.value.some((probe) => probe.answer === answer)
  }
  const wrong = [
    ...(says(route.live, 'fenced') ? [`${route.live} is live but refuses writes`] : []),
    ...(says(otherColour(route.live), 'open') ? [`${otherColour(route.live)} accepts writes though it isn't live`] : []),
  ]
  const what = isGuarded(facts)
    ? 'a guardian puts that right by itself within seconds'
    : 'kbg repair puts that right, and so does pulumi up on the traffic stack'
  return wrong.length === 0 ? [] : [`          ${wrong.join('; ')}: ${what}`]
}

function mirrorText(journal: readonly JournalEntry[]): string {
  const known = (['blue', 'green'] as const).flatMap((source) => mirrorRecord(journal, source) ?? [])
  return known.length === 0 ? 'none' : known.map((one) => `${one.source} -> ${one.target} ${one.what} (${one.connector})`).join('; ')
}

function readersText(route: RouteDocument): string {
  const groups = Object.entries(route.groups).map(([groupId, group]) => `${groupId} ${group.state} on ${group.colour}`)
  return `${route.defaultConsumerColour}${groups.length > 0 ? `, but ${firstFive(groups)}` : ''}`
}

/** Where each wave reads, and which one a run left between two. */
function wavesText({ waves, journal }: StatusFacts, route: RouteDocument): readonly string[] {
  const known = Object.entries(consumersOf(route, waves))
  if (known.length === 0) return []
  const open = [...known.flatMap(([wave, colour]) => (colour === 'held' ? [wave] : [])), ...openWaves(journal).map(({ wave }) => wave)]
  return [
    `waves     ${known.map(([wave, colour]) => `${wave} ${colour === 'mixed' ? 'on both colours' : colour === 'held' ? 'held' : `reads on ${colour}`}`).join(', ')}`,
    ...(open.length === 0 ? [] : [`          ${[...new Set(open)].join(', ')} is being moved`]),
  ]
}

function clientsText(clients: readonly ClientRegistration[], epoch: number): string {
  const applications = clients.filter(isApplication)
  const late = applications.filter((client) => client.ackedEpoch < epoch)
  return `${applications.length} registered${late.length > 0 ? `, not on epoch ${epoch}: ${firstFive(late.map((client) => client.clientId))}` : ''}`
}

function openText({ journal }: StatusFacts, route: RouteDocument): readonly string[] {
  const open = openSwitch(journal)
  if (open === null) return ['switch    none is open']
  const last = open.entries.findLast((entry) => entry.kind === 'step' || entry.kind === 'decided' || entry.kind === 'fence' || entry.kind === 'mirror')
  const held = open.entries.find((entry) => entry.kind === 'step' && entry.step === 'hold')
  const since = route.state === 'open' || held === undefined ? '' : `, producers held since ${held.atWallClock}`
  const decided = open.decided === null ? 'not decided' : `decided: ${open.decided.outcome}`
  return [
    `switch    ${open.source} -> ${open.target} open since ${open.entries[0]?.atWallClock}${since}, ${decided}${last ? `, last: ${entryText(last)}` : ''}`,
  ]
}

/** A route and a journal that contradict each other are told, not thrown: this is what somebody reads who looks for the cause. */
function next(facts: StatusFacts, route: RouteDocument): readonly string[] {
  try {
    return nextText(facts, route)
  } catch (thrown) {
    return [`next      nothing by itself: ${messageOf(thrown)}`]
  }
}

function entryText(entry: JournalEntry): string {
  if (entry.kind === 'step') return `${entry.step} ${entry.what} (${entry.detail})`
  if (entry.kind === 'mirror') return `connector ${entry.connector} ${entry.what}`
  return entry.kind === 'fence' ? `${entry.what} the fence of ${entry.colour}` : entry.kind
}
