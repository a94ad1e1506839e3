import type { WindowParts } from '../../../cli/report/report.ts'
import { windowParts } from '../../../cli/report/window-parts.ts'
import { KbgError } from '../../../engine/model/error.ts'
import type { JournalEntry } from '../../../engine/model/journal.ts'
import type { WriteWindow } from '../../support/history/index.ts'

/** The parts in the order in which they pass. */
export const partNames = [
  'holdMs',
  'fenceMs',
  'drainMs',
  'cutMs',
  'decideMs',
  'liftMs',
  'publishMs',
  'firstAckMs',
] as const satisfies readonly (keyof WindowParts)[]

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

/** Joins what the clients measured with the journal (pure). @throws KbgError when the numbers of switchovers differ: then nothing can be told */
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
    const heldAtMs = timeline.find(({ mark }) => mark === 'held-published')?.atMonotonicMs
    const lastAckMs = Math.max(...window.producers.map((producer) => producer.lastAckAtNs / 1e6))
    return {
      totalMs: worst.windowMs,
      parts: windowParts(worst.lastAckAtNs / 1e6, worst.firstAckAtNs / 1e6, timeline),
      flushMs: heldAtMs === undefined ? 0 : Math.max(0, lastAckMs - heldAtMs),
      graceful: entry?.graceful ?? false,
      dueThroughout: window.dueThroughout,
    }
  })
}
