import { guardianTroubles, noGuardian } from '../gate/guardians.ts'
import type { Colour } from '../model/colour.ts'
import { firstFive } from '../model/error.ts'
import type { JournalEntry } from '../model/journal.ts'
import type { Limits } from '../model/limits.ts'
import type { ClientRegistration, RouteDocument } from '../model/route.ts'
import { leftOpen } from './resume.ts'
import { leaseMs, longestStallMs, stallWithoutHolderMs } from './stall.ts'

/** What decides what happens next. */
export interface NextFacts {
  readonly journal: readonly JournalEntry[]
  readonly lockHolder: string | null
  readonly clients: readonly ClientRegistration[]
  /** The colours that a guardian is to stand beside. */
  readonly guardians: readonly Colour[]
  readonly limits: Limits
}

/** Who guards: beside which colour, on which epoch, and who is missing. */
export function guardiansText({ guardians, clients }: NextFacts, epoch: number): string {
  if (guardians.length === 0) return noGuardian
  const alive = clients.filter(({ kind }) => kind === 'guardian').map(({ colour, ackedEpoch }) => `beside ${colour} (epoch ${ackedEpoch})`)
  const troubles = guardianTroubles(clients, guardians, epoch)
  const missing = troubles.length === 0 ? [] : [`${firstFive(troubles)}: pulumi up on the traffic stack starts it`]
  return [...(alive.length === 0 ? [] : [firstFive(alive)]), ...missing].join('; ')
}

/** Whether a guardian is registered: one is enough. */
export function isGuarded({ guardians, clients }: NextFacts): boolean {
  return guardians.length > 0 && clients.some(({ kind }) => kind === 'guardian')
}

/** What happens next by itself, and within what time; and what the operator can do. Nothing to say while nothing is open (pure). */
export function nextText(facts: NextFacts, route: RouteDocument): readonly string[] {
  const isHeld = route.state !== 'open'
  if (!isHeld && !isLeft(facts, route)) return []
  return facts.lockHolder === null ? withoutHolder(facts, route, isHeld) : besideHolder(facts, route, facts.lockHolder, isHeld)
}

function withoutHolder(facts: NextFacts, route: RouteDocument, isHeld: boolean): readonly string[] {
  const what = outcomeText(facts, route)
  if (!isGuarded(facts)) {
    return ['next      its orchestrator is gone, and nobody finishes it by itself', `you can   kbg repair, or pulumi up on the traffic stack: ${what}`]
  }
  const within = isHeld ? `, and producers write again within ${seconds(stallWithoutHolderMs(facts.limits))}` : ''
  return [`next      its orchestrator is gone: a guardian acts by itself, ${what}${within}`, 'you can   kbg repair, which does the same at once']
}

function besideHolder(facts: NextFacts, route: RouteDocument, holder: string, isHeld: boolean): readonly string[] {
  const { limits } = facts
  const otherwise = isGuarded(facts)
    ? `if it ends or hangs, a guardian acts in its place, ${outcomeText(facts, route)}${isHeld ? `; producers are held for ${seconds(longestStallMs(limits))} at most` : ''}`
    : `if it is killed, its lock ends within ${seconds(leaseMs(limits))}, and kbg repair goes on with it`
  const isDecided = ['finish-switch', 'finish-abort'].includes(leftOpen(route, facts.journal)?.kind ?? '')
  return [
    `next      ${holder} holds the lock and goes on; ${otherwise}`,
    isDecided ? 'you can   wait: what is decided is finished first' : 'you can   kbg abort, or ^C where it runs: it is taken back',
  ]
}

/** What becomes of it, whoever does it. */
function outcomeText({ journal }: NextFacts, route: RouteDocument): string {
  const left = leftOpen(route, journal)
  switch (left?.kind) {
    case undefined:
      return 'and nothing has to be done'
    case 'close-untouched':
      return 'and it is closed, because it has touched nothing'
    case 'abort':
    case 'finish-abort':
      return `and it is taken back: ${left.open.source} stays live`
    case 'finish-switch':
      return `and the decided switchover is finished: ${left.open.target} is live`
    case 'settle-waves':
      return 'and the groups that were left are released or judged'
  }
}

function isLeft({ journal }: NextFacts, route: RouteDocument): boolean {
  return leftOpen(route, journal) !== null
}

function seconds(ms: number): string {
  return `${Math.ceil(ms / 1_000)} s`
}
