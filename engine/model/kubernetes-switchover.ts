import { KbgError } from './error.ts'
import { auditInPods } from './kubernetes-audit.ts'
import { guardianUsers } from './kubernetes-guardian.ts'
import { type Manifest, switchoverLabels, trafficNamespace } from './kubernetes-network.ts'
import { type ProgramConfig, programPod, type TrafficPods, wiringInPods } from './kubernetes-traffic.ts'
import type { Limits } from './limits.ts'
import { OrchestratorConfig } from './orchestrator.ts'
import { requireWaves } from './pair.ts'
import { stableHash } from './stable-hash.ts'
import type { Intent } from './wiring.ts'

/** Secret with what the job logs in with; its own name begins so. */
export const switchoverName = 'kbg-switchover'
/** Whom it logs in as: the same as guardians, who finish what it leaves open. */
export const switchoverUsers = guardianUsers

/** Until its pod runs: a place found, the image there. */
const startMs = 300_000
/** A guardian that is at work is waited for this long, by the engine. */
const guardianMs = 120_000
/** Connectors made, stopped and deleted, canaries across, groups listed: what no limit says. */
const aroundMs = 180_000
/** A wave's groups looked at around its moves, and its records in the journal. */
const aroundWaveMs = 60_000

/** How long a job may take, in seconds. */
export interface SwitchoverTimes {
  /** From its making on. One that is not through by then is told to stop, as by hand; every wait inside has a deadline of its own, so none should be. */
  readonly run: number
  /** From being told to stop on: then it is killed, and guardians finish what it leaves. */
  readonly stop: number
}

/** From the limits of what it may have to do (pure). @param waves how many it may have to move */
export function switchoverTimes(limits: Limits, waves: number): SwitchoverTimes {
  const { lagSamples, lagSampleIntervalMs, maxMirrorLagMs, fenceDeadlineMs, drainDeadlineMs, windowDeadlineMs, groupMoveDeadlineMs, waveAnalysisMs } = limits
  // Asked before the lock is taken, and under it once more: a way back's looks longest.
  const gateMs = 40_000 + 5 * Math.max(maxMirrorLagMs, drainDeadlineMs / 2)
  const gatesMs = 2 * gateMs + lagSamples * (lagSampleIntervalMs + 2 * Math.max(maxMirrorLagMs, drainDeadlineMs))
  // Decided a moment before it is told: the window's end, the mirror turned round, the groups.
  const behindMs = 2 * fenceDeadlineMs + windowDeadlineMs + groupMoveDeadlineMs + aroundMs
  // A wave that has begun is brought to its end, which may be the way back.
  const waveMs = 2 * groupMoveDeadlineMs + waveAnalysisMs + aroundWaveMs
  const runMs = startMs + guardianMs + gatesMs + windowDeadlineMs + behindMs + waves * (gateMs + waveMs)
  return { run: Math.ceil(runMs / 1_000), stop: Math.ceil(Math.max(behindMs, waves === 0 ? 0 : waveMs) / 1_000) }
}

/**
 * What the job is started with. Another intent, other limits, another wiring or image is another job.
 *
 * @throws KbgError `orchestrator-config` naming what no orchestrator would take; `unknown-wave`
 */
export function orchestratorConfig(pods: TrafficPods, intent: Intent): OrchestratorConfig {
  const { data, error } = OrchestratorConfig.safeParse({
    wiring: wiringInPods(pods, [auditInPods(pods.fleet)]),
    ...{ intent, limits: pods.limits, code: pods.image },
  })
  if (data === undefined) {
    throw new KbgError('orchestrator-config', 'Nothing can move traffic between these colours.', {
      facts: { problems: error.issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`) },
    })
  }
  requireWaves(intent.consumers, data.wiring.waves)
  return data
}

/** Everything of a job that brings traffic to where an intent wants it, but its Secret. */
export interface PlannedSwitchover {
  readonly config: ProgramConfig<'orchestrator.json'>
  /** Its name follows from what is in its configuration: the same intent is the same job, which has run. @param configMap its configuration's name */
  job<Name>(configMap: Name): Manifest
  readonly times: SwitchoverTimes
}

/** @throws KbgError as {@link orchestratorConfig} */
export function planSwitchover(pods: TrafficPods, intent: Intent): PlannedSwitchover {
  const told = orchestratorConfig(pods, intent)
  const text = JSON.stringify(told)
  const name = `${switchoverName}-${stableHash(text).toString(16)}`
  const times = switchoverTimes(pods.limits, Object.keys(told.wiring.waves).length)
  const namespace = trafficNamespace(pods.fleet)
  return {
    ...{ times, config: { metadata: { namespace }, immutable: true, data: { 'orchestrator.json': text } } },
    job: (configMap) => ({
      ...{ apiVersion: 'batch/v1', kind: 'Job' },
      // One that has failed, or was left running, is made anew by the next update: the same intent is tried again.
      metadata: { name, namespace, labels: switchoverLabels, annotations: { 'pulumi.com/replaceUnready': 'true' } },
      // A retry is somebody's decision. No time to live: its log is there until another job takes its place.
      spec: {
        ...{ backoffLimit: 0, activeDeadlineSeconds: times.run },
        template: { metadata: { labels: switchoverLabels }, spec: switchoverPod(pods.image, times, configMap) },
      },
    }),
  }
}

function switchoverPod<Name>(image: string, times: SwitchoverTimes, configMap: Name): object {
  const { containers, ...pod } = programPod({
    ...{ name: 'switchover', image, program: 'engine/run/orchestrator/main.ts', configMap, file: 'orchestrator.json', secret: switchoverName },
    amount: { cpu: '1', memory: '1Gi' },
  })
  // Pulumi tells the end of what it has said, where it failed: why it was refused.
  const saying = containers.map((container) => ({ ...container, terminationMessagePolicy: 'FallbackToLogsOnError' }))
  return { restartPolicy: 'Never', ...pod, terminationGracePeriodSeconds: times.stop, containers: saying }
}
