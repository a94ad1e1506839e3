import { CustomResource } from '@pulumi/kubernetes/apiextensions/customResource.js'
import { ConfigMap } from '@pulumi/kubernetes/core/v1/configMap.js'
import { Secret } from '@pulumi/kubernetes/core/v1/secret.js'
import * as pulumi from '@pulumi/pulumi'
import type { Colour } from '../../engine/model/colour.ts'
import { guardiansBudget, guardiansName, guardianUsers, planGuardian } from '../../engine/model/kubernetes-guardian.ts'
import { trafficNamespace } from '../../engine/model/kubernetes-network.ts'
import { fleetCredentials, type TrafficPods } from '../../engine/model/kubernetes-traffic.ts'
import { filedCredentials } from '../catalog/credentials.ts'

export interface KubernetesGuardiansArgs {
  readonly pods: TrafficPods
  /** The closed namespace, and whom to trust: nothing starts before both are there. */
  readonly behind: pulumi.Resource[]
}

/** A guardian beside each colour, as pods of the fleet's own namespace. They follow the route that they find in the store; whoever moves traffic makes it. */
export class KubernetesGuardians extends pulumi.ComponentResource {
  constructor(name: string, { pods, behind }: KubernetesGuardiansArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:guardian:KubernetesGuardians', name, {}, opts)
    const { fleet } = pods
    const child = { parent: this, dependsOn: behind }
    const metadata = { name: guardiansName, namespace: trafficNamespace(fleet) }
    const stringData = { 'credentials.json': filedCredentials(fleetCredentials(pods), guardianUsers(pods)) }
    const credentials = new Secret(name, { metadata, stringData }, child)
    const budget = new CustomResource(`${name}-budget`, { ...guardiansBudget(fleet) }, child)
    const beside = (colour: Colour, dependsOn: pulumi.Resource[]) => {
      const { config, deployment } = planGuardian(pods, colour)
      const told = new ConfigMap(`${name}-${colour}`, config, child)
      return new CustomResource(
        `${name}-${colour}`,
        { ...deployment(told.metadata.name) },
        { parent: this, dependsOn: [...behind, credentials, budget, told, ...dependsOn] },
      )
    }
    // One after the other, so that an update that restarts both leaves one at its place.
    beside('green', [beside('blue', [])])
    this.registerOutputs({})
  }
}
