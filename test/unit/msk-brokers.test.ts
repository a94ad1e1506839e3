import { describe, expect, test } from 'vitest'
import type { NetworkSpec } from '../../engine/model/aws-network.ts'
import { BrokerInventory, compareBrokers } from '../../engine/model/broker-inventory.ts'
import { MskSpec, mskAlarms, mskBrokerIds, mskBrokers, mskConfiguration, mskMake } from '../../engine/model/msk-brokers.ts'

const spec: MskSpec = {
  ...{ kafkaVersion: '3.9.x.kraft', instanceType: 'kafka.m7g.large', brokersPerZone: 2, storageGib: 500, maxStorageGib: 2_000 },
  brokerConfig: { 'log.retention.hours': '48' },
}
const network: NetworkSpec = { pool: '10.0.0.0/8', environment: 'production', fleet: 'shop', colour: 'blue', zones: ['a', 'b', 'c'] }

describe('an MSK spec', () => {
  test.each([
    [{ kafkaVersion: '3.9.x' }, 'a version without ZooKeeper'],
    [{ kafkaVersion: '3.6.x.kraft' }, '3.7.x.kraft or newer'],
    [{ kafkaVersion: 'latest' }, 'a version without ZooKeeper'],
    [{ instanceType: 'express.m7g.large' }, 'a standard broker size'],
    [{ brokersPerZone: 0 }, '>=1'],
    [{ storageGib: 10 }, 'at least 100 GiB'],
    [{ storageGib: 500, maxStorageGib: 400 }, 'below storageGib'],
    [{ brokerConfig: { 'min.insync.replicas': '1' } }, 'the platform sets this one itself'],
    [{ brokerConfig: { 'authorizer.class.name': '' } }, 'the platform sets this one itself'],
    [{ brokerConfig: { 'super.users': 'User:me' } }, 'MSK takes no such property'],
    [{ brokerConfig: { 'compression.type': 'zstd\nsuper.users=User:me' } }, 'one line without a backslash'],
    [{ brokerConfig: { 'compression.type': 'zstd\\' } }, 'one line without a backslash'],
  ])('%o is refused before AWS is asked', (change, message) => {
    expect(() => MskSpec.parse({ ...spec, ...change })).toThrow(message)
  })

  test('is taken as it is', () => {
    expect(MskSpec.parse(spec)).toEqual(spec)
  })
})

test('the configuration’s name follows from content and version alone', () => {
  const { name, serverProperties } = mskConfiguration('kbg-production-shop-blue', spec)
  expect(name).toMatch(/^kbg-production-shop-blue-[0-9a-f]{8}$/)
  expect(serverProperties.split('\n')).toContain('log.retention.hours=48')
  expect(mskConfiguration('kbg-production-shop-blue', { ...spec, kafkaVersion: '4.1.x.kraft' }).name).not.toBe(name)
})

/** A release that changes one of these refuses to update every colour that stands: its changelog has to say so. */
test('what this project sets itself', () => {
  expect(mskConfiguration('kbg-production-shop-blue', { ...spec, brokerConfig: {} }).serverProperties).toMatchInlineSnapshot(`
    "allow.everyone.if.no.acl.found=false
    auto.create.topics.enable=false
    default.replication.factor=3
    group.initial.rebalance.delay.ms=0
    min.insync.replicas=2
    offsets.topic.replication.factor=3
    transaction.state.log.min.isr=2
    transaction.state.log.replication.factor=3
    unclean.leader.election.enable=false
    "
  `)
})

test('the inventory is one that policies read, and the colours’ differ in nothing but network and what is declared', () => {
  const [blue, green] = [mskBrokers(spec, network), mskBrokers(spec, { ...network, colour: 'green' })]
  expect(BrokerInventory.parse(blue)).toEqual(blue)
  expect(compareBrokers(blue, green)).toEqual({ differing: [], unknown: [] })
  expect(blue.count).toBe(6)
  expect(blue.subnets).not.toEqual(green.subnets)
})

test('what a colour was made as leaves out what may grow', () => {
  expect(mskMake({ ...spec, storageGib: 900 }, network)).toEqual(mskMake(spec, network))
  expect(mskMake(spec, { ...network, zones: ['c', 'b', 'a'] })).toEqual(mskMake(spec, network))
  expect(Object.keys(mskMake(spec, network)).sort()).toEqual([
    'brokerConfig.log.retention.hours',
    'brokersPerZone',
    'instanceType',
    'kafkaVersion',
    'network',
    'zones',
  ])
})

test('every broker has alarms, and a missing controller is one too', () => {
  const ids = mskBrokerIds(spec, network)
  expect(ids).toEqual([1, 2, 3, 4, 5, 6])
  const alarms = mskAlarms(ids)
  for (const metric of ['UnderReplicatedPartitions', 'UnderMinIsrPartitionCount', 'KafkaDataLogsDiskUsed'])
    expect(alarms.filter((alarm) => alarm.metric === metric).map(({ brokerId }) => brokerId)).toEqual(ids)
  expect(alarms.find(({ metric }) => metric === 'ActiveControllerCount')).toMatchObject({ comparison: 'LessThanThreshold', threshold: 1, missing: 'breaching' })
  expect(new Set(alarms.map(({ name }) => name)).size).toBe(alarms.length)
})
