import { type DrillMark, type DrillResult, drillHolder, drillTopics } from '../model/drill.ts'
import type { JournalEntry } from '../model/journal.ts'

/** What the clients of a drill saw, by the records' values, and the log of the colour that is live in the end. */
export interface DrillSight {
  readonly acknowledged: readonly string[]
  readonly received: readonly string[]
  readonly log: readonly string[]
  readonly windowsMs: readonly number[]
  /** Why it ended early; empty: it didn't. */
  readonly reason: string
}

/** Counts what clients saw (pure). A drill passes when it ended as planned and nothing was lost, left unread, doubled or delivered again. */
export function judgeDrill({ acknowledged, received, log, windowsMs, reason }: DrillSight): DrillResult {
  const [inLog, delivered] = [timesOf(log), timesOf(received)]
  const extra = (counts: ReadonlyMap<string, number>, allowed: (value: string) => number) =>
    [...counts].reduce((sum, [value, times]) => sum + Math.max(0, times - allowed(value)), 0)
  const lost = acknowledged.filter((value) => !inLog.has(value)).length
  const unread = [...inLog.keys()].filter((value) => !delivered.has(value)).length
  const duplicated = extra(inLog, () => 1)
  const redelivered = extra(delivered, (value) => inLog.get(value) ?? 0)
  const passed = reason === '' && windowsMs.length === 2 && acknowledged.length > 0 && lost + unread + duplicated + redelivered === 0
  return { passed, acknowledged: acknowledged.length, lost, unread, duplicated, redelivered, windowsMs: [...windowsMs], reason }
}

function timesOf(values: readonly string[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>()
  for (const value of values) times.set(value, (times.get(value) ?? 0) + 1)
  return times
}

/** What status and preview say of the newest drill (pure); nothing when there was none. */
export function drillLines(journal: readonly JournalEntry[]): readonly string[] {
  const newest = journal.findLast((entry) => entry.kind === 'drill')
  return newest === undefined ? [] : [`drill     ${newest.atWallClock} ${drillText(newest)}`]
}

/** What status says of a drill that runs, or was killed (pure); nothing when neither is the case. */
export function drillMarkLines(mark: DrillMark | null, lockHolder: string | null): readonly string[] {
  if (mark === null) return []
  if (lockHolder?.startsWith(drillHolder)) return [`drill     one runs since ${mark.begunAtUtc}: nothing else moves meanwhile; kbg abort ends it`]
  return [
    `drill     the one that ${mark.holder} began at ${mark.begunAtUtc} was killed, or could not clean up: its topics (${Object.values(drillTopics).join(', ')}), connectors, group and fence may be left on both colours`,
    '          they are no part of the fleet and keep nothing from moving; kbg drill removes them before it runs another one',
  ]
}

/** A result as one line for people. */
export function drillText({ passed, acknowledged, lost, unread, duplicated, redelivered, windowsMs, reason }: DrillResult): string {
  const windows = windowsMs.map((ms) => `${Math.round(ms)} ms`).join(' and ')
  const counts = `${acknowledged} acknowledged, ${lost} lost, ${unread} unread, ${duplicated} duplicated, ${redelivered} redelivered`
  return `${passed ? 'passed' : 'not passed'}: ${counts}${windows === '' ? '' : `, ${windows} without an acknowledgement`}${reason === '' ? '' : `; ${reason}`}`
}
