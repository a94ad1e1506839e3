import { noAudit } from '../gate/audit.ts'
import { type Colour, otherColour } from '../model/colour.ts'
import { firstFive } from '../model/error.ts'
import type { BrokerProbe } from '../model/facts.ts'
import type { JournalEntry } from '../model/journal.ts'
import type { ClientRegistration, RouteDocument } from '../model/route.ts'
import type { Reading } from '../model/snapshot.ts'
import type { Waves } from '../model/wave.ts'
import { mirrorRecord, openSwitch } from './journal-reading.ts'
import { lateLines, watchLines } from './watch-reading.ts'
import { consumersOf, openWaves } from './waves.ts'

/** What `kbg status` looks at. */
export interface StatusFacts {
  readonly route: RouteDocument | null
  readonly journal: readonly JournalEntry[]
  readonly lockHolder: string | null
  readonly clients: readonly ClientRegistration[]
  readonly probes: Readonly<Record<Colour, Reading<readonly BrokerProbe[]>>>
  /** The catalog's groups by wave. */
  readonly waves: Waves
  /** Whether an audit compares both sides. */
  readonly isAudited: boolean
}

/** Any state in words: who writes where, what is fenced, which step is open since when, what happens next, what the operator can do (pure). */
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
    `lock      ${facts.lockHolder === null ? 'free' : `held by ${facts.lockHolder}`}`,
    ...openText(facts),
    ...watchLines(journal),
    ...lateLines(journal),
    ...(route.latch ? [`latch     attempt ${route.latch.attempt}: ${route.latch.reason} (kbg ack allows the next one)`] : []),
  ].join('\n')
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
  return wrong.length === 0 ? [] : [`          ${wrong.join('; ')}: run pulumi up on the traffic stack, with live as it is, and it puts that right`]
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
function wavesText({ waves, journal, lockHolder }: StatusFacts, route: RouteDocument): readonly string[] {
  const known = Object.entries(consumersOf(route, waves))
  if (known.length === 0) return []
  const open = [...known.flatMap(([wave, colour]) => (colour === 'held' ? [wave] : [])), ...openWaves(journal).map(({ wave }) => wave)]
  const next = lockHolder === null ? 'its orchestrator is gone; pulumi up on the traffic stack goes on with it' : 'its orchestrator holds the lock and goes on'
  return [
    `waves     ${known.map(([wave, colour]) => `${wave} ${colour === 'mixed' ? 'on both colours' : colour === 'held' ? 'held' : `reads on ${colour}`}`).join(', ')}`,
    ...(open.length === 0 ? [] : [`          ${[...new Set(open)].join(', ')} is being moved: ${next}`]),
  ]
}

function clientsText(clients: readonly ClientRegistration[], epoch: number): string {
  const late = clients.filter((client) => client.ackedEpoch < epoch)
  return `${clients.length} registered${late.length > 0 ? `, not on epoch ${epoch}: ${firstFive(late.map((client) => client.clientId))}` : ''}`
}

function openText(facts: StatusFacts): readonly string[] {
  const open = openSwitch(facts.journal)
  if (open === null) return ['switch    none is open']
  const last = open.entries.findLast((entry) => entry.kind === 'step' || entry.kind === 'decided' || entry.kind === 'fence')
  const since = open.entries[0]?.atWallClock ?? ''
  const decided = open.decided === null ? 'not decided' : `decided: ${open.decided.outcome}`
  return [
    `switch    ${open.source} -> ${open.target} open since ${since}, ${decided}${last ? `, last: ${entryText(last)}` : ''}`,
    facts.lockHolder === null
      ? '          its orchestrator is gone: nobody finishes it by itself. Run pulumi up on the traffic stack: it finishes what was decided, or takes it back'
      : '          its orchestrator holds the lock and goes on; ^C there takes it back while nothing is decided',
  ]
}

function entryText(entry: JournalEntry): string {
  if (entry.kind === 'step') return `${entry.step} ${entry.what} (${entry.detail})`
  return entry.kind === 'fence' ? `${entry.what} the fence of ${entry.colour}` : entry.kind
}
