import { z } from 'zod'
import type { BirthConfig } from './birth.ts'
import { type ClusterAccess, platformUsers } from './cluster-access.ts'
import { birthLabels, colourNamespace, kafkaName, type Manifest } from './kubernetes-network.ts'
import { podFiles } from './strimzi-access.ts'
import type { StrimziPlace } from './strimzi-brokers.ts'

/** Name of the job that fences a new colour, and of what it is given. */
export const birthName = 'kbg-birth'
/** Users that it logs in as. */
export const birthUsers: readonly string[] = [platformUsers.operator, platformUsers.probe]
/** How long it may try; Kubernetes then begins again, a few times. */
const deadlineSeconds = 120

/** Where this project's image is: built from `tools/image/Dockerfile`, and pinned. */
export const ImageName = z
  .string()
  .regex(/^[a-z0-9][\w./:-]*(?::(?!latest$)[\w][\w.-]*|@sha256:[0-9a-f]{64})$/, 'an image with a tag other than latest, or with a digest')

/** What the job is told. */
export function birthConfig(access: ClusterAccess, brokers: number): BirthConfig {
  return { access, brokers, deadlineSeconds }
}

/** The job that fences a colour before any application has a login there; on one that was born before it touches nothing (`engine/run/birth/main.ts`). */
export function birthJob({ fleet, colour }: Pick<StrimziPlace, 'fleet' | 'colour'>, image: string): Manifest {
  const mount = (name: string, mountPath: string) => ({ name, mountPath, readOnly: true })
  const amount = { cpu: '250m', memory: '256Mi' }
  return {
    ...{ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: birthName, namespace: colourNamespace(fleet, colour), labels: birthLabels } },
    spec: {
      backoffLimit: 5,
      template: {
        metadata: { labels: birthLabels },
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, runAsUser: 1_000, fsGroup: 1_000, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              ...{ name: 'birth', image, args: ['engine/run/birth/main.ts', '/mnt/kbg/birth/birth.json'] },
              resources: { requests: amount, limits: amount },
              securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
              volumeMounts: [mount('birth', '/mnt/kbg/birth'), mount('authorities', podFiles.authorities), mount('credentials', '/mnt/kbg/credentials')],
            },
          ],
          volumes: [
            { name: 'birth', configMap: { name: birthName } },
            // Strimzi's own: the certificate of the colour's authority.
            { name: 'authorities', secret: { secretName: `${kafkaName(colour)}-cluster-ca-cert`, items: [{ key: 'ca.crt', path: `${colour}.crt` }] } },
            { name: 'credentials', secret: { secretName: birthName, defaultMode: 0o440 } },
          ],
        },
      },
    },
  }
}
