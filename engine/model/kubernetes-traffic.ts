import type { Catalog } from './catalog.ts'
import { type Colour, colours } from './colour.ts'
import { KbgError } from './error.ts'
import { workerInPods } from './kubernetes-mirror.ts'
import { type Manifest, trafficNamespace } from './kubernetes-network.ts'
import type { KubernetesRouteStore } from './kubernetes-route-store.ts'
import type { Limits } from './limits.ts'
import { accessInPods, podFiles, type StrimziColour } from './strimzi-access.ts'
import { wavesOf } from './wave.ts'
import type { UnprovenGroups, Wiring } from './wiring.ts'

/** What the fleet's own pods are made from. */
export interface TrafficPods {
  readonly fleet: string
  /** As the colours' own stacks say. */
  readonly colours: Readonly<Record<Colour, StrimziColour>>
  /** What both colours hold. */
  readonly catalog: Pick<Catalog, 'topics' | 'groups' | 'users'>
  readonly routeStore: KubernetesRouteStore
  /** Within which guardians and the job that moves traffic work. */
  readonly limits: Limits
  /** Groups that the operator has named. */
  readonly unprovenGroups: UnprovenGroups
  /** This project's image, see `ImageName`. */
  readonly image: string
}

/** ConfigMap in the fleet's namespace with the certificates of everybody who is trusted there: {@link trustedFile}. */
export const trustedName = 'kbg-authorities'

/** Where pods find the certificate of the authority that has signed what the workers and the audit speak TLS with, and the route store's. */
export const trustedFile = { platform: `${podFiles.authorities}/platform.crt`, routeStore: `${podFiles.authorities}/route-store.crt` } as const

/** The ConfigMap's files. @param pem what stands in the files of the authorities that no colour's stack says */
export function trustedFiles(
  { colours: { blue, green } }: TrafficPods,
  pem: Readonly<Record<keyof typeof trustedFile, string>>,
): Readonly<Record<string, string>> {
  return { 'blue.crt': blue.authority, 'green.crt': green.authority, 'platform.crt': pem.platform, 'route-store.crt': pem.routeStore }
}

/** The one file that holds the passwords of both colours' users and of the route store's. @throws KbgError `credentials-apart`, `login-twice` */
export function fleetCredentials({ colours: { blue, green }, catalog, routeStore }: TrafficPods): string {
  if (blue.credentialsFile !== green.credentialsFile) {
    throw new KbgError('credentials-apart', 'The colours’ stacks name different credentials files, and a pod has one for both.', {
      facts: { blue: blue.credentialsFile, green: green.credentialsFile },
      remedy: 'Name the same file in both: a fleet’s users have the same passwords on both colours.',
    })
  }
  if (catalog.users.includes(routeStore.username)) {
    throw new KbgError('login-twice', `The route store’s user ${routeStore.username} is one of the catalog’s too: one password would stand for both logins.`, {
      remedy: 'Give the route store’s user another name in etcd, and in routeStore.username.',
    })
  }
  return blue.credentialsFile
}

/** How pods of the fleet's namespace reach everything. @param audit the workers that compare the colours */
export function wiringInPods(pods: TrafficPods, audit: Wiring['audit']): Wiring {
  const { fleet, colours: both, catalog, routeStore, unprovenGroups } = pods
  const { blue, green } = both
  const { endpoints, username } = routeStore
  const staying = Object.entries(unprovenGroups).flatMap(([groupId, what]) => (what === 'stay' ? [groupId] : []))
  return {
    fleet,
    routeStore: { endpoints: endpoints.map(({ url }) => url), username, credentialsFile: podFiles.credentials, caFile: trustedFile.routeStore },
    clusters: { blue: accessInPods(blue), green: accessInPods(green) },
    workers: { blue: workerInPods(blue, trustedFile.platform), green: workerInPods(green, trustedFile.platform) },
    ...{ audit, guardians: [...colours], unprovenGroups, hooks: [], publications: {} },
    ...{ topics: Object.keys(catalog.topics), groups: Object.keys(catalog.groups), waves: wavesOf(catalog, staying) },
  }
}

/**
 * ConfigMap with the one file that a program is started with. It has no name of its own: Pulumi gives each new content one that nothing had before. A name that followed from the content would come back with it,
 * while the former map of that name still waits for the end of an update that succeeds to be deleted.
 */
export interface ProgramConfig<File extends string> {
  readonly metadata: { readonly namespace: string }
  readonly immutable: true
  readonly data: Readonly<Record<File, string>>
}

/** What a program of this project's image is given, and what it may take. @typeParam Name of its ConfigMap, which is known when that is made */
export interface ProgramPod<Name> {
  readonly name: string
  readonly image: string
  /** Path in the image. */
  readonly program: string
  /** {@link ProgramConfig}. */
  readonly configMap: Name
  readonly file: string
  /** Secret with the credentials file. */
  readonly secret: string
  readonly amount: { readonly cpu: string; readonly memory: string }
}

/** The pod of a program: nobody's root, nothing to write to, no way to the API server. */
export function programPod<Name>({ name, image, program, configMap, file, secret, amount }: ProgramPod<Name>) {
  const mount = (volume: string, mountPath: string) => ({ name: volume, mountPath, readOnly: true })
  const config = '/mnt/kbg/config'
  return {
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, runAsUser: 1_000, runAsGroup: 1_000, fsGroup: 1_000, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        ...{ name, image, args: [program, `${config}/${file}`] },
        resources: { requests: amount, limits: amount },
        securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
        volumeMounts: [mount('config', config), mount('authorities', podFiles.authorities), mount('credentials', '/mnt/kbg/credentials')],
      },
    ],
    volumes: [
      { name: 'config', configMap: { name: configMap } },
      { name: 'authorities', configMap: { name: trustedName } },
      // The kubelet lets the pod's own group (fsGroup) read it as well: the file is root's, and the program is not.
      { name: 'credentials', secret: { secretName: secret, defaultMode: 0o400 } },
    ],
  }
}

/** One pod of a program, and the old one gone before the next begins. @param annotations of the pod: another one is another pod */
export function programDeployment(
  fleet: string,
  name: string,
  labels: Readonly<Record<string, string>>,
  pod: object,
  annotations?: Readonly<Record<string, string>>,
): Manifest {
  return {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: trafficNamespace(fleet), labels } },
    spec: {
      replicas: 1,
      strategy: { type: 'Recreate' },
      // One that can't read what it is given ends at once: it must not count as up.
      minReadySeconds: 10,
      selector: { matchLabels: labels },
      template: { metadata: { labels, ...(annotations === undefined ? {} : { annotations }) }, spec: pod },
    },
  }
}
