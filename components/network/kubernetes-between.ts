import * as pulumi from '@pulumi/pulumi'
import type { Colour } from '../../engine/model/colour.ts'
import { planTrafficNamespace } from '../../engine/model/kubernetes-network.ts'
import type { StrimziColour } from '../../engine/model/strimzi-access.ts'
import { KubernetesMirror } from '../mirror/kubernetes.ts'
import { KubernetesNetwork } from './kubernetes.ts'
import { kubernetesProvider } from './kubernetes-provider.ts'

export interface KubernetesBetweenArgs {
  readonly fleet: string
  /** As the colours' own stacks say; in one Kubernetes cluster, or no NetworkPolicy could name the other's pods. */
  readonly colours: Readonly<Record<Colour, StrimziColour>>
}

/** What connects two colours on Kubernetes: the fleet's own namespace, and the mirror's workers. */
export class KubernetesBetween extends pulumi.ComponentResource {
  constructor(name: string, args: KubernetesBetweenArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:network:KubernetesBetween', name, {}, opts)
    const { fleet, colours } = args
    const child = { parent: this, providers: { kubernetes: kubernetesProvider(name, colours.blue.context, this) } }
    new KubernetesNetwork(`${name}-traffic`, { plan: planTrafficNamespace(fleet), protect: false }, child)
    new KubernetesMirror(`${name}-mirror`, { colours }, child)
    this.registerOutputs({})
  }
}
