import type { JournalEntry, TimelineMark } from '../../engine/model/journal.ts'
import type { JournaledSwitchover, OrchestratorParts, OrchestratorWindow } from './journaled.ts'
import { windowParts } from './window-parts.ts'

type Closed = Extract<JournalEntry, { kind: 'closed' }>
type Step = Extract<JournalEntry, { kind: 'step' }>

/**
 * When clients were held and released, and how long that took by the orchestrator's own clock (pure). Within one run its monotonic clock counts, from the mark
 * where there is one; where another run released, only wall clocks are left.
 */
export function orchestratorWindow(entries: readonly JournalEntry[], closed: Closed | null): Pick<JournaledSwitchover, 'heldAt' | 'releasedAt' | 'window'> {
  const held = stepOf(entries, (entry) => entry.step === 'hold' && entry.what === 'begin')
  const released = stepOf(entries, (entry) => entry.step === 'release' && entry.what !== 'begin')
  const window = held === null || released === null ? null : windowBetween(held, released, closed?.timeline ?? [])
  return { heldAt: held?.atWallClock ?? null, releasedAt: released?.atWallClock ?? null, window }
}

function stepOf(entries: readonly JournalEntry[], isIt: (entry: Step) => boolean): Step | null {
  return entries.find((entry): entry is Step => entry.kind === 'step' && isIt(entry)) ?? null
}

function windowBetween(held: Step, released: Step, timeline: readonly TimelineMark[]): OrchestratorWindow {
  if (held.term !== released.term) {
    return { heldMs: Math.max(0, Date.parse(released.atWallClock) - Date.parse(held.atWallClock)), runs: 'several', parts: null }
  }
  const markedAt = (name: TimelineMark['mark']) => timeline.find(({ mark }) => mark === name)?.atMonotonicMs
  const heldMark = markedAt('held-published')
  const fromMs = heldMark ?? held.atMonotonicMs
  const untilMs = Math.max(fromMs, markedAt('published') ?? released.atMonotonicMs)
  // The timeline is that of the closing run: without this mark it isn't the run that held.
  const parts = heldMark === undefined ? null : orchestratorParts(fromMs, untilMs, timeline)
  return { heldMs: untilMs - fromMs, runs: 'one', parts }
}

function orchestratorParts(fromMs: number, untilMs: number, timeline: readonly TimelineMark[]): OrchestratorParts {
  const { beforeHoldMs: _, firstAckMs: takeBackMs, ...parts } = windowParts(fromMs, untilMs, timeline)
  return { ...parts, takeBackMs }
}

/** Marks in milliseconds since the first of them, to a tenth (pure). */
export function relativeMarks(timeline: readonly TimelineMark[]): JournaledSwitchover['marks'] {
  const [first] = timeline
  return timeline.map(({ mark, atMonotonicMs }) => ({ mark, atMs: Math.round((atMonotonicMs - (first?.atMonotonicMs ?? 0)) * 10) / 10 }))
}
