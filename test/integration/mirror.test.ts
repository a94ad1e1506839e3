/** A real mirror: blue (3.9.2) to green (4.3.1) through a Kafka Connect worker beside green, with exactly-once source tasks. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectMirror } from '../../engine/adapters/connect/mirror.ts'
import { createTopics } from '../../engine/adapters/kafka/admin.ts'
import { connectCluster } from '../../engine/adapters/kafka/cluster.ts'
import { destroyCluster, provisionCluster } from '../../engine/adapters/local/cluster.ts'
import { accessOf, destroyWorker, observeWorker, provisionWorker, startDeadWorker } from '../../engine/adapters/local/connect-worker.ts'
import { readCredentials } from '../../engine/adapters/local/credentials.ts'
import { colourDirectory, credentialsPath, fleetDirectory, trafficDirectory } from '../../engine/adapters/local/state.ts'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import type { Colour } from '../../engine/model/colour.ts'
import type { VisibleRecord } from '../../engine/model/facts.ts'
import { type TopicPartition, topicPartition } from '../../engine/model/partition.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import type { Cluster } from '../../engine/ports/cluster.ts'
import type { Mirror } from '../../engine/ports/mirror.ts'
import { translateGroups } from '../../engine/run/translate-groups.ts'

const fleet = 'test-mirror'
/** What properties files, JAAS, ConfigProviders and basic authentication could each take amiss. */
const nastyPasswords = { mirror: 'm"i\\r;r$' + '{file:/etc/passwd:root} #=é', connect: 'c"o:n\\n#e!c t=1' }
const partitions = 3

let root: string
let clusters: Record<Colour, Cluster>
let accesses: Record<Colour, ClusterAccess>
let mirror: Mirror
let producer: Producer
const quiet = () => undefined
const within = (seconds: number) => new Deadline(systemClock, seconds * 1_000, 'the test')
const worker = () => ({ projectRoot: root, fleet, colour: 'green' }) as const

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'kbg-mirror-'))
  mkdirSync(fleetDirectory(root, fleet), { recursive: true, mode: 0o700 })
  writeFileSync(credentialsPath(root, fleet), JSON.stringify({ version: 1, passwords: nastyPasswords }), { mode: 0o600 })
  const spec = (colour: Colour, kafkaVersion: string) => ({ fleet, colour, kafkaVersion, nodes: 3, applicationUsers: [] })
  const [blue, green] = await Promise.all([
    provisionCluster(root, spec('blue', '3.9.2'), quiet, within(150)),
    provisionCluster(root, spec('green', '4.3.1'), quiet, within(150)),
  ])
  const access = await provisionWorker(root, { fleet, source: blue, target: green }, quiet, within(120))
  accesses = { blue, green }
  clusters = { blue: connectCluster(blue, systemClock), green: connectCluster(green, systemClock) }
  mirror = connectMirror({ source: blue, target: green, worker: access })
  const sasl = { mechanism: 'scram-sha-512', username: 'operator', password: readCredentials(blue.credentialsFile).passwords.operator ?? '' } as const
  const kafka = new Kafka({ clientId: 'test', brokers: blue.internalBootstrapServers, sasl, logLevel: logLevel.NOTHING })
  producer = kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1, transactionalId: 'test-tx' })
  await producer.connect()
}, 300_000)

afterAll(async () => {
  await producer?.disconnect()
  await Promise.all([mirror?.close(), clusters?.blue.close(), clusters?.green.close()])
  await destroyWorker(worker(), quiet, within(40))
  for (const colour of ['blue', 'green'] as const) await destroyCluster(root, fleet, colour, quiet, within(40))
  rmSync(root, { recursive: true })
}, 120_000)

/** The topic on both colours, as the catalog would make it. */
async function makeTopic(topic: string): Promise<void> {
  for (const colour of ['blue', 'green'] as const) {
    await createTopics(accesses[colour], [{ topic, partitions, replicationFactor: 3, config: {} }], within(30))
  }
}

function send(topic: string, partition: number, values: readonly string[]) {
  return producer.send({ topic, acks: -1, messages: values.map((value) => ({ partition, value, key: value })) })
}

async function visible(colour: Colour, topic: string): Promise<ReadonlyMap<TopicPartition, readonly VisibleRecord[]>> {
  const { logs } = clusters[colour]
  const ends = await logs.ends([topic], within(20))
  return new Map(await Promise.all(ends.map(async (end) => [end.partition, await logs.visible(end.partition, 0n, end.lastStableOffset, within(20))] as const)))
}

const digests = (records: ReadonlyMap<TopicPartition, readonly VisibleRecord[]>) =>
  Object.fromEntries([...records].sort().map(([partition, all]) => [partition, all.map((record) => record.digest)]))

async function lastRecords(colour: Colour, topic: string): Promise<ReadonlyMap<TopicPartition, readonly VisibleRecord[]>> {
  const { logs } = clusters[colour]
  const ends = await logs.ends([topic], within(20))
  return logs.lastVisibleOfAll(new Map(ends.map((end) => [end.partition, end.lastStableOffset])), 1, within(20))
}

const lastDigests = (records: ReadonlyMap<TopicPartition, readonly VisibleRecord[]>) => JSON.stringify(digests(records))

/** Waits until green shows the same records as blue, from each partition's `from`-th on; vitest compares at the end, so that a difference is shown. */
async function expectSame(topic: string, from: Readonly<Record<number, number>> = {}): Promise<void> {
  const wanted = digests(await visible('blue', topic))
  for (const [partition, skip] of Object.entries(from)) wanted[topicPartition(topic, Number(partition))]?.splice(0, skip)
  const deadline = within(40)
  let found = digests(await visible('green', topic))
  while (JSON.stringify(found) !== JSON.stringify(wanted) && !deadline.over) {
    await systemClock.sleep(50)
    found = digests(await visible('green', topic))
  }
  expect(found).toEqual(wanted)
}

/** Asks the worker, from its end on until it says that it runs, for what it has; what would let somebody believe that it has nothing. */
async function askedWhileStarting(name: string): Promise<readonly string[]> {
  const wrong: string[] = []
  const deadline = within(60)
  for (let asked = 0; asked < 20 && !deadline.over; asked += 1) {
    try {
      const [names, { state }] = await Promise.all([mirror.connectors(within(30)), mirror.facts(name, within(30))])
      if (!names.includes(name)) wrong.push(`lists ${names.join(', ') || 'none'}`)
      if (state === 'absent') wrong.push('absent')
    } catch (thrown) {
      asked -= 1 // it listens to nobody yet
      if (!String(thrown).includes('connect-unreachable')) wrong.push(String(thrown))
      await systemClock.sleep(20)
    }
  }
  return wrong
}

describe('the worker', () => {
  test('answers nobody without credentials', async () => {
    const { restUrl } = accessOf(worker())
    const refused = await fetch(`${restUrl}/connectors`)
    expect(refused.status).toBe(401)
    expect(refused.headers.get('server')).toMatch(/^Jetty\(/) // which tells the worker's own answers from a proxy's
    expect((await fetch(`${restUrl}/`, { headers: { authorization: `Basic ${Buffer.from('connect:wrong').toString('base64')}` } })).status).toBe(401)
    expect(await mirror.connectors(within(20))).toEqual([])
  })

  test('keeps its secrets: files are private, and neither arguments, environment nor log show a password', () => {
    const directory = join(trafficDirectory(root, fleet), 'connect-green')
    const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    expect(files.length).toBeGreaterThan(5)
    for (const file of files) expect(`${file.name} ${(statSync(join(file.parentPath, file.name)).mode & 0o777).toString(8)}`).toBe(`${file.name} 600`)
    const { pid } = observeWorker(worker())
    const shown = `${readFileSync(`/proc/${pid}/cmdline`, 'utf8')}${readFileSync(`/proc/${pid}/environ`, 'utf8')}${readFileSync(join(directory, 'worker.log'), 'utf8')}`
    expect(shown).toContain('ConnectDistributed')
    for (const secret of ['m"i', 'c"o:n', ...Object.values(nastyPasswords)]) expect(shown).not.toContain(secret)
  })

  test('is left alone by a second provisioning', async () => {
    const { pid } = observeWorker(worker())
    await provisionWorker(root, { fleet, source: accesses.blue, target: accesses.green }, quiet, within(20))
    expect(observeWorker(worker()).pid).toBe(pid)
  })
})

describe('the mirror', () => {
  test('created stopped and seeded it copies exactly from the seed on; unseeded partitions from their first record', async () => {
    await makeTopic('seeded')
    await send('seeded', 0, ['a0', 'a1', 'a2', 'a3', 'a4'])
    await send('seeded', 1, ['b0', 'b1'])
    await mirror.createStopped('seeded', ['seeded'], within(60))
    await expect(mirror.createStopped('seeded', ['seeded'], within(60))).rejects.toMatchObject({ code: 'connector-exists' })
    const nothingCopied = new Map([['seeded-1', -1n]])
    await mirror.seed('seeded', new Map([...nothingCopied, ['seeded-0', 2n]]), within(60))
    expect(await mirror.copiedOffsets('seeded', within(20))).toEqual(new Map([['seeded-0', 2n]]))
    await mirror.resume('seeded', within(60))
    await expectSame('seeded', { 0: 3 })
    await send('seeded', 0, ['a5'])
    await send('seeded', 2, ['c0'])
    await expectSame('seeded', { 0: 3 })
    const all = new Map([
      ['seeded-0', 5n],
      ['seeded-1', 1n],
      ['seeded-2', 0n],
    ])
    expect(new Map([...(await mirror.copiedOffsets('seeded', within(20)))].sort())).toEqual(all)
    await mirror.stop('seeded', within(60))
    await mirror.delete('seeded', within(60))
    expect((await mirror.facts('seeded', within(20))).state).toBe('absent')
  })

  test('key, value, headers and timestamp are equal byte for byte; aborted records never arrive; groups are translated exactly', async () => {
    await makeTopic('bytes')
    const binary = Buffer.from([0, 255, 128, 10, 13])
    const at = String(Date.now() - 60_000)
    await producer.send({
      topic: 'bytes',
      messages: [
        { partition: 0, key: null, value: 'no key', timestamp: at },
        { partition: 0, key: binary, value: binary, timestamp: at },
        { partition: 0, key: 'tombstone', value: null },
        { partition: 0, key: '', value: '' },
        { partition: 0, key: 'headers', value: 'v', headers: { one: ['x', 'y'], empty: '', binary, ünï: 'é' } },
        { partition: 1, key: 'large', value: Buffer.alloc(900_000, 7) },
      ],
    })
    const aborted = await producer.transaction()
    await aborted.send({ topic: 'bytes', messages: [{ partition: 0, value: 'never' }] })
    await aborted.abort()
    const committed = await producer.transaction()
    await committed.send({ topic: 'bytes', messages: [{ partition: 0, value: 'after' }] })
    await committed.commit()
    await mirror.createStopped('bytes', ['bytes'], within(60))
    await mirror.resume('bytes', within(60))
    await expectSame('bytes')
    const copies = await visible('green', 'bytes')
    expect([...copies.values()].flat()).toHaveLength(7)
    const ends = async (colour: Colour) =>
      Object.fromEntries((await clusters[colour].logs.ends(['bytes'], within(20))).map((end) => [end.partition, end.logEndOffset.toString()]))
    const cut = { source: 'blue', target: 'green', sourceEnds: await ends('blue'), targetEnds: await ends('green') } as const
    // Offset 6 is the aborted record, so the group goes on at the committed one behind it: the last visible record.
    const positions = await translateGroups(
      { source: clusters.blue, target: clusters.green, cut, committed: new Map([['g', new Map([['bytes-0', 6n]])]]) },
      within(20),
    )
    expect(positions.find((position) => position.partition === 0)).toMatchObject({
      verdict: 'exact',
      lagRecords: 1,
      targetOffset: String(copies.get('bytes-0')?.at(-1)?.offset),
    })
    await mirror.stop('bytes', within(60))
    await mirror.delete('bytes', within(60))
  })

  test('fenced on the target its task can write nothing more and fails; restarted it goes on without loss or duplicate, as after kill -9', async () => {
    await makeTopic('fenced')
    await mirror.createStopped('fenced', ['fenced'], within(60))
    await mirror.resume('fenced', within(60)) // an empty topic: the task waits
    await send('fenced', 0, ['a', 'b', 'c'])
    await expectSame('fenced')
    const ids = await mirror.transactionalIds('fenced', within(20))
    expect(ids).toEqual(['kbg-test-mirror-green-fenced-0'])
    await clusters.green.transactions.fenceIds(ids, within(20))
    const before = await clusters.green.logs.ends(['fenced'], within(20))
    await send('fenced', 0, ['d', 'e'])
    await send('fenced', 1, ['f'])
    const failed = await within(40).poll(50, async () => {
      const { tasks } = await mirror.facts('fenced', within(20))
      return tasks.find((task) => task.state === 'FAILED')
    })
    expect(failed.trace).toMatch(/epoch|fenced/i)
    expect((await clusters.green.logs.ends(['fenced'], within(20))).map((end) => end.logEndOffset)).toEqual(before.map((end) => end.logEndOffset))
    await mirror.restartTasks('fenced', within(60))
    await expectSame('fenced')

    const { pid } = observeWorker(worker())
    process.kill(pid ?? 0, 'SIGKILL')
    await send('fenced', 2, ['g', 'h'])
    await within(10).poll(20, async () => (observeWorker(worker()).pid === null ? true : undefined))
    const toldMeanwhile = askedWhileStarting('fenced')
    await startDeadWorker(worker(), quiet, within(90))
    expect(await toldMeanwhile).toEqual([])
    await send('fenced', 0, ['i'])
    await expectSame('fenced')
    await mirror.stop('fenced', within(60))
  })

  test('drains: from the last acknowledgement on blue to equal last records on both sides, ten times under load', async () => {
    await makeTopic('drained')
    await mirror.createStopped('drained', ['drained'], within(60))
    await mirror.resume('drained', within(60))
    const drainsMs: number[] = []
    for (let stop = 0; stop < 10; stop++) {
      const until = systemClock.monotonicMs() + 700
      for (let n = 0; systemClock.monotonicMs() < until; n++) {
        await Promise.all([0, 1, 2].map((partition) => send('drained', partition, [`${stop} ${n}`, `${stop} ${n}'`])))
      }
      const acknowledgedMs = systemClock.monotonicMs()
      const wanted = lastDigests(await lastRecords('blue', 'drained'))
      await within(40).poll(2, async () => (lastDigests(await lastRecords('green', 'drained')) === wanted ? true : undefined))
      drainsMs.push(Math.round(systemClock.monotonicMs() - acknowledgedMs))
    }
    await expectSame('drained')
    const sorted = drainsMs.slice(1).sort((a, b) => a - b)
    console.log(`drain of the exactly-once mirror: median ${sorted[4]} ms, maximum ${sorted.at(-1)} ms; the first one, cold, ${drainsMs[0]} ms`)
    // Generous: a machine may be busy; what it protects against is a timer of a second or more in the path.
    expect(sorted[4]).toBeLessThan(1_000)
    await mirror.stop('drained', within(60))
  })

  test('no password is stored in Connect: not in what REST shows, not in its config topic on the brokers', async () => {
    const { config } = await mirror.facts('fenced', within(20))
    expect(config['source.cluster.sasl.jaas.config']).toBe(accessOf(worker()).sourceLogin)
    const stored = storedBytes('kbg.connect.green.configs-0')
    expect(stored).toContain('connector-fenced')
    for (const secret of ['m"i', 'm\\"i', ...Object.values(nastyPasswords)]) expect(`${JSON.stringify(config)}${stored}`).not.toContain(secret)
  })
})

/** The partition's segments as they lie on the brokers' disks. */
function storedBytes(partition: TopicPartition): string {
  const green = colourDirectory(root, fleet, 'green')
  const directories = readdirSync(green)
    .map((node) => join(green, node, 'data', partition))
    .filter((directory) => existsSync(directory))
  const segments = directories.flatMap((directory) => readdirSync(directory).flatMap((file) => (file.endsWith('.log') ? [join(directory, file)] : [])))
  return segments.map((file) => readFileSync(file, 'latin1')).join('')
}
