import { CustomResource } from '@pulumi/kubernetes/apiextensions/customResource.js'
import { Namespace } from '@pulumi/kubernetes/core/v1/namespace.js'
import * as pulumi from '@pulumi/pulumi'
import type { ClosedNamespace } from '../../engine/model/kubernetes-network.ts'

export interface KubernetesNetworkArgs {
  readonly plan: ClosedNamespace
  /** Whether the namespace, with every claim of a volume in it, refuses to be deleted. */
  readonly protect: boolean
}

/** A namespace that nothing enters or leaves but what is let through. */
export class KubernetesNetwork extends pulumi.ComponentResource {
  readonly namespace: pulumi.Output<string>

  constructor(name: string, { plan, protect }: KubernetesNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:network:KubernetesNetwork', name, {}, opts)
    const namespace = new Namespace(`${name}-namespace`, { metadata: plan.namespace.metadata }, { parent: this, protect })
    for (const policy of plan.policies) {
      new CustomResource(`${name}-${policy.metadata.name}`, { ...policy }, { parent: this, dependsOn: [namespace] })
    }
    this.namespace = namespace.metadata.name
    this.registerOutputs({ namespace: this.namespace })
  }
}
