import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { guardianConfig } from '../../engine/model/kubernetes-guardian.ts'
import { switchoverLabels } from '../../engine/model/kubernetes-network.ts'
import { switchoverName, switchoverTimes, switchoverUsers } from '../../engine/model/kubernetes-switchover.ts'
import { trustedFiles, trustedName } from '../../engine/model/kubernetes-traffic.ts'
import { Limits } from '../../engine/model/limits.ts'
import { OrchestratorConfig } from '../../engine/model/orchestrator.ts'
import { longestStallMs } from '../../engine/switchover/stall.ts'
import { gateDeadlineMs, steps } from '../../engine/switchover/steps.ts'
import { projectDir, toolPaths } from '../../tools/paths.ts'
import { toldName, trafficCatalog, trafficPods, trafficSwitchover } from '../support/traffic-pods.ts'

const pods = trafficPods()

interface JobSpec {
  readonly backoffLimit: number
  readonly activeDeadlineSeconds: number
  readonly template: {
    readonly metadata: object
    readonly spec: {
      readonly restartPolicy: string
      readonly terminationGracePeriodSeconds: number
      readonly containers: readonly {
        readonly args: readonly string[]
        readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
      }[]
      readonly volumes: readonly { readonly name: string }[]
    }
  }
}
const specOf = (planned = trafficSwitchover()) => planned.job.spec as JobSpec
const textOf = (planned = trafficSwitchover()) => planned.config.data['orchestrator.json']

describe('the job that moves traffic', () => {
  const { config, job, times } = trafficSwitchover({ live: 'green', attempt: 2, consumers: { 'wave-1': 'blue' } })

  test('is started with a file that its program takes: the intent, the limits, and the wiring that guardians have', () => {
    const parsed = OrchestratorConfig.parse(JSON.parse(config.data['orchestrator.json']))
    expect(parsed).toMatchObject({ intent: { live: 'green', attempt: 2, consumers: { 'wave-1': 'blue' } }, limits: Limits.parse({}), code: pods.image })
    expect(parsed.wiring).toEqual(guardianConfig(pods, 'blue').wiring)
  })

  test('runs once: it is tried again by an update alone, which makes a failed one anew, and its log stays until then', () => {
    expect(job).toMatchObject({
      metadata: { namespace: 'kbg-shop-traffic', labels: switchoverLabels, annotations: { 'pulumi.com/replaceUnready': 'true' } },
      spec: {
        ...{ backoffLimit: 0, activeDeadlineSeconds: times.run },
        template: { metadata: { labels: switchoverLabels }, spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: times.stop } },
      },
    })
    expect(job.spec).not.toHaveProperty('ttlSecondsAfterFinished')
  })

  test('is nobody’s root, with nothing to write to and no way to the API server, and what it said last is told where it failed', () => {
    expect(specOf().template.spec).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1_000, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          image: pods.image,
          securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
          resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } },
          terminationMessagePolicy: 'FallbackToLogsOnError',
        },
      ],
    })
  })

  test('finds every file that it is told of in a volume, and its passwords in a Secret alone', () => {
    const { containers, volumes } = specOf({ config, job, times }).template.spec
    const [container] = containers
    expect(container?.volumeMounts.map(({ name }) => name)).toEqual(volumes.map(({ name }) => name))
    const mounted = {
      config: ['orchestrator.json'],
      authorities: Object.keys(trustedFiles(pods, { platform: 'x', routeStore: 'y' })),
      credentials: ['credentials.json'],
    }
    const there = container?.volumeMounts.flatMap(({ name, mountPath }) => mounted[name as keyof typeof mounted].map((file) => `${mountPath}/${file}`)) ?? []
    const files = [...config.data['orchestrator.json'].matchAll(/"(\/mnt\/[^"]+)"/g)].map(([, file]) => file ?? '')
    expect(new Set([...files, container?.args[1]])).toEqual(new Set(there))
    expect(volumes).toEqual([
      { name: 'config', configMap: { name: toldName } },
      { name: 'authorities', configMap: { name: trustedName } },
      { name: 'credentials', secret: { secretName: switchoverName, defaultMode: 0o400 } },
    ])
    expect(container).not.toHaveProperty('env')
    expect(switchoverUsers(pods)).toEqual(['operator', 'probe', 'connect', 'audit', 'kbg'])
  })

  test.each([
    ['who is to be live', trafficSwitchover({ live: 'green' })],
    ['an attempt', trafficSwitchover({ attempt: 1 })],
    ['a wave', trafficSwitchover({ consumers: { 'wave-1': 'green' } })],
    ['records that may stay behind', trafficSwitchover({ acceptLoss: 3 })],
    ['a limit', trafficSwitchover({}, { limits: Limits.parse({ lagSamples: 2 }) })],
    ['a group that stays', trafficSwitchover({}, { unprovenGroups: { reports: 'stay' } })],
    [
      'a topic',
      trafficSwitchover(
        {},
        { catalog: { ...trafficCatalog, topics: { ...trafficCatalog.topics, refunds: { partitions: 1, replicationFactor: 3, config: {} } } } },
      ),
    ],
    ['another image', trafficSwitchover({}, { image: 'registry.example/kafka-blue-green:0.2.0' })],
  ])('is another one, which is told something else, for %s', (_, other) => {
    const { name } = trafficSwitchover().job.metadata
    expect(name).toMatch(/^kbg-switchover-[0-9a-f]{1,8}$/)
    expect(other.job.metadata.name).not.toBe(name)
    expect(other.config).toMatchObject({ immutable: true, metadata: { namespace: 'kbg-shop-traffic' } })
    expect(other.config.metadata).not.toHaveProperty('name')
    expect(other.config).not.toEqual(trafficSwitchover().config)
  })

  test('is the same one as long as nothing is wanted that wasn’t', () => {
    expect(trafficSwitchover()).toEqual(trafficSwitchover())
  })

  test('a group that stays is in no wave', () => {
    const { wiring } = OrchestratorConfig.parse(JSON.parse(textOf(trafficSwitchover({}, { unprovenGroups: { billing: 'stay' } }))))
    expect(wiring).toMatchObject({ waves: {}, unprovenGroups: { billing: 'stay' } })
  })
})

const { blue, green } = pods.colours
test.each([
  [
    'colours that are one cluster',
    () => trafficSwitchover({}, { colours: { blue, green: { ...green, clusterId: blue.clusterId } } }),
    /orchestrator-config: .*same cluster/,
  ],
  ['a catalog without topics', () => trafficSwitchover({}, { catalog: { ...trafficCatalog, topics: {} } }), /orchestrator-config: .*wiring\.topics/],
  ['a wave that nobody has', () => trafficSwitchover({ consumers: { 'wave-7': 'green' } }), /unknown-wave: .*wave-7.*allowed: wave-1/],
])('%s: refused', (_, plan, message) => {
  expect(plan).toThrow(message)
})

describe('it may take', () => {
  /** Any limits that a stack may say, for what counts here. */
  const anyLimits = fc
    .record({
      lagSamples: fc.integer({ min: 1, max: 60 }),
      lagSampleIntervalMs: fc.integer({ min: 100, max: 10_000 }),
      maxMirrorLagMs: fc.integer({ min: 100, max: 60_000 }),
      fenceDeadlineMs: fc.integer({ min: 500, max: 60_000 }),
      drainDeadlineMs: fc.integer({ min: 500, max: 120_000 }),
      windowDeadlineMs: fc.integer({ min: 1_000, max: 300_000 }),
      groupMoveDeadlineMs: fc.integer({ min: 1_000, max: 600_000 }),
      waveAnalysisMs: fc.integer({ min: 1_000, max: 600_000 }),
    })
    .map((limits) => Limits.parse(limits))

  test('as long as its steps may, one after the other, behind a gate that is asked twice and a guardian that it waits for; and, told to stop, as long as those behind the decision, or as a wave to its end', () => {
    fc.assert(
      fc.property(anyLimits, fc.integer({ min: 0, max: 9 }), (limits, waves) => {
        const { run, stop } = switchoverTimes(limits, waves)
        // The watch is the guardians'. In the window hold, fence, drain and cut end with it.
        const byName = Object.fromEntries(steps.map(({ name, deadlineMs }) => [name, deadlineMs(limits, true)]))
        const behindMs = ['release', 'reverse', 'groups', 'finish'].reduce((sum, name) => sum + (byName[name] ?? Number.NaN), 0)
        const moveMs = 2 * gateDeadlineMs(limits, true) + (byName.arm ?? Number.NaN) + limits.windowDeadlineMs + behindMs
        // Moved, watched, and taken back where it doesn't read on: nothing cancels that.
        const waveMs = 2 * limits.groupMoveDeadlineMs + limits.waveAnalysisMs
        expect(stop * 1_000).toBeGreaterThanOrEqual(behindMs)
        if (waves > 0) expect(stop * 1_000).toBeGreaterThan(waveMs)
        expect(run * 1_000).toBeGreaterThanOrEqual(120_000 + moveMs + waves * (gateDeadlineMs(limits, false) + waveMs))
      }),
    )
  })

  test('19 minutes by default, four of them once it is told to stop: more than producers are held at the longest', () => {
    const { run, stop } = switchoverTimes(Limits.parse({}), 1)
    expect([run, stop]).toEqual([1_150, 250])
    expect(stop * 1_000).toBeGreaterThan(longestStallMs(Limits.parse({})))
  })
})

test('the program itself reads the file as it is planned, and stops at the first thing that only a pod has', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kbg-orchestrator-'))
  try {
    const [program = ''] = specOf().template.spec.containers[0]?.args ?? []
    const started = (text: string) => {
      const file = join(directory, 'orchestrator.json')
      writeFileSync(file, text)
      return new Promise<{ code: unknown; stderr: string }>((resolve) =>
        execFile(toolPaths().node, [join(projectDir, program), file], (error, _, stderr) => resolve({ code: error?.code, stderr })),
      )
    }
    expect(await started(textOf())).toMatchObject({ code: 1, stderr: expect.stringMatching(/ended: .*\/mnt\/kbg\/credentials\/credentials\.json/) })
    const wrong = JSON.stringify({ ...JSON.parse(textOf()), intent: { live: 'red' }, limits: {}, more: 1 })
    expect(await started(wrong)).toMatchObject({ code: 1, stderr: expect.stringMatching(/ended: orchestrator-config: .*intent\.live: .*/) })
  } finally {
    rmSync(directory, { recursive: true })
  }
}, 60_000)
