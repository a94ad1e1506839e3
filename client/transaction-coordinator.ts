/**
 * How a kafkajs producer talks to its transaction coordinator (kafkajs 2.2.4, `eosManager`): with fewer requests, and none that the coordinator refuses.
 *
 * kafkajs asks for the coordinator before every request to it, and adds the partitions of each send by itself. While the coordinator writes down one
 * addition it answers CONCURRENT_TRANSACTIONS to the next, and kafkajs then reads all metadata and waits before it tries again: three sends of one
 * transaction took three rounds of that. Here additions that come together share a request, one is under way at a time, and the coordinator is looked up
 * once for each transaction.
 */

/** A partition of AddPartitionsToTxn's request. */
interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

interface AddPartitions {
  readonly transactionalId: string
  readonly producerId: string
  readonly producerEpoch: number
  readonly topics: readonly TopicPartitions[]
}

/** What is used of the kafkajs broker that coordinates. */
export interface CoordinatorBroker {
  isConnected(): boolean
  addPartitionsToTxn(request: AddPartitions): Promise<unknown>
  endTxn(request: object): Promise<unknown>
}

/** What is replaced of kafkajs' Cluster. */
export interface CoordinatedCluster {
  findGroupCoordinator(args: { readonly groupId: string; readonly coordinatorType?: number }): Promise<CoordinatorBroker>
}

/** `COORDINATOR_TYPES.TRANSACTION` (FindCoordinator's key type). */
const transactionKeyType = 1
/** The coordinator has moved: it did nothing, and another broker knows the transaction. */
const movedCoordinator = ['NOT_COORDINATOR_FOR_GROUP', 'GROUP_COORDINATOR_NOT_AVAILABLE']

/** Replaces the lookup of transaction coordinators of a producer's own cluster object. Groups' coordinators are found as before. */
export function steadyCoordinator(cluster: CoordinatedCluster): void {
  const find = cluster.findGroupCoordinator.bind(cluster)
  const additions = new Additions()
  let known: CoordinatorBroker | undefined
  const forget = () => {
    known = undefined
  }
  cluster.findGroupCoordinator = async (args) => {
    if (args.coordinatorType !== transactionKeyType) return find(args)
    if (known?.isConnected()) return known
    const broker = await find(args)
    known = Object.assign(Object.create(broker) as CoordinatorBroker, {
      addPartitionsToTxn: (request: AddPartitions) => additions.add(broker, request).catch(rethrowAfter(forget)),
      endTxn: async (request: object) => {
        forget()
        try {
          return await broker.endTxn(request)
        } catch (error) {
          if (!hasMoved(error)) throw error
          return await (await find(args)).endTxn(request)
        }
      },
    })
    return known
  }
}

interface Waiting {
  readonly request: AddPartitions
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Additions of partitions: together when they come together, and one request at a time. */
class Additions {
  #waiting: Waiting[] = []
  #underWay = false

  add(broker: CoordinatorBroker, request: AddPartitions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject })
      if (!this.#underWay) void this.#run(broker)
    })
  }

  async #run(broker: CoordinatorBroker): Promise<void> {
    this.#underWay = true
    while (this.#waiting.length > 0) {
      await new Promise((resolve) => setImmediate(resolve)) // sends of one turn arrive here some promises apart
      const { producerId, producerEpoch } = this.#waiting[0]?.request ?? {}
      const together = this.#waiting.filter(({ request }) => request.producerId === producerId && request.producerEpoch === producerEpoch)
      this.#waiting = this.#waiting.filter((each) => !together.includes(each))
      await this.#send(broker, together)
    }
    this.#underWay = false
  }

  async #send(broker: CoordinatorBroker, together: readonly Waiting[]): Promise<void> {
    const first = together[0]
    if (!first) return
    const topics = merged(together.flatMap(({ request }) => request.topics))
    try {
      const answer = await broker.addPartitionsToTxn({ ...first.request, topics })
      for (const { resolve } of together) resolve(answer)
    } catch (error) {
      // One partition that is refused refuses the request as a whole: none was added.
      for (const { reject } of together) reject(error)
    }
  }
}

function merged(topics: readonly TopicPartitions[]): readonly TopicPartitions[] {
  const partitions = Map.groupBy(topics, ({ topic }) => topic)
  return [...partitions].map(([topic, parts]) => ({ topic, partitions: [...new Set(parts.flatMap((part) => part.partitions))] }))
}

function rethrowAfter(effect: () => void): (error: unknown) => never {
  return (error) => {
    effect()
    throw error
  }
}

function hasMoved(error: unknown): boolean {
  return error instanceof Error && 'type' in error && movedCoordinator.includes(String(error.type))
}
