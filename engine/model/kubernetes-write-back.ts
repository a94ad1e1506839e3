import { auditUser } from './audit-worker.ts'
import { platformUsers } from './cluster-access.ts'
import { auditInPods } from './kubernetes-audit.ts'
import { type Manifest, trafficNamespace, writeBackLabels } from './kubernetes-network.ts'
import { programDeployment, programPod, type TrafficPods, wiringInPods } from './kubernetes-traffic.ts'
import { stableHash } from './stable-hash.ts'

/** Name of everything that stands for the write-back; its configuration's begins so. */
export const writeBackName = 'kbg-write-back'

/** Whom it logs in as: it reads and commits positions as operator, asks the audit, and follows the route. */
export function writeBackUsers({ routeStore }: Pick<TrafficPods, 'routeStore'>): readonly string[] {
  return [platformUsers.operator, auditUser, routeStore.username]
}

/** Everything of the write-back but its Secret. */
export interface PlannedWriteBack {
  /** Its name follows from what is in it, so another wiring is another pod. */
  readonly config: Pick<Manifest, 'metadata'> & { readonly immutable: true; readonly data: Readonly<Record<'wiring.json', string>> }
  readonly deployment: Manifest
}

/** The pod that keeps the live side's copy of positions that groups commit on the standby. */
export function planWriteBack(pods: TrafficPods): PlannedWriteBack {
  const { fleet, image } = pods
  const text = JSON.stringify(wiringInPods(pods, [auditInPods(fleet)]))
  const configMap = `${writeBackName}-${stableHash(text).toString(16)}`
  const amount = { cpu: '250m', memory: '512Mi' }
  const pod = programPod({
    ...{ name: 'write-back', image, program: 'engine/run/write-back/main.ts', configMap, file: 'wiring.json', secret: writeBackName, amount },
  })
  return {
    config: { metadata: { name: configMap, namespace: trafficNamespace(fleet) }, immutable: true, data: { 'wiring.json': text } },
    // A commit under way ends within this.
    deployment: programDeployment(fleet, writeBackName, writeBackLabels, { ...pod, terminationGracePeriodSeconds: 30 }),
  }
}
