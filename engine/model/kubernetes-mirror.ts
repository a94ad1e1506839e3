import { platformUsers } from './cluster-access.ts'
import type { Colour } from './colour.ts'
import { jaasEntry, loginModules } from './jaas.ts'
import { colourNamespace, kubernetesPorts, type Manifest, workerLabels } from './kubernetes-network.ts'
import { type KafkaProperties, workerGroupId, workerProperties } from './mirror-template.ts'
import { propertiesText } from './properties.ts'
import { stableHash } from './stable-hash.ts'
import { accessInPods, podFiles, type StrimziColour } from './strimzi-access.ts'
import { strimziVersion } from './strimzi-brokers.ts'
import { restUser, type WorkerAccess } from './wiring.ts'

/** Name of everything that stands beside a colour for the mirror into it. */
export const mirrorName = 'kbg-mirror'
/** Secret that somebody makes in each colour's namespace: `keystore.p12`, what the worker's REST speaks TLS with, for {@link workerHost}. */
export const restKeystoreSecret = 'kbg-connect-rest'
/** The name that the keystore's password has in the credentials file. */
export const keystorePasswordName = 'connect-keystore'
/** What the credentials file has to hold for a worker. */
export const workerPasswordNames: readonly string[] = [platformUsers.mirror, restUser, keystorePasswordName]

/** Connect and MirrorMaker of one version for both colours, whatever their brokers run: Kafka's own, from the image that Strimzi makes of it. */
export const mirrorKafkaVersion = '4.3.1'
const image = `quay.io/strimzi/kafka:${strimziVersion}-kafka-${mirrorKafkaVersion}`

const directory = { worker: '/mnt/kbg/worker', logins: '/mnt/kbg/logins', rest: '/mnt/kbg/rest' } as const
/** In the directory of `logins`, the only one that references may read from. */
const loginsFile = `${directory.logins}/logins.properties`
const reference = (key: 'source' | 'target' | 'keystore') => `\${file:${loginsFile}:${key}}`

/** Name of the service that reaches a colour's worker. */
export function workerHost(fleet: string, colour: Colour): string {
  return `${mirrorName}.${colourNamespace(fleet, colour)}.svc`
}

/** How pods of this project reach the worker that copies into a colour. @param caFile the authority that has signed the worker's certificate */
export function workerInPods({ fleet, colour }: Pick<StrimziColour, 'fleet' | 'colour'>, caFile: string): WorkerAccess {
  return {
    ...{ colour, groupId: workerGroupId(fleet, colour), restUrl: `https://${workerHost(fleet, colour)}:${kubernetesPorts.connectRest}` },
    ...{ credentialsFile: podFiles.credentials, sourceLogin: reference('source'), targetLogin: reference('target'), caFile },
  }
}

/** Properties of the worker beside a colour: those of every platform. It listens on all addresses of its pod, which it doesn't know by number. */
export function kubernetesWorkerProperties(target: StrimziColour): KafkaProperties {
  const { fleet, colour } = target
  const port = kubernetesPorts.connectRest
  const properties = workerProperties({
    ...{ fleet, target: accessInPods(target), restHost: workerHost(fleet, colour), restPort: port },
    ...{ targetLogin: reference('target'), secretsDirectory: directory.logins },
    restKeystore: { file: `${directory.rest}/keystore.p12`, password: reference('keystore') },
  })
  return { ...properties, listeners: `https://:${port}` }
}

/** The worker's files that hold passwords, by name. */
export function workerSecrets(passwordOf: (name: string) => string): Readonly<Record<string, string>> {
  const login = jaasEntry(loginModules.scram, { username: platformUsers.mirror, password: passwordOf(platformUsers.mirror) })
  const users = `${directory.logins}/rest-users.properties`
  return {
    'logins.properties': propertiesText({ source: login, target: login, keystore: passwordOf(keystorePasswordName) }),
    'rest-users.properties': propertiesText({ [restUser]: passwordOf(restUser) }),
    'rest-login.conf': `KafkaConnect {\n  ${jaasEntry(loginModules.propertyFile, { file: users })}\n};\n`,
  }
}

/**
 * The worker as a Deployment: one pod, and the old one gone before the next begins, for two would share one group of tasks. Not Strimzi's KafkaConnect, whose REST has neither TLS nor a login
 * (docs/adr/0016).
 */
export function workerDeployment(target: StrimziColour): Manifest {
  const { fleet, colour } = target
  const configuration = stableHash(propertiesText(kubernetesWorkerProperties(target))).toString(16)
  return {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment' },
    metadata: { name: mirrorName, namespace: colourNamespace(fleet, colour), labels: workerLabels },
    spec: {
      replicas: 1,
      strategy: { type: 'Recreate' },
      selector: { matchLabels: workerLabels },
      template: {
        // Another configuration is another pod: Connect reads its file once.
        metadata: { labels: workerLabels, annotations: { 'kbg/configuration': configuration } },
        spec: {
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, runAsUser: 1_001, fsGroup: 1_001, seccompProfile: { type: 'RuntimeDefault' } },
          // Its task has 5 s to end its transaction.
          terminationGracePeriodSeconds: 30,
          containers: [workerContainer()],
          volumes: [
            { name: 'worker', configMap: { name: mirrorName } },
            { name: 'authorities', configMap: { name: authoritiesName } },
            { name: 'logins', secret: { secretName: mirrorName, defaultMode: 0o440 } },
            { name: 'rest', secret: { secretName: restKeystoreSecret, defaultMode: 0o440 } },
            { name: 'tmp', emptyDir: { sizeLimit: '256Mi' } },
          ],
        },
      },
    },
  }
}

/** ConfigMap with the certificates of both colours' authorities. */
export const authoritiesName = 'kbg-authorities'

function workerContainer(): object {
  const mount = (name: string, mountPath: string) => ({ name, mountPath, readOnly: true })
  const listening = { tcpSocket: { port: kubernetesPorts.connectRest } }
  const amount = { cpu: '1', memory: '1536Mi' }
  return {
    name: 'connect',
    image,
    command: ['/opt/kafka/bin/connect-distributed.sh', `${directory.worker}/worker.properties`],
    env: [
      { name: 'KAFKA_HEAP_OPTS', value: '-Xms512m -Xmx1g' },
      { name: 'KAFKA_OPTS', value: `-Djava.security.auth.login.config=${directory.logins}/rest-login.conf` },
      { name: 'LOG_DIR', value: '/tmp' },
    ],
    ports: [{ name: 'rest', containerPort: kubernetesPorts.connectRest }],
    // The REST asks for a login, which a probe can't have; that it listens is what Kubernetes can see.
    startupProbe: { ...listening, periodSeconds: 2, failureThreshold: 60 },
    readinessProbe: listening,
    livenessProbe: { ...listening, periodSeconds: 10, failureThreshold: 6 },
    resources: { requests: amount, limits: amount },
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    volumeMounts: [
      ...[mount('worker', directory.worker), mount('authorities', podFiles.authorities), mount('logins', directory.logins), mount('rest', directory.rest)],
      { name: 'tmp', mountPath: '/tmp' },
    ],
  }
}

/** The service under the worker's name. */
export function workerService({ fleet, colour }: StrimziColour): Manifest {
  const port = kubernetesPorts.connectRest
  return {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: mirrorName, namespace: colourNamespace(fleet, colour), labels: workerLabels } },
    spec: { selector: workerLabels, ports: [{ name: 'rest', port, targetPort: port }] },
  }
}
