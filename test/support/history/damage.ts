import type { Colour } from '../../../engine/model/colour.ts'
import type { EventOf, HistoryEvent } from './events.ts'
import { type EditableHistory, generatedTopic } from './generate.ts'
import { valueId } from './value.ts'

/** Ways to damage a correct history, each as one kind of fault would leave it. They change the history in place; its end records are made right again. */

type ReadEvent = EventOf<'poll'> | EventOf<'finalRead'>

/** Which readers a damage is done to. */
export type Where = { readonly group: string } | { readonly fullRead: Colour } | 'everywhere'

/** All batches of the chosen readers. */
export function readEvents(histories: readonly EditableHistory[], where: Where): ReadEvent[] {
  return histories
    .flatMap((history) => history.events)
    .filter((event): event is ReadEvent => event.type === 'poll' || event.type === 'finalRead')
    .filter((event) => {
      if (where === 'everywhere') return true
      return 'group' in where ? event.type === 'poll' && event.group === where.group : event.type === 'finalRead' && event.colour === where.fullRead
    })
}

/** What a reader got of a partition, in its order. */
export function valuesRead(histories: readonly EditableHistory[], where: Where, partition: number): string[] {
  return readEvents(histories, where)
    .filter((event) => event.partition === partition)
    .flatMap((event) => event.values)
}

/** The readers never got the value. */
export function drop(histories: readonly EditableHistory[], id: string, where: Where): void {
  for (const event of readEvents(histories, where)) {
    const index = event.values.indexOf(id)
    if (index < 0) continue
    event.values.splice(index, 1)
    event.offsetDeltas.splice(index, 1)
  }
}

/** Each of the two values is read where the other one was. */
export function swap(histories: readonly EditableHistory[], a: string, b: string, where: Where): void {
  for (const event of readEvents(histories, where)) {
    event.values = event.values.map((id) => (id === a ? b : id === b ? a : id))
  }
}

/** The readers get another value too, right behind `after`, half an offset on: between the records that are there. */
export function insert(histories: readonly EditableHistory[], id: string, after: string, where: Where): void {
  for (const event of readEvents(histories, where)) {
    const index = event.values.indexOf(after)
    if (index < 0) continue
    event.values.splice(index + 1, 0, id)
    event.offsetDeltas.splice(index + 1, 0, (event.offsetDeltas[index] as number) + 0.5)
  }
}

/** The readers get the value with something wrong about it. */
export function rename(histories: readonly EditableHistory[], from: string, to: string, where: Where): void {
  for (const event of readEvents(histories, where)) event.values = event.values.map((id) => (id === from ? to : id))
}

/** Removes events, and makes the end record right. */
export function removeEvents(histories: readonly EditableHistory[], unwanted: (event: HistoryEvent) => boolean): void {
  for (const history of histories) history.events = history.events.filter((event) => !unwanted(event))
  mendEnds(histories)
}

/** The group's last batch of a partition, again, as after a restart without its commit. */
export function redeliverLastBatch(histories: readonly EditableHistory[], group: string, partition: number): number {
  for (const history of histories) {
    const last = history.events.findLast((event) => event.type === 'poll' && event.group === group && event.partition === partition)
    if (last?.type !== 'poll') continue
    history.events.splice(-1, 0, { ...last, atNs: last.atNs + 1e12 })
    mendEnds(histories)
    return last.values.length
  }
  return 0
}

/**
 * The group's position was translated too low when it moved: the last batch that it polled on blue comes again, from green, at green's offsets.
 *
 * @returns how many records came again
 */
export function translateTooLow(histories: readonly EditableHistory[], group: string, partition: number): number {
  const offsets = new Map<string, number>()
  for (const event of readEvents(histories, { fullRead: 'green' })) {
    event.values.forEach((id, index) => void offsets.set(id, Number(event.firstOffset) + (event.offsetDeltas[index] ?? 0)))
  }
  for (const history of histories) {
    const index = history.events.findLastIndex(
      (event) => event.type === 'poll' && event.group === group && event.partition === partition && event.colour === 'blue',
    )
    const last = history.events[index]
    if (last?.type !== 'poll') continue
    const green = last.values.map((id) => offsets.get(id) ?? 0)
    const first = green[0] ?? 0
    const again = {
      ...last,
      colour: 'green' as const,
      firstOffset: String(first),
      offsetDeltas: green.map((offset) => offset - first),
      atNs: last.atNs + 1.5e6,
    }
    history.events.splice(index + 2, 0, again) // behind the commit of that batch
    mendEnds(histories)
    return last.values.length
  }
  return 0
}

/**
 * The group's position was translated too high when it moved: its first batch on green, with its commit, never came.
 *
 * @returns how many records it jumped over
 */
export function translateTooHigh(histories: readonly EditableHistory[], group: string, partition: number): number {
  for (const history of histories) {
    const onGreen = history.events.filter(
      (event) => event.type === 'poll' && event.group === group && event.partition === partition && event.colour === 'green',
    )
    const [first, second] = onGreen
    if (first?.type !== 'poll' || !second) continue
    const commit = history.events[history.events.indexOf(first) + 1]
    removeEvents(histories, (event) => event === first || event === commit)
    return first.values.length
  }
  return 0
}

/** Everything of the producers' answers for one partition of one call is turned into another outcome; returns the ids of those records. */
export function changeOutcome(histories: readonly EditableHistory[], outcome: 'denied' | 'unknown'): string[] {
  for (const history of histories) {
    for (const send of history.events) {
      if (send.type !== 'send' || send.transaction !== null) continue
      const result = history.events.find((event) => event.type === 'sendResult' && event.call === send.call)
      const partition = send.partitions[0]
      if (result?.type !== 'sendResult' || partition === undefined) continue
      result.outcomes = result.outcomes.map((old) => (old.partition === partition ? { outcome, partition, error: 'made up' } : old))
      return send.seqs.filter((_, index) => send.partitions[index] === partition).map((seq) => valueId(send.producer, seq))
    }
  }
  return []
}

/** Ids of the values of the transactions that ended so. */
export function transactionValues(histories: readonly EditableHistory[], action: 'commit' | 'abort', result: 'ok' | 'unknown'): string[][] {
  return histories.flatMap((history) =>
    history.events.flatMap((event) => {
      if (event.type !== 'txn' || event.action !== action || event.result !== result) return []
      const sends = history.events.filter((send) => send.type === 'send' && send.transaction === event.transaction)
      return [sends.flatMap((send) => (send.type === 'send' ? send.seqs.map((seq) => valueId(send.producer, seq)) : []))]
    }),
  )
}

/** A producer that wrote, with success, to a topic that no reader knows. */
export function unreadProducer(): EditableHistory {
  const start: EventOf<'start'> = { type: 'start', version: 1, instance: 'unread', atNs: 1, role: { kind: 'producer', producer: 'unread' } }
  const batch = { call: 0, topic: `${generatedTopic}-unread`, transaction: null, seqs: [0], keys: [null], partitions: [0], intendedAtNs: [1], sentAtNs: 1 }
  const outcomes = [{ outcome: 'acked' as const, colour: 'blue' as const, partition: 0, baseOffset: '0', ackedAtNs: 2 }]
  const events: HistoryEvent[] = [start, { type: 'send', producer: 'unread', ...batch }, { type: 'sendResult', producer: 'unread', call: 0, atNs: 2, outcomes }]
  return { instance: 'unread', events: [...events, { type: 'end', events: 3, atNs: 3 }] }
}

function mendEnds(histories: readonly EditableHistory[]): void {
  for (const history of histories) {
    const events = history.events.filter((event) => event.type !== 'end').length
    history.events = history.events.map((event) => (event.type === 'end' ? { ...event, events } : event))
  }
}
