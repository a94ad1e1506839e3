import { CustomResource } from '@pulumi/kubernetes/apiextensions/customResource.js'
import { ConfigMap } from '@pulumi/kubernetes/core/v1/configMap.js'
import { Secret } from '@pulumi/kubernetes/core/v1/secret.js'
import * as pulumi from '@pulumi/pulumi'
import { auditCertificateName, auditName, auditUsers, type KubernetesAudit as KubernetesAuditSpec, planAudit } from '../../engine/model/kubernetes-audit.ts'
import { trafficNamespace } from '../../engine/model/kubernetes-network.ts'
import { fleetCredentials, type TrafficPods } from '../../engine/model/kubernetes-traffic.ts'
import { filedCertificate, filedCredentials, filedKey } from '../catalog/credentials.ts'

export interface KubernetesAuditArgs {
  readonly pods: TrafficPods
  readonly spec: KubernetesAuditSpec
  /** The closed namespace, and whom to trust: nothing starts before both are there. */
  readonly behind: pulumi.Resource[]
}

/** The audit that compares both colours record by record, as a pod of the fleet's own namespace. What it has come to lies on a claim of its own, and goes with the stack. */
export class KubernetesAudit extends pulumi.ComponentResource {
  constructor(name: string, { pods, spec, behind }: KubernetesAuditArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:audit:KubernetesAudit', name, {}, opts)
    const child = { parent: this, dependsOn: behind }
    const certificate = filedCertificate(spec.certificateFile)
    const { config, claim, service, deployment } = planAudit(pods, spec, certificate)
    const metadata = (object: string) => ({ name: object, namespace: trafficNamespace(pods.fleet) })
    const stringData = { 'credentials.json': filedCredentials(fleetCredentials(pods), auditUsers) }
    const credentials = new Secret(name, { metadata: metadata(auditName), stringData }, child)
    const pair = { 'tls.crt': certificate, 'tls.key': filedKey(spec.keyFile) }
    const shown = new Secret(`${name}-certificate`, { metadata: metadata(auditCertificateName), type: 'kubernetes.io/tls', stringData: pair }, child)
    const told = new ConfigMap(name, config, child)
    const state = new CustomResource(`${name}-state`, { ...claim }, child)
    const reached = new CustomResource(`${name}-service`, { ...service }, child)
    new CustomResource(name, { ...deployment(told.metadata.name) }, { parent: this, dependsOn: [...behind, credentials, shown, told, state, reached] })
    this.registerOutputs({})
  }
}
