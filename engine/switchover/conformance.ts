/** The protocol's rules over what was written down: a journal, and the route as it was written with its entries (pure). */
import type { JournalEntry } from '../model/journal.ts'
import type { RouteDocument } from '../model/route.ts'
import { walkSwitchover } from './conformance-walk.ts'

/** A version of the route, and the journal entry of the same transaction. */
export interface RouteWrite {
  readonly entryNumber: number
  readonly route: RouteDocument
}

type Opened = Extract<JournalEntry, { kind: 'opened' }>

/**
 * Where a journal departs from the protocol: the order of steps, one decision for each switchover and under the term that held and fenced, no fence lifted before it,
 * nobody writing behind a later term. Empty: nowhere.
 *
 * @param journal consecutive entries, from the beginning or from an `opened` entry on
 * @param routes versions of the route in the order in which they were written, as far as they are known; from the first one on none may be missing
 * @returns one sentence for each departure, with the number of the entry
 */
export function departures(journal: readonly JournalEntry[], routes: readonly RouteWrite[] = []): readonly string[] {
  return [...numbering(journal), ...terms(journal), ...switchovers(journal), ...routeMoves(journal, routes)]
}

function numbering(journal: readonly JournalEntry[]): readonly string[] {
  const first = journal[0]?.number ?? 1
  return journal.flatMap(({ number }, index) => (number === first + index ? [] : [`entry ${number} stands where ${first + index} belongs`]))
}

/** A term is the create revision of a lock: it only grows, and whoever has lost the lock writes nothing behind his successor. */
function terms(journal: readonly JournalEntry[]): readonly string[] {
  return journal.flatMap(({ number, term }, index) => {
    const before = journal[index - 1]
    return before === undefined || BigInt(term) >= BigInt(before.term) ? [] : [`entry ${number} is of term ${term}, behind one of term ${before.term}`]
  })
}

function switchovers(journal: readonly JournalEntry[]): readonly string[] {
  const found: string[] = []
  let opened: Opened | null = null
  let own: JournalEntry[] = []
  for (const entry of journal) {
    if (entry.kind === 'opened') {
      if (opened !== null) found.push(`entry ${entry.number} opens a switchover before that of entry ${opened.number} is closed`)
      opened = entry
      own = []
    } else if (opened === null) found.push(...outside(entry))
    else own.push(entry)
    if (entry.kind !== 'closed' || opened === null) continue
    found.push(...walkSwitchover(opened, own))
    opened = null
  }
  if (opened !== null) found.push(...walkSwitchover(opened, own))
  return found
}

/** What belongs to a switchover stands in one. Mirrors, fences and waves have their place between them too. */
function outside(entry: JournalEntry): readonly string[] {
  const isOwned = entry.kind === 'decided' || entry.kind === 'closed' || (entry.kind === 'step' && entry.step !== 'groups')
  const isUnnamed = entry.kind === 'groups' && entry.wave === undefined
  return isOwned || isUnnamed ? [`entry ${entry.number} (${entry.kind}) belongs to no switchover`] : []
}

function routeMoves(journal: readonly JournalEntry[], routes: readonly RouteWrite[]): readonly string[] {
  const byNumber = new Map(journal.map((entry) => [entry.number, entry]))
  return routes.flatMap(({ entryNumber, route }, index) => {
    const entry = byNumber.get(entryNumber)
    if (entry === undefined) return [`epoch ${route.epoch} was written with entry ${entryNumber}, which is not there`]
    const before = routes[index - 1]?.route
    const wrong = [
      ...(route.term === entry.term ? [] : [`is of term ${route.term}, its entry of term ${entry.term}`]),
      ...(before === undefined ? [] : movesFrom(before, route, entry)),
      ...boundTo(before, route, entry),
    ]
    return wrong.map((text) => `epoch ${route.epoch} (entry ${entryNumber}) ${text}`)
  })
}

const legalStates: Readonly<Record<RouteDocument['state'], readonly RouteDocument['state'][]>> = {
  open: ['open', 'held'],
  held: ['aborting', 'deciding'],
  aborting: ['open'],
  deciding: ['open'],
}

function movesFrom(before: RouteDocument, route: RouteDocument, entry: JournalEntry): readonly string[] {
  // Nobody is held for a source that is gone.
  const isFailover = entry.kind === 'decided' && entry.loss?.how === 'failover' && before.state === 'open' && route.state === 'deciding'
  const isDecided = before.state === 'deciding' && route.state === 'open'
  const live = isDecided ? before.target : before.live
  const isSameTarget = isFailover || route.state === 'open' || route.state === 'held' || route.target === before.target
  return [
    ...(route.epoch > before.epoch ? [] : [`follows epoch ${before.epoch}`]),
    ...(isFailover || legalStates[before.state].includes(route.state) ? [] : [`goes from ${before.state} to ${route.state}`]),
    ...(route.live === live ? [] : [`makes ${route.live} live, where ${live} belongs`]),
    ...(isSameTarget ? [] : [`changes the target from ${before.target} to ${route.target}`]),
    ...(before.state === 'aborting' && route.latch === null ? ['forgets the latch of what was taken back'] : []),
  ]
}

/** Each state of the route comes with the entry that says why. */
function boundTo(before: RouteDocument | undefined, route: RouteDocument, entry: JournalEntry): readonly string[] {
  const what = entry.kind === 'step' ? `${entry.step} ${entry.what}` : entry.kind === 'decided' ? `decided ${entry.outcome}` : entry.kind
  const wanted = { held: ['hold begin'], aborting: ['decided abort'], deciding: ['decided switch'], open: openedBy(before) }[route.state]
  return wanted === null || wanted.includes(what) ? [] : [`is ${route.state} by "${what}" instead of "${wanted.join('" or "')}"`]
}

/** null: what stands before isn't known. */
function openedBy(before: RouteDocument | undefined): readonly string[] | null {
  if (before?.state === 'deciding') return ['release done']
  if (before?.state === 'aborting') return ['release skipped']
  if (before?.state === 'open') return ['groups begin', 'groups done', 'groups skipped', 'groups', 'wave', 'created', 'opened']
  return null
}
