import { KbgError, messageOf } from '../../model/error.ts'
import { Deadline } from '../../ports/clock.ts'
import type { RouteGlance } from '../../ports/route-oversight.ts'
import { decide, type GuardianAction, jitterOf, restAfterMs, type Sight } from '../../switchover/guardian.ts'
import { leftOpen } from '../../switchover/resume.ts'
import type { Execution } from '../execution.ts'
import { fencesDiffer } from '../reconcile-fences.ts'
import { bringToRest } from '../repair.ts'
import { guardianHolder, lockOnce, type RunRequest, withLock } from '../under-lock.ts'
import type { GuardianParts } from './keeper.ts'

const storeMs = 3_000
/** How often the fences of both colours are looked at while nothing is open: a routed producer that is refused waits five seconds. The jitter keeps two guardians apart. */
const fencesEveryMs = 1_000

type Seen = Extract<Sight, { readonly kind: 'seen' }>

/** The rounds of one guardian: in each it looks, decides, and acts. What it remembers in between is how long it has seen something. */
export class GuardianRounds {
  readonly #parts: GuardianParts
  readonly #jitterMs: number
  /** Producers held, under which lock, and since when. */
  #held: { readonly term: string; readonly state: string; readonly sinceMs: number } | null = null
  #freeSinceMs: number | null = null
  /** What the journal said at this head and route, asked while the lock was free. */
  #left: { readonly at: string; readonly isLeftOpen: boolean } | null = null
  #fences: { readonly epoch: number; readonly againAtMs: number; readonly differ: boolean | null } | null = null
  #failures = 0
  #restUntilMs = 0
  #told = ''

  constructor(parts: GuardianParts) {
    this.#parts = parts
    this.#jitterMs = jitterOf(parts.processId)
  }

  /** One round. @returns how many milliseconds the next one may be away, if the route doesn't move before */
  async next(over: AbortSignal): Promise<number> {
    const { limits } = this.#parts
    const { sight, glance } = await this.#look(over)
    const action = decide(sight, limits, this.#jitterMs)
    this.#tellNew(action.why)
    if (action.kind === 'watch' || glance === null) return action.kind === 'watch' ? action.againMs : 0
    try {
      await this.#act(action, glance, over)
      this.#failures = 0
    } catch (thrown) {
      if (over.aborted) throw thrown
      if (thrown instanceof KbgError && thrown.code === 'locked') return 0 // the other one was faster, or an orchestrator: its turn
      this.#failures += 1
      this.#restUntilMs = this.#now() + restAfterMs(this.#failures, glance.route)
      this.#tellNew(`it didn't succeed, and is tried again: ${messageOf(thrown)}`)
    }
    return 0
  }

  /** What a guardian does when it is its turn, under the lock and behind a fresh reading. The watch behind a release has rounds of its own: `watching.ts`. */
  async #duties(run: Execution, why: string | null): Promise<void> {
    const { left } = await bringToRest(run, why)
    this.#parts.tell(left === null ? 'the fences follow the route' : `brought to its end (${left}): ${run.route.live} is live at epoch ${run.route.epoch}`)
  }

  async #act(action: Exclude<GuardianAction, { kind: 'watch' }>, { routeRevision }: RouteGlance, over: AbortSignal): Promise<void> {
    const { ports, wiring, limits, colour, processId, tell } = this.#parts
    if (action.kind === 'overrule') {
      const isWon = await ports.store.breakLock({ term: action.term, routeRevision }, this.#deadline('the overdue lock', over))
      if (!isWon) return // route or lock have moved: the holder lives after all, or the other guardian was faster
      tell(`took the lock away: ${action.why}`)
    }
    const holder = `${guardianHolder} beside ${colour}, pid ${processId}`
    const request: RunRequest = { wiring, intent: null, limits, holder, tell: ({ step, text }) => tell(`${step}: ${text}`), cancelled: over }
    const lock = await lockOnce(ports, request)
    this.#fences = null // looked at afresh, whatever comes of this
    await withLock(ports, lock, request, (run) => this.#duties(run, action.kind === 'overrule' ? action.why : null))
  }

  async #look(over: AbortSignal): Promise<{ readonly sight: Sight; readonly glance: RouteGlance | null }> {
    const { store } = this.#parts.ports
    try {
      const glance = await store.glance(this.#deadline('the route store', over))
      const times = this.#noted(glance)
      const isLeftOpen = glance.lock === null && (await this.#isLeftOpen(glance, over))
      const isQuiet = glance.lock === null && glance.route?.state === 'open' && !isLeftOpen
      const differ = isQuiet ? await this.#fencesDiffer(glance) : null
      const restMs = Math.max(0, this.#restUntilMs - this.#now())
      return { glance, sight: { kind: 'seen', route: glance.route, lock: glance.lock, isLeftOpen, fencesDiffer: differ, restMs, ...times } }
    } catch (thrown) {
      if (over.aborted || !(thrown instanceof KbgError)) throw thrown
      return { glance: null, sight: { kind: 'blind', why: thrown.message } }
    }
  }

  /** How long what is seen now has been seen. */
  #noted({ route, lock }: RouteGlance): Pick<Seen, 'heldMs' | 'freeMs'> {
    const now = this.#now()
    const isHeld = route !== null && route.state !== 'open' && lock !== null
    if (!isHeld) this.#held = null
    // A decision gives its holder as long again: it has to open a colour.
    else if (this.#held?.term !== lock.term || this.#held.state !== route.state) this.#held = { term: lock.term, state: route.state, sinceMs: now }
    this.#freeSinceMs = lock === null ? (this.#freeSinceMs ?? now) : null
    return { heldMs: now - (this.#held?.sinceMs ?? now), freeMs: now - (this.#freeSinceMs ?? now) }
  }

  /** The journal is read only when it or the route has changed: a switchover of thousands of groups is megabytes. */
  async #isLeftOpen({ route, routeRevision, journalHead }: RouteGlance, over: AbortSignal): Promise<boolean> {
    if (route === null) return false
    if (route.state !== 'open') return true
    const at = `${routeRevision} ${journalHead}`
    if (this.#left?.at !== at) {
      const reading = await this.#parts.ports.store.read(this.#deadline('the journal', over))
      const isLeftOpen = reading.route !== null && leftOpen(reading.route, reading.journal) !== null
      this.#left = { at: `${reading.routeRevision} ${reading.journalHead}`, isLeftOpen }
    }
    return this.#left.isLeftOpen
  }

  async #fencesDiffer({ route }: RouteGlance): Promise<boolean | null> {
    if (route === null) return null
    const known = this.#fences
    if (known !== null && known.epoch === route.epoch && this.#now() < known.againAtMs) return known.differ
    const differ = await fencesDiffer(this.#parts.ports, route).catch((thrown: unknown) => {
      if (!(thrown instanceof KbgError)) throw thrown
      this.#tellNew(`the fences can't be looked at: ${thrown.message}`) // another cluster, a wrong password: no reason to be blind for the route
      return null
    })
    this.#fences = { epoch: route.epoch, againAtMs: this.#now() + fencesEveryMs + this.#jitterMs, differ }
    return differ
  }

  #deadline(what: string, over: AbortSignal): Deadline {
    return new Deadline(this.#parts.ports.clock, storeMs, what, over)
  }

  #now(): number {
    return this.#parts.ports.clock.monotonicMs()
  }

  #tellNew(why: string): void {
    if (why !== this.#told) this.#parts.tell(why)
    this.#told = why
  }
}
