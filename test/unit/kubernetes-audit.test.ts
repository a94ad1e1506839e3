import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { AuditWorkerAccess, AuditWorkerConfig } from '../../engine/model/audit-worker.ts'
import { auditCertificateName, auditInPods, auditName, auditUsers } from '../../engine/model/kubernetes-audit.ts'
import { auditLabels } from '../../engine/model/kubernetes-network.ts'
import { trustedFiles, trustedName } from '../../engine/model/kubernetes-traffic.ts'
import { projectDir, toolPaths } from '../../tools/paths.ts'
import { certificate, toldName, trafficAudit, trafficCatalog, trafficPods } from '../support/traffic-pods.ts'

const { config, claim, service, deployment } = trafficAudit()
const text = config.data['audit.json']

interface Template {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>> }
  readonly spec: {
    readonly containers: readonly {
      readonly args: readonly string[]
      readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
    }[]
    readonly volumes: readonly { readonly name: string }[]
  }
}
const templateOf = (planned = deployment) => (planned.spec as { readonly template: Template }).template

test('it is started with a file that its program takes: the catalog’s topics of both colours, over TLS on every address of its pod', () => {
  expect(AuditWorkerConfig.parse(JSON.parse(text))).toMatchObject({
    ...{ fleet: 'shop', as: 'audit', topics: ['orders', 'payments'], workers: 1, code: trafficPods().image, stateDirectory: '/mnt/kbg/state/partitions' },
    clusters: { blue: { clusterId: 'cluster-blue' }, green: { clusterId: 'cluster-green' } },
    listen: { host: '0.0.0.0', port: 8_084, tls: { certificateFile: '/mnt/kbg/certificate/tls.crt', keyFile: '/mnt/kbg/certificate/tls.key' } },
  })
  expect(auditUsers).toEqual(['audit'])
})

test('guardians find it under the name of its service, at the port that it listens on', () => {
  const { url } = AuditWorkerAccess.parse(auditInPods('shop'))
  const { name, namespace } = service.metadata
  expect(url).toBe(`https://${name}.${namespace}.svc:8084`)
  expect(service.spec).toEqual({ selector: auditLabels, ports: [{ name: 'audit', port: 8_084, targetPort: 8_084 }] })
})

test('one pod at most has its claim, as nobody’s root, with nothing else to write to and no way to the API server', () => {
  expect(deployment).toMatchObject({
    metadata: { name: 'kbg-audit', namespace: 'kbg-shop-traffic' },
    spec: {
      ...{ replicas: 1, strategy: { type: 'Recreate' }, selector: { matchLabels: auditLabels } },
      template: {
        metadata: { labels: auditLabels },
        spec: {
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, runAsUser: 1_000, fsGroup: 1_000, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [{ securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } } }],
        },
      },
    },
  })
  expect(claim).toMatchObject({
    metadata: { name: 'kbg-audit', namespace: 'kbg-shop-traffic' },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'fast', resources: { requests: { storage: '20Gi' } } },
  })
})

test('it finds every file that it is told of in a volume, and writes to its claim alone', () => {
  const { containers, volumes } = templateOf().spec
  const [container] = containers
  expect(container?.volumeMounts.map(({ name }) => name)).toEqual(volumes.map(({ name }) => name))
  expect(volumes).toEqual([
    { name: 'config', configMap: { name: toldName } },
    { name: 'authorities', configMap: { name: trustedName } },
    { name: 'credentials', secret: { secretName: auditName, defaultMode: 0o400 } },
    { name: 'certificate', secret: { secretName: auditCertificateName, defaultMode: 0o400 } },
    { name: 'state', persistentVolumeClaim: { claimName: auditName } },
  ])
  const mounted = {
    ...{ config: ['audit.json'], authorities: Object.keys(trustedFiles(trafficPods(), { platform: 'x', routeStore: 'y' })) },
    ...{ credentials: ['credentials.json'], certificate: ['tls.crt', 'tls.key'], state: ['partitions'] },
  }
  const there = container?.volumeMounts.flatMap(({ name, mountPath }) => mounted[name as keyof typeof mounted].map((file) => `${mountPath}/${file}`)) ?? []
  const told = [...text.matchAll(/"(\/mnt\/[^"]+)"/g)].map(([, file]) => file ?? '')
  expect(there).toEqual(expect.arrayContaining([...told, container?.args[1]]))
  expect(container?.volumeMounts.filter((mount) => !('readOnly' in mount)).map(({ name }) => name)).toEqual(['state'])
  expect(container).not.toHaveProperty('env')
})

test('another configuration is told otherwise, another certificate is another pod, and no secret tells which', () => {
  const changed = trafficAudit({ catalog: { ...trafficCatalog, topics: { orders: { partitions: 6 } } as unknown as typeof trafficCatalog.topics } })
  expect(changed.config).not.toEqual(config)
  expect(config).toMatchObject({ metadata: { namespace: 'kbg-shop-traffic' }, immutable: true })
  expect(config.metadata).not.toHaveProperty('name')
  const shown = (planned = deployment) => templateOf(planned).metadata.annotations['kbg/certificate']
  expect(shown(trafficAudit({}, certificate('another')).deployment)).not.toBe(shown())
  expect(shown(trafficAudit().deployment)).toBe(shown())
})

test('colours that are one cluster: refused', () => {
  const { blue, green } = trafficPods().colours
  expect(() => trafficAudit({ colours: { blue, green: { ...green, clusterId: blue.clusterId } } })).toThrow('audit-config')
})

test('the program itself reads the file as it is planned, writes nothing beside it, and stops at the first thing that only a pod has', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kbg-audit-'))
  try {
    const file = join(directory, 'audit.json')
    writeFileSync(file, text)
    const [program = ''] = templateOf().spec.containers[0]?.args ?? []
    const said = await new Promise<string>((resolve) => execFile(toolPaths().node, [join(projectDir, program), file], (_, __, stderr) => resolve(stderr)))
    expect(said).toMatch(/ended: .*\/mnt\/kbg\/credentials\/credentials\.json/)
    expect(readdirSync(directory)).toEqual(['audit.json'])
  } finally {
    rmSync(directory, { recursive: true })
  }
}, 60_000)
