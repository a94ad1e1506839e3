/**
 * Faults of copying and of groups that have to be found and refused, the live colour untouched: all on one pair, each on topics of its own, told by what independent
 * readers see on both sides. Numbers are those of docs/faults.md.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Consumer as PlatformaticConsumer } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTopics } from '../../engine/adapters/kafka/admin.ts'
import { observeAudit } from '../../engine/adapters/local/audit-process.ts'
import { readCredentials } from '../../engine/adapters/local/credentials.ts'
import { trafficDirectory } from '../../engine/adapters/local/state.ts'
import type { AuditedPartition } from '../../engine/model/audit-facts.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import { damagedRecords } from './refused/damaged-records.ts'
import { recordsThatGreenRefuses } from './refused/records-that-green-refuses.ts'
import { auditChecks, plain, texts } from './refused/setting.ts'
import { ChaosPair, overriding, within } from './support/chaos-pair.ts'
import { latestByKey, valuesOf } from './support/contents.ts'

const fleet = `b-refused${process.pid}`
const compacted = {
  'cleanup.policy': 'compact',
  'segment.ms': '100',
  'min.cleanable.dirty.ratio': '0.001',
  'delete.retention.ms': '0',
  'min.compaction.lag.ms': '0',
}
const one = { partitions: 1 }
const catalog = Catalog.parse({
  topics: {
    ...{ 'f1-retention': one, 'f2-recreated': one, 'f4-grown': one, 'f5-wider': one, 'f9-tombstones': { partitions: 1, config: compacted } },
    ...{ 'f11-hanging': one, 'f13-large': one, 'f16-old': { partitions: 1, config: { 'retention.ms': '-1' } }, 'f25-interrupted': one, 'f42-ahead': one },
    ...{ 'f19-missing': one, 'f20-duplicate': one, 'f21-swap': one, 'f22-flipped': { partitions: 3 }, 'f23-drop-and-duplicate': one, 'f24-twice-more': one },
  },
})

let chaos: ChaosPair

beforeAll(async () => {
  chaos = await ChaosPair.stand(fleet, catalog, { 'log.cleaner.backoff.ms': '100' })
}, 240_000)

afterAll(async () => {
  await chaos?.end()
}, 120_000)

/** A gate that judges, while the mirror may be stopped: it is asked as seldom as it can be. */
const attempt = { current: 0 }
const gateLines = () => chaos.gateLines('green', { attempt: attempt.current })
const setting = { chaos: () => chaos, gateLines }

describe('groups', () => {
  test('F44: a group with members on both colours is refused by name', async () => {
    const consumers = await Promise.all((['blue', 'green'] as const).map((colour) => chaos.consumer(colour, 'f44-both')))
    for (const consumer of consumers) {
      await consumer.subscribe({ topics: ['f42-ahead'], fromBeginning: true })
      await consumer.run({ eachMessage: async () => undefined })
    }
    const { blue, green } = chaos.ports.clusters
    const membersOn = async ({ groups }: typeof blue) => (await groups.list(within(10))).find(({ groupId }) => groupId === 'f44-both')?.memberCount ?? 0
    await within(30).poll(50, async () => ((await membersOn(blue)) === 1 && (await membersOn(green)) === 1 ? true : undefined))
    expect(await gateLines()).toContainEqual(expect.stringMatching(/^consumer groups: fail; observed members on both colours: f44-both/))
    for (const consumer of consumers) await consumer.disconnect()
    for (const { groups } of [blue, green]) await groups.deleteGroup('f44-both', within(10))
  })

  test('a Streams application whose state is not in the catalog is refused by name, by its internal topics', async () => {
    const { blue } = chaos.ports.clusters
    const topic = 'totals-store-changelog'
    await createTopics(chaos.pair.wiring.clusters.blue, [{ topic, partitions: 1, replicationFactor: 3, config: {} }], within(20))
    await blue.groups.commit('totals', new Map([['f42-ahead-0', 0n]]), within(10))
    expect(await gateLines()).toContainEqual(
      expect.stringMatching(/^Streams applications: fail; observed totals: not in the catalog: totals-store-changelog; /),
    )
    await blue.groups.deleteGroup('totals', within(10))
    await chaos.admins.blue.deleteTopics({ topics: [topic] })
  })

  test('F50: a group of the new protocol (KIP-848) is refused by name', async () => {
    const { internalBootstrapServers, credentialsFile } = chaos.pair.wiring.clusters.green
    const password = readCredentials(credentialsFile).passwords.operator ?? ''
    const sasl = { mechanism: 'SCRAM-SHA-512', username: 'operator', password } as const
    const consumer = new PlatformaticConsumer({
      ...{ clientId: 'chaos', groupId: 'f50-new-protocol', groupProtocol: 'consumer', bootstrapBrokers: [...internalBootstrapServers], sasl },
    })
    const stream = await consumer.consume({ topics: ['f42-ahead'], mode: 'latest' })
    stream.resume()
    const groups = chaos.ports.clusters.green.groups
    await within(30).poll(50, async () =>
      (await groups.list(within(10))).some(({ groupId, type }) => groupId === 'f50-new-protocol' && type === 'consumer') ? true : undefined,
    )
    expect(await gateLines()).toContainEqual(expect.stringMatching(/^consumer groups: fail; observed f50-new-protocol \(consumer\)/))
    await consumer.close(true)
    await within(60).poll(100, async () => {
      await groups.deleteGroup('f50-new-protocol', within(10)).catch(() => undefined) // its member is still leaving
      return (await groups.list(within(10))).every(({ groupId }) => groupId !== 'f50-new-protocol') ? true : undefined
    })
  })

  test('F42: a position ahead of what is mirrored is never guessed, and exact as soon as the mirror has come', async () => {
    const place = 'f42-ahead-0'
    await chaos.send('blue', 'f42-ahead', plain(0, 30))
    await chaos.copied(['f42-ahead'])
    await chaos.proven(['f42-ahead'])
    await chaos.stopMirror()
    await chaos.send('blue', 'f42-ahead', plain(30, 20))
    const groups = new Map([['f42', new Map([[place, 45n]])]])
    const translated = async () => {
      const positions = await chaos.audit.translate('blue', groups, null, within(10))
      return positions.map(({ targetOffset, verdict, reason }) => ({ targetOffset, verdict, reason }))
    }
    expect(await translated()).toEqual([{ targetOffset: null, verdict: 'not provable', reason: expect.stringContaining('beyond what the audit has compared') }])
    await chaos.startMirror()
    await chaos.copied(['f42-ahead'])
    await chaos.proven(['f42-ahead'])
    const [position] = await translated()
    const green = await chaos.contents('green', ['f42-ahead'])
    expect(position?.verdict).toBe('exact')
    expect(green.get(place)?.find(({ offset }) => offset >= BigInt(position?.targetOffset ?? -1))?.value).toBe('45')
  })
})

describe('between the gate and the cut', () => {
  test('F11: a transaction that hangs at the fence takes the switchover back: blue is released, and the transaction can still end', async () => {
    await chaos.send('blue', 'f11-hanging', plain(0, 10))
    await chaos.copied(['f11-hanging'])
    const producer = chaos.clients.blue.producer({ transactionalId: 'f11', maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    chaos.onEnd(() => producer.disconnect())
    const transaction = await producer.transaction()
    const { fence } = chaos.ports.clusters.blue
    const raise: typeof fence.raise = async (deadline) => {
      await transaction.send({ topic: 'f11-hanging', acks: -1, messages: [{ value: 'open', partition: 0 }] })
      await fence.raise(deadline)
    }
    const refused = await chaos.refusal('green', {
      through: chaos.through('blue', { fence: overriding(fence, { raise }) }),
      limits: { drainDeadlineMs: 2_500 },
    })
    expect(`${refused.code} ${refused.message}`).toMatch(/^aborted .*not-settled.*f11-hanging-0/s)
    expect(refused.message).toMatch(/open transactions: f11 \(producer \d+ epoch \d+, Ongoing for \d+ ms, writing to f11-hanging-0\)/)
    await chaos.untouched('blue')
    await transaction.commit()
    await chaos.send('blue', 'f11-hanging', plain(10, 5))
    // A commit is answered before its marker is in the log; until then nothing behind the transaction's first record is visible, and so nothing has to be copied.
    await within(30).poll(50, async () => {
      const ends = await chaos.ports.clusters.blue.logs.ends(['f11-hanging'], within(10))
      return ends.every((end) => end.lastStableOffset === end.logEndOffset) ? true : undefined
    })
    await chaos.copied(['f11-hanging'])
    const { blue, green } = await chaos.both(['f11-hanging'])
    expect(valuesOf(blue, 'f11-hanging-0')).toEqual([...texts(0, 10), 'open', ...texts(10, 5)])
    expect(valuesOf(green, 'f11-hanging-0')).toEqual(valuesOf(blue, 'f11-hanging-0'))
    attempt.current = 1
  })

  test('F4: a partition that is added mid-switch takes it back; the mirror then grows green, and what comes into it is copied', async () => {
    const { fence } = chaos.ports.clusters.blue
    const raise: typeof fence.raise = async (deadline) => {
      await chaos.admins.blue.createPartitions({ topicPartitions: [{ topic: 'f4-grown', count: 2 }] })
      await fence.raise(deadline)
    }
    const refused = await chaos.refusal('green', { attempt: attempt.current, through: chaos.through('blue', { fence: overriding(fence, { raise }) }) })
    expect(`${refused.code} ${refused.message}`).toMatch(/^aborted .*drift.*topic f4-grown partitions: was \d+, is \d+ on blue/s)
    await chaos.untouched('blue')
    attempt.current = 2
    await within(90).poll(200, async () => ((await chaos.admins.green.fetchTopicOffsets('f4-grown')).length === 2 ? true : undefined))
    await chaos.send('blue', 'f4-grown', plain(0, 10), 1)
    // By contents alone: this pair's connections have learnt the topic's partitions before there were two.
    const green = await within(90).poll(500, async () => {
      const contents = await chaos.contents('green', ['f4-grown'])
      return valuesOf(contents, 'f4-grown-1').length >= 10 ? contents : undefined
    })
    expect(valuesOf(await chaos.contents('blue', ['f4-grown']), 'f4-grown-1')).toEqual(texts(0, 10))
    expect(valuesOf(green, 'f4-grown-1')).toEqual(texts(0, 10))
    await chaos.toldUntil('f4-grown-1', ({ state, alignedRecords }) => state.kind === 'equal' && alignedRecords === 10)
  })

  test('F5: more partitions on green than on blue is refused: keys would change their order', async () => {
    await chaos.admins.green.createPartitions({ topicPartitions: [{ topic: 'f5-wider', count: 3 }] })
    await within(30).poll(100, async () => ((await gateLines()).some((line) => /topic f5-wider partitions: blue 1, green 3/.test(line)) ? true : undefined))
    await chaos.untouched('blue')
  })
})

describe('records that are gone before they are copied', () => {
  test('F1: retention ahead of the mirror leaves a gap that is found and located', async () => {
    const place = 'f1-retention-0'
    await chaos.send('blue', 'f1-retention', plain(0, 10))
    await chaos.copied(['f1-retention'])
    await chaos.stopMirror()
    await chaos.send('blue', 'f1-retention', plain(10, 20))
    const ends = await chaos.ends(['f1-retention'])
    // It says so only when it has read all of blue.
    expect(await chaos.audit.prove(ends, within(30))).toMatchObject({ kind: 'unproven', reasons: [expect.stringContaining(place)] })
    await chaos.admins.blue.fetchTopicOffsets('f1-retention') // kafkajs deletes only where it has metadata
    await chaos.admins.blue.deleteTopicRecords({ topic: 'f1-retention', partitions: [{ partition: 0, offset: '20' }] })
    await chaos.startMirror()
    await chaos.copied(['f1-retention'])
    const green = await chaos.contents('green', ['f1-retention'])
    expect(valuesOf(green, place)).toEqual([...texts(0, 10), ...texts(20, 10)])
    await chaos.toldUntil(place, ({ state }) => state.kind === 'differs')
    await chaos.send('blue', 'f1-retention', plain(30, 20)) // where both go on equally is certain only with more records than are missing
    const told = await chaos.toldUntil(place, ({ differences }) => differences.total > 0)
    expect(told.differences).toMatchObject({
      total: 10,
      shown: expect.arrayContaining([expect.objectContaining({ kind: 'missing', on: 'green', blue: '10' })]),
    })
    expect(await gateLines()).toContainEqual(expect.stringMatching(/^audit: fail; observed f1-retention-0: 10 differences/))
    await chaos.untouched('blue')
  })

  test('F2: a topic that is deleted and made again under its name differs from its copy', async () => {
    const place = 'f2-recreated-0'
    await chaos.send('blue', 'f2-recreated', plain(0, 20))
    await chaos.copied(['f2-recreated'])
    await chaos.proven(['f2-recreated'])
    await chaos.admins.blue.deleteTopics({ topics: ['f2-recreated'] })
    await within(60).poll(100, async () => {
      const existing = await createTopics(
        chaos.pair.wiring.clusters.blue,
        [{ topic: 'f2-recreated', partitions: 1, replicationFactor: 3, config: {} }],
        within(20),
      )
      return existing.length === 0 ? true : undefined
    })
    await chaos.send('blue', 'f2-recreated', plain(100, 30))
    await chaos.toldUntil(place, ({ state }) => state.kind === 'differs')
    const { blue, green } = await chaos.both(['f2-recreated'])
    expect(valuesOf(blue, place)).toEqual(texts(100, 30))
    expect(valuesOf(green, place).slice(0, 20)).toEqual(texts(0, 20))
    expect(await gateLines()).toContainEqual(expect.stringMatching(/^audit: fail; .*f2-recreated-0: /))
    await chaos.untouched('blue')
  })

  test('F9: a tombstone that expired before it was copied leaves a value on green only, which is no proof of equality', async () => {
    const topic = 'f9-tombstones'
    await chaos.send('blue', topic, [
      { key: 'deleted', value: 'old' },
      { key: 'kept', value: 'yes' },
    ])
    await chaos.copied([topic])
    await chaos.proven([topic])
    await chaos.stopMirror()
    await chaos.send('blue', topic, [{ key: 'deleted', value: null }])
    let fillers = 0
    await within(90).poll(200, async () => {
      await chaos.send('blue', topic, [{ key: `filler ${fillers++}`, value: 'x' }])
      const records = (await chaos.contents('blue', [topic])).get(`${topic}-0`) ?? []
      return records.some(({ key }) => key === 'deleted') ? undefined : true
    })
    await chaos.startMirror()
    await chaos.copied([topic])
    const { blue, green } = await chaos.both([topic])
    const [onBlue, onGreen] = [latestByKey(blue, `${topic}-0`), latestByKey(green, `${topic}-0`)]
    expect(onBlue.deleted).toBeUndefined()
    expect(onGreen).toEqual({ ...onBlue, deleted: 'old' })
    const told = await chaos.toldUntil(`${topic}-0`, ({ state }) => state.kind !== 'equal')
    expect(told.state).toMatchObject({ kind: 'undecided', reason: expect.stringMatching(/tombstone/) })
    expect(await auditChecks(chaos, told)).toMatchObject({ verdict: 'inconclusive', observed: expect.stringContaining(`${topic}-0`) })
    await chaos.untouched('blue')
  })
})

damagedRecords(setting)

/** What the audit has saved of a partition, as text; empty while it has saved nothing. */
function savedState(directory: string): string {
  if (!existsSync(directory)) return ''
  const files = readdirSync(directory).map((generation) => join(directory, generation, 'checkpoint.json'))
  return files
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join()
}

describe('F25: an audit that is killed in the middle', () => {
  const place = 'f25-interrupted-0'
  const audit = () => join(trafficDirectory(chaos.pair.root, fleet), 'audit')
  let before: AuditedPartition | undefined

  test('is started again', async () => {
    before = await chaos.told('f23-drop-and-duplicate-0')
    await chaos.send('blue', 'f25-interrupted', plain(0, 2_000))
    await chaos.copied(['f25-interrupted'])
    await within(60).poll(50, async () => (savedState(join(audit(), 'partitions', place)).includes('"next":"2000"') ? true : undefined))
    const sending = chaos.send('blue', 'f25-interrupted', plain(2_000, 20_000))
    const [worker] = observeAudit({ projectRoot: chaos.pair.root, fleet })
    process.kill(worker?.pid ?? 0, 'SIGKILL')
    await sending
    await within(60).poll(50, async () => {
      const pid = observeAudit({ projectRoot: chaos.pair.root, fleet })[0]?.pid ?? null
      return pid !== null && pid !== worker?.pid ? true : undefined // by its supervisor
    })
  })

  // Its share comes to it when the killed one's session is over: meanwhile the mirror has troubles of its own.
  recordsThatGreenRefuses(setting)

  test('goes on where it was, and forgets nothing that it had found', async () => {
    await chaos.copied(['f25-interrupted'])
    await chaos.proven(['f25-interrupted'])
    expect((await chaos.told(place))?.alignedRecords).toBe(22_000)
    const log = readFileSync(join(audit(), 'worker-0', 'worker.log'), 'utf8')
    expect(Number(/f25-interrupted-0 goes on from blue (\d+)/.exec(log)?.[1])).toBeGreaterThan(0)
    expect(log).not.toContain('f25-interrupted-0 begins afresh')
    const after = await chaos.toldUntil('f23-drop-and-duplicate-0', ({ trouble, state }) => trouble === '' && state.kind !== 'undecided')
    expect(before?.state.kind).toBe('differs')
    expect([after.state, after.differences.total, after.alignedRecords]).toEqual([before?.state, before?.differences.total, before?.alignedRecords])
  })
})
