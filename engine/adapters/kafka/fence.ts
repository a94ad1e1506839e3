import { createAclsV3, deleteAclsV3 } from '@platformatic/kafka'
import { type ClusterAccess, canaryTopic } from '../../model/cluster-access.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import type { TopicPartition } from '../../model/partition.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { AclBinding, BrokerProbe, Fence, ProbeAnswer } from '../../ports/cluster.ts'
import { nudgeBinding, toWire } from './acl-bindings.ts'
import { describeBinding } from './admin.ts'
import type { BrokerConnection } from './broker-connection.ts'
import type { BrokerConnections } from './connections.ts'
import { readQuorum } from './inventory.ts'
import { Leaders } from './leaders.ts'
import { type ProbeReply, probeBroker, produceOne } from './produce.ts'
import { errorName, kafkaRefusal, persistently, requireNone } from './refusal.ts'

/** Longest wait for one broker's answer to a probe; a broker that takes longer is unreachable, and that refuses. */
const probeTimeoutMs = 1_000

/** A DENY for every principal; super users pass it. */
export function deny(resourceType: AclBinding['resourceType'], resourceName: string, operation: string): AclBinding {
  return { principal: 'User:*', host: '*', resourceType, resourceName, patternType: 'literal', operation, permission: 'deny' }
}

/** The fence: what every principal but the super users is denied while a colour isn't live. Reading, committing offsets and getting a producer id stay possible. */
export const fenceBindings: readonly AclBinding[] = [
  ...['Write', 'Create', 'Alter', 'Delete'].map((operation) => deny('topic', '*', operation)),
  deny('cluster', 'kafka-cluster', 'Create'),
]

interface Probed {
  readonly probe: BrokerProbe
  /** Who is registered, as this broker sees it; undefined when it didn't answer. */
  readonly metadata: ProbeReply['metadata'] | undefined
}

function answerOf(errorCode: number): ProbeAnswer {
  switch (errorName(errorCode)) {
    case 'TOPIC_AUTHORIZATION_FAILED':
      return 'fenced'
    case 'UNKNOWN_TOPIC_OR_PARTITION':
      return 'open'
    default:
      return 'unreachable'
  }
}

/** What a fence denies, and where its probe and its canary go. */
export interface FenceParts {
  readonly bindings: readonly AclBinding[]
  /** The topic of probe and canary. */
  readonly topic: string
}

/** {@link Fence} by ACLs (org.apache.kafka.metadata.authorizer.StandardAuthorizer). */
export class AclFence implements Fence {
  readonly bindings: readonly AclBinding[]
  readonly #topic: string
  readonly #access: ClusterAccess
  readonly #operator: BrokerConnections
  readonly #probe: BrokerConnections
  readonly #probeLeaders: Leaders
  #nearController: number | undefined

  /** @param probe who writes probe and canary */
  constructor(
    operator: BrokerConnections,
    probe: BrokerConnections,
    parts: FenceParts = { bindings: fenceBindings, topic: canaryTopic(operator.access.colour) },
  ) {
    this.bindings = parts.bindings
    this.#topic = parts.topic
    this.#access = operator.access
    this.#operator = operator
    this.#probe = probe
    this.#probeLeaders = new Leaders(probe)
  }

  async raise(deadline: Deadline): Promise<void> {
    await this.#change(deadline, async (broker) => {
      const creation = broker.request('CreateAcls (fence)', createAclsV3.api, [this.bindings.map(toWire)], 'repeatable', deadline)
      nudge(broker, deadline)
      const { results } = await creation
      results.forEach((result, index) => {
        if (errorName(result.errorCode) === 'SECURITY_DISABLED') throw this.#impossible()
        requireNone(result.errorCode, `Can't raise the fence of ${this.#access.colour}.`, this.#binding(index), result.errorMessage)
      })
    })
  }

  async lift(deadline: Deadline): Promise<void> {
    await this.#change(deadline, async (broker) => {
      const deletion = broker.request('DeleteAcls (fence)', deleteAclsV3.api, [this.bindings.map(toWire)], 'repeatable', deadline)
      nudge(broker, deadline)
      const { filterResults } = await deletion
      filterResults.forEach((result, index) => {
        const refused = result.matchingAcls.find((acl) => acl.errorCode !== 0) ?? result
        requireNone(refused.errorCode, `Can't lift the fence of ${this.#access.colour}.`, this.#binding(index), refused.errorMessage)
      })
    })
  }

  #impossible(): KbgError {
    return new KbgError('fence-impossible', `${this.#access.colour} has no authorizer, so nothing can be fenced.`, {
      facts: { error: 'SECURITY_DISABLED', required: 'authorizer.class.name on every broker' },
      remedy: 'Give it an authorizer: clients that stop by agreement alone are no fence.',
    })
  }

  #binding(index: number): { readonly binding: string } {
    return { binding: describeBinding(this.bindings[index]) }
  }

  /**
   * After a lost connection the change is sent again, to wherever the controller is now: repeating it does no harm. A broker that merely doesn't answer is *not* passed over: what it was sent
   * may still land, minutes after somebody has moved the fence the other way, so the caller has to hear of it.
   */
  async #change(deadline: Deadline, act: (broker: BrokerConnection) => Promise<void>): Promise<void> {
    await persistently(deadline, async () => {
      try {
        await act(await this.#brokerNearController(deadline))
      } catch (thrown) {
        this.#nearController = undefined
        throw thrown
      }
    })
  }

  /** The broker in the active controller's process, where there is one: it forwards the request with one hop less. */
  async #brokerNearController(deadline: Deadline): Promise<BrokerConnection> {
    this.#nearController ??= await this.#findController(deadline)
    return this.#operator.knownBrokers.has(this.#nearController) ? this.#operator.broker(this.#nearController, deadline) : this.#operator.any(deadline)
  }

  async #findController(deadline: Deadline): Promise<number> {
    await this.#operator.brokerIds(deadline)
    return (await readQuorum(this.#operator, deadline)).leaderId
  }

  async probe(deadline: Deadline): Promise<readonly BrokerProbe[]> {
    const asked = await this.#probe.brokerIds(deadline)
    const first = await this.#probeAll(asked, deadline)
    // Every broker that answered has also said who is registered: newcomers are asked too, and one that nobody holds for registered leads nothing.
    this.#probe.learn(...first.flatMap((reply) => (reply.metadata ? [reply.metadata] : [])))
    const registered = await this.#probe.brokerIds(deadline)
    const newcomers = registered.filter((brokerId) => !asked.includes(brokerId))
    const second = newcomers.length > 0 ? await this.#probeAll(newcomers, deadline) : []
    return [...first, ...second]
      .filter(({ probe }) => registered.includes(probe.brokerId))
      .map(({ probe }) => probe)
      .sort((a, b) => a.brokerId - b.brokerId)
  }

  async #probeAll(brokerIds: readonly number[], deadline: Deadline): Promise<readonly Probed[]> {
    return Promise.all(brokerIds.map((brokerId) => this.#probeOne(brokerId, deadline.within(probeTimeoutMs, `the probe's answer from broker ${brokerId}`))))
  }

  async #probeOne(brokerId: number, deadline: Deadline): Promise<Probed> {
    let connection: BrokerConnection | undefined
    try {
      connection = await this.#probe.broker(brokerId, deadline)
      const { errorCode, metadata } = await probeBroker(connection, this.#topic, deadline)
      return { probe: { brokerId, answer: answerOf(errorCode), detail: errorName(errorCode) }, metadata }
    } catch (thrown) {
      if (thrown instanceof KbgError && thrown.code === 'credentials') throw thrown
      if (deadline.over) connection?.close() // the next probe must not queue behind this one
      return { probe: { brokerId, answer: 'unreachable', detail: messageOf(thrown) }, metadata: undefined }
    }
  }

  /** Waits while brokers haven't learnt of the lifted fence: a denied append is a definite no, so only those partitions are tried again. */
  async canary(deadline: Deadline): Promise<void> {
    const topic = this.#topic
    let missing: readonly TopicPartition[] | undefined
    const attempt = async (): Promise<void> => {
      const wanted = missing ?? (await this.#probeLeaders.partitionsOf([topic], deadline))
      const byLeader = await this.#probeLeaders.byLeader(wanted, deadline)
      const value = `canary ${deadline.clock.wallClock().toISOString()}`
      const answers = await Promise.allSettled([...byLeader].map(([leader, partitions]) => this.#append(leader, partitions, value, deadline)))
      missing = answers.flatMap((answer, index) => (answer.status === 'fulfilled' ? answer.value.refused : ([...byLeader.values()][index] ?? [])))
      const failed = answers.find((answer) => answer.status === 'rejected')
      const code = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.code] : [])).find((found) => found !== 0)
      if (failed || (code !== undefined && errorName(code) !== 'TOPIC_AUTHORIZATION_FAILED')) this.#probeLeaders.forget()
      if (failed) throw failed.reason
      if (code !== undefined) throw this.#notAccepted(code, missing)
    }
    await persistently(deadline, attempt, () => canaryPauseMs)
  }

  async #append(
    leader: number,
    partitions: readonly TopicPartition[],
    value: string,
    deadline: Deadline,
  ): Promise<{ readonly refused: readonly TopicPartition[]; readonly code: number }> {
    // Effect `none`: one canary more or less means nothing, and it may land whenever it likes.
    const answers = await produceOne(await this.#probe.broker(leader, deadline), partitions, value, 'none', deadline)
    const refused = answers.filter((answer) => answer.errorCode !== 0)
    return { refused: refused.map((answer) => answer.partition), code: refused[0]?.errorCode ?? 0 }
  }

  #notAccepted(code: number, partitions: readonly TopicPartition[]): KbgError {
    const refusal = kafkaRefusal(`${this.#access.colour} doesn't accept the canary record.`, code, { partitions })
    if (errorName(code) !== 'TOPIC_AUTHORIZATION_FAILED') return refusal
    return new KbgError('fenced', `${this.#access.colour} still refuses appends.`, { retriable: true, facts: { partitions } })
  }

  /** Finds the controller, and connects to every broker as both principals. */
  async warmUp(deadline: Deadline): Promise<void> {
    await Promise.all([this.#operator.warmUp(deadline), this.#probe.warmUp(deadline)])
    this.#nearController = await this.#findController(deadline)
    await this.#probeLeaders.partitionsOf([this.#topic], deadline)
    await this.probe(deadline)
  }
}

/** A broker learns of a lifted fence some ten milliseconds after the controller; nothing tells us when. */
const canaryPauseMs = 4

/**
 * Two metadata records behind the change, pipelined on its connection: a follower of the quorum learns that a record is committed only with its next fetch, and a new record ends its
 * long poll at once (measured: a quarter of the delay). Creating a binding that exists writes no record, hence create and delete.
 */
function nudge(broker: BrokerConnection, deadline: Deadline): void {
  const wire = [toWire(nudgeBinding)]
  const sent = [
    broker.request('CreateAcls (nudge)', createAclsV3.api, [wire], 'repeatable', deadline),
    broker.request('DeleteAcls (nudge)', deleteAclsV3.api, [wire], 'repeatable', deadline),
  ]
  for (const request of sent) request.catch(() => undefined) // no proof rests on it: without the nudge brokers only learn later
}
