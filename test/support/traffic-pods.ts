/** What lies between two colours on Kubernetes, as a traffic stack would say it, for tests. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KubernetesBetweenArgs } from '../../components/network/kubernetes-between.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import { guardianUsers } from '../../engine/model/kubernetes-guardian.ts'
import { workerPasswordNames } from '../../engine/model/kubernetes-mirror.ts'
import { KubernetesRouteStore } from '../../engine/model/kubernetes-route-store.ts'
import type { TrafficPods } from '../../engine/model/kubernetes-traffic.ts'
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
  return { ...{ fleet: 'shop', colours, catalog: trafficCatalog, routeStore, image: 'registry.example/kafka-blue-green:0.1.0' }, ...change }
}

/** Users whose passwords a traffic stack reads. */
export const betweenUsers: readonly string[] = [...new Set([...workerPasswordNames, ...guardianUsers({ routeStore })])]

/** A certificate of nobody's: only that it is one is looked at before a pod has it. */
export const certificate = (of: string) => `-----BEGIN CERTIFICATE-----\nof ${of}\n-----END CERTIFICATE-----\n`

/** The same with the files that it names. @param directory takes them */
export function betweenArgs(directory: string): KubernetesBetweenArgs {
  const file = (name: string, text: string) => {
    writeFileSync(join(directory, name), text, { mode: 0o600 })
    return join(directory, name)
  }
  const passwords = Object.fromEntries(betweenUsers.map((name) => [name, `the password of ${name}`]))
  const credentialsFile = file('between-credentials.json', JSON.stringify({ version: 1, passwords }))
  const pods = trafficPods()
  const { blue, green } = pods.colours
  return {
    ...pods,
    colours: { blue: { ...blue, credentialsFile }, green: { ...green, credentialsFile } },
    routeStore: { ...routeStore, caFile: file('route-store.crt', certificate('the route store')) },
    connectCaFile: file('connect.crt', certificate('the workers')),
  }
}
