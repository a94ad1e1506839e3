import { ConfigResourceTypes, describeConfigsV4 } from '@platformatic/kafka'
import type { ClusterAccess } from '../../model/cluster-access.ts'
import type { Deadline } from '../../ports/clock.ts'
import { BrokerConnections, type Principal } from '../kafka/connections.ts'
import { errorName, persistently, requireNone } from '../kafka/refusal.ts'

/** One topic as a comparison needs it. */
export interface SeenTopic {
  readonly topic: string
  readonly topicId: string
  readonly internal: boolean
  readonly partitions: number
  /** `cleanup.policy` holds `compact`, whoever says so: topic, broker or default. */
  readonly compacted: boolean
  /** `message.timestamp.type` is LogAppendTime. */
  readonly logAppendTime: boolean
}

/** Configs are asked for again after so many looks; those of new topics at once. */
const looksPerConfig = 10
const topicsPerRequest = 200
const configKeys = ['cleanup.policy', 'message.timestamp.type']

type Config = Pick<SeenTopic, 'compacted' | 'logAppendTime'>

/** Looks at one cluster's topics again and again: one Metadata each time, configs now and then, and only the two that matter. */
export class TopicWatch {
  readonly #connections: BrokerConnections
  readonly #configs = new Map<string, Config>()
  #looks = 0

  constructor(access: ClusterAccess, as: Principal) {
    this.#connections = new BrokerConnections(access, as)
  }

  /** Every topic of the cluster, internal ones included. @throws KbgError `kafka`, `connection`, `deadline`, `credentials` */
  look(deadline: Deadline): Promise<readonly SeenTopic[]> {
    return persistently(deadline, async () => {
      if (this.#looks++ % looksPerConfig === 0) this.#configs.clear()
      const metadata = await this.#connections.metadata(null, deadline)
      const topics = metadata.topics.filter(({ name, errorCode }) => name !== null && errorCode === 0)
      await this.#learnConfigs(
        topics.flatMap(({ name, topicId, isInternal }) => (isInternal || this.#configs.has(topicId) ? [] : [{ name: name ?? '', topicId }])),
        deadline,
      )
      return topics.flatMap(({ name, topicId, isInternal, partitions }) => {
        const config = this.#configs.get(topicId) ?? { compacted: false, logAppendTime: false }
        const isKnown = isInternal || this.#configs.has(topicId) // deleted in between: the next look sees it
        return isKnown ? [{ topic: name ?? '', topicId, internal: isInternal, partitions: partitions.length, ...config }] : []
      })
    })
  }

  close(): void {
    this.#connections.close()
  }

  async #learnConfigs(topics: readonly { readonly name: string; readonly topicId: string }[], deadline: Deadline): Promise<void> {
    const topicIds = new Map(topics.map(({ name, topicId }) => [name, topicId]))
    for (let start = 0; start < topics.length; start += topicsPerRequest) {
      const resources = topics.slice(start, start + topicsPerRequest).map(({ name }) => ({
        resourceType: ConfigResourceTypes.TOPIC,
        resourceName: name,
        configurationKeys: configKeys,
      }))
      const answer = await this.#connections.askAny('DescribeConfigs', describeConfigsV4.api, [resources, false, false], deadline)
      for (const result of answer.results) {
        if (errorName(result.errorCode) === 'UNKNOWN_TOPIC_OR_PARTITION') continue
        requireNone(result.errorCode, `Can't read the configuration of the topic ${result.resourceName}.`, {}, result.errorMessage)
        const configOf = (key: string) => result.configs.find(({ name }) => name === key)?.value ?? ''
        const config = { compacted: configOf('cleanup.policy').includes('compact'), logAppendTime: configOf('message.timestamp.type') === 'LogAppendTime' }
        this.#configs.set(topicIds.get(result.resourceName) ?? '', config)
      }
    }
  }
}
