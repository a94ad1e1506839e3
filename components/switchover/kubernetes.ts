import { CustomResource } from '@pulumi/kubernetes/apiextensions/customResource.js'
import { ConfigMap } from '@pulumi/kubernetes/core/v1/configMap.js'
import { Secret } from '@pulumi/kubernetes/core/v1/secret.js'
import * as pulumi from '@pulumi/pulumi'
import { trafficNamespace } from '../../engine/model/kubernetes-network.ts'
import { planSwitchover, switchoverName, switchoverUsers } from '../../engine/model/kubernetes-switchover.ts'
import { fleetCredentials, type TrafficPods } from '../../engine/model/kubernetes-traffic.ts'
import type { Intent } from '../../engine/model/wiring.ts'
import { filedCredentials } from '../catalog/credentials.ts'

export interface KubernetesSwitchoverArgs {
  readonly pods: TrafficPods
  /** Where traffic is wanted. Another one is another job. */
  readonly intent: Intent
  /** What it asks and drives: nothing moves before all of it is there. */
  readonly behind: pulumi.Resource[]
}

/**
 * Who is live, on Kubernetes: a job of the fleet's own namespace that makes the first route, or asks the gate and moves traffic behind it. The update waits for it, and fails as it does; the next one tries the same intent again.
 */
export class KubernetesSwitchover extends pulumi.ComponentResource {
  /** Where its log stands. */
  readonly job: { readonly namespace: string; readonly name: string }

  constructor(name: string, { pods, intent, behind }: KubernetesSwitchoverArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:switchover:KubernetesSwitchover', name, {}, opts)
    const { config, times, ...planned } = planSwitchover(pods, intent)
    const namespace = trafficNamespace(pods.fleet)
    const child = { parent: this, dependsOn: behind }
    const stringData = { 'credentials.json': filedCredentials(fleetCredentials(pods), switchoverUsers(pods)) }
    const credentials = new Secret(name, { metadata: { name: switchoverName, namespace }, stringData }, child)
    const told = new ConfigMap(name, config, child)
    const job = planned.job(told.metadata.name)
    const dependsOn = [...behind, credentials, told]
    // The former one first, and gone as a whole: one that still runs takes back or finishes. One whose making Pulumi was killed over isn't in its state, and stays: then the fleet's lock lets one act.
    const customTimeouts = { create: `${times.run + 2 * times.stop}s`, delete: `${2 * times.stop}s` }
    new CustomResource(name, { ...job }, { parent: this, dependsOn, deleteBeforeReplace: true, customTimeouts })
    this.job = { namespace, name: job.metadata.name }
    this.registerOutputs({})
  }
}
