import * as pulumi from '@pulumi/pulumi'
import type { Catalog } from '../../engine/model/catalog.ts'
import { planColourNamespace } from '../../engine/model/kubernetes-network.ts'
import type { StrimziColour } from '../../engine/model/strimzi-access.ts'
import { type StrimziPlace, type StrimziSpec, strimziBrokerIds } from '../../engine/model/strimzi-brokers.ts'
import { KubernetesNetwork } from '../network/kubernetes.ts'
import { kubernetesProvider } from '../network/kubernetes-provider.ts'
import { StrimziCluster } from './strimzi.ts'

export interface KubernetesColourArgs {
  readonly place: StrimziPlace
  readonly brokers: StrimziSpec
  readonly catalog: Catalog
  /** Of the kubeconfig: nothing is made in another cluster. */
  readonly context: string
  /** This project's image, which fences the colour when it is new. */
  readonly image: string
  /** File with the passwords of the catalog's users and of this project's own, see CredentialsFile. */
  readonly credentialsFile: string
  /** Whether what holds records refuses to be deleted. */
  readonly protect: boolean
}

/** A whole colour on Kubernetes: a namespace of its own and a Kafka of Strimzi's in it. */
export class KubernetesColour extends pulumi.ComponentResource {
  readonly strimzi: pulumi.Output<StrimziColour>

  constructor(name: string, args: KubernetesColourArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:cluster:KubernetesColour', name, {}, opts)
    const { place, brokers, catalog, context, image, credentialsFile, protect } = args
    const { fleet, colour, network: spec } = place
    const child = { parent: this, providers: { kubernetes: kubernetesProvider(name, context, this) } }
    const network = new KubernetesNetwork(`${name}-network`, { plan: planColourNamespace(fleet, colour, spec), protect }, child)
    const cluster = new StrimziCluster(`${name}-cluster`, { network, place, spec: brokers, catalog, image, credentialsFile, protect }, child)
    const { kafkaVersion } = brokers
    this.strimzi = pulumi.output({
      ...{ fleet, colour, context, kafkaVersion, credentialsFile, brokerIds: [...strimziBrokerIds(colour, brokers)] },
      ...{ namespace: network.namespace, clusterId: cluster.clusterId, authority: cluster.authority },
    })
    this.registerOutputs({ strimzi: this.strimzi })
  }
}
