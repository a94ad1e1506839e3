import { setTimeout as sleep } from 'node:timers/promises'
import type { Colour } from '../../../engine/model/colour.ts'
import { KbgError } from '../../../engine/model/error.ts'
import type { AssignedPartitions, ClientFactory, ConsumerRequest, TopicPartitionOffset, WorkloadBatch, WorkloadConsumer } from './factory.ts'

type AssignmentListener = Parameters<WorkloadConsumer['onAssignment']>[0]

/** How often a member asks its name. */
const askEveryMs = 100

/** What a name answers: where to read and from which brokers; nowhere while its wave is held. */
interface Answer {
  readonly colour: Colour | null
  readonly servers: readonly string[]
}

/**
 * A member of a group that follows nothing but a name: plain kafkajs that asks DNS where to read, leaves in good order while the name has no address, and joins anew from the addresses that it answers next. What an application
 * without this project's client would do.
 */
export class NamedConsumer implements WorkloadConsumer {
  readonly #request: ConsumerRequest
  readonly #texts: () => Promise<readonly string[]>
  readonly #clientsOf: (colour: Colour, servers: readonly string[]) => ClientFactory
  readonly #listeners: AssignmentListener[] = []
  readonly #closed = new AbortController()
  #client: WorkloadConsumer | undefined
  #colour: Colour | null = null
  #topics: readonly string[] = []
  #handle: ((batch: WorkloadBatch) => Promise<void>) | undefined
  #following: Promise<void> = Promise.resolve()

  constructor(request: ConsumerRequest, texts: () => Promise<readonly string[]>, clientsOf: (colour: Colour, servers: readonly string[]) => ClientFactory) {
    this.#request = request
    this.#texts = texts
    this.#clientsOf = clientsOf
  }

  async connect(): Promise<void> {
    await this.#move(await this.#asked())
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    this.#topics = topics
    await this.#joined().subscribe(topics)
  }

  async run(handle: (batch: WorkloadBatch) => Promise<void>): Promise<void> {
    this.#handle = handle
    await this.#joined().run(handle)
    this.#following = this.#follow()
  }

  commit(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    return this.#joined().commit(offsets)
  }

  onAssignment(listener: AssignmentListener): void {
    this.#listeners.push(listener)
  }

  pause(topics: readonly string[]): void {
    this.#joined().pause(topics)
  }

  resume(topics: readonly string[]): void {
    this.#joined().resume(topics)
  }

  async disconnect(): Promise<void> {
    this.#closed.abort()
    await this.#following
    await this.#client?.disconnect()
  }

  refused(error: unknown): boolean {
    return this.#client?.refused(error) ?? false
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closed
    while (!signal.aborted) {
      await sleep(askEveryMs, undefined, { signal }).catch(() => undefined) // woken by disconnect: the loop's condition ends it
      if (!signal.aborted) await this.#move(await this.#asked())
    }
  }

  async #move({ colour, servers }: Answer): Promise<void> {
    if (colour === this.#colour) return
    await this.#client?.disconnect()
    this.#client = undefined
    this.#colour = colour
    if (colour === null) return
    const client = this.#clientsOf(colour, servers).consumer(this.#request)
    client.onAssignment((kind: 'assigned' | 'revoked', where: Colour | null, partitions: readonly AssignedPartitions[]) => {
      for (const listener of this.#listeners) listener(kind, where, partitions)
    })
    await client.connect()
    this.#client = client
    if (this.#topics.length > 0) await client.subscribe(this.#topics)
    if (this.#handle !== undefined) await client.run(this.#handle)
  }

  async #asked(): Promise<Answer> {
    const texts = await this.#texts()
    const valuesOf = (key: string) => texts.flatMap((text) => (text.startsWith(`${key}=`) ? [text.slice(key.length + 1)] : []))
    const [at] = valuesOf('at')
    return { colour: at === 'blue' || at === 'green' ? at : null, servers: valuesOf('server') }
  }

  #joined(): WorkloadConsumer {
    if (this.#client !== undefined) return this.#client
    throw new KbgError('named-consumer-held', 'The name has no address now, so this member reads nowhere.')
  }
}
