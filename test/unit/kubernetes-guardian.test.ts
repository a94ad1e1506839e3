import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { colours } from '../../engine/model/colour.ts'
import { GuardianConfig } from '../../engine/model/guardian.ts'
import { guardiansBudget, guardiansName, guardianUsers, planGuardian } from '../../engine/model/kubernetes-guardian.ts'
import { guardianLabels } from '../../engine/model/kubernetes-network.ts'
import { fleetCredentials, trustedFiles, trustedName } from '../../engine/model/kubernetes-traffic.ts'
import { Limits } from '../../engine/model/limits.ts'
import { projectDir, toolPaths } from '../../tools/paths.ts'
import { routeStore, toldName, trafficCatalog, trafficPods } from '../support/traffic-pods.ts'

const pods = trafficPods()
const { blue, green } = pods.colours

interface PodSpec {
  readonly containers: readonly { readonly args: readonly string[]; readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[] }[]
  readonly volumes: readonly { readonly name: string; readonly configMap?: { readonly name: string }; readonly secret?: object }[]
}
const podOf = (colour: 'blue' | 'green', given = pods) =>
  (planGuardian(given, colour).deployment(toldName).spec as { readonly template: { readonly spec: PodSpec } }).template.spec

describe.each(colours)('the guardian beside %s', (colour) => {
  const { config, ...planned } = planGuardian(pods, colour)
  const deployment = planned.deployment(toldName)
  const text = config.data['guardian.json']

  test('is started with a file that its program takes, wired to both colours, the workers, the audit and the route store, with the default limits', () => {
    const parsed = GuardianConfig.parse(JSON.parse(text))
    expect(parsed).toMatchObject({
      ...{ colour, code: pods.image, limits: Limits.parse({}) },
      wiring: {
        ...{ fleet: 'shop', topics: ['orders', 'payments'], groups: ['billing', 'reports'], waves: { 'wave-1': ['billing'] }, guardians: colours },
        audit: [
          {
            url: 'https://kbg-audit.kbg-shop-traffic.svc:8084',
            credentialsFile: '/mnt/kbg/credentials/credentials.json',
            caFile: '/mnt/kbg/authorities/platform.crt',
          },
        ],
        routeStore: {
          endpoints: ['https://etcd-0.etcd.platform.svc:2379', 'https://10.7.0.4:2379'],
          username: 'kbg',
          caFile: '/mnt/kbg/authorities/route-store.crt',
        },
        clusters: { blue: { clusterId: 'cluster-blue' }, green: { clusterId: 'cluster-green' } },
        workers: { blue: { restUrl: 'https://kbg-mirror.kbg-shop-blue.svc:8083', caFile: '/mnt/kbg/authorities/platform.crt' } },
      },
    })
  })

  test('is one pod at most, as nobody’s root, with nothing to write to and no way to the API server', () => {
    expect(deployment).toMatchObject({
      metadata: { name: `kbg-guardian-${colour}`, namespace: 'kbg-shop-traffic' },
      spec: {
        ...{ replicas: 1, strategy: { type: 'Recreate' }, selector: { matchLabels: { ...guardianLabels, 'kbg/colour': colour } } },
        template: {
          metadata: { labels: { ...guardianLabels, 'kbg/colour': colour } },
          spec: {
            automountServiceAccountToken: false,
            securityContext: { runAsNonRoot: true, runAsUser: 1_000, seccompProfile: { type: 'RuntimeDefault' } },
            containers: [
              {
                image: pods.image,
                securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
                resources: { requests: { cpu: '250m', memory: '512Mi' }, limits: { cpu: '250m', memory: '512Mi' } },
              },
            ],
          },
        },
      },
    })
  })

  test('finds every file that it is told of in a volume, and its passwords in a Secret alone', () => {
    const { containers, volumes } = podOf(colour)
    const [container] = containers
    expect(container?.volumeMounts.map(({ name }) => name)).toEqual(volumes.map(({ name }) => name))
    const files = [...text.matchAll(/"(\/mnt\/[^"]+)"/g)].map(([, file]) => file ?? '')
    const mounted = {
      config: ['guardian.json'],
      authorities: Object.keys(trustedFiles(pods, { platform: 'x', routeStore: 'y' })),
      credentials: ['credentials.json'],
    }
    const there = container?.volumeMounts.flatMap(({ name, mountPath }) => mounted[name as keyof typeof mounted].map((file) => `${mountPath}/${file}`)) ?? []
    expect(new Set([...files, container?.args[1]])).toEqual(new Set(there))
    expect(volumes).toEqual([
      { name: 'config', configMap: { name: toldName } },
      { name: 'authorities', configMap: { name: trustedName } },
      { name: 'credentials', secret: { secretName: guardiansName, defaultMode: 0o400 } },
    ])
    expect(container).not.toHaveProperty('env')
  })

  test('is told in a ConfigMap that nobody changes, and whose name nothing had before', () => {
    expect(config).toMatchObject({ metadata: { namespace: 'kbg-shop-traffic' }, immutable: true })
    expect(config.metadata).not.toHaveProperty('name')
    expect(planGuardian(trafficPods(), colour).config).toEqual(config)
    expect(planGuardian(trafficPods({ catalog: { ...trafficCatalog, groups: {} } }), colour).config).not.toEqual(config)
    expect(planned.deployment('another')).not.toEqual(deployment)
  })
})

test('they are never on one machine, and one at most is away by choice', () => {
  const apart = [{ labelSelector: { matchLabels: guardianLabels }, topologyKey: 'kubernetes.io/hostname' }]
  for (const colour of colours)
    expect(podOf(colour)).toMatchObject({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: apart } } })
  expect(guardiansBudget('shop').spec).toEqual({ minAvailable: 1, selector: { matchLabels: guardianLabels } })
})

test('they log in as operator and probe, at the workers, the audit, and the route store', () => {
  expect(guardianUsers(pods)).toEqual(['operator', 'probe', 'connect', 'audit', 'kbg'])
  expect(fleetCredentials(pods)).toBe('.kbg/k8s-credentials.json')
})

test.each([
  [
    'colours that are one cluster',
    () => planGuardian(trafficPods({ colours: { blue, green: { ...green, clusterId: blue.clusterId } } }), 'blue'),
    'same cluster',
  ],
  ['a catalog without topics', () => planGuardian(trafficPods({ catalog: { ...trafficCatalog, topics: {} } }), 'blue'), 'wiring.topics'],
  ['two credentials files', () => fleetCredentials(trafficPods({ colours: { blue, green: { ...green, credentialsFile: 'other' } } })), 'credentials-apart'],
  [
    'a user of the catalog’s with the route store’s name',
    () => fleetCredentials(trafficPods({ catalog: { ...trafficCatalog, users: ['etcd-shop'] }, routeStore: { ...routeStore, username: 'etcd-shop' } })),
    'login-twice',
  ],
] as const)('%s: refused', (_, plan, message) => {
  expect(plan).toThrow(message)
})

test('the program itself reads the file as it is planned, and stops at the first thing that only a pod has', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kbg-guardian-'))
  try {
    const file = join(directory, 'guardian.json')
    writeFileSync(file, planGuardian(pods, 'blue').config.data['guardian.json'])
    const [program = ''] = podOf('blue').containers[0]?.args ?? []
    const said = await new Promise<string>((resolve) => execFile(toolPaths().node, [join(projectDir, program), file], (_, __, stderr) => resolve(stderr)))
    expect(said).toMatch(/ended: .*\/mnt\/kbg\/credentials\/credentials\.json/)
  } finally {
    rmSync(directory, { recursive: true })
  }
}, 60_000)
