import { describe, expect, test } from 'vitest'
import { connectorPromises, workerPromises } from '../../engine/model/mirror-template.ts'
import {
  keptByMskConnect,
  type MskSide,
  mirrorStatements,
  mskConnectorConfig,
  mskConnectorRequest,
  mskConnectWorker,
  mskWorkerProperties,
} from '../../engine/model/msk-connect.ts'
import { mirrorConnectorName } from '../../engine/run/connector-names.ts'
import { networkAccess } from '../support/msk-colour.ts'

const side = (colour: 'blue' | 'green'): MskSide => ({
  colour,
  arn: `arn:aws:kafka:eu-central-1:123456789012:cluster/kbg-production-shop-${colour}/0000-${colour}`,
  iamBootstrapServers: `b-1.${colour}:9098,b-2.${colour}:9098`,
})
const [blue, green] = [side('blue'), side('green')]

describe('the mirror on MSK Connect', () => {
  test('its workers are told nothing that MSK Connect refuses, and promise what every worker promises', () => {
    const properties = mskWorkerProperties('green')
    for (const key of Object.keys(properties))
      expect(
        keptByMskConnect.filter((start) => key.startsWith(start)),
        key,
      ).toEqual([])
    expect(properties).toMatchObject({
      'exactly.once.source.support': workerPromises['exactly.once.source.support'],
      'topic.creation.enable': 'false',
      'offset.storage.topic': 'kbg.connect.green.offsets',
      'offset.flush.interval.ms': '1000',
      'value.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter',
    })
  })

  test('its connector promises what every connector promises, and logs in by role: no secret in it', () => {
    const config = mskConnectorConfig(blue, green, ['orders', 'orders.v1'])
    expect(config).toMatchObject(connectorPromises())
    expect(config).toMatchObject({
      'source.cluster.alias': 'blue',
      'target.cluster.alias': 'green',
      'source.cluster.bootstrap.servers': blue.iamBootstrapServers,
      topics: 'orders,orders\\.v1',
    })
    expect(config['source.cluster.sasl.jaas.config']).toBe('software.amazon.msk.auth.iam.IAMLoginModule required;')
    expect(JSON.stringify(config)).not.toMatch(/password|username/i)
    expect(() => mskConnectorConfig(blue, green, ['__internal'])).toThrow(/not-mirrorable/)
  })
})

describe('how connectors into a colour are asked for', () => {
  const parts = {
    ...{ pluginArn: 'arn:plugin', pluginRevision: 1, workerConfigurationArn: 'arn:configuration', workerConfigurationRevision: 1 },
    ...{ roleArn: 'arn:role', logGroup: '/kbg' },
  }
  const request = mskConnectorRequest(blue, green, networkAccess('green'), parts, ['orders'])
  const prefixOf = (environment: string, fleet: string, target: 'blue' | 'green' = 'green') =>
    mskConnectWorker({ region: 'eu-central-1', environment, fleet }, target, request).namePrefix

  test('no fleet’s names begin as another one’s do, wherever the dashes are', () => {
    const places = ['a', 'a-b', 'a-blue', 'a-into-blue', 'a-fleet-b'].flatMap((environment) =>
      ['b', 'c', 'b-c', 'fleet-b', 'b-c-blue-d'].map((fleet) => [environment, fleet] as const),
    )
    const prefixes = places.flatMap(([environment, fleet]) => [prefixOf(environment, fleet, 'blue'), prefixOf(environment, fleet, 'green')])
    const clashes = prefixes.flatMap((each, index) => prefixes.filter((other, at) => at !== index && other.startsWith(each)))
    expect(prefixes).toHaveLength(50)
    expect(clashes).toEqual([])
  })

  test('the longest name that there may be is one that AWS takes: 128 characters', () => {
    const prefix = prefixOf('e'.repeat(31), 'f'.repeat(22))
    expect(`${prefix}${mirrorConnectorName('blue', 'green', String(2n ** 63n))}`.length).toBeLessThanOrEqual(128)
    expect(prefixOf('production', 'shop')).toBe('kbg-production-FLEET-shop-INTO-green-') // it stays for ever
  })
})

describe('the role of a mirror', () => {
  const statements = mirrorStatements(blue, green, ['orders'])
  const actionsOn = (resource: string) => statements.filter(({ Resource }) => Resource.includes(resource)).flatMap(({ Action }) => Action)

  test('reads its topics on the source, writes them on the target, and nothing the other way round', () => {
    const onSource = actionsOn('arn:aws:kafka:eu-central-1:123456789012:topic/kbg-production-shop-blue/0000-blue/orders')
    const onTarget = actionsOn('arn:aws:kafka:eu-central-1:123456789012:topic/kbg-production-shop-green/0000-green/orders')
    expect(onSource).toContain('kafka-cluster:ReadData')
    expect(onSource).not.toContain('kafka-cluster:WriteData')
    expect(onTarget).toContain('kafka-cluster:WriteData')
    expect(onTarget).not.toContain('kafka-cluster:ReadData')
  })

  test('names what it acts on: no resource is everything, no action a pattern, and nothing alters a cluster', () => {
    const resources = statements.flatMap(({ Resource }) => Resource)
    expect(resources.filter((resource) => !resource.includes('/kbg-production-shop-'))).toEqual([])
    expect(resources.filter((resource) => resource.endsWith('/*'))).toEqual([])
    expect(statements.flatMap(({ Action }) => Action).filter((action) => action.includes('*') || /AlterCluster|DeleteTopic|AlterTopic/.test(action))).toEqual(
      [],
    )
  })
})
