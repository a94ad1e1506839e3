import type { JournalEntry } from '../../engine/model/journal.ts'
import type { WriteWindow } from '../../test/support/history/index.ts'
import type { GateReport, StageLatency } from '../report/evidence.ts'
import { groupOutcome } from '../report/journal-parts.ts'
import type { GroupReport, SwitchoverReport } from '../report/report.ts'
import { windowParts } from '../report/window-parts.ts'
import { aroundWindow } from './measure/around-window.ts'
import { type GroupAround, groupsAround } from './measure/groups-around.ts'
import { acknowledgementSamples, endToEndSamples, type LatencySample, type Stretch, stageLatency } from './measure/latency.ts'
import { tenth } from './measure/quantiles.ts'
import type { Traces } from './measure/traces.ts'

type Closed = Extract<JournalEntry, { kind: 'closed' }>

/** What is known of the switchovers of a run besides the clients' windows. */
export interface SwitchoverEvidence {
  readonly journal: readonly JournalEntry[]
  readonly traces: Traces
  /** The gate of each switchover, in order; null where its evidence could not be read. */
  readonly gates: readonly (GateReport | null)[]
  /** Groups that stay behind on purpose. */
  readonly laggingGroups: readonly string[]
}

/** The part of a journal that belongs to one switchover that switched: what stands behind the one before it, up to its end. */
interface Chapter {
  readonly closed: Closed
  readonly entries: readonly JournalEntry[]
}

/** Joins what the clients measured with what the orchestrator journaled: one report for each switchover, in order (pure). */
export function switchoverReports(windows: readonly WriteWindow[], evidence: SwitchoverEvidence): readonly SwitchoverReport[] {
  const chapters = chaptersOf(evidence.journal)
  const samples = { acknowledgement: acknowledgementSamples(evidence.traces), endToEnd: endToEndSamples(evidence.traces, evidence.laggingGroups) }
  const since = (ns: number) => tenth((ns - evidence.traces.originNs) / 1e6)
  const begins = windows.map(({ producers }) => since(Math.min(...producers.map((one) => one.lastAckAtNs))))
  return windows.flatMap((window, index) => {
    const chapter = chapters[index]
    if (chapter === undefined) return []
    const fromMs = begins[index] ?? 0
    const untilMs = since(Math.max(...window.producers.map((one) => one.firstAckAtNs)))
    const span = { fromMs, untilMs: begins[index + 1] ?? Number.POSITIVE_INFINITY }
    const around = groupsAround(window.to, span, evidence.traces, evidence.laggingGroups)
    return {
      ...measured(window, chapter, since),
      around: aroundWindow(evidence.traces, { fromMs, untilMs }),
      latency: [
        ...stageLatency('acknowledgement', samples.acknowledgement, { fromMs, untilMs }),
        ...endToEndStages(samples.endToEnd, { fromMs, untilMs }, around),
      ],
      groupPauses: around.map(({ group, longestWithoutDeliveryMs: ms }) => ({ group, longestWithoutDeliveryMs: ms === null ? null : tenth(ms) })),
      gate: evidence.gates[index] ?? null,
    }
  })
}

/** The window of the slowest producer, those of the others, and what the journal says of both. */
function measured(
  window: WriteWindow,
  { closed, entries }: Chapter,
  since: (ns: number) => number,
): Omit<SwitchoverReport, 'around' | 'latency' | 'groupPauses' | 'gate'> {
  const worst = window.producers.reduce((a, b) => (b.windowMs > a.windowMs ? b : a))
  const { moved, stayed } = groupOutcome(entries)
  return {
    from: window.from,
    to: window.to,
    epoch: closed.epoch,
    graceful: closed.graceful,
    writeWindowMs: worst.windowMs,
    parts: windowParts(worst.lastAckAtNs / 1e6, worst.firstAckAtNs / 1e6, closed.timeline),
    dueThroughout: window.dueThroughout,
    ...{ moved, stayed },
    fromMs: since(worst.lastAckAtNs),
    producers: window.producers.map(({ producer, lastAckAtNs, windowMs, dueInside }) => ({
      producer,
      fromMs: since(lastAckAtNs),
      windowMs: tenth(windowMs),
      dueInsideRecords: dueInside,
    })),
    marks: closed.timeline.map(({ mark, atMonotonicMs }) => ({ mark, atMs: since(atMonotonicMs * 1e6) })),
  }
}

/** Where a group was not seen to read on, nobody knows when the switchover was over for the groups: then there is only what was before it. */
function endToEndStages(samples: readonly LatencySample[], window: Stretch, around: readonly GroupAround[]): readonly StageLatency[] {
  const readFrom = around.flatMap(({ readFromMs }) => readFromMs ?? [])
  const untilMs = tenth(Math.max(window.untilMs, ...readFrom))
  const stages = stageLatency('end-to-end', samples, { fromMs: window.fromMs, untilMs })
  return readFrom.length === around.length ? stages : stages.filter(({ stage }) => stage === 'before')
}

function chaptersOf(journal: readonly JournalEntry[]): readonly Chapter[] {
  let begins = 0
  return journal.flatMap((entry, index) => {
    if (entry.kind !== 'closed') return []
    const entries = journal.slice(begins, index + 1)
    begins = index + 1
    return entry.outcome === 'switched' ? [{ closed: entry, entries }] : []
  })
}

/** Every position of every group that was moved or refused, with the number of its switchover, from the journal (pure). */
export function groupReports(journal: readonly JournalEntry[]): readonly GroupReport[] {
  return chaptersOf(journal).flatMap(({ entries }, index) => groupOutcome(entries).groups.map((position) => ({ ...position, switchover: index + 1 })))
}

/** The groups that waves had settled on a switchover's target before it, switchover by switchover (pure). */
export function movedByWaves(journal: readonly JournalEntry[]): readonly ReadonlySet<string>[] {
  return chaptersOf(journal).map(({ closed, entries }) => {
    const where = new Map<string, string>()
    for (const entry of entries) {
      if (entry.kind !== 'wave') continue
      if (entry.what === 'settled') for (const group of entry.groups) where.set(group, entry.target)
      if (entry.what === 'returned') for (const group of entry.groups) where.set(group, entry.source)
    }
    return new Set([...where].flatMap(([group, colour]) => (colour === closed.live ? [group] : [])))
  })
}
