import { CustomResource } from '@pulumi/kubernetes/apiextensions/customResource.js'
import { ConfigMap } from '@pulumi/kubernetes/core/v1/configMap.js'
import { Secret } from '@pulumi/kubernetes/core/v1/secret.js'
import * as pulumi from '@pulumi/pulumi'
import { trafficNamespace } from '../../engine/model/kubernetes-network.ts'
import { fleetCredentials, type TrafficPods } from '../../engine/model/kubernetes-traffic.ts'
import { planWriteBack, writeBackName, writeBackUsers } from '../../engine/model/kubernetes-write-back.ts'
import { filedCredentials } from '../catalog/credentials.ts'

export interface KubernetesWriteBackArgs {
  readonly pods: TrafficPods
  /** The closed namespace, and whom to trust: nothing starts before both are there. */
  readonly behind: pulumi.Resource[]
}

/** Keeps the live side's copy of positions that groups commit on the standby, as a pod of the fleet's own namespace. */
export class KubernetesWriteBack extends pulumi.ComponentResource {
  constructor(name: string, { pods, behind }: KubernetesWriteBackArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:write-back:KubernetesWriteBack', name, {}, opts)
    const { config, deployment } = planWriteBack(pods)
    const child = { parent: this, dependsOn: behind }
    const metadata = { name: writeBackName, namespace: trafficNamespace(pods.fleet) }
    const stringData = { 'credentials.json': filedCredentials(fleetCredentials(pods), writeBackUsers(pods)) }
    const credentials = new Secret(name, { metadata, stringData }, child)
    const told = new ConfigMap(name, config, child)
    new CustomResource(name, { ...deployment(told.metadata.name) }, { parent: this, dependsOn: [...behind, credentials, told] })
    this.registerOutputs({})
  }
}
