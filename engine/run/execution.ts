import type { Colour } from '../model/colour.ts'
import { KbgError, messageOf } from '../model/error.ts'
import type { JournalEntry, JournalFact, TimelineMark } from '../model/journal.ts'
import type { Limits } from '../model/limits.ts'
import type { LossyMove } from '../model/loss.ts'
import type { RouteDocument } from '../model/route.ts'
import type { Waves } from '../model/wave.ts'
import { type Intent, lossyMoveOf, type Wiring } from '../model/wiring.ts'
import { Deadline } from '../ports/clock.ts'
import type { RouteLock } from '../ports/route-store.ts'
import { openSwitch } from '../switchover/journal-reading.ts'
import { noticeOf } from '../switchover/notices.ts'
import { failedWatch } from '../switchover/watch-reading.ts'
import { consumersOf, isLeftOpen } from '../switchover/waves.ts'
import { Notices } from './notices.ts'
import type { Ports } from './ports.ts'
import type { Progress } from './progress.ts'
import { Publisher } from './publisher.ts'

const storeWriteMs = 5_000
/** How long hooks may keep the lock behind the end of a run: a guardian that has to move traffic back, or to put a fence right, waits for it. */
const noticePatienceMs = 1_000

/** What a run of the switchover carries from step to step: its lock, what it knows of the store, and the marks of its timeline. */
export class Execution {
  readonly ports: Ports
  readonly wiring: Wiring
  readonly limits: Limits
  readonly intent: Intent
  readonly lock: RouteLock
  readonly tell: Progress
  /** ^C, a lost engine, or `kbg abort`: looked at before the decision only. */
  readonly cancelled: AbortSignal
  readonly #automatic: string | null
  readonly timeline: TimelineMark[] = []
  readonly #notices: Notices
  readonly #publisher: Publisher
  route: RouteDocument
  journal: readonly JournalEntry[]
  #routeRevision: string
  #journalHead: number
  #window: Deadline | null = null

  constructor(run: {
    ports: Ports
    wiring: Wiring
    limits: Limits
    intent: Intent
    lock: RouteLock
    tell: Progress
    cancelled: AbortSignal
    automatic?: string | undefined
    route: RouteDocument
    journal: readonly JournalEntry[]
    routeRevision: string
    journalHead: number
  }) {
    this.ports = run.ports
    this.wiring = run.wiring
    this.limits = run.limits
    this.intent = run.intent
    this.lock = run.lock
    this.tell = run.tell
    const { abortRequested } = run.lock
    this.cancelled = abortRequested === undefined ? run.cancelled : AbortSignal.any([run.cancelled, abortRequested])
    this.#automatic = run.automatic ?? null
    this.#notices = new Notices(run.ports)
    this.#publisher = new Publisher(run.ports)
    this.route = run.route
    this.journal = run.journal
    this.#routeRevision = run.routeRevision
    this.#journalHead = run.journalHead
  }

  get term(): string {
    return this.lock.term
  }

  /** Why a guardian moves traffic back by itself, also when another run finishes that; null: the operator wants the move. */
  get automatic(): string | null {
    return this.#automatic ?? openSwitch(this.journal)?.automatic ?? null
  }

  /**
   * How the source has failed its watch, where traffic goes back for that, by itself or by the operator: it is asked for nothing that it may refuse. Of the switchover that is open, or of the one that is wanted;
   * null: it counts as sound.
   */
  get sick(): string | null {
    if (this.automatic !== null) return this.automatic
    const open = openSwitch(this.journal)
    if (open !== null) return open.sick
    return this.intent.live === this.route.live ? null : failedWatch(this.journal, this.route.live)
  }

  /** Whether a way back by itself was begun by a run that has ended: whoever finishes it has to say what became of the watch. */
  get finishesAutomatic(): boolean {
    return this.#automatic === null && (openSwitch(this.journal)?.automatic ?? null) !== null
  }

  /** Whether records may stay behind on the source of the switchover that is open, or of the one that is wanted; null: none may. */
  get lossy(): LossyMove | null {
    const open = openSwitch(this.journal)
    if (open !== null) return open.lossy
    return this.intent.live === this.route.live ? null : lossyMoveOf(this.intent)
  }

  /** Why this run is told to stop, in words for people; null: it isn't. */
  get whyCancelled(): string | null {
    if (!this.cancelled.aborted) return null
    return this.lock.abortRequested?.aborted === true ? messageOf(this.lock.abortRequested.reason) : 'cancelled'
  }

  /** A deadline that a cancellation or a lost lock ends: for steps before the decision. In the write window it ends with the window at the latest. */
  untilCancelled(totalMs: number, what: string): Deadline {
    const boundMs = Math.min(totalMs, this.#window?.remainingMs() ?? totalMs)
    return new Deadline(this.ports.clock, boundMs, what, AbortSignal.any([this.cancelled, this.lock.lost]))
  }

  /** Producers are held from here on: what isn't decided within the window's deadline is taken back, before a guardian has to do it. */
  beginWindow(): void {
    this.#window = new Deadline(this.ports.clock, this.limits.windowDeadlineMs, 'the write window')
  }

  /** It is decided: what follows is finished. */
  endWindow(): void {
    this.#window = null
  }

  /** A deadline that only a lost lock ends: once something was decided it is finished. */
  untilLockLost(totalMs: number, what: string): Deadline {
    return new Deadline(this.ports.clock, totalMs, what, this.lock.lost)
  }

  /** Writes one journal entry, with the route when it moves, in one transaction that compares lock, route and journal head. */
  async record(fact: JournalFact, route: RouteDocument | null = null): Promise<void> {
    const entry = {
      ...fact,
      number: this.#journalHead + 1,
      term: this.term,
      atWallClock: this.ports.clock.wallClock().toISOString(),
      atMonotonicMs: this.ports.clock.monotonicMs(),
    } as JournalEntry
    const deadline = this.untilLockLost(storeWriteMs, 'the route store to take a write')
    const written = await this.ports.store.write(
      this.lock,
      { route, entry, expectedRouteRevision: this.#routeRevision, expectedJournalHead: this.#journalHead },
      deadline,
    )
    this.#routeRevision = written.routeRevision
    this.#journalHead = written.journalHead
    const notice = noticeOf(entry, this.journal, this.intent.attempt)
    this.journal = [...this.journal, entry]
    if (route !== null) {
      this.route = route
      this.#publisher.take(route)
    }
    if (notice !== null) this.#notices.send(this.wiring.hooks, { version: 1, fleet: this.wiring.fleet, epoch: this.route.epoch, ...notice })
  }

  /** Behind the end, under the lock still: tells and journals which notices hooks didn't take, as far as that is known within a moment. Changes nothing else. */
  async endNotices(): Promise<void> {
    for (const { hook, payload, said } of await this.#notices.failed(noticePatienceMs)) {
      this.#tellFailed(hook, payload.event, said)
      if (payload.journalEntry === null || this.lock.lost.aborted) continue
      const failed = { kind: 'notice', hook, event: payload.event, journalEntry: payload.journalEntry, said } as const
      await this.record(failed).catch((thrown: unknown) => this.tell({ step: 'notice', text: `that is not journaled: ${messageOf(thrown)}` }))
    }
  }

  /** When the lock is free again: waits for the hooks that take longer, so that their notices aren't cut short; what they didn't take is told, and can't be journaled any more. */
  async awaitLateNotices(): Promise<void> {
    for (const { hook, payload, said } of await this.#notices.failed()) this.#tellFailed(hook, payload.event, said)
  }

  /** Tells the route as it is wherever it is published, if it isn't told there: what an earlier run could not. */
  publishAgain(): void {
    this.#publisher.take(this.route)
  }

  /** Waits for what is being published, some seconds at most, and tells what isn't. Changes nothing else, and needs no lock. */
  async endPublications(): Promise<void> {
    for (const text of await this.#publisher.failures()) this.tell({ step: 'publish', text })
  }

  #tellFailed(hook: string, event: string, said: string): void {
    this.tell({ step: 'notice', text: `the hook ${hook} didn't take the notice ${event}: ${said}` })
  }

  /** What is now, as outputs. */
  get actual(): Actual {
    return actualOf(this.route, this.journal, this.wiring.waves)
  }

  mark(mark: TimelineMark['mark']): void {
    this.timeline.push({ mark, atMonotonicMs: this.ports.clock.monotonicMs() })
  }
}

/** A switchover that ended in a known state that isn't the wanted one: rolled back, or switched without a running reverse. */
export class EndStateError extends KbgError {
  readonly actual: Actual

  constructor(code: string, refused: string, actual: Actual, options: ConstructorParameters<typeof KbgError>[2]) {
    super(code, refused, options)
    this.name = 'EndStateError'
    this.actual = actual
  }
}

/** The route as it is, in the form of a resource's outputs. */
export interface Actual {
  readonly epoch: number
  readonly state: RouteDocument['state']
  readonly live: Colour
  readonly attempt: number
  /** Where each wave reads: a colour, `held` while its move is open, `mixed` when its groups read on both. */
  readonly consumers: ReturnType<typeof consumersOf>
  /** Why nothing moves before a new attempt; null: no latch. */
  readonly latch: string | null
  /** A switchover or a wave was begun and not brought to its end: the next run finishes it or takes it back. */
  readonly unfinished: boolean
  /** A broker answers otherwise than the route says (the live colour open, the standby fenced): the next run puts that right. */
  readonly fencesDiffer: boolean
}

/** The outputs of a route document. `fencesDiffer` is what was last observed; a run that ended well has put right what it could see. */
export function actualOf(route: RouteDocument, journal: readonly JournalEntry[], waves: Waves, fencesDiffer = false): Actual {
  const consumers = consumersOf(route, waves)
  const unfinished = route.state !== 'open' || openSwitch(journal) !== null || isLeftOpen(route, journal)
  const { epoch, state, live, attempt } = route
  return { epoch, state, live, attempt, consumers, latch: route.latch?.reason ?? null, unfinished, fencesDiffer }
}
