/** The Kafka adapter on real brokers of both versions: three nodes each, one colour after the other. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { Consumer, stringDeserializers } from '@platformatic/kafka'
import { Kafka, logLevel, type Message, type Producer, type Transaction } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAcls, createTopics, deleteAcls } from '../../engine/adapters/kafka/admin.ts'
import { type Birth, bearColour, birthGrants, fenceAtBirth } from '../../engine/adapters/kafka/birth.ts'
import { connectCluster } from '../../engine/adapters/kafka/cluster.ts'
import { coordinatingPartition } from '../../engine/adapters/kafka/commit-history.ts'
import { fenceBindings } from '../../engine/adapters/kafka/fence.ts'
import { destroyCluster, observeCluster, provisionCluster } from '../../engine/adapters/local/cluster.ts'
import { readCredentials } from '../../engine/adapters/local/credentials.ts'
import type { RouteAtBirth } from '../../engine/model/birth.ts'
import { type ClusterAccess, canaryTopic } from '../../engine/model/cluster-access.ts'
import { type TopicPartition, topicPartition } from '../../engine/model/partition.ts'
import { firstProducerIds } from '../../engine/model/producer-ids.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import type { AclBinding, Cluster, PartitionEnd } from '../../engine/ports/cluster.ts'
import { leaveStaticMember } from '../support/static-member.ts'

const fleet = 'h3-kafka'
const app = 'orders-app'
const quiet = (): void => undefined
const within = (seconds: number): Deadline => new Deadline(systemClock, seconds * 1_000, 'the test')

function allowAll(resourceType: AclBinding['resourceType']): AclBinding {
  return { principal: `User:${app}`, host: '*', resourceType, resourceName: '*', patternType: 'literal', operation: 'All', permission: 'allow' }
}

const rights = (['topic', 'group', 'transactional-id'] as const).map(allowAll)

describe.each([
  { colour: 'blue', kafkaVersion: '3.9.2' },
  { colour: 'green', kafkaVersion: '4.3.1' },
] as const)('on Kafka $kafkaVersion', ({ colour, kafkaVersion }) => {
  let root: string
  let access: ClusterAccess
  let cluster: Cluster
  let kafka: Kafka
  let producer: Producer

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'kbg-adapter-'))
    // A killed broker is known to be gone after five seconds instead of nine.
    const brokerConfig = { 'broker.session.timeout.ms': '5000', 'broker.heartbeat.interval.ms': '500' }
    access = await provisionCluster(root, { fleet, colour, kafkaVersion, nodes: 3, applicationUsers: [app], brokerConfig }, quiet, within(90))
    await createAcls(access, rights, within(10))
    const topics = ['orders', 'ledger', 'short', 'ids'].map((topic) => ({ topic, partitions: 3, replicationFactor: 3, config: { 'retention.ms': '3600000' } }))
    await createTopics(access, [...topics, { topic: 'solo', partitions: 1, replicationFactor: 3, config: {} }], within(20))
    cluster = connectCluster(access, systemClock)
    await cluster.warmUp(within(20))
    const password = readCredentials(access.credentialsFile).passwords[app] ?? ''
    kafka = new Kafka({
      brokers: [...access.produceBootstrapServers],
      sasl: { mechanism: 'scram-sha-512', username: app, password },
      logLevel: logLevel.NOTHING,
      retry: { retries: 8 },
    })
    producer = kafka.producer()
    await producer.connect()
  }, 150_000)

  afterAll(async () => {
    await producer?.disconnect()
    await cluster?.close()
    await destroyCluster(root, fleet, colour, quiet, within(60))
    rmSync(root, { recursive: true, force: true })
  }, 90_000)

  const send = (topic: string, partition: number, values: readonly string[]) =>
    producer.send({ topic, acks: -1, messages: values.map((value): Message => ({ partition, key: 'k', value })) })
  const endOf = async (topic: string, partition: number): Promise<PartitionEnd> => {
    const ends = await cluster.logs.ends([topic], within(10))
    const end = ends.find((one) => one.partition === topicPartition(topic, partition))
    if (!end) throw new Error(`no end of ${topic}-${partition}`)
    return end
  }
  const proven = async (answer: 'fenced' | 'open'): Promise<void> => {
    await within(10).poll(2, async () => ((await cluster.fence.probe(within(2))).every((probe) => probe.answer === answer) ? true : undefined))
  }

  test('the inventory names brokers, topics, quorum and ACLs', async () => {
    const ids = colour === 'blue' ? [1, 2, 3] : [11, 12, 13]
    const facts = await cluster.inventory.cluster(within(10))
    expect(facts.clusterId).toBe(access.clusterId)
    expect(facts.brokers.map((broker) => broker.brokerId)).toEqual(ids)
    expect(ids).toContain(facts.controllerId)
    const orders = (await cluster.inventory.topics(within(10))).find((topic) => topic.topic === 'orders')
    expect(orders).toMatchObject({ config: { 'retention.ms': '3600000' }, minInsyncReplicas: 2, internal: false })
    expect(orders?.partitions.map(({ isr, replicas }) => [isr.length, replicas.length])).toEqual([[3, 3], [3, 3], [3, 3]]) // biome-ignore format: a table
    const quorum = await cluster.inventory.quorum(within(10))
    expect(quorum.voters.map((voter) => voter.nodeId).sort((a, b) => a - b)).toEqual(ids)
    expect(quorum.voters.every((voter) => voter.lastFetchAgeMs !== null && voter.lastFetchAgeMs < 10_000)).toBe(true)
    expect(await cluster.inventory.authorizers(within(10))).toEqual(
      ids.map((brokerId) => ({ brokerId, className: 'org.apache.kafka.metadata.authorizer.StandardAuthorizer' })),
    )
    expect(await cluster.inventory.scramUsers(within(10))).toEqual(
      ['mirror', 'operator', app, 'probe'].map((name) => ({ user: name, mechanisms: ['SCRAM-SHA-512'] })),
    )
    expect(await cluster.inventory.quotas(within(10))).toEqual([])
    // ACLs are read from one broker, which learns of a new one with its next metadata push.
    const wanted = [...fenceBindings, allowAll('topic')]
    await expect.poll(() => cluster.inventory.acls(within(10)), { timeout: 10_000, interval: 50 }).toEqual(expect.arrayContaining(wanted))
  })

  test('a colour is born fenced; lifting opens it for appends, raising closes it on every broker, and super users pass', async () => {
    await proven('fenced')
    await expect(send('orders', 0, ['too early'])).rejects.toThrow(/authorized/i)
    for (let round = 0; round < 3; round++) {
      await cluster.fence.lift(within(5))
      await proven('open')
      await cluster.fence.canary(within(5))
      await send('orders', round, ['accepted'])
      await cluster.fence.raise(within(5))
      await proven('fenced')
      const before = await cluster.logs.ends(['orders'], within(5))
      for (const partition of [0, 1, 2]) await expect(send('orders', partition, ['refused'])).rejects.toThrow(/authorized/i)
      expect(await cluster.logs.ends(['orders'], within(5))).toEqual(before)
    }
    await expect(cluster.fence.canary(within(0.2))).rejects.toMatchObject({ code: 'deadline' })
    const partition = topicPartition(canaryTopic(colour), 0)
    const offset = await cluster.logs.append(partition, 'as a super user', within(5))
    expect((await cluster.logs.visible(partition, offset, offset + 1n, within(5))).map((record) => record.offset)).toEqual([offset])
    await expect(cluster.logs.append('orders-0', 'not ours', within(5))).rejects.toMatchObject({ code: 'foreign-topic' })
    await cluster.fence.lift(within(5))
    await proven('open')
    const left = await cluster.inventory.acls(within(5))
    expect(left.filter((binding) => binding.permission === 'deny' || /nudge/.test(binding.principal))).toEqual([])
  })

  test('a colour that somebody else has made is fenced at its birth, and never again: it may be live', async () => {
    expect(await fenceAtBirth(access, 3, within(10))).toBe('born before')
    await proven('open')
    await deleteAcls(access, birthGrants, within(5))
    // Any broker may be asked, and one may still know what another has deleted.
    await within(10).poll(50, async () => ((await fenceAtBirth(access, 3, within(10))) === 'fenced' ? true : undefined))
    await proven('fenced')
    await cluster.fence.lift(within(5))
    await proven('open')
  })

  test('a colour that was provisioned elsewhere is born once; in use it is left open, a standby is fenced whoever has rights there, and one whose birth was interrupted is heard again', async () => {
    expect(await bearColour(access, 3, 'nothing', within(10))).toEqual({ became: 'born before' })
    await proven('open')
    // Any broker may be asked, and one may still know what another has deleted.
    const untilBorn = (said: RouteAtBirth, wanted: Birth) =>
      within(30).poll(200, async () => {
        await deleteAcls(access, birthGrants, within(5))
        await systemClock.sleep(300)
        return isDeepStrictEqual(await bearColour(access, 3, said, within(10)), wanted) ? true : undefined
      })
    await untilBorn('nothing', { became: 'left open', because: [`User:${app} has rights there`] })
    await proven('open')
    await untilBorn('live', { became: 'left open', because: ['the route says that it is live'] })
    await proven('open')
    await untilBorn('standby', { became: 'fenced' })
    await proven('fenced')
    await within(10).poll(50, async () => ((await bearColour(access, 3, 'standby', within(10))).became === 'born before' ? true : undefined)) // on every broker
    await expect(bearColour(access, 4, 'standby', within(1))).rejects.toMatchObject({ code: 'deadline' }) // a broker that refuses nothing yet
    await cluster.fence.lift(within(5))
    await proven('open')
  })

  test('the fence opens and closes without anything appended by the probe', async () => {
    const before = await cluster.logs.ends([canaryTopic(colour)], within(5))
    for (let round = 0; round < 5; round++) await cluster.fence.probe(within(2))
    expect(await cluster.logs.ends([canaryTopic(colour)], within(5))).toEqual(before)
  })

  test('producer ids begin where the colour has its own, and are told of each partition that an idempotent producer has written to', async () => {
    const idempotent = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await idempotent.connect()
    await idempotent.send({ topic: 'ids', acks: -1, messages: [{ partition: 1, value: 'x' }] })
    await idempotent.disconnect()
    const { active, next } = await cluster.producers.ids(['ids'], within(10))
    expect(active).toEqual([{ partition: 'ids-1', producerId: expect.any(BigInt), producerEpoch: 0, transactional: false }])
    for (const id of [active[0]?.producerId ?? -1n, next]) {
      expect(id).toBeGreaterThanOrEqual(firstProducerIds[colour])
      expect(id).toBeLessThan(firstProducerIds[colour] + 10_000n)
    }
  })

  test('a group whose offsets a transaction has committed is told from one that commits by itself, also on the same partition of the coordinator', async () => {
    expect([...(await cluster.groups.commitsHow(['never-seen'], within(10)))]).toEqual([['never-seen', 'plainly']]) // also before any group has committed
    await cluster.groups.commit('transformer', new Map([['orders-0', 1n]]), within(20))
    expect([...(await cluster.groups.commitsHow(['transformer'], within(10)))]).toEqual([['transformer', 'plainly']])
    const partitions = (await cluster.inventory.topics(within(10))).find(({ topic }) => topic === '__consumer_offsets')?.partitions.length ?? 0
    const place = coordinatingPartition('transformer', partitions)
    const neighbour = Array.from({ length: 10_000 }, (_, index) => `reader-${index}`).find((name) => coordinatingPartition(name, partitions) === place) ?? ''
    const transactional = kafka.producer({ transactionalId: 'transformer', maxInFlightRequests: 1, idempotent: true })
    await transactional.connect()
    const transaction = await transactional.transaction()
    await transaction.send({ topic: 'ids', acks: -1, messages: [{ partition: 0, value: 'made of orders' }] })
    await transaction.sendOffsets({ consumerGroupId: 'transformer', topics: [{ topic: 'orders', partitions: [{ partition: 0, offset: '1' }] }] })
    await transaction.commit()
    await transactional.disconnect()
    await cluster.groups.commit(neighbour, new Map([['orders-0', 1n]]), within(10))
    const how = await within(10).poll(50, async () => {
      const told = await cluster.groups.commitsHow(['transformer', neighbour, 'never-seen'], within(10))
      return told.get('transformer') === 'plainly' ? undefined : told // the marker may still be on its way
    })
    expect([...how]).toEqual([['transformer', 'in transactions'], [neighbour, 'plainly'], ['never-seen', 'plainly']]) // biome-ignore format: one line
    await cluster.groups.commit('transformer', new Map([['orders-0', 1n]]), within(10))
    expect([...(await cluster.groups.commitsHow(['transformer'], within(10)))]).toEqual([['transformer', 'plainly']])
    for (const groupId of ['transformer', neighbour]) await cluster.groups.deleteGroup(groupId, within(10))
  })

  describe('in a log with transactions', () => {
    const partition = topicPartition('ledger', 1)
    let transactional: Producer

    const inTransaction = async (values: readonly string[]): Promise<Transaction> => {
      const transaction = await transactional.transaction()
      await transaction.send({ topic: 'ledger', acks: -1, messages: values.map((value) => ({ partition: 1, value })) })
      return transaction
    }

    beforeAll(async () => {
      transactional = kafka.producer({ transactionalId: 'ledger-writer', idempotent: true, maxInFlightRequests: 1 })
      await transactional.connect()
      await send('ledger', 1, ['plain 1', 'plain 2'])
      await (await inTransaction(Array.from({ length: 200 }, (_, index) => `aborted ${index}`))).abort()
      await (await inTransaction(['committed 1', 'committed 2'])).commit()
    }, 60_000)
    afterAll(() => transactional?.disconnect())

    test('aborted records and markers are invisible, committed ones come in order', async () => {
      const settled = await within(10).poll(20, async () => {
        const end = await endOf('ledger', 1)
        return end.lastStableOffset === end.logEndOffset ? end : undefined
      })
      expect(settled).toMatchObject({ logStartOffset: 0n, logEndOffset: 206n, highWatermark: 206n, lastStableOffset: 206n })
      const visible = await cluster.logs.visible(partition, 0n, settled.logEndOffset, within(10))
      expect(visible.map((record) => record.offset)).toEqual([0n, 1n, 203n, 204n])
      expect(await cluster.logs.visible(partition, 1n, 204n, within(10))).toEqual(visible.slice(1, 3))
    })

    test('who wrote a stretch is told by producer id, and by transactional id where there is one; aborted records are nobody’s', async () => {
      const { producerId, ...writer } = (await cluster.logs.writers(partition, 2n, 206n, within(10)))[0] ?? { producerId: null }
      expect(writer).toMatchObject({ transactional: true, records: 2 })
      expect(await cluster.transactions.idsOf([producerId ?? -1n], within(10))).toEqual(new Map([[producerId, 'ledger-writer']]))
      expect(await cluster.logs.writers(partition, 0n, 2n, within(10))).toMatchObject([
        { producerId: null, transactional: false, records: 2, lastSequence: -1 },
      ])
    })

    test('the last visible records are found behind markers and across two hundred aborted ones', async () => {
      const { logEndOffset } = await endOf('ledger', 1)
      const offsets = async (count: number) => (await cluster.logs.lastVisible(partition, logEndOffset, count, within(10))).map((record) => record.offset)
      expect(await offsets(1)).toEqual([204n])
      expect(await offsets(3)).toEqual([1n, 203n, 204n])
      expect(await offsets(50)).toEqual([0n, 1n, 203n, 204n])
      expect((await cluster.logs.lastVisible(partition, 203n, 1, within(10))).map((record) => record.offset)).toEqual([1n])
    })

    test('an open transaction keeps the last stable offset below the high watermark, is listed, and ends when its id is fenced', async () => {
      const transaction = await inTransaction(['open'])
      const during = await endOf('ledger', 1)
      expect(during.lastStableOffset).toBeLessThan(during.highWatermark)
      expect(during.logEndOffset).toBe(during.highWatermark)
      expect((await cluster.logs.lastVisible(partition, during.logEndOffset, 1, within(10))).map((record) => record.offset)).toEqual([204n])
      const [open] = await cluster.transactions.open(within(10))
      expect(open).toMatchObject({ transactionalId: 'ledger-writer', state: 'Ongoing', producerEpoch: expect.any(Number), partitions: [partition] })
      const [holding, ...others] = await cluster.transactions.holding([partition], within(10))
      expect({ ...holding, ageMs: 0, others }).toEqual({ ...open, ageMs: 0, others: [] })
      expect(open?.ageMs).toBeLessThan(60_000)

      const { active, next } = await cluster.producers.ids(['ledger'], within(10))
      expect(active).toContainEqual({ partition, producerId: open?.producerId, producerEpoch: open?.producerEpoch, transactional: true })
      expect(next).toBeGreaterThan(firstProducerIds[colour])

      await cluster.transactions.fenceIds(['ledger-writer', 'never-seen'], within(10))
      expect(await cluster.transactions.open(within(10))).toEqual([])
      const after = await within(10).poll(10, async () => {
        const end = await endOf('ledger', 1)
        return end.lastStableOffset === end.logEndOffset ? end : undefined
      })
      await expect(transaction.commit()).rejects.toThrow(/epoch|fenced/i)
      expect(await endOf('ledger', 1)).toEqual(after)
      expect((await cluster.logs.lastVisible(partition, after.logEndOffset, 1, within(10))).map((record) => record.offset)).toEqual([204n])
    })
  })

  test('many partitions at once: last records of empty, short and long logs, and what retention deleted is skipped', async () => {
    for (let batch = 0; batch < 40; batch++)
      await send(
        'short',
        0,
        Array.from({ length: 500 }, (_, index) => `${batch} ${index} ${'x'.repeat(100)}`),
      )
    await send('short', 1, ['only one'])
    const ends = await cluster.logs.ends(['short'], within(10))
    const byPartition = new Map<TopicPartition, bigint>(ends.map((end) => [end.partition, end.highWatermark]))
    const last = await cluster.logs.lastVisibleOfAll(byPartition, 2, within(10))
    expect([...last].sort().map(([name, records]) => [name, records.map((record) => record.offset)])).toEqual([
      ['short-0', [19_998n, 19_999n]],
      ['short-1', [0n]],
      ['short-2', []],
    ])
    const all = await cluster.logs.visible('short-0', 0n, 20_000n, within(20))
    expect(all.length).toBe(20_000)
    expect(new Set(all.map((record) => record.digest)).size).toBe(20_000)
    expect(all.slice(-2)).toEqual(last.get('short-0'))

    const admin = kafka.admin()
    await admin.connect()
    await admin.fetchTopicOffsets('short') // kafkajs deletes only where it has metadata, and doesn't ask for it itself
    await admin.deleteTopicRecords({ topic: 'short', partitions: [{ partition: 0, offset: '19995' }] })
    await admin.disconnect()
    expect((await endOf('short', 0)).logStartOffset).toBe(19_995n)
    expect((await cluster.logs.visible('short-0', 0n, 20_000n, within(10))).map((record) => record.offset)).toEqual([
      19_995n,
      19_996n,
      19_997n,
      19_998n,
      19_999n,
    ])
    expect(await cluster.logs.lastVisible('short-0', 20_000n, 100, within(10))).toHaveLength(5)
    expect(await cluster.logs.visible('short-0', 20_000n, 30_000n, within(10))).toEqual([])
    expect(await cluster.logs.visible('short-0', 25_000n, 30_000n, within(10))).toEqual([])
    await expect(cluster.logs.visible('short-9', 0n, 1n, within(5))).rejects.toMatchObject({ code: 'unknown-topic' })
    await expect(cluster.logs.ends(['nowhere'], within(5))).rejects.toMatchObject({ code: 'unknown-topic' })
  })

  test('a group takes commits and deletion only while it is empty', async () => {
    const offsets = new Map([['orders-0', 1n], ['orders-2', 1n]]) // biome-ignore format: one line
    expect(await cluster.groups.committed('billing', within(20))).toEqual(new Map())
    await cluster.groups.commit('billing', offsets, within(20))
    expect(await cluster.groups.committed('billing', within(10))).toEqual(offsets)
    const several = new Map([['billing', offsets], ['nobody', new Map()]]) // biome-ignore format: one line
    expect(await cluster.groups.committedOfAll(['billing', 'nobody'], within(10))).toEqual(several)
    expect(await cluster.groups.committedOfAll(['billing', 'nobody'], within(10))).toEqual(several) // now that both coordinators are known

    const member = kafka.consumer({ groupId: 'billing', maxWaitTimeInMs: 100 }) // its end waits for a fetch: five seconds otherwise
    await member.connect()
    await member.subscribe({ topic: 'orders' })
    await member.run({ autoCommit: false, eachMessage: async () => undefined })
    await within(20).poll(50, async () => ((await groupNamed('billing')).state === 'Stable' ? true : undefined))
    expect(await groupNamed('billing')).toEqual({ groupId: 'billing', state: 'Stable', type: 'classic', memberCount: 1 })
    await expect(cluster.groups.commit('billing', new Map([['orders-0', 0n]]), within(10))).rejects.toMatchObject({ code: 'group-not-empty' })
    await expect(cluster.groups.deleteGroup('billing', within(10))).rejects.toMatchObject({ code: 'group-not-empty' })
    expect(await cluster.groups.committed('billing', within(10))).toEqual(offsets)

    await member.disconnect()
    await within(20).poll(50, async () => ((await groupNamed('billing')).state === 'Empty' ? true : undefined))
    await cluster.groups.commit('billing', new Map([['orders-0', 0n]]), within(10))
    expect((await cluster.groups.committed('billing', within(10))).get('orders-0')).toBe(0n)
    await expect(cluster.groups.commit('billing', new Map([['nowhere-0', 0n]]), within(10))).rejects.toMatchObject({ code: 'kafka' })
    await cluster.groups.deleteGroup('billing', within(10))
    await cluster.groups.deleteGroup('billing', within(10))
    expect(await cluster.groups.committed('billing', within(10))).toEqual(new Map())
  })

  test('a static member whose consumer has closed stays until it is removed, and one that has joined again is left alone', async () => {
    const former = await leaveStaticMember(access, 'static', 'seat-1', within(20))
    const seen = await cluster.groups.staticMembers('static', within(10))
    expect(seen).toEqual([{ memberId: former, groupInstanceId: 'seat-1', clientId: 'kbg' }])
    expect(await groupNamed('static')).toMatchObject({ state: 'Stable', memberCount: 1 })

    const again = await leaveStaticMember(access, 'static', 'seat-1', within(20))
    expect(again).not.toBe(former)
    await cluster.groups.removeStaticMembers('static', seen, within(10))
    const left = await cluster.groups.staticMembers('static', within(10))
    expect(left.map(({ memberId }) => memberId)).toEqual([again])

    await cluster.groups.removeStaticMembers('static', left, within(10))
    expect(await groupNamed('static')).toMatchObject({ state: 'Empty', memberCount: 0 })
    await cluster.groups.removeStaticMembers('static', left, within(10)) // gone already: no error
    expect(await cluster.groups.staticMembers('nobody', within(10))).toEqual([])
  })

  const groupNamed = async (groupId: string) => {
    const group = (await cluster.groups.list(within(10))).find((one) => one.groupId === groupId)
    return group ?? { groupId, state: 'absent', type: 'absent', memberCount: 0 }
  }

  test.runIf(kafkaVersion === '4.3.1')('a live group of the new protocol (KIP-848) is seen as such, and refuses commits', async () => {
    const password = readCredentials(access.credentialsFile).passwords[app] ?? ''
    const consumer = new Consumer({
      groupId: 'modern',
      groupProtocol: 'consumer',
      clientId: 'modern',
      bootstrapBrokers: [...access.consumeBootstrapServers],
      sasl: { mechanism: 'SCRAM-SHA-512', username: app, password },
      deserializers: stringDeserializers,
    })
    const stream = await consumer.consume({ topics: ['orders'], autocommit: false })
    try {
      await within(20).poll(50, async () => ((await groupNamed('modern')).state === 'Stable' ? true : undefined))
      expect(await groupNamed('modern')).toEqual({ groupId: 'modern', state: 'Stable', type: 'consumer', memberCount: 1 })
      await expect(cluster.groups.commit('modern', new Map([['orders-0', 0n]]), within(10))).rejects.toMatchObject({ code: 'group-not-empty' })
    } finally {
      await stream.close()
      await consumer.close(true)
    }
    await within(20).poll(50, async () => ((await groupNamed('modern')).state === 'Empty' ? true : undefined))
    await cluster.groups.commit('modern', new Map([['orders-0', 1n]]), within(10))
    expect(await cluster.groups.committed('modern', within(10))).toEqual(new Map([['orders-0', 1n]]))
  })

  test('another cluster, a wrong password and a missing file are refused before anything is asked, without the password in the message', async () => {
    const stranger = connectCluster({ ...access, clusterId: 'AAAAAAAAAAAAAAAAAAAAAA' }, systemClock)
    await expect(stranger.logs.ends(['orders'], within(5))).rejects.toMatchObject({ code: 'wrong-cluster' })
    await expect(stranger.fence.probe(within(5))).rejects.toMatchObject({ code: 'wrong-cluster' })
    await stranger.close()
    const file = join(root, 'wrong.json')
    writeFileSync(file, JSON.stringify({ version: 1, passwords: { operator: 'not-the-password' } }), { mode: 0o600 })
    const locked = connectCluster({ ...access, credentialsFile: file }, systemClock)
    const refused = locked.inventory.cluster(within(5))
    await expect(refused).rejects.toMatchObject({ code: 'authentication' })
    await expect(refused).rejects.not.toThrow(/not-the-password/)
    await expect(locked.fence.probe(within(5))).rejects.toMatchObject({ code: 'credentials' })
    await locked.close()
  })

  test.runIf(kafkaVersion === '4.3.1')(
    'a hung broker is unreachable within a second, reads of it end at the deadline, and a write to it has an unknown outcome',
    async () => {
      const topics = await cluster.inventory.topics(within(10))
      const leadersOf = (topic: string) => topics.find((one) => one.topic === topic)?.partitions ?? []
      const broker = observeCluster(root, fleet, colour)?.brokers.find((one) => one.nodeId !== leadersOf('solo')[0]?.leader)
      const led = leadersOf(canaryTopic(colour)).find((one) => one.leader === broker?.nodeId)
      if (!broker?.pid || !led) throw new Error('no broker that leads a canary partition and not solo')
      const ledName = topicPartition(canaryTopic(colour), led.partition)
      await send('solo', 0, ['kafkajs knows the leader now'])
      process.kill(broker.pid, 'SIGSTOP')
      try {
        const startedMs = systemClock.monotonicMs()
        const probes = await cluster.fence.probe(within(5))
        expect(systemClock.monotonicMs() - startedMs).toBeLessThan(3_000)
        expect(probes.map((probe) => probe.answer).sort()).toEqual(['open', 'open', 'unreachable'])
        expect(probes.find((probe) => probe.brokerId === broker.nodeId)?.answer).toBe('unreachable')
        await expect(cluster.logs.ends([canaryTopic(colour)], within(0.5))).rejects.toMatchObject({ code: 'deadline' })
        await expect(cluster.logs.append(ledName, 'into the silence', within(0.5))).rejects.toMatchObject({ code: 'outcome-unknown' })
        // The leader takes a record that its hung follower doesn't fetch: only the log end shows it.
        await producer.send({ topic: 'solo', acks: 1, messages: [{ partition: 0, value: 'beyond the high watermark' }] })
        expect(await endOf('solo', 0)).toMatchObject({ logEndOffset: 2n, highWatermark: 1n, lastStableOffset: 1n })
      } finally {
        process.kill(broker.pid, 'SIGCONT')
      }
      await proven('open')
      expect((await cluster.logs.ends([canaryTopic(colour)], within(20))).length).toBe(3)
    },
  )

  test.runIf(kafkaVersion === '3.9.2')(
    'a killed broker is out of the proof once the controller has fenced it, and its partitions are read from their new leaders',
    async () => {
      const [, , broker] = observeCluster(root, fleet, colour)?.brokers ?? []
      if (!broker?.pid) throw new Error('no broker to kill')
      await cluster.groups.commit('survivor', new Map([['orders-0', 1n]]), within(10))
      process.kill(broker.pid, 'SIGKILL')
      const answers = await within(40).poll(200, async () => {
        const probes = await cluster.fence.probe(within(3))
        return probes.every((probe) => probe.answer === 'open') ? probes : undefined
      })
      expect(answers.map((probe) => probe.brokerId)).not.toContain(broker.nodeId)
      expect(answers).toHaveLength(2)
      const ends = await cluster.logs.ends(['orders', 'ledger'], within(20))
      expect(ends).toHaveLength(6)
      await send('orders', 0, ['still accepted'])
      // Its coordinator may be a new one that is still loading.
      await within(20).poll(100, async () => ((await groupNamed('survivor')).state === 'Empty' ? true : undefined))
      expect(await cluster.groups.committedOfAll(['survivor'], within(20))).toEqual(new Map([['survivor', new Map([['orders-0', 1n]])]]))
    },
  )
})
