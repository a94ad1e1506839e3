import { describe, expect, test } from 'vitest'
import { connectorPromises, workerPromises } from '../../engine/model/mirror-template.ts'
import { keptByMskConnect, type MskSide, mirrorStatements, mskConnectorConfig, mskWorkerProperties } from '../../engine/model/msk-connect.ts'

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
