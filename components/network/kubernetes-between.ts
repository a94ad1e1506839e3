import { ConfigMap } from '@pulumi/kubernetes/core/v1/configMap.js'
import * as pulumi from '@pulumi/pulumi'
import type { KubernetesAudit as KubernetesAuditSpec } from '../../engine/model/kubernetes-audit.ts'
import { planTrafficNamespace, trafficNamespace } from '../../engine/model/kubernetes-network.ts'
import { type TrafficPods, trustedFiles, trustedName } from '../../engine/model/kubernetes-traffic.ts'
import { KubernetesAudit } from '../audit/kubernetes.ts'
import { filedCertificate } from '../catalog/credentials.ts'
import { KubernetesGuardians } from '../guardian/kubernetes.ts'
import { KubernetesMirror } from '../mirror/kubernetes.ts'
import { KubernetesNetwork } from './kubernetes.ts'
import { kubernetesProvider } from './kubernetes-provider.ts'

/** The colours are in one Kubernetes cluster, or no NetworkPolicy could name the other's pods. */
export interface KubernetesBetweenArgs extends TrafficPods {
  /** File with the certificate (PEM) of the authority that has signed what the workers and the audit speak TLS with. */
  readonly caFile: string
  readonly audit: KubernetesAuditSpec
}

/** What connects two colours on Kubernetes: the fleet's own namespace, the mirror's workers, the audit, and the guardians. */
export class KubernetesBetween extends pulumi.ComponentResource {
  constructor(name: string, args: KubernetesBetweenArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:network:KubernetesBetween', name, {}, opts)
    const { fleet, colours, routeStore, caFile, audit } = args
    const provider = kubernetesProvider(name, colours.blue.context, this)
    const child = { parent: this, providers: { kubernetes: provider } }
    const network = new KubernetesNetwork(`${name}-traffic`, { plan: planTrafficNamespace(fleet, routeStore.endpoints), protect: false }, child)
    new KubernetesMirror(`${name}-mirror`, { colours }, child)
    const pem = { platform: filedCertificate(caFile), routeStore: filedCertificate(routeStore.caFile) }
    const metadata = { name: trustedName, namespace: trafficNamespace(fleet) }
    const trusted = new ConfigMap(`${name}-authorities`, { metadata, data: { ...trustedFiles(args, pem) } }, { parent: this, provider, dependsOn: [network] })
    const behind = [network, trusted]
    new KubernetesAudit(`${name}-audit`, { pods: args, spec: audit, behind }, child)
    new KubernetesGuardians(`${name}-guardians`, { pods: args, behind }, child)
    this.registerOutputs({})
  }
}
