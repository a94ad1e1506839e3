import type { Colour } from '../../../engine/model/colour.ts'
import type { EventOf, History } from './events.ts'
import { wholeHistory } from './truncated.ts'

/** One producer's pause over a change of colour: from its last acknowledgement on the source to its first on the target. */
export interface ProducerWindow {
  readonly producer: string
  readonly lastAckAtNs: number
  readonly firstAckAtNs: number
  readonly windowMs: number
  /** How many sends were due inside the window. */
  readonly dueInside: number
  /** The longest stretch of the window without a send that was due: small against `windowMs` if the load did not wait. */
  readonly longestWithoutDueMs: number
}

/** One switchover as its producers saw it (DESIGN 7: last acknowledgement on S to first on T, the maximum over producers). */
export interface WriteWindow {
  readonly from: Colour
  readonly to: Colour
  readonly producers: readonly ProducerWindow[]
  /** The maximum over producers. */
  readonly maximumMs: number
  /** From the last acknowledgement on S of any producer to the moment when every producer has one on T. */
  readonly untilAllMs: number
  /** Whether sends of every producer were due all through its window. */
  readonly dueThroughout: boolean
}

/** Acknowledgement minus intended time, in milliseconds: what an open-loop load feels, holds included. */
export interface LatencyMs {
  readonly count: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly maximum: number
}

export interface WriteWindows {
  readonly switchovers: readonly WriteWindow[]
  /** By producer: the longest time between two acknowledgements. */
  readonly longestWithoutAckMs: Readonly<Record<string, number>>
  readonly ackLatency: LatencyMs
  /** Records acknowledged by each colour. */
  readonly acked: Readonly<Record<Colour, number>>
}

/** A moment when records were acknowledged to the application. */
interface Ack {
  readonly atNs: number
  readonly colour: Colour
}

interface ProducerTrace {
  readonly producer: string
  readonly acks: Ack[]
  readonly intendedAtNs: number[]
  readonly latencyMs: number[]
  readonly acked: Record<Colour, number>
}

type OpenCall = Pick<EventOf<'send'>, 'intendedAtNs' | 'partitions' | 'transaction'>

/** A window during which nothing was due for longer than this is one that the load waited for (or that a pause of the process hid). */
const dueGapLimitMs = 100

/**
 * The write window of every switchover, at the clients.
 *
 * A transactional producer's acknowledgement is that of its commit. What was acknowledged by both colours at the same moment (a client that only says when the whole
 * call was done) counts on the target only: on the source it would shorten the window.
 *
 * @throws KbgError `history-truncated`
 */
export function writeWindows(histories: Iterable<History>): WriteWindows {
  const traces = [...histories].map(traceOf).filter((trace) => trace !== undefined)
  return {
    switchovers: switchovers(traces),
    longestWithoutAckMs: Object.fromEntries(traces.map((trace) => [trace.producer, longestGapMs(trace.acks.map((ack) => ack.atNs))])),
    ackLatency: latency(traces.flatMap((trace) => [trace.latencyMs])),
    acked: { blue: sum(traces.map((trace) => trace.acked.blue)), green: sum(traces.map((trace) => trace.acked.green)) },
  }
}

function traceOf(history: History): ProducerTrace | undefined {
  let trace: ProducerTrace | undefined
  const open = new Map<number, OpenCall>()
  const inTransaction = new Map<string, number[]>()
  for (const event of wholeHistory(history)) {
    if (event.type === 'start') {
      if (event.role.kind !== 'producer') return undefined // whole files of readers need not be read for this
      trace = { producer: event.role.producer, acks: [], intendedAtNs: [], latencyMs: [], acked: { blue: 0, green: 0 } }
    }
    if (!trace) continue
    if (event.type === 'send') {
      open.set(event.call, event)
      for (const at of event.intendedAtNs) trace.intendedAtNs.push(at)
    } else if (event.type === 'sendResult') {
      const call = open.get(event.call)
      open.delete(event.call)
      if (call?.transaction === null) plainAck(trace, call, event)
      else if (call) inTransaction.set(call.transaction, [...(inTransaction.get(call.transaction) ?? []), ...call.intendedAtNs])
    } else if (event.type === 'txn') {
      transactionAck(trace, event, inTransaction)
    }
  }
  trace?.acks.sort((a, b) => a.atNs - b.atNs)
  trace?.intendedAtNs.sort((a, b) => a - b)
  return trace
}

function plainAck(trace: ProducerTrace, call: OpenCall, result: EventOf<'sendResult'>): void {
  const acked = result.outcomes.filter((outcome) => outcome.outcome === 'acked')
  const byPartition = new Map(acked.map((outcome) => [outcome.partition, outcome]))
  const before = trace.acks.at(-1)?.colour
  const last = Math.max(...acked.map((outcome) => outcome.ackedAtNs))
  const atLast = acked.filter((outcome) => outcome.ackedAtNs === last)
  const newColour = atLast.find((outcome) => outcome.colour !== before)?.colour
  for (const { ackedAtNs, colour } of acked) {
    const whenIsUnknown = ackedAtNs === last && newColour !== undefined && colour !== newColour
    if (!whenIsUnknown) trace.acks.push({ atNs: ackedAtNs, colour })
  }
  call.partitions.forEach((partition, index) => {
    const outcome = byPartition.get(partition)
    if (!outcome) return
    trace.acked[outcome.colour]++
    trace.latencyMs.push((outcome.ackedAtNs - (call.intendedAtNs[index] ?? outcome.ackedAtNs)) / 1e6)
  })
}

function transactionAck(trace: ProducerTrace, event: EventOf<'txn'>, inTransaction: Map<string, number[]>): void {
  if (event.action === 'begin') return
  const intended = inTransaction.get(event.transaction) ?? []
  inTransaction.delete(event.transaction)
  if (event.action !== 'commit' || event.result !== 'ok' || event.colour === null) return
  trace.acks.push({ atNs: event.atNs, colour: event.colour })
  trace.acked[event.colour] += intended.length
  for (const at of intended) trace.latencyMs.push((event.atNs - at) / 1e6)
}

/** The changes of colour of each producer, the n-th of all producers put together. */
function switchovers(traces: readonly ProducerTrace[]): WriteWindow[] {
  const perProducer = traces.map((trace) => ({ trace, changes: changesOf(trace) }))
  const most = Math.max(0, ...perProducer.map(({ changes }) => changes.length))
  return Array.from({ length: most }, (_, index) => {
    const found = perProducer.flatMap(({ trace, changes }) => {
      const change = changes[index]
      return change ? [{ ...change, window: producerWindow(trace, change) }] : []
    })
    const producers = found.map(({ window }) => window)
    return {
      from: found[0]?.last.colour ?? 'blue',
      to: found[0]?.first.colour ?? 'green',
      producers,
      maximumMs: Math.max(...producers.map((window) => window.windowMs)),
      untilAllMs: (Math.max(...producers.map((window) => window.firstAckAtNs)) - Math.max(...producers.map((window) => window.lastAckAtNs))) / 1e6,
      dueThroughout: producers.every((window) => window.dueInside > 0 && window.longestWithoutDueMs <= dueGapLimitMs),
    }
  })
}

interface Change {
  readonly last: Ack
  readonly first: Ack
}

/**
 * Where the colour changed for good. An answer of the source may still come after the target's first one; what is undone within a second is such a late answer and no
 * switchover.
 */
function changesOf(trace: ProducerTrace): Change[] {
  const changes: Change[] = []
  let last = trace.acks[0]
  trace.acks.forEach((ack, index) => {
    if (!last || ack.colour === last.colour) {
      last = ack
    } else if (settledColour(trace.acks, index) !== last.colour) {
      changes.push({ last, first: ack })
      last = ack
    }
  })
  return changes
}

const settledAfterNs = 1e9

/** The colour that acknowledges a second later, or last. */
function settledColour(acks: readonly Ack[], from: number): Colour | undefined {
  const until = (acks[from]?.atNs ?? 0) + settledAfterNs
  let index = from
  while ((acks[index + 1]?.atNs ?? Number.POSITIVE_INFINITY) <= until) index++
  return acks[index]?.colour
}

function producerWindow(trace: ProducerTrace, { last, first }: Change): ProducerWindow {
  const due = trace.intendedAtNs.filter((at) => at >= last.atNs && at < first.atNs)
  return {
    producer: trace.producer,
    lastAckAtNs: last.atNs,
    firstAckAtNs: first.atNs,
    windowMs: (first.atNs - last.atNs) / 1e6,
    dueInside: due.length,
    longestWithoutDueMs: longestGapMs([last.atNs, ...due, first.atNs]),
  }
}

function longestGapMs(sortedNs: readonly number[]): number {
  return sortedNs.reduce((longest, at, index) => Math.max(longest, at - (sortedNs[index - 1] ?? at)), 0) / 1e6
}

function latency(parts: readonly (readonly number[])[]): LatencyMs {
  const sorted = Float64Array.from(parts.flat()).sort()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return { count: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), maximum: at(1) }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
