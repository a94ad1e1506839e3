/**
 * The main job in short: three stacks through the real Pulumi CLI, two real clusters, a real mirror and etcd, routed clients under load. Refused, switched,
 * refused to destroy, switched back; judged by the clients' own histories.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { initFleet, pulumiEnv } from '../../cli/init.ts'
import { judge, startLoad } from '../../cli/rollout/demo-load.ts'
import { Stacks } from '../../cli/rollout/stacks.ts'
import { messageOf } from '../../engine/model/error.ts'
import { Limits } from '../../engine/model/limits.ts'
import { Wiring } from '../../engine/model/wiring.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { sampleLag } from '../../engine/run/lag.ts'
import { type Ports, withPorts } from '../../engine/run/ports.ts'
import { describeStatus } from '../../engine/run/status.ts'
import { mirrorRecord } from '../../engine/switchover/journal-reading.ts'
import { longestStallMs } from '../../engine/switchover/stall.ts'
import { projectDir, toolEnv } from '../../tools/paths.ts'
import { isClosed, leaveHeldAndFenced } from '../support/left-held.ts'
import type { WorkloadProcess } from '../support/workload/process.ts'

const fleet = 'test-e2e'
const said: string[] = []
let outDir = ''
let stacks: Stacks
let wiring: Wiring
let load: WorkloadProcess | undefined

const within = (seconds: number) => new Deadline(systemClock, seconds * 1_000, 'the test')
const withFleet = <T>(work: (ports: Ports) => Promise<T>) => withPorts(wiring, systemClock, work)
const route = () => withFleet(async (ports) => (await ports.store.read(within(10))).route)

async function forwardConnector(ports: Ports, source: 'blue' | 'green'): Promise<string> {
  return mirrorRecord((await ports.store.read(within(10))).journal, source)?.connector ?? ''
}

/** A busy machine makes the mirror lag; a gate that refuses for that has touched nothing and is asked again. */
async function switchTo(live: 'blue' | 'green'): Promise<void> {
  await stacks.setConfig('traffic', { live })
  for (let tries = 1; ; tries += 1) {
    try {
      await stacks.up('traffic')
      return
    } catch (thrown) {
      if (!messageOf(thrown).includes('\ngate: ') || tries === 6) throw thrown
    }
  }
}

beforeAll(async () => {
  process.env.PATH = toolEnv().PATH
  outDir = mkdtempSync(join(tmpdir(), 'kbg-e2e-'))
  await initFleet(fleet)
  stacks = new Stacks(fleet, projectDir, pulumiEnv(projectDir), (_stack, line) => said.push(line))
  const end = { decommission: fleet }
  await stacks.setConfig('blue', { ...end, retire: 'true', kafkaVersion: '3.9.2' })
  await stacks.setConfig('green', { kafkaVersion: '4.3.1' })
  await stacks.setConfig('traffic', { ...end, live: 'blue', attempt: '0' })
  await Promise.all([stacks.up('blue'), stacks.up('green')])
  wiring = Wiring.parse((await stacks.up('traffic')).wiring?.value)
  load = await startLoad(
    wiring,
    outDir,
    { ratePerSecond: 300, preloadRecords: 0 },
    () => undefined,
    (problem) => said.push(problem),
  )
  load.startLoad()
}, 400_000)

afterAll(async () => {
  load?.kill()
  await stacks.setConfig('green', { decommission: fleet, retire: 'true' })
  await stacks.up('green')
  for (const role of ['traffic', 'blue', 'green'] as const) {
    await stacks.destroy(role)
    await stacks.remove(role)
    rmSync(join(projectDir, `Pulumi.${fleet}-${role}.yaml`), { force: true })
  }
  rmSync(outDir, { recursive: true, force: true })
}, 200_000)

describe('a switchover by pulumi up, under load', () => {
  test('a route is created with blue live, and the status says so', async () => {
    expect(await route()).toMatchObject({ live: 'blue', state: 'open' })
    expect(await withFleet((ports) => describeStatus(ports, wiring, Limits.parse({})))).toMatch(
      /producers write to blue[\s\S]*blue open; green fenced[\s\S]*blue -> green running/,
    )
  })

  test('a preview shows every step, and moves nothing', async () => {
    const before = await route()
    await stacks.setConfig('traffic', { live: 'green' })
    said.length = 0
    await stacks.preview('traffic')
    const plan = said.join('\n')
    expect(plan).toContain('Switchover blue -> green')
    for (const step of ['lock', 'gate', 'arm', 'hold', 'fence', 'drain', 'cut', 'release', 'reverse', 'groups', 'finish']) expect(plan).toContain(` ${step} `)
    expect(await route()).toEqual(before)
  })

  test('with the mirror stopped it is refused, and so is a retry; traffic stays where it is', async () => {
    const connector = await withFleet(async (ports) => {
      const name = await forwardConnector(ports, 'blue')
      await ports.mirrors.blue.stop(name, within(30))
      return name
    })
    for (let tries = 0; tries < 2; tries += 1) {
      const refusal = await stacks.up('traffic').then(
        () => 'it switched',
        (thrown: unknown) => messageOf(thrown),
      )
      expect(refusal).toMatch(/mirror connector: fail; observed .* STOPPED.*; required the forward connector/)
      expect(refusal).toMatch(/mirror lag: (fail|inconclusive)/)
    }
    expect(await route()).toMatchObject({ live: 'blue', state: 'open', latch: null })
    await withFleet((ports) => ports.mirrors.blue.resume(connector, within(60)))
  })

  test('an orchestrator died while clients were held and blue was fenced: a guardian gives blue its writers back, and latches', async () => {
    const died = await withFleet((ports) => leaveHeldAndFenced(ports, wiring, 0))
    await withFleet((ports) => within(longestStallMs(Limits.parse({})) / 1_000).poll(100, async () => ((await isClosed(ports, died)) ? true : undefined)))
    expect(await route()).toMatchObject({ live: 'blue', state: 'open', latch: { attempt: 0, reason: 'it was left while clients were held' } })
    expect(await withFleet((ports) => describeStatus(ports, wiring, Limits.parse({})))).toMatch(/guardians beside blue \(epoch \d+\), beside green/)
    expect(await withFleet((ports) => describeStatus(ports, wiring, Limits.parse({})))).toMatch(/producers write to blue[\s\S]*blue open; green fenced/)
    await expect(stacks.up('traffic')).rejects.toThrow(/route: fail; observed latched at attempt 0/)
    await stacks.setConfig('traffic', { attempt: '1' })
  })

  test('it switches, with every group moved exactly', async () => {
    await switchTo('green')
    const now = await route()
    expect(now).toMatchObject({ live: 'green', state: 'open', groups: {}, defaultConsumerColour: 'green' })
    const journal = await withFleet(async (ports) => (await ports.store.read(within(10))).journal)
    const positions = journal.flatMap((entry) => (entry.kind === 'groups' ? entry.positions : []))
    expect(positions.length).toBeGreaterThan(10)
    expect(positions.filter((position) => position.verdict === 'not provable')).toEqual([])
    expect(journal.at(-1)).toMatchObject({ kind: 'closed', outcome: 'switched', graceful: true })
    expect(await withFleet((ports) => describeStatus(ports, wiring, Limits.parse({})))).toMatch(
      /producers write to green[\s\S]*blue fenced; green open[\s\S]*green -> blue running/,
    )
  })

  test('destroying the live colour is refused before anything is deleted', async () => {
    const refusal = await stacks.destroy('green').then(
      () => 'it was destroyed',
      (thrown: unknown) => messageOf(thrown),
    )
    expect(refusal).toMatch(/green is live|protect/)
    expect(await withFleet((ports) => ports.clusters.green.inventory.cluster(within(10)))).toMatchObject({ brokers: { length: 3 } })
  })

  test('an update with nothing to move moves nothing', async () => {
    const before = await route()
    await stacks.up('traffic')
    expect(await route()).toEqual(before)
  })

  test('it switches back the same way', async () => {
    await switchTo('blue')
    expect(await route()).toMatchObject({ live: 'blue', state: 'open' })
  })

  test('the clients lost nothing, and saw nothing twice or out of order', async () => {
    await load?.stopProducers()
    load?.resumeGroups()
    const lag = (await load?.drain(90)) ?? {}
    expect(Object.values(lag).every((records) => records === 0)).toBe(true)
    await load?.end()
    load = undefined
    await withFleet(async (ports) => {
      const subject = { clock: systemClock, source: ports.clusters.blue, target: ports.clusters.green, mirror: ports.mirrors.blue, topics: wiring.topics }
      const connector = await forwardConnector(ports, 'blue')
      await within(60).poll(200, async () => ((await sampleLag({ ...subject, connector }, 5_000)).kind === 'caught-up' ? true : undefined))
    })
    const verdict = await judge(wiring, 'blue', outDir)
    expect(verdict.lines.join('\n')).toMatch(/^PASS/)
    const { acked, ...faults } = verdict.statistics
    expect(faults).toEqual({ lost: 0, duplicated: 0, redelivered: 0, reordered: 0, errors: 0 })
    expect(acked).toBeGreaterThan(5_000)
    expect(verdict.windows.map((window) => `${window.from} -> ${window.to}`)).toEqual(['blue -> green', 'green -> blue'])
  })
})
