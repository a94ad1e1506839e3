/**
 * A switchover and the way back whose mirror stands behind MSK Connect's API and is seeded through Connect's offsets topic, judged by the clients' own histories. Brokers (3.9.2 and 4.3.1), etcd and
 * Connect's workers are real; the API is a stand-in (test/support/msk-connect/stand-in.ts). Connectors have the configuration that is planned for MSK, but for logins and addresses, and workers the
 * planned worker configuration.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { judge, startLoad } from '../../cli/rollout/demo-load.ts'
import { offsetKey } from '../../engine/adapters/connect/offset-records.ts'
import { OffsetsTopic } from '../../engine/adapters/connect/offsets-topic.ts'
import { BrokerConnections } from '../../engine/adapters/kafka/connections.ts'
import { writeTogether } from '../../engine/adapters/kafka/write-together.ts'
import type { Colour } from '../../engine/model/colour.ts'
import { messageOf } from '../../engine/model/error.ts'
import { connectOffsetsTopic } from '../../engine/model/mirror-template.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { mirrorRecord } from '../../engine/switchover/journal-reading.ts'
import { loadCatalog } from '../../infra/catalog.ts'
import { projectFile } from '../../infra/project.ts'
import { MskConnectStandIn } from '../support/msk-connect/stand-in.ts'
import { workersBehind } from '../support/msk-connect/workers.ts'
import { type Pair, standPair } from '../support/pair.ts'
import type { WorkloadProcess } from '../support/workload/process.ts'

const fleet = `b-msk${process.pid}`
const namePrefix = (target: Colour) => `kbg-production-FLEET-shop-INTO-${target}-`
/** The stand-in's lists are late by so many readings, one a second or quicker. */
const late = { made: 3, ended: 3 }
const said: string[] = []
const within = (seconds: number): Deadline => new Deadline(systemClock, seconds * 1_000, 'the test')

let dir: string
let pair: Pair
let standIn: MskConnectStandIn
let load: WorkloadProcess | undefined

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'kbg-msk-connect-'))
  mkdirSync(join(dir, 'workers'), { mode: 0o700 })
  standIn = await MskConnectStandIn.start(join(dir, 'workers'))
  standIn.late = late
  // As anybody points AWS's clients at another endpoint.
  Object.assign(process.env, { AWS_ENDPOINT_URL_KAFKACONNECT: standIn.endpoint, AWS_ACCESS_KEY_ID: 'stand-in', AWS_SECRET_ACCESS_KEY: 'stand-in' })
  const versions = { blue: '3.9.2', green: '4.3.1' }
  pair = await standPair({
    fleet,
    versions,
    catalog: loadCatalog(projectFile('catalog.yaml')),
    audit: true,
    mirror: async (clusters) => workersBehind(standIn, 'shop', clusters),
  })
  await pair.createRoute()
}, 300_000)

afterAll(async () => {
  load?.kill()
  await standIn?.end()
  await pair?.end()
  rmSync(dir, { recursive: true, force: true })
}, 120_000)

/** A busy machine makes the mirror lag; a gate that refuses for that has touched nothing and is asked again. */
async function switchTo(live: Colour): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await pair.moveTo(live)
      return
    } catch (thrown) {
      if (!/^gate/.test(messageOf(thrown)) || !/mirror lag|audit/.test(messageOf(thrown)) || tries === 6) throw thrown
    }
  }
}

const atLeast = (running: WorkloadProcess, colour: Colour, records: number) =>
  within(90).poll(100, async () => ((running.lastStatus?.ackedRecords[colour] ?? 0) >= records ? true : undefined))

const mirrorOf = async (source: Colour) => mirrorRecord((await pair.ports.store.read(within(10))).journal, source)?.connector ?? ''

/** The last visible records of every partition, as one text. */
async function endsOf(colour: Colour): Promise<string> {
  const { logs } = pair.ports.clusters[colour]
  const ends = await logs.ends(pair.wiring.topics, within(10))
  const last = await logs.lastVisibleOfAll(new Map(ends.map(({ partition, lastStableOffset }) => [partition, lastStableOffset])), 1, within(20))
  return JSON.stringify([...last].map(([partition, records]) => [partition, records.map(({ digest }) => digest)]).sort())
}

describe('a mirror on MSK Connect', () => {
  test('green takes over, and blue again, each reverse mirror seeded through the offsets topic; clients lost nothing, and saw nothing twice or out of order', async () => {
    load = await startLoad(
      pair.wiring,
      dir,
      { ratePerSecond: 200, preloadRecords: 0 },
      () => undefined,
      (problem) => said.push(problem),
    )
    load.startLoad()
    await atLeast(load, 'blue', 1_000)
    const forward = await mirrorOf('blue')
    await switchTo('green')
    await atLeast(load, 'green', 1_000)
    expect(await pair.ports.mirrors.blue.facts(forward, within(20))).toMatchObject({ state: 'absent' })
    const reverse = await mirrorOf('green')
    expect(await pair.ports.mirrors.green.facts(reverse, within(20))).toMatchObject({ state: 'RUNNING', tasksUntold: true })
    await switchTo('blue')
    await atLeast(load, 'blue', 2_000)
    await load.stopProducers()
    load.resumeGroups()
    expect(Object.values(await load.drain(90)).every((records) => records === 0)).toBe(true)
    await load.end()
    load = undefined
    await within(60).poll(300, async () => ((await endsOf('blue')) === (await endsOf('green')) ? true : undefined))
    const verdict = await judge(pair.wiring, 'blue', dir)
    expect(verdict.lines.join('\n')).toMatch(/^PASS/)
    const { acked, ...faults } = verdict.statistics
    expect(faults).toEqual({ lost: 0, duplicated: 0, redelivered: 0, reordered: 0, errors: 0 })
    expect(acked).toBeGreaterThan(3_000)
    expect(verdict.windows.map((window) => `${window.from} -> ${window.to}`)).toEqual(['blue -> green', 'green -> blue'])
    console.log(`MSK Connect's stand-in was asked ${standIn.asked.length} times; ${acked} records acknowledged; ${JSON.stringify(faults)}`)
    // Which connectors there were, each direction and attempt one of its own.
    expect(standIn.asked.filter((request) => request.startsWith('POST ')).length).toBeGreaterThanOrEqual(5)
  }, 400_000)

  test('Connect found every seed: its own commits stand under the same keys', async () => {
    const reading = new OffsetsTopic(pair.wiring.clusters.blue, connectOffsetsTopic('blue'))
    try {
      const entries = [...(await reading.entries(within(20)))].filter(([, { connector }]) =>
        connector.startsWith(`${namePrefix('blue')}kbg-mirror-green-blue-`),
      )
      expect(entries.length).toBeGreaterThan(5)
      const places = entries.map(([key, { connector, entry }]) => {
        if ('foreign' in entry) throw new Error(`a foreign entry under ${key}`)
        return [key, offsetKey(connector, 'green', `${entry.partition.topic}-${entry.partition.partition}`)]
      })
      for (const [key, ours] of places) expect(key).toBe(ours)
      expect(new Set(places.map(([, ours]) => ours)).size).toBe(entries.length)
    } finally {
      reading.close()
    }
  })

  test('a connector that runs otherwise than it was asked for is refused; stopped and deleted nothing is left of it', async () => {
    const mirror = pair.ports.mirrors.blue
    const name = 'kbg-drill-changed'
    await mirror.createStopped(name, ['kbg.canary.blue'], within(30))
    expect(await mirror.facts(name, within(20))).toMatchObject({ state: 'STOPPED', config: { topics: 'kbg\\.canary\\.blue' } })
    await expect(mirror.createStopped(name, ['kbg.canary.blue'], within(30))).rejects.toMatchObject({ code: 'connector-exists' })
    standIn.applies = (asked) => ({ ...asked, 'consumer.poll.timeout.ms': '5000' })
    await expect(mirror.resume(name, within(90))).rejects.toThrow(
      /^connector-config: .*connectorConfiguration\.consumer\.poll\.timeout\.ms: observed "5000", required "100"/,
    )
    await expect(mirror.seed(name, new Map([['kbg.canary.blue-0', 0n]]), within(20))).rejects.toMatchObject({ code: 'bad-seed' })
    await mirror.stop(name, within(60))
    expect(await mirror.facts(name, within(20))).toMatchObject({ state: 'STOPPED' })
    await mirror.delete(name, within(60))
    expect(await mirror.facts(name, within(20))).toMatchObject({ state: 'absent' })
    expect(await mirror.connectors(within(20))).not.toContain(name)
  }, 240_000)

  test('one transactional id writes at a time: a second taking fences the first', async () => {
    const connections = new BrokerConnections(pair.wiring.clusters.green, 'operator')
    const record = (value: string) => [{ partition: `${connectOffsetsTopic('green')}-0`, key: '["kbg.test",{}]', value }]
    try {
      await Promise.allSettled([1, 2, 3].map((writer) => writeTogether(connections, 'kbg.test.offsets', record(`{"writer":${writer}}`), within(20))))
      await writeTogether(connections, 'kbg.test.offsets', record('{"writer":4}'), within(20))
      const reading = new OffsetsTopic(pair.wiring.clusters.green, connectOffsetsTopic('green'))
      const entry = await within(20).poll(50, async () => (await reading.entries(within(10))).get('["kbg.test",{}]'))
      expect(entry).toEqual({ connector: 'kbg.test', entry: { foreign: { writer: 4 } } })
      reading.close()
    } finally {
      connections.close()
    }
  })
})
