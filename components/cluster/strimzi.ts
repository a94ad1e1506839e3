import { CustomResource } from '@pulumi/kubernetes/apiextensions/customResource.js'
import { ConfigMap } from '@pulumi/kubernetes/core/v1/configMap.js'
import { Secret } from '@pulumi/kubernetes/core/v1/secret.js'
import * as pulumi from '@pulumi/pulumi'
import type { Catalog } from '../../engine/model/catalog.ts'
import { birthConfig, birthJob, birthName, birthUsers } from '../../engine/model/kubernetes-birth.ts'
import { colourNamespace, type Manifest } from '../../engine/model/kubernetes-network.ts'
import { accessInPods } from '../../engine/model/strimzi-access.ts'
import { type StrimziPlace, type StrimziSpec, strimziBrokerIds, strimziKafka, strimziMake, strimziSetProperties } from '../../engine/model/strimzi-brokers.ts'
import { loginsSecret, strimziTopics, strimziUserNames, strimziUsers } from '../../engine/model/strimzi-catalog.ts'
import { filedCredentials, filedPassword } from '../catalog/credentials.ts'
import { ManagedCluster } from './managed-cluster.ts'

export interface StrimziClusterArgs {
  /** The namespace with its policies: nothing starts in it before it is closed. */
  readonly network: pulumi.Resource
  readonly place: StrimziPlace
  readonly spec: StrimziSpec
  readonly catalog: Catalog
  /** This project's image, see {@link ImageName}: it fences a new colour. */
  readonly image: string
  /** File with the passwords of {@link strimziUserNames}, see CredentialsFile. */
  readonly credentialsFile: string
  /** Whether what holds records refuses to be deleted. */
  readonly protect: boolean
}

/** Waited for until the operator says so, and no longer than its own restarts of a whole cluster may take. */
const whenReady = { 'pulumi.com/waitFor': 'condition=Ready', 'pulumi.com/timeoutSeconds': '1800' } as const

/**
 * One colour's brokers and what the catalog declares on them, as resources of Strimzi's operator, which has to be there (docs/platforms.md): TLS only, a login on every listener, simple authorization.
 */
export class StrimziCluster extends pulumi.ComponentResource {
  /** Kafka's own cluster id, as the operator reports it. */
  readonly clusterId: pulumi.Output<string>
  /** The certificate (PEM) of the authority that has signed the brokers' certificates. */
  readonly authority: pulumi.Output<string>

  constructor(name: string, args: StrimziClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:cluster:StrimziCluster', name, {}, opts)
    const { network, place, spec, catalog, protect } = args
    const { fleet, colour } = place
    const made = new ManagedCluster(`${name}-make`, { fleet, colour, make: strimziMake(place, spec), platformConfig: strimziSetProperties }, { parent: this })
    const planned = strimziKafka(place, spec)
    const pools = planned.pools.map((pool) => this.#object(`${name}-${pool.metadata.name}`, pool, { protect, dependsOn: [network, made] }))
    // Behind its pools: without them the operator finds no node to make and says that it isn't ready.
    const kafka = this.#object(`${name}-kafka`, awaited(planned.kafka), { protect, dependsOn: pools })
    const logins = this.#logins(name, args)
    const [own, applications] = strimziUsers(place, catalog)
    const user = (planned: Manifest, dependsOn: pulumi.Resource[]) => this.#object(`${name}-user-${planned.metadata.name}`, awaited(planned), { dependsOn })
    const platform = own.map((planned) => user(planned, [kafka, logins]))
    const topics = strimziTopics(place, catalog, spec.brokers).map((topic) =>
      this.#object(`${name}-topic-${topic.metadata.name}`, awaited(topic), { protect, dependsOn: [kafka] }),
    )
    const born = this.#birth(name, args, kafka, [...platform, ...topics])
    for (const planned of applications) user(planned, [kafka, logins, born])
    this.clusterId = clusterIdOf(kafka)
    this.authority = kafka.status.apply((status) => authorityOf(status) ?? (pulumi.unknown as string))
    this.registerOutputs({ clusterId: this.clusterId, authority: this.authority })
  }

  #object(name: string, manifest: Manifest, options: pulumi.CustomResourceOptions): StrimziResource {
    return new StrimziResource(name, manifest, { parent: this, ...options })
  }

  /** Applications get their logins behind it, so that there is no moment at which one could write. It stands behind the operator, the probe and the canary's topic, which it asks with. */
  #birth(name: string, { place, spec, image, credentialsFile }: StrimziClusterArgs, kafka: StrimziResource, behind: pulumi.Resource[]): pulumi.Resource {
    const { fleet, colour } = place
    const metadata = { name: birthName, namespace: colourNamespace(fleet, colour) }
    const { kafkaVersion } = spec
    const brokerIds = strimziBrokerIds(colour, spec)
    const told = clusterIdOf(kafka).apply((clusterId) =>
      JSON.stringify(birthConfig(accessInPods({ fleet, colour, clusterId, kafkaVersion, brokerIds }), brokerIds.length)),
    )
    const credentials = filedCredentials(credentialsFile, birthUsers)
    const config = new ConfigMap(`${name}-birth`, { metadata, data: { 'birth.json': told } }, { parent: this, dependsOn: [kafka] })
    const secret = new Secret(`${name}-birth`, { metadata, stringData: { 'credentials.json': credentials } }, { parent: this, dependsOn: [kafka] })
    return new CustomResource(`${name}-birth`, { ...birthJob(place, image) }, { parent: this, dependsOn: [config, secret, ...behind] })
  }

  /** Where the User Operator reads each password; Pulumi keeps them encrypted. */
  #logins(name: string, { network, place, catalog, credentialsFile }: StrimziClusterArgs): Secret {
    const stringData = Object.fromEntries(strimziUserNames(catalog).map((user) => [user, filedPassword(credentialsFile, user)]))
    const metadata = { name: loginsSecret, namespace: colourNamespace(place.fleet, place.colour) }
    return new Secret(`${name}-logins`, { metadata, stringData }, { parent: this, dependsOn: [network] })
  }
}

/** What the operator says of a Kafka. */
interface KafkaStatus {
  readonly clusterId?: string
  readonly listeners?: readonly { readonly name: string; readonly certificates?: readonly string[] }[]
}

function clusterIdOf(kafka: StrimziResource): pulumi.Output<string> {
  return kafka.status.apply((status) => status?.clusterId ?? (pulumi.unknown as string))
}

function authorityOf(status: KafkaStatus | undefined): string | undefined {
  return status?.listeners?.find(({ name }) => name === 'internal')?.certificates?.join('\n')
}

/** One of Strimzi's resources, with what its operator says of it. */
class StrimziResource extends CustomResource {
  declare readonly status: pulumi.Output<KafkaStatus | undefined>

  constructor(name: string, manifest: Manifest, opts: pulumi.CustomResourceOptions) {
    super(name, { ...manifest, status: undefined }, opts)
  }
}

function awaited(manifest: Manifest): Manifest {
  const { metadata } = manifest
  return { ...manifest, metadata: { ...metadata, annotations: { ...metadata.annotations, ...whenReady } } }
}
