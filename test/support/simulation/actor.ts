/** Somebody who acts on the fleet through the engine's ports: an orchestrator, a guardian. It may crash, be paused, and lose answers. */
import { KbgError } from '../../../engine/model/error.ts'
import type { Clock, Deadline } from '../../../engine/ports/clock.ts'
import { Unanswered } from './events.ts'
import type { AnswerOf, ArgumentsOf, OperationName } from './operations.ts'
import type { Simulation } from './simulation.ts'
import { between } from './world.ts'

/** What befalls one request of an actor. */
export type CallFault =
  /** kill -9 just before it is sent, or just after it took effect. */
  | { readonly kind: 'crash'; readonly when: 'before' | 'after' }
  /** It takes effect after so long (null: never); the answer never comes: the connection breaks, or nothing is heard until the deadline. */
  | { readonly kind: 'lost'; readonly landsAfterMs: number | null; readonly heard: 'break' | 'silence' }
  /** SIGSTOP for so long, before it is sent or behind it. */
  | { readonly kind: 'pause'; readonly when: 'before' | 'after'; readonly ms: number }

/** How a request that is sent again may be repeated, as in the Kafka adapter. */
type Effect = 'none' | 'repeatable'

/** How an actor's work ended; null while it goes on, and for ever when it crashed. */
export type Outcome = { readonly kind: 'done'; readonly value: unknown } | { readonly kind: 'failed'; readonly error: unknown }

interface Request<N extends OperationName> {
  readonly name: N
  readonly args: ArgumentsOf<N>
  readonly call: number
  readonly calledAtMs: number
  readonly resolve: (answer: AnswerOf<N>) => void
  readonly reject: (error: unknown) => void
}

/** What takes effect so much later than it was sent is nothing that its sender still reckons with. */
const lateMs = 1_000

const wallClockStartMs = Date.UTC(2026, 0, 1)

export class Actor {
  readonly simulation: Simulation
  readonly name: string
  readonly clock: Clock
  isAlive = true
  pausedUntilMs = 0
  /** How many requests it has made. */
  calls = 0
  outcome: Outcome | null = null
  /** By how much what it watches at the store is told later than usual. */
  hearsLateMs = 0

  constructor(simulation: Simulation, name: string) {
    this.simulation = simulation
    this.name = name
    this.clock = {
      monotonicMs: () => simulation.world.nowMs,
      wallClock: () => new Date(wallClockStartMs + simulation.world.nowMs + simulation.world.wallOffsetMs),
      sleep: (ms, signal) => simulation.sleep(this, ms, signal),
    }
  }

  get isPaused(): boolean {
    return this.pausedUntilMs > this.simulation.world.nowMs
  }

  /** kill -9: nothing that it waits for ever comes; what it has sent goes on. */
  crash(): void {
    this.isAlive = false
    this.simulation.forget(this)
  }

  /** SIGSTOP: answers and timers wait. */
  pause(ms: number): void {
    this.pausedUntilMs = this.simulation.world.nowMs + ms
    this.simulation.delay(this)
  }

  /** One request. Without an answer it never settles, or fails when the connection breaks. */
  call<N extends OperationName>(name: N, args: ArgumentsOf<N>): Promise<AnswerOf<N>> {
    if (!this.isAlive) return new Promise(() => undefined) // what still runs of a killed process is nobody's
    this.calls += 1
    const fault = this.simulation.faultOf(this, this.calls, name, args)
    const { promise, resolve, reject } = Promise.withResolvers<AnswerOf<N>>()
    if (fault?.kind === 'crash' && fault.when === 'before') {
      this.simulation.note(this.name, `is killed before: ${name}`, args)
      this.crash()
      return promise
    }
    if (fault?.kind === 'lost') {
      this.#lose(name, args, fault, reject)
      return promise
    }
    const { world } = this.simulation
    const isUnsent = fault?.kind === 'pause' && fault.when === 'before'
    if (fault?.kind === 'pause') {
      this.simulation.note(this.name, `is paused ${fault.when} for ${fault.ms} ms: ${name}`, args)
      this.pause(fault.ms)
    }
    const waitMs = (isUnsent ? fault.ms : 0) + between(world, world.habits.request)
    const calledAtMs = world.nowMs
    const request = { name, args, call: this.calls, calledAtMs, resolve, reject }
    this.simulation.effect(this, waitMs, isUnsent, { operation: name, args }, () => this.#perform(request, fault?.kind === 'crash'))
    return promise
  }

  /** The request reaches whom it is for; what he answers comes back later. */
  #perform<N extends OperationName>(request: Request<N>, isLast: boolean): void {
    const { simulation } = this
    const { world } = simulation
    const { name, args, resolve, reject } = request
    const answer = (settle: () => void) => simulation.answer(this, between(world, world.habits.request), settle)
    try {
      const value = simulation.perform(name, args, world.nowMs - request.calledAtMs > lateMs)
      simulation.note(this.name, name, args, value)
      for (const listener of simulation.onEffect) listener(this, request.call, name, args)
      answer(() => resolve(value))
    } catch (thrown) {
      simulation.note(this.name, `${name}: ${thrown instanceof Error ? thrown.message : thrown}`, args)
      if (!(thrown instanceof Unanswered) || thrown.how === 'refused')
        answer(() => reject(thrown instanceof Unanswered ? new ConnectionError(name, false) : thrown))
      // A paused process looks at it when it goes on, whoever may have given it up by then.
      else if (thrown.untilMs !== undefined)
        simulation.effect(this, thrown.untilMs - world.nowMs, false, { operation: name, args }, () => this.#perform(request, false))
    }
    if (!isLast) return
    simulation.note(this.name, `is killed after: ${name}`, args)
    this.crash()
  }

  #lose<N extends OperationName>(name: N, args: ArgumentsOf<N>, fault: Extract<CallFault, { kind: 'lost' }>, reject: (error: unknown) => void): void {
    const { simulation } = this
    const { world } = simulation
    const lands = fault.landsAfterMs === null ? 'never lands' : `lands after ${fault.landsAfterMs} ms`
    simulation.note(this.name, `loses the answer (${fault.heard}) of a request that ${lands}: ${name}`, args)
    world.history.isFaulty = true
    if (fault.landsAfterMs !== null) simulation.land(fault.landsAfterMs + between(world, world.habits.request), name, args)
    if (fault.heard === 'break') simulation.answer(this, between(world, world.habits.request), () => reject(new ConnectionError(name, true)))
  }

  /** A request as the Kafka adapter makes it: bounded, and repeated while that does no harm. */
  async ask<N extends OperationName>(name: N, args: ArgumentsOf<N>, deadline: Deadline, effect: Effect = 'none'): Promise<AnswerOf<N>> {
    let unknown: KbgError | undefined
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await deadline.race(this.call(name, args))
      } catch (thrown) {
        if (deadline.cancelled?.aborted) throw thrown
        const error = told(name, thrown, effect)
        if (error instanceof KbgError && error.code === 'outcome-unknown') unknown = error
        const pauseMs = Math.min(10 * 2 ** attempt, 200)
        const mayRepeat = error instanceof KbgError && error.retriable && error.code !== 'deadline' && deadline.remainingMs() > pauseMs
        if (!mayRepeat) throw unknown ?? error
        await deadline.clock.sleep(pauseMs, deadline.cancelled)
      }
    }
  }
}

/** No answer will come; whether the request was sent, and so may have its effect, is known. */
class ConnectionError extends Error {
  readonly wasSent: boolean

  constructor(name: string, wasSent: boolean) {
    super(wasSent ? `the connection broke behind ${name}` : `nobody answers to ${name}`)
    this.wasSent = wasSent
  }
}

/** In the words of the Kafka adapter: what has an effect and wasn't answered is of unknown outcome. */
function told(name: string, thrown: unknown, effect: Effect): unknown {
  const isOver = thrown instanceof KbgError && thrown.code === 'deadline'
  if (!isOver && !(thrown instanceof ConnectionError)) return thrown
  const maybe = isOver || (thrown instanceof ConnectionError && thrown.wasSent)
  if (maybe && effect !== 'none')
    return new KbgError('outcome-unknown', `No answer to ${name}: it may take effect now, later or not at all.`, { retriable: true, cause: thrown })
  return isOver ? thrown : new KbgError('connection', `No answer to ${name}.`, { retriable: true, cause: thrown })
}
