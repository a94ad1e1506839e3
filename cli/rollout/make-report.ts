import type { JournalEntry } from '../../engine/model/journal.ts'
import type { WorkloadStatus } from '../../test/support/workload/config.ts'
import { demoLoad } from '../../test/support/workload/profile.ts'
import type { RolloutReport } from '../report/report.ts'
import { configurationOf } from './configuration.ts'
import type { ClientVerdict, DemoLoadSpec } from './demo-load.ts'
import type { GateEvidence } from './gate-evidence.ts'
import { perSecondOf } from './measure/per-second.ts'
import { notObservedOf } from './not-observed.ts'
import { groupReports, movedByWaves, switchoverReports } from './switchovers.ts'

/** What a run has to show, and what it saw of it; the report is made from this and from what the clients saw. */
export interface RunFacts {
  readonly versions: { readonly blue: string; readonly green: string }
  readonly load: DemoLoadSpec
  readonly wanted: { readonly switchovers: number; readonly ackedRecords: number; readonly lagRecords: number; readonly laggingGroup: string }
  readonly startedAt: Date
  readonly durationSeconds: number
  readonly phases: readonly { readonly phase: string; readonly seconds: number }[]
  readonly loadSeconds: number
  /** How far the lagging group was behind, at most, when a switchover began. */
  readonly lagRecords: number
  /** The gate of each switchover, in order. */
  readonly gates: readonly (GateEvidence | null)[]
}

/** What no run of the demo looks at, whatever it finds. */
const neverObserved = [
  "The mirror's lag between the gate's samples: it is measured at both logs while the gate looks, and not in between.",
  "The second look at both colours right before the hold: a refusal would have ended the update, but its evidence isn't kept.",
  'Faults: no broker, mirror worker, route store or network was made to fail in this run.',
  'Clients on other machines: load, brokers and mirror shared one machine and its clock, and took processor time from each other.',
]

/** The report of a run that came to its end (pure apart from the machine's description). */
export function makeReport(facts: RunFacts, verdict: ClientVerdict, journal: readonly JournalEntry[]): RolloutReport {
  const profile = demoLoad(facts.load.ratePerSecond, facts.load.preloadRecords)
  const laggingGroups = profile.groups.filter((group) => group.pauseAfterRecords !== null).map((group) => group.groupId)
  const gates = facts.gates.map((evidence) => evidence?.gate ?? null)
  const switchovers = [...switchoverReports(verdict.windows, { journal, traces: verdict.traces, gates, laggingGroups })]
  const groups = [...groupReports(journal)]
  const reasons = [
    ...reasonsOf(facts, verdict, switchovers, groups),
    ...notMoved(
      switchovers,
      profile.groups.map((group) => group.groupId),
      movedByWaves(journal),
    ),
  ]
  return {
    ...common(facts),
    verdict: reasons.length === 0 ? 'pass' : 'fail',
    reasons,
    client: verdict.statistics,
    clientJudged: true,
    switchovers,
    groups,
    load: { recordsPerSecond: verdict.statistics.acked / facts.loadSeconds, seconds: facts.loadSeconds, lagOfLaggingGroupRecords: facts.lagRecords },
    perSecond: perSecondOf(verdict.traces, laggingGroups),
    notObserved: [...neverObserved, ...notObservedOf(verdict, switchovers, laggingGroups)],
  }
}

/**
 * The report of a run that ended before its clients' histories were judged: why, and how far it came (pure apart from the machine's description).
 *
 * @param status what the load last said of itself; null: it never began
 */
export function interruptedReport(facts: RunFacts, phase: string, reason: string, status: WorkloadStatus | null): RolloutReport {
  const acked = status === null ? 0 : status.ackedRecords.blue + status.ackedRecords.green
  return {
    ...common(facts),
    verdict: 'fail',
    reasons: [`${phase}: ${reason}`],
    client: { acked, lost: 0, duplicated: 0, redelivered: 0, reordered: 0, errors: status?.errors ?? 0 },
    clientJudged: false,
    switchovers: [],
    groups: [],
    load: { recordsPerSecond: facts.loadSeconds > 0 ? acked / facts.loadSeconds : 0, seconds: facts.loadSeconds, lagOfLaggingGroupRecords: facts.lagRecords },
    perSecond: null,
    notObserved: [
      'What the clients saw: the run ended before their histories were judged. The zeros for lost, duplicated, redelivered and reordered records prove nothing.',
      ...(facts.gates.length === 0 ? [] : [`The write windows of the switchovers that were completed before (${facts.gates.length}).`]),
      ...neverObserved,
    ],
  }
}

function common(facts: RunFacts) {
  const limits = facts.gates.findLast((evidence) => evidence !== null)?.limits ?? {}
  return {
    version: 1,
    versions: { ...facts.versions },
    phases: facts.phases.map((one) => ({ ...one })),
    durationSeconds: facts.durationSeconds,
    startedAt: facts.startedAt.toISOString(),
    configuration: configurationOf(demoLoad(facts.load.ratePerSecond, facts.load.preloadRecords), limits),
  } as const
}

/** Everything that keeps the run from a PASS, the clients' word first. */
function reasonsOf(facts: RunFacts, verdict: ClientVerdict, switchovers: RolloutReport['switchovers'], groups: RolloutReport['groups']): string[] {
  const { statistics } = verdict
  const { wanted } = facts
  return [
    ...(verdict.ok ? [] : ['the history checker found faults']),
    ...(statistics.errors > 0 ? [`${statistics.errors} errors were given to clients`] : []),
    ...(switchovers.length === wanted.switchovers ? [] : [`${switchovers.length} switchovers were seen by the clients, ${wanted.switchovers} wanted`]),
    ...switchovers.filter((one) => !one.graceful).map((one) => `${one.from} -> ${one.to} was not graceful`),
    ...switchovers.filter((one) => !one.dueThroughout).map((one) => `no sends were due all through the window ${one.from} -> ${one.to}`),
    ...groups.filter((group) => group.verdict === 'not provable').map((group) => `${group.group} on ${group.topic}-${group.partition}: not provable`),
    ...(facts.lagRecords >= wanted.lagRecords ? [] : [`${wanted.laggingGroup} was only ${facts.lagRecords} records behind`]),
    ...(statistics.acked >= wanted.ackedRecords ? [] : [`only ${statistics.acked} records were acknowledged`]),
  ]
}

/**
 * A group that the load has, and that a switchover left where it was: it may still read, but nothing was shown of its move.
 *
 * @param before groups that waves had moved to the target before each switchover, in order
 */
function notMoved(switchovers: RolloutReport['switchovers'], groupsOfLoad: readonly string[], before: readonly ReadonlySet<string>[]): readonly string[] {
  return switchovers.flatMap(({ from, to, moved, stayed }, index) =>
    groupsOfLoad
      .filter((group) => !moved?.includes(group) && !before[index]?.has(group))
      .map((group) => {
        const reason = stayed.find((one) => one.group === group)?.reason || 'the journal gives no reason'
        return `${group} was not moved ${from} -> ${to}: ${reason}`
      }),
  )
}

/** A report after everything was ended: what could not be ended is a reason against it (pure). */
export function afterTearDown(report: RolloutReport, failures: readonly string[]): RolloutReport {
  return failures.length === 0 ? report : { ...report, verdict: 'fail', reasons: [...report.reasons, ...failures.map((failure) => `end: ${failure}`)] }
}
