import { z } from 'zod'
import type { ClusterAccess } from '../../model/cluster-access.ts'
import type { Colour } from '../../model/colour.ts'
import { KbgError } from '../../model/error.ts'
import { connectOffsetsTopic, onEveryPlatform, workerTopics } from '../../model/mirror-template.ts'
import type { PartitionOffsets } from '../../model/partition.ts'
import type { Deadline } from '../../ports/clock.ts'
import { createTopics } from '../kafka/admin.ts'
import { BrokerConnections } from '../kafka/connections.ts'
import { type KeyedRecord, writeTogether } from '../kafka/write-together.ts'
import { offsetKey, offsetValue, partitionForKey, requireKeyForm } from './offset-records.ts'
import { requireOffsets, seedable } from './offsets-body.ts'
import { OffsetsTopic } from './offsets-topic.ts'

/** Stands where Connect writes a connector's name; no connector has it. */
const declarations = 'kbg.declared'
const DeclarationKey = z.tuple([z.literal(declarations), z.object({ connector: z.string() })])

const Declared = z.object({
  topics: z.array(z.string()).min(1),
  /**
   * Whether the platform was asked to make it since its last proven end: not at all, and it is stopped; with an answer; or with one that nobody has heard, and the request may still arrive. Written
   * before the request, so that a platform that doesn't name a connector (yet) is taken for one without it only where nobody has asked.
   */
  asked: z.enum(['never', 'answered', 'open']).default('open'), // a declaration of before tells nothing
})
export type Declared = z.infer<typeof Declared>

/** Which connectors are to exist, told to whoever asks next: read-your-writes. */
export interface Declarations {
  declared(deadline: Deadline): Promise<ReadonlyMap<string, Declared>>
  declare(connector: string, declared: Declared, deadline: Deadline): Promise<void>
  withdraw(connector: string, deadline: Deadline): Promise<void>
}

const readBackPauseMs = 20

/**
 * What a platform without Connect's REST keeps in Connect's offsets topic on the target: where a connector begins, and which connectors are to exist, so that one that doesn't run is known with its
 * topics. Connect reads a declaration as the offset of a connector that it never runs.
 */
export class OffsetsStore implements Declarations {
  readonly #target: ClusterAccess
  readonly #topic: string
  readonly #reading: OffsetsTopic
  readonly #writing: BrokerConnections

  constructor(target: ClusterAccess) {
    this.#target = target
    this.#topic = connectOffsetsTopic(target.colour)
    this.#reading = new OffsetsTopic(target, this.#topic)
    this.#writing = new BrokerConnections(target, 'operator')
  }

  committed(connector: string, source: Colour, deadline: Deadline): Promise<PartitionOffsets> {
    return this.#reading.committed(connector, source, deadline)
  }

  async declared(deadline: Deadline): Promise<ReadonlyMap<string, Declared>> {
    const entries = await this.#reading.entries(deadline).catch((thrown: unknown) => {
      if (thrown instanceof KbgError && thrown.code === 'unknown-topic') return new Map() // nothing was ever declared
      throw thrown
    })
    return new Map(
      [...entries].flatMap(([key, { connector, entry }]) => {
        if (connector !== declarations || !('foreign' in entry)) return []
        const [, { connector: name }] = DeclarationKey.parse(JSON.parse(key))
        return [[name, Declared.parse(entry.foreign)] as const]
      }),
    )
  }

  async declare(connector: string, declared: Declared, deadline: Deadline): Promise<void> {
    await this.#ensureTopic(deadline)
    const required = JSON.stringify(Declared.parse(declared))
    await this.#write(connector, [[declarationKey(connector), required]], deadline)
    await deadline.poll(readBackPauseMs, async () => (JSON.stringify((await this.declared(deadline)).get(connector)) === required ? true : undefined))
  }

  async withdraw(connector: string, deadline: Deadline): Promise<void> {
    await this.#write(connector, [[declarationKey(connector), null]], deadline)
    await deadline.poll(readBackPauseMs, async () => ((await this.declared(deadline)).has(connector) ? undefined : true))
  }

  /**
   * Writes where a connector begins, in one transaction, and reads the topic to its end as Connect will. The connector must not exist.
   * @throws KbgError `bad-seed` when it has other offsets already, `offset-key-form`
   */
  async seed(connector: string, source: Colour, lastCopied: PartitionOffsets, deadline: Deadline): Promise<void> {
    const required = seedable(lastCopied)
    requireKeyForm(await this.#reading.entries(deadline))
    const before = await this.committed(connector, source, deadline)
    if (before.size > 0) {
      // A rerun after the seed was written but before that was journaled finds its own offsets; anything else has run before.
      requireOffsets(connector, 'has run or been seeded before', required, before)
      return
    }
    if (required.size === 0) return
    const records = [...required].map(([partition, offset]) => [offsetKey(connector, source, partition), offsetValue(offset)] as const)
    await this.#write(connector, records, deadline)
    // The commit's marker may reach the topic's leader a moment after the coordinator's answer.
    await deadline.poll(readBackPauseMs, async () => ((await this.committed(connector, source, deadline)).size > 0 ? true : undefined))
    requireOffsets(connector, 'was not seeded as told', required, await this.committed(connector, source, deadline))
  }

  close(): void {
    this.#reading.close()
    this.#writing.close()
  }

  /** A worker would make it too, but the first seed comes before the first worker. */
  async #ensureTopic(deadline: Deadline): Promise<void> {
    const all = workerTopics({ ...onEveryPlatform, 'offset.storage.topic': this.#topic })
    const own = all.filter(({ topic }) => topic === this.#topic)
    await createTopics(this.#target, own, deadline)
  }

  async #write(connector: string, keyed: readonly (readonly [key: string, value: string | null])[], deadline: Deadline): Promise<void> {
    const metadata = await this.#writing.metadata([this.#topic], deadline)
    const partitions = metadata.topics[0]?.partitions.length ?? 0
    if (partitions === 0) throw new KbgError('unknown-topic', `${this.#topic} is not on ${this.#target.colour}.`)
    const records = keyed.map(([key, value]): KeyedRecord => ({ partition: partitionForKey(this.#topic, key, partitions), key, value }))
    await writeTogether(this.#writing, `${connector}.offsets`, records, deadline)
  }
}

function declarationKey(connector: string): string {
  return JSON.stringify([declarations, { connector }])
}
