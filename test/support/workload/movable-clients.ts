import type { Colour } from '../../../engine/model/colour.ts'
import type {
  AssignedPartitions,
  ClientFactory,
  ClientMoves,
  ConsumerRequest,
  TopicPartitionOffset,
  WorkloadBatch,
  WorkloadConsumer,
  WorkloadProducer,
} from './factory.ts'

type AssignmentListener = Parameters<WorkloadConsumer['onAssignment']>[0]

/** How the plain clients of one colour are made. */
type ClientsOf = (colour: Colour) => ClientFactory

/**
 * Clients of one colour that an operator stops and starts again on the other one, as a restart of the applications with another configuration does: the same
 * producers and groups in the same histories, but new client objects. A send that falls due in between waits, as it would in front of an application that is down.
 */
export function movableClients(start: Colour, clientsOf: ClientsOf): ClientFactory & { readonly moves: ClientMoves } {
  const producers: MovableProducer[] = []
  const groups: MovableConsumer[] = []
  return {
    producer: (request) => {
      const producer = new MovableProducer((colour) => clientsOf(colour).producer(request), start)
      producers.push(producer)
      return producer
    },
    consumer: (request) => {
      const consumer = new MovableConsumer(clientsOf, request, start)
      groups.push(consumer)
      return consumer
    },
    moves: {
      leave: async (which) => {
        await Promise.all((which === 'producers' ? producers : groups).map((client) => client.disconnect()))
      },
      join: async (which, colour) => {
        await Promise.all((which === 'producers' ? producers : groups).map((client) => client.join(colour)))
      },
    },
  }
}

/** One logical producer. `disconnect` waits for the calls under way, as an orderly shutdown does; later calls wait for the next `join`. */
class MovableProducer implements WorkloadProducer {
  readonly #make: (colour: Colour) => WorkloadProducer
  readonly #start: Colour
  #client: WorkloadProducer | undefined
  #joined = Promise.withResolvers<void>()
  #underWay = new Set<Promise<unknown>>()

  constructor(make: (colour: Colour) => WorkloadProducer, start: Colour) {
    this.#make = make
    this.#start = start
  }

  connect(): Promise<void> {
    return this.join(this.#start)
  }

  async join(colour: Colour): Promise<void> {
    const client = this.#make(colour)
    await client.connect()
    this.#client = client
    this.#joined.resolve()
  }

  async disconnect(): Promise<void> {
    const client = this.#client
    if (!client) return
    this.#client = undefined
    this.#joined = Promise.withResolvers()
    await Promise.allSettled(this.#underWay) // what came of each is told to its caller
    await client.disconnect()
  }

  send(...call: Parameters<WorkloadProducer['send']>) {
    return this.#call((client) => client.send(...call))
  }

  transact(work: Parameters<WorkloadProducer['transact']>[0]) {
    return this.#call((client) => client.transact(work))
  }

  async #call<T>(work: (client: WorkloadProducer) => Promise<T>): Promise<T> {
    while (!this.#client) await this.#joined.promise
    const call = work(this.#client)
    this.#underWay.add(call)
    try {
      return await call
    } finally {
      this.#underWay.delete(call)
    }
  }
}

/** One logical member of a group. */
class MovableConsumer implements WorkloadConsumer {
  readonly #clientsOf: ClientsOf
  readonly #request: ConsumerRequest
  readonly #listeners: AssignmentListener[] = []
  #client: WorkloadConsumer
  #connected = false
  #topics: readonly string[] = []
  #handle: ((batch: WorkloadBatch) => Promise<void>) | undefined

  constructor(clientsOf: ClientsOf, request: ConsumerRequest, start: Colour) {
    this.#clientsOf = clientsOf
    this.#request = request
    this.#client = this.#made(start)
  }

  #made(colour: Colour): WorkloadConsumer {
    const client = this.#clientsOf(colour).consumer(this.#request)
    client.onAssignment((kind: 'assigned' | 'revoked', where: Colour | null, partitions: readonly AssignedPartitions[]) => {
      for (const listener of this.#listeners) listener(kind, where, partitions)
    })
    return client
  }

  async connect(): Promise<void> {
    await this.#client.connect()
    this.#connected = true
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    this.#topics = topics
    await this.#client.subscribe(topics)
  }

  async run(handle: (batch: WorkloadBatch) => Promise<void>): Promise<void> {
    this.#handle = handle
    await this.#client.run(handle)
  }

  async join(colour: Colour): Promise<void> {
    this.#client = this.#made(colour)
    await this.connect()
    await this.#client.subscribe(this.#topics)
    if (this.#handle) await this.#client.run(this.#handle)
  }

  async disconnect(): Promise<void> {
    if (!this.#connected) return
    this.#connected = false
    await this.#client.disconnect()
  }

  commit(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    return this.#client.commit(offsets)
  }

  onAssignment(listener: AssignmentListener): void {
    this.#listeners.push(listener)
  }

  pause(topics: readonly string[]): void {
    this.#client.pause(topics)
  }

  resume(topics: readonly string[]): void {
    this.#client.resume(topics)
  }

  refused(error: unknown): boolean {
    return this.#client.refused(error)
  }
}
