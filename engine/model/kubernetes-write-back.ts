import { auditUser } from './audit-worker.ts'
import { platformUsers } from './cluster-access.ts'
import { auditInPods } from './kubernetes-audit.ts'
import { type Manifest, trafficNamespace, writeBackLabels } from './kubernetes-network.ts'
import { type ProgramConfig, programDeployment, programPod, type TrafficPods, wiringInPods } from './kubernetes-traffic.ts'

/** Name of everything that stands for the write-back but its configuration. */
export const writeBackName = 'kbg-write-back'

/** Whom it logs in as: it reads and commits positions as operator, asks the audit, and follows the route. */
export function writeBackUsers({ routeStore }: Pick<TrafficPods, 'routeStore'>): readonly string[] {
  return [platformUsers.operator, auditUser, routeStore.username]
}

/** Everything of the write-back but its Secret. */
export interface PlannedWriteBack {
  readonly config: ProgramConfig<'wiring.json'>
  /** @param configMap its configuration's name: another one is another pod */
  deployment<Name>(configMap: Name): Manifest
}

/** The pod that keeps the live side's copy of positions that groups commit on the standby. */
export function planWriteBack(pods: TrafficPods): PlannedWriteBack {
  const { fleet, image } = pods
  const text = JSON.stringify(wiringInPods(pods, [auditInPods(fleet)]))
  const amount = { cpu: '250m', memory: '512Mi' }
  const started = { name: 'write-back', image, program: 'engine/run/write-back/main.ts', file: 'wiring.json', secret: writeBackName, amount }
  return {
    config: { metadata: { namespace: trafficNamespace(fleet) }, immutable: true, data: { 'wiring.json': text } },
    // A commit under way ends within this.
    deployment: (configMap) =>
      programDeployment(fleet, writeBackName, writeBackLabels, { ...programPod({ ...started, configMap }), terminationGracePeriodSeconds: 30 }),
  }
}
