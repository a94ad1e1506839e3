/** What lies between two colours on Kubernetes, as a traffic stack would say it, for tests. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KubernetesBetweenArgs } from '../../components/network/kubernetes-between.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import { auditUsers, type PlannedAudit, planAudit } from '../../engine/model/kubernetes-audit.ts'
import { guardianUsers } from '../../engine/model/kubernetes-guardian.ts'
import { workerPasswordNames } from '../../engine/model/kubernetes-mirror.ts'
import type { Manifest } from '../../engine/model/kubernetes-network.ts'
import { KubernetesRouteStore } from '../../engine/model/kubernetes-route-store.ts'
import { type PlannedSwitchover, planSwitchover } from '../../engine/model/kubernetes-switchover.ts'
import type { TrafficPods } from '../../engine/model/kubernetes-traffic.ts'
import { Limits } from '../../engine/model/limits.ts'
import { Intent } from '../../engine/model/wiring.ts'
import { strimziColour } from './strimzi-colour.ts'

export const routeStore = KubernetesRouteStore.parse({
  endpoints: ['https://etcd-0.etcd.platform.svc:2379', 'https://10.7.0.4:2379'],
  caFile: 'route-store.crt',
})

export const trafficCatalog = Catalog.parse({
  topics: { orders: { partitions: 6 }, payments: { partitions: 1 } },
  groups: { billing: { wave: 1 }, reports: {} },
})

export function trafficPods(change: Partial<TrafficPods> = {}): TrafficPods {
  const colours = { blue: strimziColour('blue'), green: strimziColour('green') }
  const image = 'registry.example/kafka-blue-green:0.1.0'
  return { ...{ fleet: 'shop', colours, catalog: trafficCatalog, routeStore, limits: Limits.parse({}), unprovenGroups: {}, image }, ...change }
}

/** Name of a ConfigMap as a planned pod is given it. */
export const toldName = 'told'

/** The job that brings traffic to where an intent wants it, as it is planned: to blue, unless said otherwise. */
export function trafficSwitchover(
  wanted: Partial<Intent> = {},
  change: Partial<TrafficPods> = {},
): Omit<PlannedSwitchover, 'job'> & { readonly job: Manifest } {
  const { job, ...planned } = planSwitchover(trafficPods(change), Intent.parse({ live: 'blue', ...wanted }))
  return { ...planned, job: job(toldName) }
}

/** Users whose passwords a traffic stack reads. */
export const betweenUsers: readonly string[] = [...new Set([...workerPasswordNames, ...auditUsers, ...guardianUsers({ routeStore })])]

/** A certificate of nobody's: only that it is one is looked at before a pod has it. */
export const certificate = (of: string) => `-----BEGIN CERTIFICATE-----\nof ${of}\n-----END CERTIFICATE-----\n`

/** A key of nobody's, the same. */
const key = '-----BEGIN PRIVATE KEY-----\nof nobody\n-----END PRIVATE KEY-----\n'

/** Writes what a traffic stack reads beside passwords. @param named the file of a short name: `etcd-ca.crt`, `platform-ca.crt`, `audit.crt`, `audit.key` */
export function writeCertificates(named: (short: string) => string): void {
  for (const whose of ['etcd-ca', 'platform-ca', 'audit']) writeFileSync(named(`${whose}.crt`), certificate(whose))
  writeFileSync(named('audit.key'), key, { mode: 0o600 })
}

/** The audit as it is planned. */
export function trafficAudit(
  change: Partial<TrafficPods> = {},
  shown = certificate('audit'),
): Omit<PlannedAudit, 'deployment'> & { readonly deployment: Manifest } {
  const spec = { storageClass: 'fast', storageGib: 20, certificateFile: 'audit.crt', keyFile: 'audit.key' }
  const { deployment, ...planned } = planAudit(trafficPods(change), spec, shown)
  return { ...planned, deployment: deployment(toldName) }
}

/** The same with the files that it names. @param directory takes them */
export function betweenArgs(directory: string): KubernetesBetweenArgs {
  const named = (short: string) => join(directory, short)
  writeCertificates(named)
  const passwords = Object.fromEntries(betweenUsers.map((name) => [name, `the password of ${name}`]))
  const credentialsFile = named('between-credentials.json')
  writeFileSync(credentialsFile, JSON.stringify({ version: 1, passwords }), { mode: 0o600 })
  const pods = trafficPods()
  const { blue, green } = pods.colours
  return {
    ...pods,
    colours: { blue: { ...blue, credentialsFile }, green: { ...green, credentialsFile } },
    routeStore: { ...routeStore, caFile: named('etcd-ca.crt') },
    caFile: named('platform-ca.crt'),
    audit: { storageClass: 'fast', storageGib: 20, certificateFile: named('audit.crt'), keyFile: named('audit.key') },
    intent: Intent.parse({ live: 'blue' }),
  }
}
