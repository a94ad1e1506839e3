import { readFileSync } from 'node:fs'
import { metadataV12 } from '@platformatic/kafka'
import { type ClusterAccess, loginOf, mirrorUserOf, parseCredentials } from '../../model/cluster-access.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import { isTlsRefusal } from '../../model/tls-refusal.ts'
import type { Deadline } from '../../ports/clock.ts'
import { type BrokerAddress, BrokerConnection, type ProtocolApi, type SaslLogin } from './broker-connection.ts'
import { iamToken } from './iam-token.ts'

/** Who this project is on a colour: the super users and the audit on the internal listener, the probe where applications produce. */
export type Principal = 'admin' | 'operator' | 'mirror' | 'probe' | 'audit'

/** Longest wait for one broker when another one could be asked as well. */
const answerTimeoutMs = 1_000

/** Refusals of one broker that another one may not share; one that lags doesn't know a new user yet, one may have an old certificate. */
function isPassable(thrown: unknown): boolean {
  return isTlsRefusal(thrown) || (thrown instanceof KbgError && ['connection', 'deadline', 'authentication'].includes(thrown.code))
}

type MetadataResponse = metadataV12.MetadataResponse

function bootstrapOf(access: ClusterAccess, principal: Principal): readonly string[] {
  switch (principal) {
    case 'admin':
    case 'operator':
    case 'mirror':
    case 'audit':
      return access.internalBootstrapServers
    case 'probe':
      return access.produceBootstrapServers
  }
}

/**
 * The principal's login, read from the credentials file now, so that a changed password is taken up by the next connection; a role's is signed when a broker asks.
 * @throws KbgError `credentials`, `mirror-role`; never with a password in it
 */
export function saslOf(access: Pick<ClusterAccess, 'colour' | 'credentialsFile' | 'users'>, principal: Principal): SaslLogin {
  // A token would be this process's role, whoever it is asked for.
  const login = principal === 'mirror' ? mirrorUserOf(access) : loginOf(access, principal)
  if (login.mechanism === 'AWS_MSK_IAM')
    return { mechanism: 'OAUTHBEARER', username: `the IAM role of this process (${login.region})`, token: () => iamToken(login.region) }
  const { username, mechanism } = login
  const refuse = (observed: string): KbgError =>
    new KbgError('credentials', `No credentials of ${username} for ${access.colour}.`, { facts: { file: access.credentialsFile, observed } })
  let text: string
  try {
    text = readFileSync(access.credentialsFile, 'utf8')
  } catch (thrown) {
    throw refuse(messageOf(thrown))
  }
  const file = parseCredentials(text)
  if (!file) throw refuse('not a credentials file')
  const password = file.passwords[username]
  if (password === undefined) throw refuse(`passwords of ${Object.keys(file.passwords).length} other users`)
  return { mechanism, username, password }
}

function textOf(address: BrokerAddress): string {
  return `${address.host}:${address.port}`
}

export function addressOf(hostPort: string): BrokerAddress {
  const colon = hostPort.lastIndexOf(':')
  return { host: hostPort.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(hostPort.slice(colon + 1)) }
}

/**
 * One principal's connections to one colour: one for each broker, made when first needed, made again after a loss.
 *
 * Brokers are known by their id; Metadata on the principal's own listener tells where each one listens. A cluster with another id than the access says is refused.
 */
export class BrokerConnections {
  readonly access: ClusterAccess
  readonly principal: Principal
  readonly #open = new Map<string, Promise<BrokerConnection>>()
  /** Addresses that gave no answer lately. */
  readonly #silent = new Set<string>()
  #brokers: ReadonlyMap<number, BrokerAddress> = new Map()
  readonly #login: () => SaslLogin | undefined
  #closed = false

  /** @param login who logs in instead of the principal; undefined: nobody has to */
  constructor(access: ClusterAccess, principal: Principal, login: () => SaslLogin | undefined = () => saslOf(access, principal)) {
    this.access = access
    this.principal = principal
    this.#login = login
  }

  /** Registered brokers as last heard; empty before the first {@link metadata}. */
  get knownBrokers(): ReadonlyMap<number, BrokerAddress> {
    return this.#brokers
  }

  /** Ids of the registered brokers, asked for when none is known yet. */
  async brokerIds(deadline: Deadline): Promise<readonly number[]> {
    if (this.#brokers.size === 0) await this.metadata([], deadline)
    return [...this.#brokers.keys()].sort((a, b) => a - b)
  }

  /**
   * Metadata of the topics (null: all of them; empty: only the brokers) from any broker that answers, and with it the list of brokers.
   * Error codes of topics and partitions are left to the caller.
   */
  async metadata(topics: readonly string[] | null, deadline: Deadline): Promise<MetadataResponse> {
    const answer = await this.askAny('Metadata', metadataV12.api, [topics && [...topics], false, false], deadline)
    this.learn(answer)
    return answer
  }

  /** Takes over the brokers that Metadata responses name, each as one broker sees them. @throws KbgError `wrong-cluster` */
  learn(...answers: readonly MetadataResponse[]): void {
    for (const metadata of answers) this.#requireSameCluster(metadata)
    if (answers.length === 0) return
    this.#brokers = new Map(answers.flatMap(({ brokers }) => brokers.map((broker) => [broker.nodeId, { host: broker.host, port: broker.port }] as const)))
  }

  #requireSameCluster(metadata: MetadataResponse): void {
    if (metadata.clusterId !== this.access.clusterId) {
      throw new KbgError('wrong-cluster', `Another cluster answers where ${this.access.colour} is expected.`, {
        facts: { observed: metadata.clusterId ?? 'none', required: this.access.clusterId, asked: bootstrapOf(this.access, this.principal) },
        remedy: 'Check the bootstrap servers: nothing was changed on it.',
      })
    }
  }

  /** The connection to one broker. @throws KbgError `connection` (retriable) also when the broker isn't registered now */
  async broker(brokerId: number, deadline: Deadline): Promise<BrokerConnection> {
    const address = this.#brokers.get(brokerId) ?? (await this.#lookUp(brokerId, deadline))
    return this.#connect(address, deadline)
  }

  async #lookUp(brokerId: number, deadline: Deadline): Promise<BrokerAddress> {
    await this.metadata([], deadline)
    const address = this.#brokers.get(brokerId)
    if (address) return address
    throw new KbgError('connection', `Broker ${brokerId} of ${this.access.colour} isn't registered.`, {
      retriable: true,
      facts: { registered: [...this.#brokers.keys()].map(String) },
    })
  }

  /** A connection to whichever broker can be reached: known ones in order, then the bootstrap servers; those that gave no answer lately come last. */
  async any(deadline: Deadline): Promise<BrokerConnection> {
    const [connection] = await this.#reachable(this.#candidates(), deadline)
    return connection
  }

  /**
   * Asks any broker something that has no effect. One that doesn't answer in half of the time that is left (at most a second) is passed over for the next.
   * @throws KbgError `connection`, `deadline`
   */
  async askAny<Arguments extends unknown[], Response>(
    what: string,
    api: ProtocolApi<Arguments, Response>,
    args: Arguments,
    deadline: Deadline,
  ): Promise<Response> {
    let candidates = this.#candidates()
    for (;;) {
      const [connection, rest] = await this.#reachable(candidates, deadline)
      const patience = deadline.within(Math.min(answerTimeoutMs, deadline.remainingMs() / 2), what)
      try {
        const answer = await connection.request(what, api, args, 'none', rest.length > 0 ? patience : deadline)
        this.#silent.delete(textOf(connection.address))
        return answer
      } catch (thrown) {
        const passedOver = thrown instanceof KbgError && (thrown.code === 'deadline' || thrown.code === 'connection')
        if (!passedOver || rest.length === 0 || deadline.over || deadline.cancelled?.aborted) throw thrown
        this.#silent.add(textOf(connection.address))
        candidates = rest
      }
    }
  }

  #candidates(): readonly BrokerAddress[] {
    const known = [...this.#brokers.values()]
    const bootstrap = bootstrapOf(this.access, this.principal).map(addressOf)
    const all = [...known, ...bootstrap.filter((address) => !known.some((one) => textOf(one) === textOf(address)))]
    return all.sort((a, b) => Number(this.#silent.has(textOf(a))) - Number(this.#silent.has(textOf(b))))
  }

  /** The first candidate that can be connected to, and those behind it. */
  async #reachable(candidates: readonly BrokerAddress[], deadline: Deadline): Promise<readonly [BrokerConnection, readonly BrokerAddress[]]> {
    let last: unknown
    for (const [index, address] of candidates.entries()) {
      const rest = candidates.slice(index + 1)
      try {
        const patience = deadline.within(Math.min(answerTimeoutMs, deadline.remainingMs() / 2), `a connection to ${textOf(address)}`)
        return [await this.#connect(address, rest.length > 0 ? patience : deadline), rest]
      } catch (thrown) {
        if (!isPassable(thrown) || deadline.over) throw thrown
        this.#silent.add(textOf(address))
        last = thrown
      }
    }
    if (isTlsRefusal(last) || (last instanceof KbgError && last.code === 'authentication')) throw last
    throw new KbgError('connection', `No broker of ${this.access.colour} can be reached as ${this.principal}.`, {
      retriable: true,
      facts: { asked: candidates.map(textOf) },
      cause: last,
    })
  }

  /** Opens a connection to every registered broker, so that the first request doesn't pay for it. Brokers that can't be reached are left to the caller's next request. */
  async warmUp(deadline: Deadline): Promise<void> {
    const brokerIds = await this.brokerIds(deadline)
    await Promise.allSettled(brokerIds.map((brokerId) => this.broker(brokerId, deadline)))
  }

  async #connect(address: BrokerAddress, deadline: Deadline): Promise<BrokerConnection> {
    if (this.#closed) throw new KbgError('closed', `The connections to ${this.access.colour} are closed.`)
    const key = textOf(address)
    const existing = this.#open.get(key)
    if (existing) {
      const connection = await deadline.race(existing)
      if (connection.usable) return connection
      if (this.#open.get(key) === existing) this.#open.delete(key)
    }
    const opening = this.#open.get(key) ?? this.#start(key, address)
    return deadline.race(opening)
  }

  #start(key: string, address: BrokerAddress): Promise<BrokerConnection> {
    const forget = () => {
      if (this.#open.get(key) === opening) this.#open.delete(key)
    }
    const opening = Promise.resolve()
      .then(() => BrokerConnection.open(address, this.#login(), this.access.caFile, forget))
      .then((connection) => {
        if (this.#closed) connection.close()
        return connection
      })
    this.#open.set(key, opening)
    opening.catch(forget)
    return opening
  }

  close(): void {
    this.#closed = true
    for (const opening of this.#open.values()) opening.then((connection) => connection.close()).catch(() => undefined) // one that never opened needs no closing
    this.#open.clear()
  }
}
