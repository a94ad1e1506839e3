import type { JournalEntry } from '../../engine/model/journal.ts'
import { batchPositions } from '../../engine/switchover/group-positions.ts'
import type { WriteWindow } from '../../test/support/history/index.ts'
import type { GroupReport, RolloutReport, SwitchoverReport } from '../report/report.ts'
import { windowParts } from '../report/window-parts.ts'

type Closed = Extract<JournalEntry, { kind: 'closed' }>

/** Joins what the clients measured with what the orchestrator journaled: one report for each switchover, in order (pure). */
export function switchoverReports(windows: readonly WriteWindow[], journal: readonly JournalEntry[]): readonly SwitchoverReport[] {
  const closed = journal.filter((entry): entry is Closed => entry.kind === 'closed' && entry.outcome === 'switched')
  return windows.flatMap((window, index) => {
    const entry = closed[index]
    const worst = window.producers.reduce((a, b) => (b.windowMs > a.windowMs ? b : a))
    if (!entry) return []
    return {
      from: window.from,
      to: window.to,
      epoch: entry.epoch,
      graceful: entry.graceful,
      writeWindowMs: worst.windowMs,
      parts: windowParts(worst.lastAckAtNs / 1e6, worst.firstAckAtNs / 1e6, entry.timeline),
      dueThroughout: window.dueThroughout,
    }
  })
}

/** Every position of every group that was moved or refused, from the journal (pure). */
export function groupReports(journal: readonly JournalEntry[]): readonly GroupReport[] {
  return journal.flatMap((entry) =>
    entry.kind === 'groups'
      ? batchPositions(journal, entry).map(({ groupId, topic, partition, method, verdict, lagRecords }) => ({
          group: groupId,
          topic,
          partition,
          method,
          verdict,
          lagRecords,
        }))
      : [],
  )
}

/** The report as the lines that end a run. */
export function summaryLines(report: RolloutReport): readonly string[] {
  const { client, switchovers, load, versions } = report
  const positions = report.groups.length
  const exact = report.groups.filter((group) => group.verdict === 'exact').length
  return [
    `${report.verdict === 'pass' ? 'PASS' : 'FAIL'}  blue ${versions.blue}, green ${versions.green}, ${report.durationSeconds.toFixed(0)} s`,
    `      ${client.acked} records acknowledged at ${load.recordsPerSecond.toFixed(0)}/s over ${load.seconds.toFixed(0)} s`,
    `      lost ${client.lost}, duplicated ${client.duplicated}, redelivered ${client.redelivered}, reordered ${client.reordered}, errors ${client.errors}`,
    ...switchovers.map(switchoverLine),
    `      groups: ${exact} of ${positions} positions exact; the lagging group was ${load.lagOfLaggingGroupRecords} records behind`,
    ...report.reasons.map((reason) => `      ${reason}`),
  ]
}

function switchoverLine(one: SwitchoverReport): string {
  const parts = Object.entries(one.parts).map(([name, ms]) => `${name.replace(/Ms$/, '')} ${ms.toFixed(0)}`)
  return `      ${one.from} -> ${one.to}: write window ${one.writeWindowMs.toFixed(0)} ms (${parts.join(', ')})${one.graceful ? '' : ', not graceful'}${one.dueThroughout ? '' : ', the load waited'}`
}
