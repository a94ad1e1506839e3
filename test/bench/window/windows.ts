import type { WindowParts } from '../../../cli/report/report.ts'
import { windowParts } from '../../../cli/report/window-parts.ts'
import { KbgError } from '../../../engine/model/error.ts'
import type { JournalEntry, TimelineMark } from '../../../engine/model/journal.ts'
import type { WriteWindow } from '../../support/history/index.ts'

/** All parts into which a window is split, in the order in which they pass: they add up to it, so none may be left out. */
export const partNames = Object.keys(windowParts(0, 0, [])) as readonly (keyof WindowParts)[]

/** One switchover's write window at the clients, split at the orchestrator's marks. Milliseconds. */
export interface MeasuredWindow {
  readonly totalMs: number
  readonly parts: WindowParts
  /** How long the slowest producer's last requests were on their way when the hold came: from the hold's publication to its last acknowledgement on the source. */
  readonly flushMs: number
  readonly graceful: boolean
  readonly dueThroughout: boolean
}

type Closed = Extract<JournalEntry, { kind: 'closed' }>

/** Joins what the clients measured with the journal (pure). @throws KbgError `bench` when the numbers of switchovers differ, or one doesn't say when it held: then nothing can be told */
export function measuredWindows(windows: readonly WriteWindow[], journal: readonly JournalEntry[]): readonly MeasuredWindow[] {
  const closed = journal.filter((entry): entry is Closed => entry.kind === 'closed' && entry.outcome === 'switched')
  if (closed.length !== windows.length) {
    throw new KbgError('bench', 'The clients saw another number of switchovers than the journal.', {
      facts: { observed: windows.length, required: closed.length },
    })
  }
  return windows.map((window, index) => {
    const worst = window.producers.reduce((a, b) => (b.windowMs > a.windowMs ? b : a))
    const entry = closed[index]
    const timeline = entry?.timeline ?? []
    const heldAtMs = heldPublishedMs(timeline, index + 1)
    const lastAckMs = Math.max(...window.producers.map((producer) => producer.lastAckAtNs / 1e6))
    return {
      totalMs: worst.windowMs,
      parts: windowParts(worst.lastAckAtNs / 1e6, worst.firstAckAtNs / 1e6, timeline),
      flushMs: Math.max(0, lastAckMs - heldAtMs),
      graceful: entry?.graceful ?? false,
      dueThroughout: window.dueThroughout,
    }
  })
}

/** A switchover that was resumed by another run lacks it; a flush of 0 in its place would be a measurement that nobody made. */
function heldPublishedMs(timeline: readonly TimelineMark[], number: number): number {
  const at = timeline.find(({ mark }) => mark === 'held-published')?.atMonotonicMs
  if (at !== undefined) return at
  throw new KbgError('bench', 'A switchover does not say when its hold was published.', {
    facts: { switchover: number, observed: timeline.map(({ mark }) => mark), required: 'held-published' },
  })
}
