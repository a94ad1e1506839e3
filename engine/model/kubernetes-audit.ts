import { z } from 'zod'
import { type AuditWorkerAccess, AuditWorkerConfig, auditUser } from './audit-worker.ts'
import { KbgError } from './error.ts'
import { auditLabels, KubernetesName, kubernetesPorts, type Manifest, trafficNamespace } from './kubernetes-network.ts'
import { type ProgramConfig, programDeployment, programPod, type TrafficPods, trustedFile } from './kubernetes-traffic.ts'
import { stableHash } from './stable-hash.ts'
import { accessInPods, podFiles } from './strimzi-access.ts'

/** What a stack says of the audit on Kubernetes. */
export const KubernetesAudit = z.strictObject({
  storageClass: KubernetesName,
  /** For what it has come to: the offset map, some bytes for each run of the mirror's commits. */
  storageGib: z.int().min(1).max(16_384),
  /** Files with the certificate (PEM) for {@link auditHost} and with its key. */
  certificateFile: z.string().min(1),
  keyFile: z.string().min(1),
})
export type KubernetesAudit = z.infer<typeof KubernetesAudit>

/** Name of everything that stands for the audit but its configuration. */
export const auditName = 'kbg-audit'
/** Secret with its certificate and key, of the type `kubernetes.io/tls`. */
export const auditCertificateName = 'kbg-audit-tls'
/** Whom it logs in as, and whom it answers: it holds no other password. */
export const auditUsers: readonly string[] = [auditUser]

const directory = { certificate: '/mnt/kbg/certificate', state: '/mnt/kbg/state' } as const

/** The name that its certificate has to be for. */
export function auditHost(fleet: string): string {
  return `${auditName}.${trafficNamespace(fleet)}.svc`
}

/** How guardians reach it. */
export function auditInPods(fleet: string): AuditWorkerAccess {
  return { url: `https://${auditHost(fleet)}:${kubernetesPorts.audit}`, credentialsFile: podFiles.credentials, caFile: trustedFile.platform }
}

/**
 * What its one worker is started with: one keeps up with what the processes of one machine can write.
 * @throws KbgError `audit-config` naming what no worker would take
 */
export function auditConfig({ fleet, colours: { blue, green }, catalog, image }: TrafficPods): AuditWorkerConfig {
  const { data, error } = AuditWorkerConfig.safeParse({
    ...{ fleet, as: auditUser, clusters: { blue: accessInPods(blue), green: accessInPods(green) }, topics: Object.keys(catalog.topics), code: image },
    ...{ stateDirectory: `${directory.state}/partitions`, credentialsFile: podFiles.credentials },
    listen: {
      ...{ host: '0.0.0.0', port: kubernetesPorts.audit },
      tls: { certificateFile: `${directory.certificate}/tls.crt`, keyFile: `${directory.certificate}/tls.key` },
    },
  })
  if (data !== undefined) return data
  throw new KbgError('audit-config', 'No audit can compare these colours.', {
    facts: { problems: error.issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`) },
  })
}

/** Everything of the audit but what it is given as Secrets. */
export interface PlannedAudit {
  readonly config: ProgramConfig<'audit.json'>
  readonly claim: Manifest
  readonly service: Manifest
  /** @param configMap its configuration's name: another one is another pod */
  deployment<Name>(configMap: Name): Manifest
}

/**
 * @param certificate PEM; another one is another pod, for it is read once
 * @throws KbgError as {@link auditConfig}
 */
export function planAudit(pods: TrafficPods, { storageClass, storageGib }: KubernetesAudit, certificate: string): PlannedAudit {
  const { fleet, image } = pods
  const namespace = trafficNamespace(fleet)
  const metadata = { name: auditName, namespace, labels: auditLabels }
  const text = JSON.stringify(auditConfig(pods))
  const port = kubernetesPorts.audit
  return {
    config: { metadata: { namespace }, immutable: true, data: { 'audit.json': text } },
    claim: {
      ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim' },
      // It is bound when its pod finds a place, for which an update doesn't wait.
      metadata: { ...metadata, annotations: { 'pulumi.com/skipAwait': 'true' } },
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: storageClass, resources: { requests: { storage: `${storageGib}Gi` } } },
    },
    service: { ...{ apiVersion: 'v1', kind: 'Service', metadata }, spec: { selector: auditLabels, ports: [{ name: 'audit', port, targetPort: port }] } },
    deployment: (configMap) =>
      programDeployment(fleet, auditName, auditLabels, auditPod(image, configMap), { 'kbg/certificate': stableHash(certificate).toString(16) }),
  }
}

function auditPod<Name>(image: string, configMap: Name): object {
  const { containers, volumes, ...pod } = programPod({
    ...{ name: 'audit', image, program: 'engine/run/audit/main.ts', configMap, file: 'audit.json', secret: auditName },
    // Its readers and what it holds of both sides are some 330 MiB at most; Node, its garbage and the map that grows come on top.
    amount: { cpu: '1', memory: '2Gi' },
  })
  // It asks for a proof that a probe can't give; that it listens is what Kubernetes can see. A start reads the saved map.
  const listening = { tcpSocket: { port: kubernetesPorts.audit } }
  return {
    ...pod,
    terminationGracePeriodSeconds: 30,
    containers: containers.map((container) => ({
      ...container,
      ports: [{ name: 'audit', containerPort: kubernetesPorts.audit }],
      startupProbe: { ...listening, periodSeconds: 2, failureThreshold: 60 },
      readinessProbe: listening,
      volumeMounts: [
        ...container.volumeMounts,
        { name: 'certificate', mountPath: directory.certificate, readOnly: true },
        { name: 'state', mountPath: directory.state },
      ],
    })),
    volumes: [
      ...volumes,
      { name: 'certificate', secret: { secretName: auditCertificateName, defaultMode: 0o400 } },
      { name: 'state', persistentVolumeClaim: { claimName: auditName } },
    ],
  }
}
