import { type API, apiVersionsV3, Connection, ResponseError, type SASLOptions } from '@platformatic/kafka'
import type { Login } from '../../model/cluster-access.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import { tlsRefusal } from '../../model/tls-refusal.ts'
import type { Deadline } from '../../ports/clock.ts'
import { type Trust, trustIn } from '../trust.ts'
import { type Effect, unanswered } from './refusal.ts'

/** Longest time for connecting and authenticating; each caller's own deadline is shorter or longer. */
const connectTimeoutMs = 3_000
/** After this long without an answer the connection is given up, so that nobody queues behind a hung broker for ever. */
const silenceTimeoutMs = 30_000

export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

/** How a connection logs in. */
export type SaslLogin =
  | { readonly mechanism: Login['mechanism']; readonly username: string; readonly password: string }
  | {
      readonly mechanism: 'OAUTHBEARER'
      /** Who it is, for messages. */
      readonly username: string
      /** Asked for at each authentication, and again before the broker's session ends (KIP-368). */
      readonly token: () => Promise<string>
    }

function saslOptions(login: SaslLogin): SASLOptions {
  if (login.mechanism === 'OAUTHBEARER') return { mechanism: login.mechanism, token: login.token }
  return { mechanism: login.mechanism, username: login.username, password: login.password }
}

/** An API at one version, as `@platformatic/kafka` exports them (`metadataV12`, ...). */
export type ProtocolApi<Arguments extends unknown[], Response> = API<Arguments, Response>

/**
 * One authenticated connection to one broker. Requests that are sent without awaiting in between are pipelined, and the broker handles them in that order, one after the other
 * (Kafka's SocketServer mutes a channel while a request is handled).
 */
export class BrokerConnection {
  readonly address: BrokerAddress
  readonly #connection: Connection
  #versions: ReadonlyMap<number, { readonly min: number; readonly max: number }> = new Map()
  #lost: unknown

  private constructor(address: BrokerAddress, login: SaslLogin | undefined, trust: Trust | undefined) {
    this.address = address
    this.#connection = new Connection('kbg', {
      connectTimeout: connectTimeoutMs,
      requestTimeout: silenceTimeoutMs,
      maxInflights: 1_000,
      ...(login === undefined ? {} : { sasl: saslOptions(login) }),
      ...(trust === undefined ? {} : { tls: { ...trust } }),
    })
    this.#connection.on('error', (error) => {
      this.#lost = error
    })
  }

  /**
   * Connects, authenticates and asks which API versions the broker speaks.
   * @param login undefined: the broker lets anybody in
   * @param caFile certificate of the authority that the broker has to show; undefined: the broker speaks plaintext
   * @throws KbgError `connection` (retriable), `authentication`, and the codes of {@link tlsRefusal}
   */
  static async open(address: BrokerAddress, login: SaslLogin | undefined, caFile: string | undefined, onClose: () => void): Promise<BrokerConnection> {
    if (login?.mechanism === 'OAUTHBEARER') await login.token() // one that can't be made is no refusal of the broker's
    const opened = new BrokerConnection(address, login, trustIn(caFile))
    const where = `${address.host}:${address.port}`
    const who = login?.username ?? 'nobody'
    try {
      await opened.#connection.connect(address.host, address.port)
      opened.#connection.on('close', onClose)
      const answer = await apiVersionsV3.api.async(opened.#connection, 'kafka-blue-green', '0')
      opened.#versions = new Map(answer.apiKeys.map((api) => [api.apiKey, { min: api.minVersion, max: api.maxVersion }]))
      return opened
    } catch (cause) {
      opened.close()
      const refused = tlsRefusal(`the broker at ${where}`, cause)
      if (refused !== undefined) throw refused
      if (/authentication/i.test(messageOf(cause))) {
        throw new KbgError('authentication', `The broker at ${where} refused the credentials of ${who}.`, {
          facts: { mechanism: login?.mechanism ?? 'none' },
          remedy: 'The credentials file and the users on the cluster must agree.',
          cause,
        })
      }
      const inPlaintext = caFile === undefined && !messageOf(cause).includes('ECONNREFUSED')
      throw new KbgError('connection', `Can't connect to the broker at ${where} as ${who}.`, {
        retriable: true,
        ...(inPlaintext ? { remedy: 'It was asked in plaintext: one that speaks TLS needs a caFile.' } : {}),
        cause,
      })
    }
  }

  /** The versions of an API that the broker speaks; undefined: none. */
  versionsOf(apiKey: number): { readonly min: number; readonly max: number } | undefined {
    return this.#versions.get(apiKey)
  }

  get usable(): boolean {
    return this.#connection.isConnected()
  }

  /** Ends the connection; whatever is still unanswered fails. */
  close(): void {
    this.#connection.close(() => undefined)
  }

  /**
   * Sends one request and returns its response, error codes inside it included: the caller must look at them.
   *
   * The bytes are on their way when this returns its promise, so that a caller can pipeline.
   * @throws KbgError `unsupported-api`; `connection` or `deadline` when nothing can have happened; `outcome-unknown` when it was sent, has an effect and wasn't answered
   */
  request<Arguments extends unknown[], Response>(
    what: string,
    api: ProtocolApi<Arguments, Response>,
    args: Arguments,
    effect: Effect,
    deadline: Deadline,
  ): Promise<Response> {
    const refusal = this.#refusal(what, api, deadline)
    if (refusal) return Promise.reject(refusal)
    return this.#answered(what, api.async(this.#connection, ...args), effect, deadline)
  }

  /** Why nothing may be sent: a request that goes out after its deadline would have an unknown outcome for nothing. */
  #refusal(what: string, api: { readonly key: number; readonly version: number }, deadline: Deadline): unknown {
    if (deadline.cancelled?.aborted) return deadline.cancelled.reason
    if (deadline.over) return deadline.error()
    if (!this.usable) return new KbgError('connection', `The connection for ${what} was lost.`, { retriable: true, cause: this.#lost })
    const spoken = this.#versions.get(api.key)
    if (spoken && spoken.min <= api.version && api.version <= spoken.max) return undefined
    return new KbgError('unsupported-api', `The broker at ${this.address.host}:${this.address.port} can't be asked for ${what}.`, {
      facts: { apiKey: api.key, required: api.version, observed: spoken ? `${spoken.min}-${spoken.max}` : 'none' },
      remedy: 'Brokers from 3.9 to 4.3 are supported.',
    })
  }

  async #answered<Response>(what: string, work: Promise<Response>, effect: Effect, deadline: Deadline): Promise<Response> {
    const where = `${what} (${this.address.host}:${this.address.port})`
    const answer = work.catch((thrown: unknown) => {
      // The library throws what has an error code anywhere in it; the response itself says more.
      if (thrown instanceof ResponseError && 'response' in thrown) return thrown.response as Response
      throw unanswered(where, effect, thrown)
    })
    try {
      return await deadline.race(answer)
    } catch (thrown) {
      if (effect === 'none' || (thrown instanceof KbgError && thrown.code === 'outcome-unknown')) throw thrown
      throw unanswered(where, deadline.cancelled?.aborted ? 'once' : effect, thrown) // it may still land, and who cancelled wants no further attempt
    }
  }
}
