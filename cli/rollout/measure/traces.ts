import type { Colour } from '../../../engine/model/colour.ts'
import type { EventOf, History, HistoryEvent } from '../../../test/support/history/index.ts'
import { wholeHistory } from '../../../test/support/history/truncated.ts'

/** What one producer's records went through; the arrays are indexed by the record's sequence number, `NaN` where something never happened. */
export interface ProducerTrace {
  readonly producer: string
  readonly topics: readonly (string | undefined)[]
  readonly intendedAtNs: readonly number[]
  /** When the application had its acknowledgement: for a transaction, that of its commit. */
  readonly ackedAtNs: readonly number[]
  readonly ackedBy: readonly (Colour | undefined)[]
}

/** What one group got: for each producer, by sequence number, the moment of the first delivery. */
export interface GroupTrace {
  readonly group: string
  readonly topics: readonly string[]
  readonly firstPollAtNs: ReadonlyMap<string, readonly number[]>
  /** Where its members read: an entry for each member's first delivery, and for each that came from another colour than its one before. */
  readonly readings: readonly { readonly atNs: number; readonly colour: Colour }[]
}

/** The way of every record through a run, as its clients saw it. */
export interface Traces {
  readonly producers: readonly ProducerTrace[]
  readonly groups: readonly GroupTrace[]
  /** When the first record was due: the zero of every time in a report. */
  readonly originNs: number
}

interface OpenProducer {
  readonly producer: string
  readonly topics: (string | undefined)[]
  readonly intendedAtNs: number[]
  readonly ackedAtNs: number[]
  readonly ackedBy: (Colour | undefined)[]
  readonly open: Map<number, EventOf<'send'>>
  readonly inTransaction: Map<string, number[]>
}

interface OpenGroup {
  readonly group: string
  readonly topics: Set<string>
  readonly firstPollAtNs: Map<string, number[]>
  readonly readings: { readonly atNs: number; readonly colour: Colour }[]
}

/**
 * Reads every producer's and every group's history once. The whole reads of the colours are left out: they have no times.
 *
 * @throws KbgError `history-truncated`
 */
export function readTraces(histories: Iterable<History>): Traces {
  const producers: OpenProducer[] = []
  const groups = new Map<string, OpenGroup>()
  for (const history of histories) readOne(history, producers, groups)
  const originNs = producers.flatMap((trace) => trace.intendedAtNs).reduce((first, at) => (at < first ? at : first), Number.POSITIVE_INFINITY)
  return {
    producers,
    groups: [...groups.values()].map((group) => ({ ...group, topics: [...group.topics] })),
    originNs: Number.isFinite(originNs) ? originNs : 0,
  }
}

function readOne(history: History, producers: OpenProducer[], groups: Map<string, OpenGroup>): void {
  let producer: OpenProducer | undefined
  let group: OpenGroup | undefined
  let reading: Colour | undefined
  for (const event of wholeHistory(history)) {
    if (event.type === 'start') {
      if (event.role.kind === 'fullReader') return
      if (event.role.kind === 'producer') producer = openProducer(event.role.producer, producers)
      else group = openGroup(event.role.group, event.role.topics, groups)
    }
    if (producer) takeProducerEvent(producer, event)
    if (!group || event.type !== 'poll') continue
    takePoll(group, event)
    if (event.colour !== reading) group.readings.push({ atNs: event.atNs, colour: event.colour })
    reading = event.colour
  }
}

function openProducer(producer: string, producers: OpenProducer[]): OpenProducer {
  const opened = { producer, topics: [], intendedAtNs: [], ackedAtNs: [], ackedBy: [], open: new Map(), inTransaction: new Map() }
  producers.push(opened)
  return opened
}

/** Members of one group share its trace. */
function openGroup(group: string, topics: readonly string[], groups: Map<string, OpenGroup>): OpenGroup {
  const known = groups.get(group) ?? { group, topics: new Set<string>(), firstPollAtNs: new Map<string, number[]>(), readings: [] }
  for (const topic of topics) known.topics.add(topic)
  groups.set(group, known)
  return known
}

function takeProducerEvent(trace: OpenProducer, event: HistoryEvent): void {
  if (event.type === 'send') takeSend(trace, event)
  else if (event.type === 'sendResult') takeSendResult(trace, event)
  else if (event.type === 'txn') takeTransaction(trace, event)
}

function takeSend(trace: OpenProducer, event: EventOf<'send'>): void {
  trace.open.set(event.call, event)
  event.seqs.forEach((seq, index) => {
    trace.topics[seq] = event.topic
    trace.intendedAtNs[seq] = event.intendedAtNs[index] ?? event.sentAtNs
    trace.ackedAtNs[seq] = Number.NaN
    trace.ackedBy[seq] = undefined
  })
}

function takeSendResult(trace: OpenProducer, event: EventOf<'sendResult'>): void {
  const call = trace.open.get(event.call)
  trace.open.delete(event.call)
  if (!call) return
  if (call.transaction !== null) {
    trace.inTransaction.set(call.transaction, [...(trace.inTransaction.get(call.transaction) ?? []), ...call.seqs])
    return
  }
  const acked = new Map(event.outcomes.flatMap((outcome) => (outcome.outcome === 'acked' ? [[outcome.partition, outcome] as const] : [])))
  call.seqs.forEach((seq, index) => {
    const outcome = acked.get(call.partitions[index] ?? -1)
    if (!outcome) return
    trace.ackedAtNs[seq] = outcome.ackedAtNs
    trace.ackedBy[seq] = outcome.colour
  })
}

function takeTransaction(trace: OpenProducer, event: EventOf<'txn'>): void {
  if (event.action === 'begin') return
  const seqs = trace.inTransaction.get(event.transaction) ?? []
  trace.inTransaction.delete(event.transaction)
  if (event.action !== 'commit' || event.result !== 'ok' || event.colour === null) return
  for (const seq of seqs) {
    trace.ackedAtNs[seq] = event.atNs
    trace.ackedBy[seq] = event.colour
  }
}

function takePoll(group: OpenGroup, event: EventOf<'poll'>): void {
  for (const id of event.values) {
    const colon = id.lastIndexOf(':')
    const seq = Number(id.slice(colon + 1))
    if (colon <= 0 || !Number.isSafeInteger(seq)) continue // a damaged record: the checker counts it
    const producer = id.slice(0, colon)
    const polled = group.firstPollAtNs.get(producer) ?? []
    group.firstPollAtNs.set(producer, polled)
    polled[seq] = Math.min(polled[seq] ?? Number.POSITIVE_INFINITY, event.atNs)
  }
}
