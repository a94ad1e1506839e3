import type { Colour } from '../../model/colour.ts'
import { messageOf } from '../../model/error.ts'
import type { Limits } from '../../model/limits.ts'
import type { ClientRegistration } from '../../model/route.ts'
import type { Wiring } from '../../model/wiring.ts'
import { Deadline } from '../../ports/clock.ts'
import type { RouteFollowing } from '../../ports/route-store.ts'
import { guardianLookMs } from '../../switchover/stall.ts'
import type { OversightPorts } from '../ports.ts'
import { keepPublishing } from './publishing.ts'
import { GuardianRounds } from './round.ts'
import { guardianInstance, keepTestifying } from './testify.ts'
import { keepWatching } from './watching.ts'

const registerMs = 30_000
const acknowledgeMs = 5_000
const retryPauseMs = 1_000

/** What a guardian is made of. */
export interface GuardianParts {
  readonly ports: OversightPorts
  readonly wiring: Wiring
  readonly limits: Limits
  /** The colour that it stands beside. Both guardians do the same; they only don't end together. */
  readonly colour: Colour
  /** Tells it from every other guardian's process. */
  readonly processId: number
  readonly tell: (line: string) => void
  readonly stop: AbortSignal
}

/** The registration of a guardian's process. */
export function guardianRegistration(colour: Colour, processId: number): ClientRegistration {
  return {
    ...{ version: 1, clientId: `kbg-guardian-${colour}`, instanceId: guardianInstance(colour, processId), kind: 'guardian', groupId: null },
    ...{ transactionalId: null, ackedEpoch: 0, state: 'running', colour, software: 'kbg' },
  }
}

/** Follows the route and guards it, round by round, until stopped. While the store is away it does nothing, says so, and registers again when it is back. */
export async function keepGuarding(parts: GuardianParts): Promise<void> {
  const { ports, colour, processId, tell, stop } = parts
  const rounds = new GuardianRounds(parts)
  let told = ''
  while (!stop.aborted) {
    let following: RouteFollowing | undefined
    try {
      following = await ports.store.follow(guardianRegistration(colour, processId), new Deadline(ports.clock, registerMs, 'the registration', stop))
      tell(`guards beside ${colour}`)
      told = ''
      await guardWhileRegistered(parts, following, rounds)
    } catch (thrown) {
      if (stop.aborted) break
      const line = `begins again: ${messageOf(thrown)}`
      if (line !== told) tell(line)
      told = line
      await ports.clock.sleep(retryPauseMs, stop).catch(() => undefined) // stopped: the loop's condition ends it
    } finally {
      await following?.close()
    }
  }
}

/** Acknowledges each epoch as it comes, however long a round takes: what it acknowledges is that it has seen it. */
async function guardWhileRegistered(parts: GuardianParts, following: RouteFollowing, rounds: GuardianRounds): Promise<void> {
  const { ports, stop } = parts
  const ended = new AbortController()
  const over = AbortSignal.any([stop, following.lost, ended.signal])
  const news = new News()
  const acknowledging = acknowledgeEach(ports, following, news, over)
  const guarding = guard(ports, rounds, news, over)
  const watching = keepWatching(parts, over)
  const testifying = keepTestifying(parts, following, over)
  const publishing = keepPublishing(parts, following, over)
  try {
    // Where nothing is published that ends at once, which ends nothing else.
    await Promise.race([acknowledging, guarding, watching, testifying, publishing.then(() => acknowledging)])
  } finally {
    ended.abort(new Error('the registration has ended'))
    await Promise.allSettled([acknowledging, guarding, watching, testifying, publishing])
  }
}

async function acknowledgeEach(ports: OversightPorts, following: RouteFollowing, news: News, over: AbortSignal): Promise<void> {
  let epoch = 0
  while (!over.aborted) {
    const route = await following.newerThan(epoch, guardianLookMs)
    if (route === null) continue
    epoch = route.epoch
    news.ring()
    await following.acknowledge(epoch, new Deadline(ports.clock, acknowledgeMs, 'the acknowledgement', over))
  }
}

/** A round whenever the route moves, and otherwise as soon as the last one asked for. */
async function guard(ports: OversightPorts, rounds: GuardianRounds, news: News, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const againMs = await rounds.next(over)
    if (!over.aborted) await news.orAfter(againMs, ports.clock, over)
  }
}

/** A bell: whoever waits is woken; one that rang while nobody waited ends the next wait at once. */
class News {
  #rung = Promise.withResolvers<void>()

  ring(): void {
    this.#rung.resolve()
  }

  async orAfter(ms: number, clock: OversightPorts['clock'], over: AbortSignal): Promise<void> {
    const woken = new AbortController()
    const late = clock.sleep(ms, AbortSignal.any([over, woken.signal])).catch(() => undefined) // woken, or over: the caller's loop looks
    await Promise.race([this.#rung.promise, late])
    woken.abort(new Error('the wait is over'))
    this.#rung = Promise.withResolvers()
  }
}
