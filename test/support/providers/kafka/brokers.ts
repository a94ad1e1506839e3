import type { API } from '@platformatic/kafka'
import { BrokerConnection, type SaslLogin } from '../../../../engine/adapters/kafka/broker-connection.ts'
import { iamToken } from '../../../../engine/adapters/kafka/iam-token.ts'
import { type Effect, persistently } from '../../../../engine/adapters/kafka/refusal.ts'
import { KbgError, messageOf } from '../../../../engine/model/error.ts'
import { isTlsRefusal } from '../../../../engine/model/tls-refusal.ts'
import { Deadline, systemClock } from '../../../../engine/ports/clock.ts'
import type { ProviderConfig } from './provider-config.ts'

const mechanisms = { plain: 'PLAIN', 'scram-sha256': 'SCRAM-SHA-256', 'scram-sha512': 'SCRAM-SHA-512' } as const

/** A user with a password, or the role whose credentials AWS's default chain finds, as for the official plugin. */
function loginOf({ saslMechanism, saslUsername: username = '', saslPassword: password = '', saslAwsRegion: region = '' }: ProviderConfig): SaslLogin {
  return saslMechanism === 'aws-iam'
    ? { mechanism: 'OAUTHBEARER', username: 'the role', token: () => iamToken(region) }
    : { mechanism: mechanisms[saslMechanism], username, password }
}

/** The cluster that a provider was configured for: one connection to whichever of its brokers answers; any broker forwards an administrator's request. */
export class Brokers {
  readonly #config: ProviderConfig
  readonly #cancelled: AbortSignal
  #connection: Promise<BrokerConnection> | undefined

  constructor(config: ProviderConfig, cancelled: AbortSignal) {
    this.#config = config
    this.#cancelled = cancelled
  }

  /** The time that one operation on a resource may take. */
  deadline(what: string): Deadline {
    return new Deadline(systemClock, this.#config.timeout * 1_000, what, this.#cancelled)
  }

  /** Sends a request; a lost connection and late metadata are tried again until the deadline. Error codes in the answer are the caller's. */
  request<Arguments extends unknown[], Response>(
    what: string,
    api: API<Arguments, Response>,
    args: Arguments,
    effect: Effect,
    deadline: Deadline,
  ): Promise<Response> {
    return persistently(deadline, async () => (await this.#open()).request(what, api, args, effect, deadline))
  }

  async #open(): Promise<BrokerConnection> {
    const open = await this.#connection?.catch(() => undefined) // its failure was thrown where it was made; here only another attempt follows
    if (open?.usable) return open
    this.#connection = this.#connect()
    return this.#connection
  }

  async #connect(): Promise<BrokerConnection> {
    const { caCert: caFile } = this.#config
    const failures: string[] = []
    for (const server of this.#config.bootstrapServers) {
      const at = server.lastIndexOf(':')
      const address = { host: server.slice(0, at), port: Number(server.slice(at + 1)) }
      try {
        return await BrokerConnection.open(address, loginOf(this.#config), caFile, () => undefined)
      } catch (error) {
        if (isTlsRefusal(error) || (error instanceof KbgError && error.code === 'authentication')) throw error
        failures.push(messageOf(error))
      }
    }
    throw new KbgError('connection', 'No bootstrap server answers.', { retriable: true, facts: { bootstrapServers: this.#config.bootstrapServers, failures } })
  }
}
