/** The audit's workers on a real pair with a real mirror: what they prove, over kills of their own, of the mirror's worker, and of the truth. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Admin, Kafka, logLevel, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectAudit } from '../../engine/adapters/audit/audit-client.ts'
import { createAcls, createTopics, upsertScramUsers } from '../../engine/adapters/kafka/admin.ts'
import { destroyAudit, observeAudit, provisionAudit } from '../../engine/adapters/local/audit-process.ts'
import { observeWorker, startDeadWorker } from '../../engine/adapters/local/connect-worker.ts'
import { readCredentials } from '../../engine/adapters/local/credentials.ts'
import { localAddresses, trafficDirectory } from '../../engine/adapters/local/state.ts'

import { AuditWorkerConfig } from '../../engine/model/audit-worker.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import { auditRights } from '../../engine/model/cluster-access.ts'
import { type Colour, colours, otherColour } from '../../engine/model/colour.ts'
import type { PartitionOffsets, TopicPartition } from '../../engine/model/partition.ts'
import type { Audit, AuditedPartition, AuditProof } from '../../engine/ports/audit.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { projectDir } from '../../tools/paths.ts'
import { type Pair, standPair } from '../support/pair.ts'

const fleet = `b-audit${process.pid}`
const within = (seconds: number): Deadline => new Deadline(systemClock, seconds * 1_000, 'the test')
const quiet = (): void => undefined
const catalog = Catalog.parse({ topics: { orders: { partitions: 3 }, calm: { partitions: 1 } } })

let pair: Pair
let audit: Audit
const producers = {} as Record<Colour, Producer>
const admins = {} as Record<Colour, Admin>
let sent = 0
let flowing: { stop(): Promise<void> } | undefined

beforeAll(async () => {
  pair = await standPair({ fleet, versions: { blue: '3.9.2', green: '4.3.1' }, catalog, audit: false })
  await pair.createRoute()
  for (const colour of colours) {
    const { internalBootstrapServers, credentialsFile } = pair.wiring.clusters[colour]
    const sasl = { mechanism: 'scram-sha-512', username: 'operator', password: readCredentials(credentialsFile).passwords.operator ?? '' } as const
    const kafka = new Kafka({ brokers: internalBootstrapServers, sasl, logLevel: logLevel.NOTHING, retry: { retries: 12 } })
    producers[colour] = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false })
    admins[colour] = kafka.admin()
    await Promise.all([producers[colour].connect(), admins[colour].connect()])
  }
  await startAudit()
}, 180_000)

afterAll(async () => {
  await flowing?.stop()
  await audit?.close()
  for (const colour of colours) await Promise.all([producers[colour]?.disconnect(), admins[colour]?.disconnect()])
  if (pair) await destroyAudit({ projectRoot: pair.root, fleet }, 'remove', within(20))
  await pair?.end()
}, 120_000)

async function startAudit(workers = 1): Promise<void> {
  const spec = { fleet, clusters: pair.wiring.clusters, topics: null, workers }
  audit = connectAudit(await provisionAudit(pair.root, spec, quiet, within(60)), systemClock)
}

/** Everything that a worker has told, from its first start on. */
const logOf = (worker = 0) => readFileSync(join(trafficDirectory(pair.root, fleet), 'audit', `worker-${worker}`, 'worker.log'), 'utf8')

/** Sends some records every few milliseconds until stopped. */
function load(): { stop(): Promise<void> } {
  let isStopped = false
  const sending = (async () => {
    while (!isStopped) {
      const messages = Array.from({ length: 25 }, (_, index) => ({ key: `k${(sent + index) % 17}`, value: `${sent + index}`.padEnd(200, '.') }))
      await producers.blue.send({ topic: 'orders', acks: -1, messages })
      sent += messages.length
      await systemClock.sleep(10)
    }
  })()
  return {
    stop: async () => {
      isStopped = true
      await sending
    },
  }
}

async function endsOf(topics: readonly string[]): Promise<{ blue: PartitionOffsets; green: PartitionOffsets }> {
  const of = async (colour: Colour) =>
    new Map((await pair.ports.clusters[colour].logs.ends(topics, within(20))).map((end) => [end.partition, end.logEndOffset]))
  const [blue, green] = await Promise.all([of('blue'), of('green')])
  return { blue, green }
}

/** The proof at both sides' ends, as soon as the mirror has copied everything. */
function proven(topics: readonly string[], seconds = 40): Promise<Extract<AuditProof, { kind: 'equal' }>> {
  return within(seconds).poll(100, async () => {
    const proof = await audit.prove(await endsOf(topics), within(10))
    return proof.kind === 'equal' ? proof : undefined
  })
}

/** The same records on these sides, which no mirror copies. */
const write = (topic: string, values: readonly string[], on: readonly Colour[] = colours) =>
  Promise.all(
    on.map((colour) => producers[colour].send({ topic, acks: -1, messages: values.map((value) => ({ value, timestamp: '1700000000000', partition: 0 })) })),
  )
const numbers = (from: number, count: number) => Array.from({ length: count }, (_, index) => `${from + index}`)
const make = (topic: string) =>
  Promise.all(colours.map((colour) => createTopics(pair.wiring.clusters[colour], [{ topic, partitions: 1, replicationFactor: 3, config: {} }], within(20))))

async function told(partition: TopicPartition): Promise<AuditedPartition | undefined> {
  return (await audit.facts(within(5))).partitions.find((each) => each.partition === partition)
}

/** Every committed offset that there could be, translated by the audit and by reading both sides whole. */
async function expectTrueTranslations(partition: TopicPartition, from: Colour): Promise<void> {
  const topic = partition.replace(/-\d+$/, '')
  const ends = await endsOf([topic])
  const to = otherColour(from)
  const visible = async (colour: Colour) =>
    (await pair.ports.clusters[colour].logs.visible(partition, 0n, ends[colour].get(partition) ?? 0n, within(30))).map(({ offset }) => offset)
  const [source, target] = await Promise.all([visible(from), visible(to)])
  expect(source.length).toBe(target.length)
  const [sourceEnd, targetEnd] = [ends[from].get(partition) ?? 0n, ends[to].get(partition) ?? 0n]
  const committed = Array.from({ length: 400 }, (_, index) => (sourceEnd * BigInt(index)) / 399n)
  const groups = new Map(committed.map((offset) => [`g${offset}`, new Map([[partition, offset]])]))
  const positions = (await audit.translate(from, groups, ends, within(20))).filter((position) => `${position.topic}-${position.partition}` === partition)
  expect(positions).toHaveLength(groups.size)
  for (const { sourceOffset, targetOffset, verdict } of positions) {
    const index = source.findIndex((offset) => offset >= BigInt(sourceOffset))
    expect(`${sourceOffset} ${verdict} ${targetOffset}`).toBe(`${sourceOffset} exact ${index === -1 ? targetEnd : target[index]}`)
  }
}

describe('one worker', () => {
  test('proves both sides equal, and translates every position both ways as reading them whole does', async () => {
    flowing = load()
    await systemClock.sleep(3_000)
    const underLoad = await told('orders-0')
    expect(underLoad?.state).toEqual({ kind: 'equal' })
    expect(underLoad?.watermarkAgeMs).toBeLessThan(30_000)
    await flowing.stop()
    const { partitions, alignedRecords } = await proven(['orders', 'calm'])
    expect([partitions, alignedRecords]).toEqual([4, BigInt(sent)])
    for (const partition of ['orders-0', 'orders-2']) for (const from of colours) await expectTrueTranslations(partition, from)
  }, 90_000)

  test('that logs in as a user who may only read, as on Kubernetes, proves the same, and that user may write nothing', async () => {
    const { credentialsFile } = pair.wiring.clusters.blue
    const password = readCredentials(credentialsFile).passwords.audit ?? ''
    for (const access of Object.values(pair.wiring.clusters)) {
      await upsertScramUsers(access, { audit: password }, within(20))
      const binding = { principal: 'User:audit', host: '*', resourceType: 'topic', patternType: 'literal', permission: 'allow' } as const
      const on = (resourceName: string, operations: readonly ('Read' | 'Describe' | 'DescribeConfigs')[]) =>
        operations.map((operation) => ({ ...binding, resourceName, operation }))
      await createAcls(access, [...['orders', 'calm'].flatMap((topic) => on(topic, auditRights.ofCatalog)), ...on('*', auditRights.ofEvery)], within(20))
    }
    const listen = localAddresses(fleet).audit[1]
    if (listen === undefined) throw new Error('no address')
    const config = join(pair.root, 'reading-audit.json')
    const told = {
      fleet,
      as: 'audit',
      clusters: pair.wiring.clusters,
      topics: ['orders', 'calm'],
      stateDirectory: join(pair.root, 'reading-audit'),
      credentialsFile,
    }
    writeFileSync(config, JSON.stringify(AuditWorkerConfig.parse({ ...told, listen, code: 'any' })))
    const worker = spawn(process.execPath, [join(projectDir, 'engine', 'run', 'audit', 'main.ts'), config], { stdio: 'ignore' })
    const reading = connectAudit([{ url: `http://${listen.host}:${listen.port}`, credentialsFile }], systemClock)
    try {
      const ends = await endsOf(['orders', 'calm'])
      const proof = await within(40).poll(200, async () => {
        const answer = await reading.prove(ends, within(5)).catch(() => undefined) // it isn't up yet
        return answer?.kind === 'equal' ? answer : undefined
      })
      expect([proof.partitions, proof.alignedRecords]).toEqual([4, BigInt(sent)])
    } finally {
      await reading.close()
      const ended = once(worker, 'close')
      worker.kill()
      await ended
    }
    const sasl = { mechanism: 'scram-sha-512', username: 'audit', password } as const
    const { internalBootstrapServers: brokers } = pair.wiring.clusters.blue
    const producer = new Kafka({ brokers, sasl, logLevel: logLevel.NOTHING, retry: { retries: 0 } }).producer({ allowAutoTopicCreation: false })
    await producer.connect()
    await expect(producer.send({ topic: 'calm', acks: -1, messages: [{ value: 'no' }] })).rejects.toThrow(/authorized/i)
    await producer.disconnect()
  }, 90_000)

  test('says within moments of a record on both sides that they are equal, when somebody is in a hurry', async () => {
    await make('twin')
    await within(20).poll(100, async () => (((await told('twin-0'))?.watermarkAgeMs ?? null) === null ? undefined : true))
    await audit.hurry(within(5))
    const latenciesMs: number[] = []
    for (let turn = 0; turn < 15; turn++) {
      await write('twin', [`${turn}`])
      const ends = await endsOf(['twin'])
      const startedMs = systemClock.monotonicMs()
      expect(await audit.prove(ends, within(5))).toEqual({ kind: 'equal', partitions: 1, alignedRecords: BigInt(turn + 1), emptied: [] })
      latenciesMs.push(systemClock.monotonicMs() - startedMs)
    }
    expect(latenciesMs.sort((a, b) => a - b)[7]).toBeLessThan(3_000)
  }, 60_000)

  test('that is killed goes on where it was, and so it does over a killed mirror worker', async () => {
    flowing = load()
    await systemClock.sleep(3_000)
    const worker = () => observeAudit({ projectRoot: pair.root, fleet })[0]
    const killed = worker()?.pid ?? 0
    process.kill(killed, 'SIGKILL') // its supervisor starts it again
    await within(30).poll(20, async () => (![null, killed].includes(worker()?.pid ?? null) ? true : undefined))
    const mirrorWorker = { projectRoot: pair.root, fleet, colour: 'green' } as const
    process.kill(observeWorker(mirrorWorker).pid ?? 0, 'SIGKILL')
    await within(10).poll(20, async () => (observeWorker(mirrorWorker).pid === null ? true : undefined))
    await startDeadWorker(mirrorWorker, quiet, within(60))
    await systemClock.sleep(2_000)
    await flowing.stop()
    const { alignedRecords } = await proven(['orders'], 60)
    expect(alignedRecords).toBe(BigInt(sent))
    const goneOn = /orders-0 goes on from blue (\d+)/.exec(logOf())
    expect(Number(goneOn?.[1])).toBeGreaterThan(100)
    expect(logOf()).not.toContain('orders-0 begins afresh')
    await expectTrueTranslations('orders-1', 'blue')
  }, 150_000)
})

describe('topics', () => {
  test('that come are followed, what retention took is excused, and an extra record is found where it stands', async () => {
    await destroyAudit({ projectRoot: pair.root, fleet }, 'keep', within(20)) // so that it hasn't read what is deleted
    await make('late')
    await write('late', numbers(0, 200))
    await admins.blue.fetchTopicOffsets('late') // kafkajs deletes only where it has metadata
    await admins.blue.deleteTopicRecords({ topic: 'late', partitions: [{ partition: 0, offset: '120' }] })
    await startAudit()
    await within(20).poll(100, async () => ((await told('late-0'))?.alignedRecords === 80 ? true : undefined))
    await proven(['late'])
    expect(await told('late-0')).toMatchObject({ state: { kind: 'equal' }, green: { retention: 120, extra: 0 }, trouble: '' })
    const positions = await audit.translate('green', new Map([['early', new Map([['late-0', 60n]])], ['behind', new Map([['late-0', 150n]])]]), await endsOf(['late']), within(5)) // biome-ignore format: one line
    expect(positions.map(({ groupId, verdict, targetOffset }) => `${groupId} ${verdict} ${targetOffset}`)).toEqual([
      'behind exact 150',
      'early not provable null',
    ])
    await write('late', ['extra'], ['green'])
    await write('late', numbers(200, 50))
    await within(20).poll(100, async () => ((await told('late-0'))?.state.kind === 'differs' ? true : undefined))
    expect(await told('late-0')).toMatchObject({ differences: { total: 1, shown: [{ kind: 'missing', on: 'blue', blue: '200', green: '200' }] } })
    const proof = await audit.prove(await endsOf(['late']), within(10))
    expect(proof).toMatchObject({ kind: 'unproven', reasons: [expect.stringContaining('late-0')] })
  }, 90_000)

  test('that are made again begin afresh', async () => {
    await admins.green.deleteTopics({ topics: ['late'] })
    await within(30).poll(100, async () => ((await told('late-0')) === undefined || (await told('late-0'))?.trouble !== '' ? true : undefined))
    await within(20).poll(100, async () => {
      const existing = await createTopics(pair.wiring.clusters.green, [{ topic: 'late', partitions: 1, replicationFactor: 3, config: {} }], within(20))
      return existing.length === 0 ? true : undefined
    })
    await write('late', numbers(120, 80), ['green'])
    await write('late', numbers(200, 50), ['green'])
    await within(30).poll(100, async () => ((await told('late-0'))?.alignedRecords === 130 ? true : undefined))
    expect(await told('late-0')).toMatchObject({ state: { kind: 'equal' }, differences: { total: 0 } })
  }, 90_000)
})

describe('two workers', () => {
  test('share the partitions, and one that dies hands over its own', async () => {
    await startAudit(2)
    await within(40).poll(100, async () => {
      const { partitions, unreachable } = await audit.facts(within(5))
      return unreachable.length === 0 && ['orders-0', 'orders-1', 'orders-2'].every((name) => partitions.some((each) => each.partition === name))
        ? true
        : undefined
    })
    // A partition whose state the other one still had is tried again after 30 s.
    await within(75).poll(100, async () => (/member \d of 2/.test(logOf(1)) && /orders-\d goes on/.test(logOf(1)) ? true : undefined))
    const before = await proven(['orders'])
    const [, second] = observeAudit({ projectRoot: pair.root, fleet })
    for (const pid of [second?.supervisorPid, second?.pid]) process.kill(pid ?? 0, 'SIGKILL') // for good
    flowing = load()
    await systemClock.sleep(2_000)
    await flowing.stop()
    const after = await within(40).poll(200, async () => {
      const proof = await audit.prove(await endsOf(['orders']), within(3)).catch(() => undefined) // partitions without a holder, until the dead one's session is over
      return proof?.kind === 'equal' ? proof : undefined
    })
    expect(after.alignedRecords).toBe(BigInt(sent))
    expect(after.alignedRecords).toBeGreaterThan(before.alignedRecords)
    expect(logOf(0) + logOf(1)).not.toContain('orders-0 begins afresh')
  }, 180_000)
})
