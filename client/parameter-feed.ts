/** The route as it is published in an SSM parameter, polled: for programs that can't reach the route store. */
import type { SSMClient } from '@aws-sdk/client-ssm'
import type { Logger } from 'kafkajs'
import { KbgError, messageOf } from '../engine/model/error.ts'
import type { RouteDocument } from '../engine/model/route.ts'
import { publishedRoute, publishMs } from '../engine/model/route-publication.ts'
import type { ParameterOptions } from './options.ts'
import { type RouteFeed, retryPauseMs } from './route-feed.ts'
import { type Timing, within } from './timing.ts'

/**
 * Asks every `pollIntervalMs` from its making until it is closed. Nobody is registered: a hold doesn't wait for this client, and the fence refuses it until it has read of the hold.
 *
 * What can't be read, or isn't the fleet's route, is told in the log, and the epoch in force stays.
 */
export class ParameterFeed implements RouteFeed {
  readonly #options: ParameterOptions
  readonly #timing: Timing
  readonly #log: Logger
  readonly #apply: (route: RouteDocument) => void
  readonly #closed = new AbortController()
  readonly #client: Promise<SSMClient>
  readonly #polling: Promise<void>
  #told = ''
  lastError: unknown

  constructor(options: ParameterOptions, timing: Timing, log: Logger, apply: (route: RouteDocument) => void) {
    this.#options = options
    this.#timing = timing
    this.#log = log
    this.#apply = apply
    this.#client = connect(options)
    this.#client.catch(() => undefined) // every reading meets it
    this.#polling = this.#poll()
  }

  /** Never: permissions and parameters come and go. */
  readonly refused = new Promise<never>(() => undefined)

  async register(): Promise<void> {
    // nowhere: who polls is known to nobody
  }

  async unregister(): Promise<void> {
    // it never was
  }

  async refresh(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      try {
        return await this.#readOnce()
      } catch (error) {
        if (error instanceof KbgError && error.code !== 'deadline') throw error
        this.#failed(error)
        await this.#pause(retryPauseMs)
      }
    }
    throw new KbgError('route-session-closed', 'The client was disconnected while it read the route.')
  }

  async close(): Promise<void> {
    this.#closed.abort()
    await this.#polling
    await this.#client.then((client) => client.destroy()).catch(() => undefined) // it was never there
  }

  async #poll(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      try {
        await this.#readOnce()
        this.#told = ''
      } catch (error) {
        this.#failed(error)
      }
      await this.#pause(this.#options.pollIntervalMs)
    }
  }

  async #readOnce(): Promise<void> {
    const { name, fleet } = this.#options
    const place = `the parameter ${name}`
    const late = () => new KbgError('deadline', `${place} was not told in time.`, { retriable: true, facts: { waitedMs: publishMs } })
    const over = new AbortController()
    const reading = this.#get(name, AbortSignal.any([over.signal, this.#closed.signal]))
    const text = await within(this.#timing, publishMs, reading, late).finally(() => over.abort()) // one that is late is given up, or they would pile up
    const route = publishedRoute(text, fleet, place)
    if (route === null) {
      throw new KbgError('route-missing', 'The route of this fleet is not published yet.', {
        facts: { fleet, parameter: name },
        remedy: 'It is, some seconds after the traffic stack was brought up; is the fleet right?',
      })
    }
    this.#apply(route)
  }

  async #get(name: string, abortSignal: AbortSignal): Promise<string> {
    const client = await this.#client
    const { GetParameterCommand } = await import('@aws-sdk/client-ssm')
    const { Parameter } = await client.send(new GetParameterCommand({ Name: name }), { abortSignal })
    return Parameter?.Value ?? ''
  }

  /** Once for as long as it lasts. */
  #failed(error: unknown): void {
    this.lastError = error
    const text = messageOf(error)
    if (this.#closed.signal.aborted || text === this.#told) return
    this.#told = text
    this.#log.warn('The published route', { parameter: this.#options.name, error: text })
  }

  async #pause(ms: number): Promise<void> {
    await this.#timing.sleep(ms, this.#closed.signal).catch(() => undefined) // woken by close: the loops' conditions end them
  }
}

/** @throws KbgError `aws-sdk-missing` */
async function connect({ region }: ParameterOptions): Promise<SSMClient> {
  const sdk = await import('@aws-sdk/client-ssm').catch((cause: unknown) => {
    throw new KbgError('aws-sdk-missing', "AWS's SDK isn't installed, which a published route is read with.", {
      remedy: 'npm install @aws-sdk/client-ssm',
      cause,
    })
  })
  return new sdk.SSMClient({ region, maxAttempts: 1 })
}
