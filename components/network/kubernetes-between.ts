import { ConfigMap } from '@pulumi/kubernetes/core/v1/configMap.js'
import * as pulumi from '@pulumi/pulumi'
import type { KubernetesAudit as KubernetesAuditSpec } from '../../engine/model/kubernetes-audit.ts'
import { planTrafficNamespace, trafficNamespace } from '../../engine/model/kubernetes-network.ts'
import { type TrafficPods, trustedFiles, trustedName } from '../../engine/model/kubernetes-traffic.ts'
import type { Intent } from '../../engine/model/wiring.ts'
import { KubernetesAudit } from '../audit/kubernetes.ts'
import { filedCertificate } from '../catalog/credentials.ts'
import { KubernetesGuardians } from '../guardian/kubernetes.ts'
import { KubernetesMirror } from '../mirror/kubernetes.ts'
import { KubernetesSwitchover } from '../switchover/kubernetes.ts'
import { KubernetesWriteBack } from '../write-back/kubernetes.ts'
import { KubernetesNetwork } from './kubernetes.ts'
import { kubernetesProvider } from './kubernetes-provider.ts'

/** The colours are in one Kubernetes cluster, or no NetworkPolicy could name the other's pods. */
export interface KubernetesBetweenArgs extends TrafficPods {
  /** File with the certificate (PEM) of the authority that has signed what the workers and the audit speak TLS with. */
  readonly caFile: string
  readonly audit: KubernetesAuditSpec
  /** Where traffic is wanted; null: nobody says yet, and nothing moves it. */
  readonly intent: Intent | null
}

/** What connects two colours on Kubernetes: the fleet's own namespace, the mirror's workers, the audit, what writes positions back, the guardians, and the job that brings traffic to where it is wanted. */
export class KubernetesBetween extends pulumi.ComponentResource {
  /** The job that moves traffic; null: there is none. */
  readonly job: KubernetesSwitchover['job'] | null

  constructor(name: string, args: KubernetesBetweenArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:network:KubernetesBetween', name, {}, opts)
    const { fleet, colours, routeStore, caFile, audit, intent } = args
    const provider = kubernetesProvider(name, colours.blue.context, this)
    const child = { parent: this, providers: { kubernetes: provider } }
    const network = new KubernetesNetwork(`${name}-traffic`, { plan: planTrafficNamespace(fleet, routeStore.endpoints), protect: false }, child)
    const mirror = new KubernetesMirror(`${name}-mirror`, { colours }, child)
    const pem = { platform: filedCertificate(caFile), routeStore: filedCertificate(routeStore.caFile) }
    const metadata = { name: trustedName, namespace: trafficNamespace(fleet) }
    const trusted = new ConfigMap(`${name}-authorities`, { metadata, data: { ...trustedFiles(args, pem) } }, { parent: this, provider, dependsOn: [network] })
    const behind = [network, trusted]
    const compared = new KubernetesAudit(`${name}-audit`, { pods: args, spec: audit, behind }, child)
    const writeBack = new KubernetesWriteBack(`${name}-write-back`, { pods: args, behind }, child)
    const guardians = new KubernetesGuardians(`${name}-guardians`, { pods: args, behind }, child)
    const moving = { pods: args, behind: [...behind, mirror, compared, writeBack, guardians] }
    this.job = intent === null ? null : new KubernetesSwitchover(`${name}-switchover`, { ...moving, intent }, child).job
    this.registerOutputs({})
  }
}
