import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { switchoverFromJournal } from '../../cli/report/from-journal.ts'
import { JournaledSwitchover } from '../../cli/report/journaled.ts'
import { RolloutReport, type SwitchoverReport } from '../../cli/report/report.ts'
import { withAudit, withDamage } from './report-audited.ts'
import { abortedLines, journalOf } from './report-journal.ts'

/** Where the sample report and the golden pictures made from it stand. */
export const goldenDir: string = join(dirname(fileURLToPath(import.meta.url)), 'golden')

/** The sample's file. */
export const sampleFile: string = join(goldenDir, 'report.json')

/** The report of a real rollout on a busy machine with two cores, with what later versions tell added from its own marks, positions and histories. */
export function sampleReport(): RolloutReport {
  return RolloutReport.parse(JSON.parse(readFileSync(sampleFile, 'utf8')))
}

/** The same run as a version wrote it that knew no pictures. */
export function earlierReport(): unknown {
  const { perSecond: _, audit: _5, strategies: _6, waves: _7, configuration: _1, notObserved: _2, startedAt: _3, clientJudged: _4, ...kept } = sampleReport()
  const switchovers = kept.switchovers.map(({ from, to, epoch, graceful, writeWindowMs, parts: { beforeHoldMs, ...parts }, dueThroughout }) => ({
    ...{ from, to, epoch, graceful, writeWindowMs, parts: { ...parts, holdMs: beforeHoldMs + parts.holdMs }, dueThroughout },
  }))
  const groups = kept.groups.map(({ group, topic, partition, method, verdict, lagRecords }) => ({ group, topic, partition, method, verdict, lagRecords }))
  return { ...kept, switchovers, groups }
}

/** The sample with an audit, with waves, and with what other translations would have done. */
export function auditedReport(): RolloutReport {
  return RolloutReport.parse(withAudit(sampleReport()))
}

/** A run whose clients lost records, and which left a group where it was in its second switchover; its colours differ, and a wave went back. */
export function failedReport(): RolloutReport {
  const sample = RolloutReport.parse(withDamage(sampleReport()))
  return {
    ...sample,
    verdict: 'fail',
    reasons: ['the history checker found faults', 'blue -> green was not graceful', 'ledger was not moved green -> blue: its members did not leave'],
    client: { ...sample.client, lost: 3, redelivered: 41 },
    switchovers: sample.switchovers.map((one, index) => {
      if (index === 2) return { ...one, graceful: false, dueThroughout: false }
      return index === 1 ? withoutLedger(one) : one
    }),
    groups: sample.groups.map((one, index) =>
      index === 5 ? { ...one, verdict: 'not provable', reason: 'equal neighbours around a gap', targetOffset: null, lagRecords: null } : one,
    ),
  }
}

function withoutLedger(one: SwitchoverReport): SwitchoverReport {
  return {
    ...one,
    moved: one.moved?.filter((group) => group !== 'ledger') ?? null,
    stayed: [{ group: 'ledger', reason: 'its members did not leave' }],
    groupPauses: one.groupPauses.map((pause) => (pause.group === 'ledger' ? { ...pause, longestWithoutDeliveryMs: null } : pause)),
    latency: one.latency.filter(({ measure, stage }) => measure === 'acknowledgement' || stage === 'before'),
  }
}

/** Text that breaks a page that doesn't escape it, put wherever a report holds text, with lengths that no picture expects. */
export const hostileText = `</title><script>alert(1)</script><img src=x onerror="alert('2')">&amp;\u202egnp.exe\u0000 ${'very-long-name-without-a-break'.repeat(8)}`

/** The sample with hostile text in every place that is text, and numbers at their limits. */
export function hostileReport(): RolloutReport {
  const sample = withDamage(sampleReport())
  const series = Object.values(sample.perSecond?.groupLagRecords ?? {})[0] ?? []
  return RolloutReport.parse({
    ...sample,
    verdict: 'fail',
    reasons: [hostileText, `${hostileText}\nsecond line`],
    versions: { blue: hostileText, green: hostileText },
    phases: [{ phase: hostileText, seconds: 1e9 }],
    switchovers: sample.switchovers.map((one) => ({
      ...one,
      writeWindowMs: 29_999,
      moved: [hostileText],
      stayed: [{ group: hostileText, reason: hostileText }],
      groupPauses: [{ group: hostileText, longestWithoutDeliveryMs: 86_400_000 }],
      producers: [...one.producers, { producer: hostileText, fromMs: (one.fromMs ?? 0) - 500, windowMs: 29_999, dueInsideRecords: 1e12 }],
      gate: {
        epoch: 1,
        updates: 3,
        checks: [{ name: hostileText, verdict: 'inconclusive', observed: hostileText, required: hostileText, remedy: hostileText }],
      },
    })),
    groups: [{ ...sample.groups[0], group: hostileText, topic: hostileText, method: hostileText, verdict: hostileText, reason: hostileText }],
    waves: sample.waves.map((one) => ({
      ...{ ...one, wave: hostileText, groups: [hostileText, 'b'], moved: [hostileText], stayed: [{ group: 'b', reason: hostileText }], reason: hostileText },
      ...{ groupPauses: [{ group: hostileText, longestWithoutDeliveryMs: 86_400_000 }], endedAtMs: one.startedAtMs + 86_400_000 },
    })),
    audit: sample.audit && {
      ...sample.audit,
      unanswered: 1e12,
      atEnd: sample.audit.atEnd.map((one) => ({
        ...one,
        ...{ partition: hostileText, verdict: one.verdict === 'equal' ? 'undecided' : one.verdict, reason: hostileText, alignedRecords: 1e12, runs: 1e12 },
        ...{
          differences: 1e12,
          shown: [{ kind: 'changed', on: 'blue', blue: '9223372036854775807', green: null, what: ['key', 'value', 'headers', 'timestamp'] }],
        },
      })),
    },
    strategies: sample.strategies && {
      ...sample.strategies,
      groups: sample.strategies.groups.map((one) => ({
        ...{ ...one, group: hostileText, wave: hostileText, positions: 1e12, unknownPositions: 1e12 },
        outcomes: one.outcomes.map((outcome) => ({ ...outcome, redeliveredRecords: 1e12, skippedRecords: 1e12, unansweredPositions: 1e12 })),
      })),
      notLookedAt: [{ strategy: 'snapshot', reason: hostileText }],
    },
    perSecond: sample.perSecond && {
      ...sample.perSecond,
      groupLagRecords: { ...sample.perSecond.groupLagRecords, [hostileText]: series.map((lag) => lag * 1_000_000) },
    },
    notObserved: [hostileText],
  })
}

/** The report of a made-up switchover's journal, with the gate of the sample's first switchover as Pulumi's state would have it. */
export function journaledReport(lines: Parameters<typeof journalOf>[0]): JournaledSwitchover {
  const { switchovers, configuration } = sampleReport()
  const gate = switchovers[0]?.gate ?? null
  const evidence = gate && { gate: { ...gate, epoch: 8, updates: 1 }, limits: configuration?.limits ?? {} }
  return switchoverFromJournal(journalOf(lines), { fleet: 'main', newest: 1, readAt: new Date('2026-11-22T20:45:00Z'), evidence })
}

/** A switchover's report with hostile text in every place that is text, and numbers at their limits. */
export function hostileJournaled(): JournaledSwitchover {
  const report = journaledReport(abortedLines)
  const at = report.openedAt
  const end = { lowest: '1', highest: '9223372036854775807' }
  return JournaledSwitchover.parse({
    ...report,
    ...{ fleet: hostileText, reason: `${hostileText}\nsecond line`, openedEpoch: 1e12, attempt: 1e12, batches: 1, moved: [hostileText] },
    window: report.window && { ...report.window, heldMs: 86_400_000, parts: report.window.parts && { ...report.window.parts, takeBackMs: 86_399_900 } },
    groups: [{ ...sampleReport().groups[0], group: hostileText, topic: hostileText, method: hostileText, verdict: hostileText, reason: hostileText }],
    stayed: [{ group: hostileText, reason: hostileText }],
    cut: [
      { topic: hostileText, partitions: 1, sourceEnds: end, targetEnds: null, equalEnds: 0 },
      { topic: 'b', partitions: 1, sourceEnds: end, targetEnds: end, equalEnds: 0 },
    ],
    mirror: [{ at, connector: hostileText, source: 'blue', target: 'green', what: hostileText }],
    automatic: hostileText,
    watch: {
      ...{ colour: 'green', outcome: 'halted', reason: hostileText },
      measures: [{ name: hostileText, verdict: 'fail', observed: hostileText, required: hostileText }],
    },
    late: [{ partition: hostileText, records: 1e12, sourceOffset: '1', targetOffset: null }],
    fences: [{ at, colour: 'green', what: hostileText, bindings: 1e9 }],
    gate: { epoch: 1, updates: 1, checks: [{ name: hostileText, verdict: 'error', observed: hostileText, required: hostileText, remedy: hostileText }] },
    limits: { [hostileText]: 1e12 },
    notObserved: [hostileText],
  })
}

/** The sections of a rollout's page, by id, in the order of the page. */
export const rolloutSections = [
  'happened',
  'truth',
  'throughput',
  'windows',
  'latency',
  'groups',
  'waves',
  'strategies',
  'audit',
  'checks',
  'phases',
  'configuration',
  'unseen',
]
