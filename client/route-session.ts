/** One application's view of the route: the current epoch, and its registrations. */
import type { Logger } from 'kafkajs'
import { KbgError } from '../engine/model/error.ts'
import type { ClientRegistration, RouteDocument } from '../engine/model/route.ts'
import { polledLagMs } from '../engine/model/route-publication.ts'
import type { RouteOptions } from './options.ts'
import { ParameterFeed } from './parameter-feed.ts'
import type { RouteFeed } from './route-feed.ts'
import { StoreFeed } from './store-feed.ts'
import { type Timing, within } from './timing.ts'

/** How long a start may wait for the route; after it, the application is told. */
const openDeadlineMs = 10_000
/** How long a denied send waits for the hold that explains the denial; then it is the application that lacks the right. */
const denialPatienceMs = 5_000

/** Called with every newer route, in order of epochs. Must not throw. */
export type RouteListener = (route: RouteDocument) => void

/**
 * Follows the route of one fleet. Shared by all producers and consumers of one `Kafka` object: opened by the first, closed with the last.
 *
 * Epochs only grow: an older or repeated document is ignored. When the store can't be reached the current epoch stays in force (the fence protects it).
 */
export class RouteSession {
  readonly #options: RouteOptions
  readonly #timing: Timing
  readonly #log: Logger
  readonly #listeners = new Set<RouteListener>()
  #users = 0
  #open: RouteFeed | undefined
  #route: RouteDocument | undefined

  constructor(options: RouteOptions, timing: Timing, log: Logger) {
    this.#options = options
    this.#timing = timing
    this.#log = log
  }

  get fleet(): string {
    return this.#options.fleet
  }

  /** The newest route seen. @throws KbgError `route-unknown` before the first {@link join} */
  get route(): RouteDocument {
    if (this.#route === undefined) throw new KbgError('route-unknown', 'The route was not read yet: connect first.', { facts: { fleet: this.fleet } })
    return this.#route
  }

  /** How long a send that is denied while the route says open waits for the news that explains it, in milliseconds. Who polls has it later. */
  get denialPatienceMs(): number {
    const { from } = this.#options
    return denialPatienceMs + (from.kind === 'parameter' ? polledLagMs(from.pollIntervalMs) : 0)
  }

  /** Calls `listener` with every newer route from now on. Returns how to end that. */
  onRoute(listener: RouteListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Registers a client, then reads the route: whoever publishes a hold either sees the registration, or its holder sees the hold.
   *
   * @throws KbgError `route-store-unreachable`, `route-missing`, `route-corrupt`, at once the codes of {@link tlsRefusal}
   */
  async join(registration: ClientRegistration): Promise<RegisteredClient> {
    this.#users += 1
    try {
      this.#open ??= this.#openFeed()
      const session = this.#open
      const late = () => this.#unreachable(session.lastError)
      const { refused } = session
      await within(this.#timing, openDeadlineMs, Promise.race([session.register(registration), refused]), late)
      await within(this.#timing, openDeadlineMs, Promise.race([session.refresh(), refused]), late)
      return new RegisteredClient(session, registration, () => this.#leave())
    } catch (error) {
      await this.#leave()
      throw error
    }
  }

  async #leave(): Promise<void> {
    this.#users -= 1
    if (this.#users > 0) return
    const session = this.#open
    this.#open = undefined
    await session?.close()
  }

  #openFeed(): RouteFeed {
    const { fleet, from } = this.#options
    const apply = (route: RouteDocument) => this.#apply(route)
    return from.kind === 'store'
      ? new StoreFeed({ fleet, ...from }, this.#timing, this.#log, apply)
      : new ParameterFeed({ fleet, ...from }, this.#timing, this.#log, apply)
  }

  #apply(route: RouteDocument): void {
    if (this.#route !== undefined && route.epoch <= this.#route.epoch) return
    this.#route = route
    this.#log.info('Route', { fleet: route.fleet, epoch: route.epoch, state: route.state, live: route.live })
    for (const listener of this.#listeners) listener(route)
  }

  #unreachable(cause: unknown): KbgError {
    return new KbgError('route-store-unreachable', `The route can't be read, so this client doesn't know where to go.`, {
      retriable: true,
      facts: { fleet: this.fleet, ...placeOf(this.#options) },
      remedy: remedies[this.#options.from.kind],
      ...(cause === undefined ? {} : { cause }),
    })
  }
}

const remedies = {
  store: 'Is the route store running, and are its addresses and the password right? One that speaks TLS needs caFile.',
  parameter: 'May this program read the parameter (ssm:GetParameter), and is it published? Credentials come from the AWS chain.',
} as const

function placeOf({ from }: RouteOptions): { readonly endpoints: readonly string[] } | { readonly parameter: string } {
  return from.kind === 'store' ? { endpoints: from.endpoints } : { parameter: from.name }
}

/** One registration as its owner changes it. */
export class RegisteredClient {
  readonly #session: RouteFeed
  readonly #leave: () => Promise<void>
  #registration: ClientRegistration

  constructor(session: RouteFeed, registration: ClientRegistration, leave: () => Promise<void>) {
    this.#session = session
    this.#registration = registration
    this.#leave = leave
  }

  /** Says what this client has acted on. Written at once, repeated until the store has it; a newer one replaces an unwritten older one. */
  acknowledge(change: Pick<ClientRegistration, 'ackedEpoch' | 'state' | 'colour'>): void {
    this.#registration = { ...this.#registration, ...change }
    void this.#session.register(this.#registration) // repeats by itself until written or closed; it never rejects before that
  }

  /** Takes the registration back, and closes the session with the last one. */
  async leave(): Promise<void> {
    await this.#session.unregister(this.#registration.instanceId)
    await this.#leave()
  }
}
