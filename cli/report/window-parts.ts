import type { TimelineMark } from '../../engine/model/journal.ts'
import type { WindowParts } from './report.ts'

const order = [
  ['beforeHoldMs', 'held-published'],
  ['holdMs', 'held'],
  ['fenceMs', 'fenced'],
  ['drainMs', 'drained'],
  ['cutMs', 'cut'],
  ['decideMs', 'decided'],
  ['liftMs', 'lifted'],
  ['publishMs', 'published'],
] as const satisfies readonly (readonly [keyof WindowParts, TimelineMark['mark']])[]

/**
 * Splits a client's write window at the orchestrator's marks. Both count the machine's monotonic clock. A mark that lies outside the window, or before an
 * earlier one (the fence is proven while producers still flush), takes nothing from it; so the parts always sum to the window.
 *
 * @param lastAckMs last acknowledgement on the source, monotonic milliseconds
 * @param firstAckMs first acknowledgement on the target
 */
export function windowParts(lastAckMs: number, firstAckMs: number, timeline: readonly TimelineMark[]): WindowParts {
  const parts = { beforeHoldMs: 0, holdMs: 0, fenceMs: 0, drainMs: 0, cutMs: 0, decideMs: 0, liftMs: 0, publishMs: 0, firstAckMs: 0 }
  let reachedMs = lastAckMs
  for (const [part, name] of order) {
    const at = timeline.find((one) => one.mark === name)?.atMonotonicMs
    const boundaryMs = at === undefined ? reachedMs : Math.min(Math.max(at, reachedMs), firstAckMs)
    parts[part] = boundaryMs - reachedMs
    reachedMs = boundaryMs
  }
  parts.firstAckMs = Math.max(0, firstAckMs - reachedMs)
  return parts
}
