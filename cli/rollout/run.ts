import { systemClock } from '../../engine/ports/clock.ts'
import type { WorkloadStatus } from '../../test/support/workload/config.ts'
import type { WorkloadProcess } from '../../test/support/workload/process.ts'
import type { GateEvidence } from './gate-evidence.ts'
import type { AuditWatch } from './measure/audit-watch.ts'
import type { Screen } from './screen.ts'
import type { Stacks } from './stacks.ts'

/** What a run has found so far, phase by phase. */
export interface Run {
  readonly screen: Screen
  readonly stacks: Stacks
  readonly outDir: string
  readonly phases: { phase: string; seconds: number }[]
  readonly startedAt: Date
  readonly startedMs: number
  /** The gate of each switchover, in order. */
  readonly gates: (GateEvidence | null)[]
  phase: string
  workload: WorkloadProcess | null
  auditWatch: AuditWatch | null
  status: WorkloadStatus | null
  lagRecords: number
  loadStartedMs: number
  loadSeconds: number
}

/** Does one phase, and notes how long it took, also when it fails. */
export async function phase<T>(run: Run, name: string, work: () => Promise<T>): Promise<T> {
  const startedMs = systemClock.monotonicMs()
  const seconds = () => (systemClock.monotonicMs() - startedMs) / 1_000
  run.phase = name
  run.screen.event(name, 'begins')
  try {
    return await work()
  } finally {
    run.phases.push({ phase: name, seconds: seconds() })
    run.screen.event(name, `ended after ${seconds().toFixed(1)} s`)
  }
}
