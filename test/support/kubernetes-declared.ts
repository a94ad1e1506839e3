/** What this project's components declare on Kubernetes, as the objects that its API gets: of both colours of a fleet, and between them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as pulumi from '@pulumi/pulumi'
import { KubernetesColour } from '../../components/cluster/kubernetes.ts'
import { KubernetesBetween } from '../../components/network/kubernetes-between.ts'
import { issue } from '../../engine/adapters/local/certificates.ts'
import { serverPlan } from '../../engine/model/certificate-plan.ts'
import { type Colour, colours } from '../../engine/model/colour.ts'
import type { KubernetesAudit } from '../../engine/model/kubernetes-audit.ts'
import { KubernetesNetwork, type Manifest } from '../../engine/model/kubernetes-network.ts'
import { StrimziSpec } from '../../engine/model/strimzi-brokers.ts'
import { strimziUserNames } from '../../engine/model/strimzi-catalog.ts'
import { parseCatalog } from '../../infra/catalog.ts'
import { type Declared, declaredBy } from '../components/graph.ts'
import { autonamed, autonames } from './autonamed.ts'
import { newAuthority } from './tls-servers.ts'
import { betweenArgs } from './traffic-pods.ts'

/** Any object of Kubernetes; what else it holds is its kind's affair. */
export type KubernetesObject = Pick<Manifest, 'apiVersion' | 'kind' | 'metadata'>

/** Names that Kafka takes and Kubernetes doesn't, every operation and kind of resource, quotas: what a catalog may hold. */
export const catalogText = `
topics:
  orders: { partitions: 6, config: { retention.ms: 604800000, cleanup.policy: "compact,delete" } }
  Order_Events: { partitions: 1 }
  orders..v1: { partitions: 1 }
  -orders.: { partitions: 1 }
  ${'long-'.repeat(48)}name: { partitions: 1 }
users: [shop, reports.app]
acls:
${['All', 'Read', 'Write', 'Create', 'Delete', 'Alter', 'Describe', 'DescribeConfigs', 'AlterConfigs']
  .map((operation) => `  - { principal: User:shop, resourceType: Topic, resourceName: orders, operation: ${operation} }`)
  .join('\n')}
  - { principal: User:shop, resourceType: Topic, resourceName: Order_, patternType: Prefixed, operation: Read, permission: Deny, host: 10.0.0.7 }
  - { principal: User:shop, resourceType: Cluster, resourceName: kafka-cluster, operation: IdempotentWrite }
  - { principal: User:shop, resourceType: Cluster, resourceName: kafka-cluster, operation: ClusterAction }
  - { principal: User:shop, resourceType: TransactionalID, resourceName: shop-, patternType: Prefixed, operation: Write }
  - { principal: User:reports.app, resourceType: Group, resourceName: reports, operation: Read }
quotas:
  - { user: shop, producerByteRate: 1048576, consumerByteRate: 2097152, requestPercentage: 50 }
groups: { reports: {} }
`
export const catalog = parseCatalog(catalogText, 'catalog.yaml')

export const network = KubernetesNetwork.parse({ producers: ['shop'], consumers: ['reports'], apiServers: ['10.0.0.1/32', '10.0.0.2/32'] })
export const brokers = StrimziSpec.parse({
  ...{ kafkaVersion: '4.3.1', storageGib: 500, storageClass: 'fast', cpu: 2.5, memoryGib: 8 },
  brokerConfig: { 'log.retention.hours': '48' },
})
export const image = 'registry.example/kafka-blue-green:0.1.0'

/** As Strimzi's operator says it of a Kafka. */
const reported = { clusterId: 'of-kafka-itself', listeners: [{ name: 'internal', certificates: ['-----BEGIN CERTIFICATE-----'] }] }
const answered = (args: pulumi.runtime.MockResourceArgs) => ({ ...autonames(args), ...(args.type.endsWith(':Kafka') ? { status: reported } : {}) })

/** Every object, namespaces first: nothing can be put into one that isn't there. */
export async function declaredObjects(): Promise<readonly KubernetesObject[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'kbg-kubernetes-'))
  try {
    const credentialsFile = join(scratch, 'credentials.json')
    const users = strimziUserNames(catalog)
    writeFileSync(credentialsFile, JSON.stringify({ version: 1, passwords: Object.fromEntries(users.map((user) => [user, `password of ${user}`])) }), {
      mode: 0o600,
    })
    const declared: Declared[] = []
    for (const colour of colours) declared.push(...(await colourOf(colour, credentialsFile)))
    const between = betweenArgs(scratch)
    await writePair(between.audit)
    declared.push(...(await declaredBy('shop-traffic', answered, (opts) => new KubernetesBetween('between', between, opts))))
    const objects = declared.filter(({ type }) => type.startsWith('kubernetes:')).map(({ name, inputs }) => sent(autonamed(name, inputs)))
    return [...objects.filter(({ kind }) => kind === 'Namespace'), ...objects.filter(({ kind }) => kind !== 'Namespace')]
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

/** A real certificate and its key: the API server looks into a Secret that is said to hold one. */
async function writePair({ certificateFile, keyFile }: KubernetesAudit): Promise<void> {
  const { certificate, key } = await issue(serverPlan('audit', ['127.0.0.1'], Date.now()), await newAuthority())
  writeFileSync(certificateFile, certificate)
  writeFileSync(keyFile, key, { mode: 0o600 })
}

function colourOf(colour: Colour, credentialsFile: string): Promise<readonly Declared[]> {
  const args = { place: { fleet: 'shop', colour, network }, brokers, catalog, context: 'production', image, credentialsFile, protect: true }
  return declaredBy(`shop-${colour}`, answered, (opts) => new KubernetesColour(colour, args, opts))
}

/** The inputs of a resource as they go to the API: secrets unwrapped, what isn't set left out. */
function sent(inputs: object): KubernetesObject {
  const unwrap = (_: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && Reflect.get(value, pulumi.runtime.specialSigKey) === pulumi.runtime.specialSecretSig
      ? Reflect.get(value, 'value')
      : value
  return JSON.parse(JSON.stringify(inputs, unwrap))
}

/** A copy with one value inside replaced; undefined takes it away. */
export function spoiled(object: KubernetesObject | undefined, path: string, value: unknown): KubernetesObject {
  if (object === undefined) throw new Error(`nothing has ${path}`)
  const copy = JSON.parse(JSON.stringify(object))
  const steps = path.split('/')
  const last = steps.pop() ?? ''
  const holder = steps.reduce((inner, step) => inner[step], copy)
  if (value === undefined) delete holder[last]
  else holder[last] = value
  return copy
}
