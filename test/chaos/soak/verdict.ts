/** What the clients of a soak saw: from their histories and from whole reads of both colours, never from anything that the product says of itself. */
import { join } from 'node:path'
import { judge } from '../../../cli/rollout/demo-load.ts'
import { type Colour, colours, otherColour } from '../../../engine/model/colour.ts'
import { firstFive } from '../../../engine/model/error.ts'
import type { JournalEntry } from '../../../engine/model/journal.ts'
import type { Wiring } from '../../../engine/model/wiring.ts'
import type { EventOf } from '../../support/history/index.ts'
import { type ClientStatistics, type History, readHistories, writeWindows } from '../../support/history/index.ts'
import { Ledger } from '../../support/history/ledger.ts'

/** A time in which a colour wasn't live by the journal, in CLOCK_MONOTONIC milliseconds: its fence was proven before, and nobody lifts it before the end. */
export interface Closed {
  readonly colour: Colour
  readonly fromMs: number
  readonly toMs: number
}

export interface SoakVerdict {
  readonly statistics: ClientStatistics
  readonly lines: readonly string[]
  /** Sends whose outcome nobody could tell, and how many of them are there (once). */
  readonly unknown: number
  readonly unknownVisible: number
  /** Records that are twice on the live colour, each with what its sender was told. */
  readonly duplicates: readonly string[]
  readonly redeliveredAfterCommit: number
  /** Records that only one colour holds. */
  readonly onOneColourOnly: readonly string[]
  /** Sends that began and were acknowledged on a colour while it wasn't live. */
  readonly ackedWhileClosed: readonly string[]
  /** The longest time without an acknowledgement, by producer. */
  readonly longestStallMs: Readonly<Record<string, number>>
  /** When each producer was acknowledged, CLOCK_MONOTONIC milliseconds in order. */
  readonly acks: ReadonlyMap<string, readonly number[]>
}

/** When each colour wasn't live, by decisions alone: an abort leaves both as they were. */
export function closedTimes(journal: readonly JournalEntry[]): readonly Closed[] {
  const decisions = journal.flatMap((entry) => (entry.kind === 'decided' && entry.outcome === 'switch' && entry.cut !== null ? [entry] : []))
  return decisions.flatMap(({ cut, atMonotonicMs }, index) => {
    const next = decisions[index + 1]?.atMonotonicMs ?? Number.POSITIVE_INFINITY
    const first = index === 0 && cut !== null ? [{ colour: cut.target, fromMs: 0, toMs: atMonotonicMs }] : []
    return cut === null ? [] : [...first, { colour: cut.source, fromMs: atMonotonicMs, toMs: next }]
  })
}

/** Reads both colours whole, and judges. The producers have stopped, the mirror has copied everything. */
export async function judgeSoak(wiring: Wiring, live: Colour, journal: readonly JournalEntry[], outDir: string): Promise<SoakVerdict> {
  const { statistics, lines, checked } = await judge(wiring, live, outDir)
  const histories = readHistories(join(outDir, 'history'))
  const seen = new Seen(closedTimes(journal))
  for (const history of histories) seen.add(history)
  return {
    ...{ statistics, lines, unknown: checked.unknown, unknownVisible: checked.unknownVisible, redeliveredAfterCommit: checked.redeliveredAfterCommit },
    ...{ duplicates: seen.duplicates(live), onOneColourOnly: seen.onOneColourOnly(), ackedWhileClosed: seen.ackedWhileClosed },
    ...{ longestStallMs: writeWindows(histories).longestWithoutAckMs, acks: seen.acks },
  }
}

/** What of all histories the soak asks for beyond the checker's verdict. */
class Seen {
  readonly acks = new Map<string, number[]>()
  readonly ackedWhileClosed: string[] = []
  readonly #closed: readonly Closed[]
  readonly #ledger = new Ledger()
  readonly #copies: Readonly<Record<Colour, Map<string, number>>> = { blue: new Map(), green: new Map() }

  constructor(closed: readonly Closed[]) {
    this.#closed = closed
  }

  add({ events }: History): void {
    const sent = new Map<number, number>()
    const begun = new Map<string, number>()
    const inTransaction = new Set<number>()
    for (const event of events) {
      if (event.type === 'send') {
        this.#ledger.send(event)
        sent.set(event.call, event.sentAtNs / 1e6)
        if (event.transaction !== null) inTransaction.add(event.call)
      } else if (event.type === 'sendResult') {
        this.#ledger.sendResult(event)
        if (!inTransaction.delete(event.call)) this.#results(event, sent.get(event.call) ?? 0)
        sent.delete(event.call)
      } else if (event.type === 'txn') {
        this.#ledger.transaction(event)
        if (event.action === 'begin') begun.set(event.transaction, event.atNs / 1e6)
        else if (event.action === 'commit' && event.result === 'ok' && event.colour !== null) {
          this.#acked(event.producer, event.colour, begun.get(event.transaction) ?? 0, event.atNs / 1e6)
        }
      } else if (event.type === 'finalRead') {
        const copies = this.#copies[event.colour]
        for (const value of event.values) copies.set(value, (copies.get(value) ?? 0) + 1)
      }
    }
    for (const times of this.acks.values()) times.sort((one, other) => one - other)
  }

  #results({ producer, outcomes }: EventOf<'sendResult'>, sentAtMs: number): void {
    for (const outcome of outcomes) if (outcome.outcome === 'acked') this.#acked(producer, outcome.colour, sentAtMs, outcome.ackedAtNs / 1e6)
  }

  #acked(producer: string, colour: Colour, sentAtMs: number, ackedAtMs: number): void {
    const times = this.acks.get(producer) ?? []
    times.push(ackedAtMs)
    this.acks.set(producer, times)
    const closed = this.#closed.find((each) => each.colour === colour && sentAtMs > each.fromMs && ackedAtMs < each.toMs)
    if (closed !== undefined)
      this.ackedWhileClosed.push(`${producer} on ${colour} at ${Math.round(ackedAtMs)} ms, closed from ${Math.round(closed.fromMs)} ms on`)
  }

  duplicates(live: Colour): readonly string[] {
    this.#ledger.settle()
    const twice = [...this.#copies[live]].filter(([, count]) => count > 1)
    return twice.map(([value, count]) => `${value} is there ${count} times; its sender was told: ${this.#ledger.fateOf(this.#ledger.number(value))}`)
  }

  onOneColourOnly(): readonly string[] {
    return colours.flatMap((colour) => {
      const other = this.#copies[otherColour(colour)]
      return [...this.#copies[colour].keys()].filter((value) => !other.has(value)).map((value) => `${value} on ${colour}`)
    })
  }
}

/** What speaks against a soak, one sentence each; none: it has passed. Redeliveries of what was never committed are what a killed broker may cost. */
export function objections(verdict: SoakVerdict, boundMs: number): readonly string[] {
  const { statistics, duplicates, redeliveredAfterCommit, onOneColourOnly, ackedWhileClosed, longestStallMs } = verdict
  const unaccounted = duplicates.filter((duplicate) => !duplicate.endsWith('unknown'))
  const stalled = Object.entries(longestStallMs).filter(([, ms]) => ms > boundMs)
  return [
    ...(statistics.acked > 0 ? [] : ['nothing was acknowledged']),
    ...(statistics.lost === 0 ? [] : [`${statistics.lost} acknowledged records lost`]),
    ...(statistics.duplicated <= duplicates.length - unaccounted.length ? [] : [`${statistics.duplicated} duplicates, aborted or foreign records`]),
    ...(unaccounted.length === 0 ? [] : [`duplicates of sends whose outcome was known: ${firstFive(unaccounted)}`]),
    ...(redeliveredAfterCommit === 0 ? [] : [`${redeliveredAfterCommit} deliveries of records that were committed before`]),
    ...(statistics.reordered === 0 ? [] : [`${statistics.reordered} records out of order`]),
    ...(onOneColourOnly.length === 0 ? [] : [`on one colour only: ${firstFive(onOneColourOnly)}`]),
    ...(ackedWhileClosed.length === 0 ? [] : [`acknowledged while not live: ${firstFive(ackedWhileClosed)}`]),
    ...stalled.map(([producer, ms]) => `${producer} had no acknowledgement for ${Math.round(ms)} ms, the bound is ${boundMs} ms`),
  ]
}
