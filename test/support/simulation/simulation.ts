/** The scheduler: virtual time, what is due next, and whose turn it is. Between two effects everything that was woken runs until it waits again. */
import type { OversightPorts } from '../../../engine/run/ports.ts'
import { Actor, type CallFault } from './actor.ts'
import type { StoreWatch } from './etcd-client.ts'
import { after } from './events.ts'
import { checkStep } from './invariants.ts'
import { type AnswerOf, type ArgumentsOf, type OperationName, operations } from './operations.ts'
import { performEvent } from './perform.ts'
import { portsOf } from './ports.ts'
import type { Trace } from './trace.ts'
import { type AgendaEntry, between, copyOf, type World } from './world.ts'

/** Something that an actor waits for. */
interface Pending {
  atMs: number
  readonly sequence: number
  readonly actor: Actor
  readonly kind: 'effect' | 'unsent effect' | 'answer' | 'timer'
  readonly run: () => void
  /** Of an effect. */
  readonly request: { readonly operation: OperationName; readonly args: unknown } | null
}

type Due = { readonly agenda: AgendaEntry } | { readonly pending: Pending }

/** Which fault befalls an actor's request; null: none. `call` counts from 1. */
export type FaultPlan = (actor: Actor, call: number, name: OperationName, args: unknown) => CallFault | null

/** Of several that could take effect next, which one does: an index. The first is the one that is due first. */
export type Choice = (count: number) => number

/** How far behind the first one others may be to be chosen before it. */
const choiceMs = 40

export interface SimulationOptions {
  readonly faults?: FaultPlan
  readonly choose?: Choice
  /** How many of those that are due next the choice is between. */
  readonly choices?: number
}

export class Simulation {
  readonly world: World
  readonly watches = new Set<StoreWatch>()
  readonly actors: Actor[] = []
  /** Those of them that never end by themselves. */
  readonly guardians: Actor[] = []
  readonly trace: Trace = []
  faults: FaultPlan
  choose: Choice | null
  choices: number
  /** Called with every request before it is sent. */
  readonly onRequest: ((actor: Actor, call: number, name: OperationName, args: unknown) => void)[] = []
  /** Called behind every effect of a request. */
  readonly onEffect: ((actor: Actor, call: number, name: OperationName, args: unknown) => void)[] = []
  /** Called behind everything that happens. */
  readonly onStep: (() => void)[] = []
  #pending: Pending[] = []

  constructor(world: World, { faults = () => null, choose, choices = 3 }: SimulationOptions = {}) {
    this.world = world
    this.faults = faults
    this.choose = choose ?? null
    this.choices = choices
  }

  /** Somebody begins to act, with ports of his own. */
  start(name: string, work: (ports: OversightPorts) => Promise<unknown>): Actor {
    const actor = new Actor(this, name)
    this.actors.push(actor)
    work(portsOf(actor)).then(
      (value) => {
        actor.outcome = { kind: 'done', value }
        this.note(name, 'has ended', '', value)
      },
      (error: unknown) => {
        actor.outcome = { kind: 'failed', error }
        this.note(name, `has ended: ${error instanceof Error ? error.message : error}`)
      },
    )
    return actor
  }

  /** Lets things happen until `done`. @throws Error when nothing can happen any more, or it takes longer than `limitMs` of virtual time */
  async run(done: () => boolean, limitMs: number, what: string): Promise<void> {
    const endMs = this.world.nowMs + limitMs
    await macrotask() // whoever was started has made his first request
    while (!done()) {
      const due = this.#next()
      if (due === null) throw new Error(`${what}: nothing can happen any more`)
      const entry = 'agenda' in due ? due.agenda : due.pending
      if (entry.atMs > endMs) throw new Error(`${what}: not within ${limitMs} virtual ms`)
      this.world.nowMs = Math.max(this.world.nowMs, entry.atMs)
      await this.#perform(due)
      checkStep(this.world)
      for (const listener of this.onStep) listener()
      this.#tellWatches()
    }
  }

  async #perform(due: Due): Promise<void> {
    if ('agenda' in due) {
      this.world.agenda.splice(this.world.agenda.indexOf(due.agenda), 1)
      performEvent(this, due.agenda.event)
      return
    }
    this.#pending.splice(this.#pending.indexOf(due.pending), 1)
    due.pending.run()
    await macrotask()
  }

  /** What is due first, or another of those that are due soon. */
  #next(): Due | null {
    if (this.choose === null) {
      const [agenda, pending] = [firstOf(this.world.agenda), firstOf(this.#pending)]
      if (agenda === undefined) return pending === undefined ? null : { pending }
      return pending === undefined || isBefore(agenda, pending) ? { agenda } : { pending }
    }
    const dues: Due[] = [...this.world.agenda.map((agenda) => ({ agenda })), ...this.#pending.map((pending) => ({ pending }))]
    dues.sort((a, b) => (isBefore(entryOf(a), entryOf(b)) ? -1 : 1))
    const first = dues[0]
    if (first === undefined) return null
    const near = dues.slice(0, this.choices).filter((due) => entryOf(due).atMs - entryOf(first).atMs <= choiceMs)
    return dues[this.choose(near.length)] ?? first
  }

  #tellWatches(): void {
    const { changes } = this.world.etcd
    for (const watch of this.watches) {
      const news = changes.filter(({ revision, key }) => revision > watch.revision && watch.isWatched(key))
      watch.revision = Math.max(watch.revision, this.world.etcd.revision)
      if (news.length === 0) continue
      const tell = () => {
        if (this.watches.has(watch)) watch.tell(news)
      }
      this.answer(watch.actor, between(this.world, this.world.habits.news) + watch.actor.hearsLateMs, tell)
    }
    // Every watch has been told of these; who begins to watch does so from a revision that he has just read.
    if (changes.length > 50) changes.splice(0, changes.length - 50)
  }

  faultOf(actor: Actor, call: number, name: OperationName, args: unknown): CallFault | null {
    for (const listener of this.onRequest) listener(actor, call, name, args)
    return this.faults(actor, call, name, args)
  }

  /** An operation takes effect. */
  perform<N extends OperationName>(name: N, args: ArgumentsOf<N>, isLate: boolean): AnswerOf<N> {
    this.world.isLateRequest = isLate
    try {
      return (operations[name] as (world: World, args: ArgumentsOf<N>) => AnswerOf<N>)(this.world, args)
    } finally {
      this.world.isLateRequest = false
    }
  }

  effect(actor: Actor, waitMs: number, isUnsent: boolean, request: NonNullable<Pending['request']>, run: () => void): void {
    this.#add(actor, waitMs, isUnsent ? 'unsent effect' : 'effect', run, request)
  }

  answer(actor: Actor, waitMs: number, run: () => void): void {
    if (actor.isAlive) this.#add(actor, Math.max(waitMs, actor.pausedUntilMs - this.world.nowMs), 'answer', run)
  }

  /** A request lands although its sender never hears of it. */
  land(waitMs: number, operation: OperationName, args: unknown): void {
    after(this.world, waitMs, { kind: 'land', operation, args, isLate: true })
  }

  sleep(actor: Actor, ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!actor.isAlive) return
      if (signal?.aborted) return reject(signal.reason)
      const timer = this.#add(actor, Math.max(ms, actor.pausedUntilMs - this.world.nowMs), 'timer', () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      const onAbort = () => {
        const index = this.#pending.indexOf(timer)
        if (index >= 0) this.#pending.splice(index, 1)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  #add(actor: Actor, waitMs: number, kind: Pending['kind'], run: () => void, request: Pending['request'] = null): Pending {
    this.world.sequence += 1
    const pending: Pending = { atMs: this.world.nowMs + waitMs, sequence: this.world.sequence, actor, kind, run, request }
    this.#pending.push(pending)
    return pending
  }

  /** The world as it is when everybody who acts is killed at this moment: what they have sent is on its way. */
  withoutActors(): World {
    const world = copyOf(this.world)
    for (const { atMs, kind, request } of this.#pending) {
      if (kind !== 'effect' || request === null) continue
      world.sequence += 1
      world.agenda.push({ atMs, sequence: world.sequence, event: structuredClone({ kind: 'land', ...request, isLate: false }) })
    }
    return world
  }

  /** A killed actor hears of nothing any more; what it has sent is on its way. */
  forget(actor: Actor): void {
    this.#pending = this.#pending.filter((pending) => pending.actor !== actor || pending.kind === 'effect')
    for (const watch of this.watches) if (watch.actor === actor) this.watches.delete(watch)
  }

  /** A paused actor hears of everything when it goes on. */
  delay(actor: Actor): void {
    for (const pending of this.#pending) {
      if (pending.actor === actor && pending.kind !== 'effect') pending.atMs = Math.max(pending.atMs, actor.pausedUntilMs)
    }
  }

  note(who: string, what: string, args?: unknown, answer?: unknown): void {
    this.trace.push({ atMs: this.world.nowMs, who, what, args, answer })
  }
}

function entryOf(due: Due): AgendaEntry | Pending {
  return 'agenda' in due ? due.agenda : due.pending
}

interface Timed {
  readonly atMs: number
  readonly sequence: number
}

function isBefore(one: Timed, other: Timed): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.sequence < other.sequence)
}

function firstOf<T extends Timed>(entries: readonly T[]): T | undefined {
  let first = entries[0]
  for (const entry of entries) if (first === undefined || isBefore(entry, first)) first = entry
  return first
}

/** Everything that was woken has run until it waits again. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
