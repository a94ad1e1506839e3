import { FindCoordinatorKeyTypes, findCoordinatorV5 } from '@platformatic/kafka'
import { KbgError } from '../../model/error.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { BrokerConnection } from './broker-connection.ts'
import type { BrokerConnections } from './connections.ts'
import { persistently, requireNone } from './refusal.ts'

type CoordinatorKind = 'group' | 'transaction'

const keyTypes = { group: FindCoordinatorKeyTypes.GROUP, transaction: FindCoordinatorKeyTypes.TRANSACTION } as const

/** Which broker coordinates each group or transactional id, as last heard; asked again after one has refused. */
export class Coordinators {
  readonly #connections: BrokerConnections
  readonly #kind: CoordinatorKind
  readonly #brokerIds = new Map<string, number>()

  constructor(connections: BrokerConnections, kind: CoordinatorKind) {
    this.#connections = connections
    this.#kind = kind
  }

  /**
   * Runs `attempt` with the connection to the coordinator of `key`, again with a newly found one while coordinators move, load or are busy.
   * @throws KbgError as {@link persistently}
   */
  ask<T>(key: string, deadline: Deadline, attempt: (coordinator: BrokerConnection) => Promise<T>, pause?: (attemptNumber: number) => number): Promise<T> {
    return persistently(
      deadline,
      async () => {
        try {
          return await attempt(await this.#coordinatorOf(key, deadline))
        } catch (thrown) {
          if (thrown instanceof KbgError && thrown.retriable && thrown.facts.error !== 'CONCURRENT_TRANSACTIONS') this.#brokerIds.delete(key)
          throw thrown
        }
      },
      pause,
    )
  }

  /** The keys by the broker that is known to coordinate them; the others are absent. */
  known(keys: readonly string[]): ReadonlyMap<number, readonly string[]> {
    const known = keys.filter((key) => this.#brokerIds.has(key))
    return Map.groupBy(known, (key) => this.#brokerIds.get(key) ?? -1)
  }

  async #coordinatorOf(key: string, deadline: Deadline): Promise<BrokerConnection> {
    const known = this.#brokerIds.get(key)
    if (known !== undefined) return this.#connections.broker(known, deadline)
    const answer = await this.#connections.askAny('FindCoordinator', findCoordinatorV5.api, [keyTypes[this.#kind], [key]], deadline)
    const found = answer.coordinators[0]
    if (!found) throw new KbgError('kafka', `No coordinator of the ${this.#kind} ${key} was named.`, { facts: { error: 'NONE' } })
    requireNone(found.errorCode, `Can't find the coordinator of the ${this.#kind} ${key}.`, {}, found.errorMessage)
    this.#brokerIds.set(key, found.nodeId)
    return this.#connections.broker(found.nodeId, deadline)
  }
}
