import type { JournalEntry } from '../../engine/model/journal.ts'
import type { WriteWindow } from '../../test/support/history/index.ts'
import type { GateReport } from '../report/evidence.ts'
import { positionsOfBatch } from '../report/moved-positions.ts'
import type { GroupReport, RolloutReport, SwitchoverReport } from '../report/report.ts'
import { windowParts } from '../report/window-parts.ts'
import { aroundWindow } from './measure/around-window.ts'
import { acknowledgementSamples, endToEndSamples, groupsReadFrom, stageLatency } from './measure/latency.ts'
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

/** Joins what the clients measured with what the orchestrator journaled: one report for each switchover, in order (pure). */
export function switchoverReports(windows: readonly WriteWindow[], evidence: SwitchoverEvidence): readonly SwitchoverReport[] {
  const closed = closedSwitchovers(evidence.journal)
  const samples = { acknowledgement: acknowledgementSamples(evidence.traces), endToEnd: endToEndSamples(evidence.traces, evidence.laggingGroups) }
  const originMs = evidence.traces.originNs / 1e6
  return windows.flatMap((window, index) => {
    const entry = closed[index]
    if (!entry) return []
    const worst = window.producers.reduce((a, b) => (b.windowMs > a.windowMs ? b : a))
    const since = (ns: number) => tenth(ns / 1e6 - originMs)
    const fromMs = since(Math.min(...window.producers.map((one) => one.lastAckAtNs)))
    const untilMs = since(Math.max(...window.producers.map((one) => one.firstAckAtNs)))
    const marks = entry.timeline.map(({ mark, atMonotonicMs }) => ({ mark, atMs: tenth(atMonotonicMs - originMs) }))
    const groupsReadMs = Math.max(untilMs, tenth(groupsReadFrom(window.to, fromMs, evidence.traces, evidence.laggingGroups)))
    return {
      from: window.from,
      to: window.to,
      epoch: entry.epoch,
      graceful: entry.graceful,
      writeWindowMs: worst.windowMs,
      parts: windowParts(worst.lastAckAtNs / 1e6, worst.firstAckAtNs / 1e6, entry.timeline),
      dueThroughout: window.dueThroughout,
      fromMs: since(worst.lastAckAtNs),
      producers: window.producers.map(({ producer, lastAckAtNs, windowMs, dueInside }) => ({
        producer,
        fromMs: since(lastAckAtNs),
        windowMs: tenth(windowMs),
        dueInsideRecords: dueInside,
      })),
      around: aroundWindow(evidence.traces, { fromMs, untilMs }),
      marks,
      latency: [
        ...stageLatency('acknowledgement', samples.acknowledgement, { fromMs, untilMs }),
        ...stageLatency('end-to-end', samples.endToEnd, { fromMs, untilMs: groupsReadMs }),
      ],
      gate: evidence.gates[index] ?? null,
    }
  })
}

function closedSwitchovers(journal: readonly JournalEntry[]): readonly Closed[] {
  return journal.filter((entry): entry is Closed => entry.kind === 'closed' && entry.outcome === 'switched')
}

/** Every position of every group that was moved or refused, with the number of its switchover, from the journal (pure). */
export function groupReports(journal: readonly JournalEntry[]): readonly GroupReport[] {
  return journal.flatMap((entry, index) => {
    if (entry.kind !== 'groups') return []
    const switchover = 1 + closedSwitchovers(journal.slice(0, index)).length
    return positionsOfBatch(journal, entry, switchover)
  })
}

/** The report as the lines that end a run. */
export function summaryLines(report: RolloutReport): readonly string[] {
  const { client, switchovers, load, versions } = report
  const positions = report.groups.length
  const exact = report.groups.filter((group) => group.verdict === 'exact').length
  return [
    `${report.verdict === 'pass' ? 'PASS' : 'FAIL'}  blue ${versions.blue}, green ${versions.green}, ${report.durationSeconds.toFixed(0)} s`,
    `      ${client.acked} records acknowledged at ${load.recordsPerSecond.toFixed(0)}/s over ${load.seconds.toFixed(0)} s`,
    report.clientJudged
      ? `      lost ${client.lost}, duplicated ${client.duplicated}, redelivered ${client.redelivered}, reordered ${client.reordered}, errors ${client.errors}`
      : '      what the clients saw was not judged: the run ended before',
    ...switchovers.map(switchoverLine),
    `      groups: ${exact} of ${positions} positions exact; the lagging group was ${load.lagOfLaggingGroupRecords} records behind`,
    ...report.reasons.map((reason) => `      ${reason}`),
  ]
}

function switchoverLine(one: SwitchoverReport): string {
  const parts = Object.entries(one.parts).map(([name, ms]) => `${name.replace(/Ms$/, '')} ${ms.toFixed(0)}`)
  return `      ${one.from} -> ${one.to}: write window ${one.writeWindowMs.toFixed(0)} ms (${parts.join(', ')})${one.graceful ? '' : ', not graceful'}${one.dueThroughout ? '' : ', the load waited'}`
}
