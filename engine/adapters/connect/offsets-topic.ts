import { z } from 'zod'
import type { ClusterAccess } from '../../model/cluster-access.ts'
import { KbgError } from '../../model/error.ts'
import type { PartitionOffsets, TopicPartition } from '../../model/partition.ts'
import type { Deadline } from '../../ports/clock.ts'
import { ByteCursor } from '../kafka/byte-cursor.ts'
import { BrokerConnections } from '../kafka/connections.ts'
import { fetchV12 } from '../kafka/fetch.ts'
import { Leaders } from '../kafka/leaders.ts'
import { committedBatches, type RecordBatch, wholeBatches } from '../kafka/record-batches.ts'
import { errorName, persistently, requireNone } from '../kafka/refusal.ts'
import { copiedOffsetsOf, OffsetsAnswer } from './offsets-body.ts'

const maxBytes = 4 * 1024 * 1024

/** What one connector has committed for one source partition. */
export interface Committed {
  readonly connector: string
  /** What the record says when it isn't a mirror's: another connector on the same worker may commit in any form. */
  readonly entry: OffsetsAnswer['offsets'][number] | { readonly foreign: unknown }
}

/** A record's key: connector name and source partition (OffsetStorageWriter, JsonConverter without schemas). */
const Key = z.tuple([z.string(), z.unknown()])
const Entry = OffsetsAnswer.shape.offsets.element

/**
 * Follows the topic in which Connect commits how far each source partition is copied: each call reads only what came since the last one.
 *
 * Connect's own `GET /connectors/<name>/offsets` says the same, but makes a new consumer and reads the whole topic each time
 * (150 ms and more, growing with the topic), which the drain can't afford.
 */
export class OffsetsTopic {
  readonly #topic: string
  readonly #connections: BrokerConnections
  readonly #leaders: Leaders
  readonly #positions = new Map<TopicPartition, bigint>()
  /** By key text; a tombstone removes its key. */
  readonly #entries = new Map<string, Committed>()
  #reading: Promise<void> = Promise.resolve()

  constructor(access: ClusterAccess, topic: string) {
    this.#topic = topic
    this.#connections = new BrokerConnections(access, 'operator')
    this.#leaders = new Leaders(this.#connections)
  }

  /** What a connector has committed by now, transactions that are still open left out. @throws KbgError `unknown-topic` before the worker's first start */
  async committed(connector: string, source: ClusterAccess['colour'], deadline: Deadline): Promise<PartitionOffsets> {
    const entries = [...(await this.entries(deadline))].flatMap(([key, each]) => (each.connector === connector ? [[key, each.entry] as const] : []))
    const offsets = entries.map(([key, entry]) => {
      if ('foreign' in entry) throw otherForm(`${key} ${JSON.stringify(entry.foreign)}`)
      return entry
    })
    return copiedOffsetsOf({ offsets }, source)
  }

  /** All that is committed by now, by key. */
  async entries(deadline: Deadline): Promise<ReadonlyMap<string, Committed>> {
    // Calls wait for each other: all of them move the same positions.
    const mine = this.#reading.then(() => this.#readOn(deadline))
    this.#reading = mine.catch(() => undefined) // the caller of `mine` gets the error; the next one starts from the last good position
    await deadline.race(mine)
    return this.#entries
  }

  close(): void {
    this.#connections.close()
  }

  async #readOn(deadline: Deadline): Promise<void> {
    await persistently(deadline, async () => {
      try {
        const partitions = await this.#leaders.partitionsOf([this.#topic], deadline)
        await Promise.all(partitions.map((partition) => this.#readPartition(partition, deadline)))
      } catch (thrown) {
        if (thrown instanceof KbgError && thrown.retriable) this.#leaders.forget()
        throw thrown
      }
    })
  }

  /** Reads one partition up to its last stable offset. */
  async #readPartition(partition: TopicPartition, deadline: Deadline): Promise<void> {
    const [leader] = (await this.#leaders.byLeader([partition], deadline)).keys()
    for (;;) {
      deadline.check()
      const position = this.#positions.get(partition) ?? 0n
      const broker = await this.#connections.broker(leader ?? -1, deadline)
      const answer = await broker.request('Fetch', fetchV12, [[{ partition, offset: position, maxBytes }], maxBytes], 'none', deadline)
      requireNone(answer.errorCode, `Can't read ${partition}.`)
      const [fetched] = answer.partitions
      if (!fetched) throw new KbgError('no-progress', `The broker said nothing about ${partition}.`, { retriable: true })
      if (errorName(fetched.errorCode) === 'OFFSET_OUT_OF_RANGE') throw this.#startedOver(partition)
      requireNone(fetched.errorCode, `Can't read ${partition}.`)
      const batches = [...wholeBatches(fetched.records)]
      for (const batch of committedBatches(batches, fetched.aborted)) this.#take(batch, position)
      const last = batches.at(-1)
      if (last && last.lastOffset >= position) this.#positions.set(partition, last.lastOffset + 1n)
      // A compacted log may end in a gap: no batch any more means that all of it is read.
      if (!last || last.lastOffset + 1n >= fetched.lastStableOffset) return
    }
  }

  #take(batch: RecordBatch, from: bigint): void {
    for (const { key, value } of keyValues(batch, from)) {
      if (key === null) continue
      if (value === null) this.#entries.delete(key)
      else this.#entries.set(key, entryOf(this.#entries.get(key), key, value))
    }
  }

  /** The topic is another one than before: what was read of the old one means nothing. */
  #startedOver(partition: TopicPartition): KbgError {
    this.#positions.clear()
    this.#entries.clear()
    return new KbgError('no-progress', `${partition} was made anew.`, { retriable: true })
  }
}

/** @param known what stands under this key already: the same few keys come again and again, and needn't be parsed again */
function entryOf(known: Committed | undefined, key: string, value: string): Committed {
  const [connector, partition] = known && !('foreign' in known.entry) ? [known.connector, known.entry.partition] : keyOf(key)
  const offset: unknown = JSON.parse(value)
  const entry = Entry.safeParse({ partition, offset })
  return { connector, entry: entry.success ? entry.data : { foreign: offset } }
}

function keyOf(text: string): z.infer<typeof Key> {
  const key = Key.safeParse(JSON.parse(text))
  if (key.success) return key.data
  throw otherForm(text)
}

function otherForm(text: string): KbgError {
  return new KbgError('connect-answer', "A record in Connect's offsets topic has another form than a mirror's.", { facts: { observed: text.slice(0, 200) } })
}

/** Keys and values of a batch's records from offset `from` on, as text. @throws KbgError `compression`: the connector template writes without */
function* keyValues(batch: RecordBatch, from: bigint): Generator<{ readonly key: string | null; readonly value: string | null }> {
  const codec = batch.bytes.readInt16BE(21) & 0x07
  if (codec !== 0) throw new KbgError('compression', "Connect's offsets are compressed.", { facts: { observed: codec, required: 0 } })
  const cursor = new ByteCursor(batch.bytes, 61)
  const count = batch.bytes.readInt32BE(57)
  for (let index = 0; index < count; index++) {
    const length = cursor.varint()
    const end = cursor.position + length
    cursor.skip(1)
    cursor.varlong()
    const offset = batch.baseOffset + BigInt(cursor.varint())
    const key = textOf(batch.bytes, cursor)
    const value = textOf(batch.bytes, cursor)
    if (offset >= from) yield { key, value }
    cursor.position = end
  }
}

function textOf(bytes: Buffer, cursor: ByteCursor): string | null {
  const length = cursor.varint()
  if (length < 0) return null
  const text = bytes.toString('utf8', cursor.position, cursor.position + length)
  cursor.skip(length)
  return text
}
