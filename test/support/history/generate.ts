import { type Colour, colours } from '../../../engine/model/colour.ts'
import type { EventOf, HistoryEvent, SendOutcome } from './events.ts'
import { valueId } from './value.ts'

/** What a made-up run consists of. */
export interface GeneratedRun {
  readonly seed: number
  readonly producers: number
  readonly keys: number
  readonly partitions: number
  readonly groups: number
  /** Send calls in all. */
  readonly calls: number
  /** Records of a call, at most. */
  readonly maxBatch: number
}

/** A mutable history, so that tests can damage it. */
export interface EditableHistory {
  readonly instance: string
  events: HistoryEvent[]
}

/** The topic of a made-up run. */
export const generatedTopic = 'orders'

interface LogEntry {
  readonly offset: number
  readonly id: string
}

/** xorshift32: the same seed gives the same run. */
function randomOf(seed: number): (below: number) => number {
  let state = seed | 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/**
 * A correct history as two mirrored clusters give it: producers (the last one transactional, with aborts and one unknown outcome) write to blue, move to green
 * halfway and are mirrored back; offsets differ between the colours; groups move one by one at the switch; both clusters are read at the end.
 */
export function generateHistories(run: GeneratedRun): EditableHistory[] {
  return new Generator(run).run()
}

class Generator {
  readonly #run: GeneratedRun
  readonly #random: (below: number) => number
  readonly #logs: Record<Colour, LogEntry[][]>
  readonly #ends: Record<Colour, number[]>
  readonly #producers: EditableHistory[]
  readonly #groups: { history: EditableHistory; name: string; colour: Colour; read: number[] }[]
  readonly #seqs: number[]
  #live: Colour = 'blue'
  #now = 1_000_000

  constructor(run: GeneratedRun) {
    this.#run = run
    this.#random = randomOf(run.seed)
    const empty = () => Array.from({ length: run.partitions }, () => [] as LogEntry[])
    this.#logs = { blue: empty(), green: empty() }
    this.#ends = { blue: Array(run.partitions).fill(0), green: Array(run.partitions).fill(3) }
    this.#seqs = Array(run.producers).fill(0)
    this.#producers = this.#seqs.map((_, index) => this.#history(`producer-${index}`, { kind: 'producer', producer: `p${index}` }))
    this.#groups = Array.from({ length: run.groups }, (_, index) => {
      const name = `group-${index}`
      const history = this.#history(`consumer-${index}`, { kind: 'consumer', group: name, topics: [generatedTopic] })
      return { history, name, colour: 'blue' as Colour, read: Array(run.partitions).fill(0) }
    })
  }

  run(): EditableHistory[] {
    for (let call = 0; call < this.#run.calls; call++) {
      if (call === this.#run.calls >> 1) this.#switch()
      const producer = this.#random(this.#run.producers)
      if (producer === this.#run.producers - 1) this.#transaction(producer, call)
      else this.#send(producer, call, null, 'acked')
      if (this.#random(3) === 0) this.#poll(this.#random(this.#run.groups))
    }
    this.#groups.forEach((_, group) => {
      for (let partition = 0; partition < this.#run.partitions; partition++) this.#pollPartition(group, partition, Number.POSITIVE_INFINITY)
    })
    const all = [...this.#producers, ...this.#groups.map(({ history }) => history), ...colours.map((colour) => this.#finalRead(colour))]
    for (const history of all) history.events.push({ type: 'end', events: history.events.length, atNs: this.#tick() })
    return all
  }

  #tick(): number {
    this.#now += 1_000_000
    return this.#now
  }

  #history(instance: string, role: EventOf<'start'>['role']): EditableHistory {
    return { instance, events: [{ type: 'start', version: 1, instance, atNs: this.#now, role }] }
  }

  /** Groups read blue to its end first, one of them does not (it is translated), then all go on where they were, on green. */
  #switch(): void {
    this.#groups.forEach((group, index) => {
      for (let partition = 0; partition < this.#run.partitions; partition++) if (index > 0) this.#pollPartition(index, partition, Number.POSITIVE_INFINITY)
      group.colour = 'green'
    })
    this.#live = 'green'
  }

  #transaction(producer: number, call: number): void {
    const events = this.#producers[producer]?.events as HistoryEvent[]
    const transaction = `t${call}`
    const fate = (['committed', 'committed', 'aborted', 'unknown'] as const)[this.#random(4)] as 'committed' | 'aborted' | 'unknown'
    const step = (action: 'begin' | 'commit' | 'abort', result: 'ok' | 'unknown') => {
      const colour = action === 'commit' ? this.#live : null
      const error = result === 'ok' ? null : 'REQUEST_TIMED_OUT'
      events.push({ type: 'txn', producer: `p${producer}`, transaction, action, result, error, colour, invokedAtNs: this.#tick(), atNs: this.#tick() })
    }
    step('begin', 'ok')
    this.#send(producer, call, transaction, fate === 'aborted' ? 'aborted' : 'acked')
    step(fate === 'aborted' ? 'abort' : 'commit', fate === 'unknown' ? 'unknown' : 'ok')
  }

  #send(producer: number, call: number, transaction: string | null, fate: 'acked' | 'aborted'): void {
    const events = this.#producers[producer]?.events as HistoryEvent[]
    const name = `p${producer}`
    const count = 1 + this.#random(this.#run.maxBatch)
    const seqs = Array.from({ length: count }, (_, index) => (this.#seqs[producer] as number) + index)
    this.#seqs[producer] = (this.#seqs[producer] as number) + count
    const keys = seqs.map(() => `k${this.#random(this.#run.keys)}`)
    const partitions = keys.map((key) => Number(key.slice(1)) % this.#run.partitions)
    const intendedAtNs = seqs.map(() => this.#now)
    events.push({ type: 'send', producer: name, call, topic: generatedTopic, transaction, seqs, keys, partitions, intendedAtNs, sentAtNs: this.#tick() })
    const outcomes = [...new Set(partitions)].map((partition): SendOutcome => {
      const ids = seqs.filter((_, index) => partitions[index] === partition).map((seq) => valueId(name, seq))
      const baseOffset = String(this.#append(partition, ids, transaction !== null, fate === 'acked'))
      return { outcome: 'acked', colour: this.#live, partition, baseOffset, ackedAtNs: this.#now }
    })
    events.push({ type: 'sendResult', producer: name, call, atNs: this.#tick(), outcomes })
  }

  /** Appends to the live colour and, as the mirror does in transactions of its own, to the other one. Markers and aborted records take offsets. */
  #append(partition: number, ids: readonly string[], transactional: boolean, visible: boolean): number {
    const standby: Colour = this.#live === 'blue' ? 'green' : 'blue'
    const base = this.#ends[this.#live][partition] as number
    ids.forEach((id, index) => {
      if (visible) this.#logs[this.#live][partition]?.push({ offset: base + index, id })
      if (visible) this.#logs[standby][partition]?.push({ offset: (this.#ends[standby][partition] as number)++, id })
    })
    this.#ends[this.#live][partition] = base + ids.length + (transactional ? 1 : 0)
    if (this.#random(4) === 0) this.#ends[standby][partition] = (this.#ends[standby][partition] as number) + 1
    return base
  }

  #poll(group: number): void {
    this.#pollPartition(group, this.#random(this.#run.partitions), 1 + this.#random(20))
  }

  #pollPartition(number: number, partition: number, most: number): void {
    const group = this.#groups[number]
    if (!group) return
    const log = this.#logs[group.colour][partition] as LogEntry[]
    const entries = log.slice(group.read[partition], (group.read[partition] as number) + most)
    const last = entries.at(-1)
    if (!last) return
    group.read[partition] = (group.read[partition] as number) + entries.length
    const { name, colour } = group
    group.history.events.push({ type: 'poll', group: name, colour, ...batchOf(partition, entries), atNs: this.#tick() })
    const offsets = [{ topic: generatedTopic, partition, offset: String(last.offset + 1) }]
    group.history.events.push({ type: 'commit', group: name, colour, offsets, result: 'ok', error: null, atNs: this.#tick() })
  }

  #finalRead(colour: Colour): EditableHistory {
    const history = this.#history(`full-read-${colour}`, { kind: 'fullReader', colour, topics: [generatedTopic] })
    this.#logs[colour].forEach((log, partition) => {
      for (let first = 0; first < log.length; first += 50) {
        history.events.push({ type: 'finalRead', colour, ...batchOf(partition, log.slice(first, first + 50)) })
      }
    })
    return history
  }
}

function batchOf(partition: number, entries: readonly LogEntry[]) {
  const first = entries[0]?.offset ?? 0
  return {
    topic: generatedTopic,
    partition,
    firstOffset: String(first),
    offsetDeltas: entries.map((entry) => entry.offset - first),
    values: entries.map((entry) => entry.id),
  }
}
