import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { guardianConfig } from '../../engine/model/kubernetes-guardian.ts'
import { writeBackLabels } from '../../engine/model/kubernetes-network.ts'
import { trustedName } from '../../engine/model/kubernetes-traffic.ts'
import { planWriteBack, writeBackName, writeBackUsers } from '../../engine/model/kubernetes-write-back.ts'
import { Wiring } from '../../engine/model/wiring.ts'
import { projectDir, toolPaths } from '../../tools/paths.ts'
import { toldName, trafficCatalog, trafficPods } from '../support/traffic-pods.ts'

const pods = trafficPods()
const { config, ...planned } = planWriteBack(pods)
const deployment = planned.deployment(toldName)
const text = config.data['wiring.json']

interface Spec {
  readonly template: {
    readonly spec: {
      readonly containers: readonly {
        readonly args: readonly string[]
        readonly volumeMounts: readonly { readonly name: string; readonly readOnly?: boolean }[]
      }[]
      readonly volumes: readonly object[]
    }
  }
}
const { containers, volumes } = (deployment.spec as Spec).template.spec

test('the write-back is started with the wiring that guardians have, which its program takes', () => {
  expect(Wiring.parse(JSON.parse(text))).toEqual(guardianConfig(pods, 'blue').wiring)
  expect(writeBackUsers(pods)).toEqual(['operator', 'audit', 'kbg'])
})

test('it is one pod at most, as nobody’s root, with nothing to write to and no way to the API server', () => {
  expect(deployment).toMatchObject({
    metadata: { name: 'kbg-write-back', namespace: 'kbg-shop-traffic', labels: writeBackLabels },
    spec: {
      ...{ replicas: 1, strategy: { type: 'Recreate' }, selector: { matchLabels: writeBackLabels } },
      template: {
        spec: {
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, runAsUser: 1_000, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            { image: pods.image, securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } } },
          ],
        },
      },
    },
  })
  expect(containers[0]?.volumeMounts.every(({ readOnly }) => readOnly)).toBe(true)
  expect(volumes).toEqual([
    { name: 'config', configMap: { name: toldName } },
    { name: 'authorities', configMap: { name: trustedName } },
    { name: 'credentials', secret: { secretName: writeBackName, defaultMode: 0o400 } },
  ])
})

test('another wiring is another pod, and the same one is the same', () => {
  expect(config).toMatchObject({ metadata: { namespace: 'kbg-shop-traffic' }, immutable: true })
  expect(config.metadata).not.toHaveProperty('name')
  const same = planWriteBack(trafficPods())
  expect([same.config, same.deployment(toldName)]).toEqual([config, deployment])
  expect(planWriteBack(trafficPods({ catalog: { ...trafficCatalog, groups: {} } })).config).not.toEqual(config)
  expect(planned.deployment('another')).not.toEqual(deployment)
})

test('the program itself reads the file as it is planned, and stops at the first thing that only a pod has', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kbg-write-back-'))
  try {
    const file = join(directory, 'wiring.json')
    writeFileSync(file, text)
    const [program = ''] = containers[0]?.args ?? []
    const said = await new Promise<string>((resolve) => execFile(toolPaths().node, [join(projectDir, program), file], (_, __, stderr) => resolve(stderr)))
    expect(said).toMatch(/ended: .*\/mnt\/kbg\/credentials\/credentials\.json/)
  } finally {
    rmSync(directory, { recursive: true })
  }
}, 60_000)
