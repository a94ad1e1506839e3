import { describe, expect, test } from 'vitest'
import { unknownValue } from '../../provider/properties.ts'
import { handlerOf } from '../../provider/resource-handler.ts'
import { managedCluster } from '../../provider/resources/managed-cluster.ts'
import { recordedCall } from './fixtures.ts'

const handler = handlerOf(managedCluster)
const inputs = {
  ...{ fleet: 'shop', colour: 'blue', make: { kafkaVersion: '3.9.x.kraft', instanceType: 'kafka.m7g.large' } },
  platformConfig: { 'min.insync.replicas': '2', 'default.replication.factor': '3' },
}
const stored = { id: 'shop/blue', inputs, outputs: { ...inputs } }
const made = (change: Record<string, string>) => ({ ...inputs, make: { ...inputs.make, ...change } })

test.each([
  [{ kafkaVersion: '4.1.x.kraft' }, 'make["kafkaVersion"]', 'kafkaVersion 3.9.x.kraft'],
  [{ instanceType: 'kafka.m7g.xlarge' }, 'make["instanceType"]', 'instanceType kafka.m7g.large'],
  [{ 'brokerConfig.log.retention.hours': '4' }, 'make["brokerConfig.log.retention.hours"]', 'brokerConfig.log.retention.hours (default)'],
])('%o is refused in the preview, at its property, with the other colour as the way', (change, property, was) => {
  const { refusals } = handler.check(inputs, made(change))
  expect(refusals.map((each) => each.property)).toEqual([property])
  expect(refusals[0]?.reason).toContain(was)
  expect(refusals[0]?.reason).toContain('make the change on green: provision green with it, switch, retire blue')
})

test('the update itself refuses what a preview could not know', async () => {
  expect(handler.check(inputs, { ...inputs, make: unknownValue }).refusals).toEqual([])
  await expect(handler.update(stored, made({ kafkaVersion: '4.1.x.kraft' }), recordedCall())).rejects.toThrow(/cluster-change.*kafkaVersion 3.9.x.kraft/)
})

describe('server properties that a release sets otherwise', () => {
  test('are refused in the preview: what was observed, what is asked for, and the other colour as the way', async () => {
    const wanted = { ...inputs, platformConfig: { 'min.insync.replicas': '3', 'num.io.threads': '16' } }
    const { refusals } = handler.check(inputs, wanted)
    expect(refusals).toEqual([{ property: 'platformConfig', reason: expect.any(String) }])
    expect(refusals[0]?.reason).toContain(
      'default.replication.factor 3 (this release: (default)), min.insync.replicas 2 (this release: 3), num.io.threads (default) (this release: 16)',
    )
    expect(refusals[0]?.reason).toContain(
      'Provision green with this release and switch; until blue is retired, update it with the release that it was last updated with.',
    )
    await expect(handler.update(stored, wanted, recordedCall())).rejects.toThrow(/cluster-change.*min.insync.replicas 2/)
  })

  test('are shown as five, and how many more', () => {
    const many = Object.fromEntries(Array.from({ length: 7 }, (_, index) => [`a.property.${index}`, '1']))
    const [refusal] = handler.check(inputs, { ...inputs, platformConfig: { ...inputs.platformConfig, ...many } }).refusals
    expect(refusal?.reason).toContain('a.property.4 (default) (this release: 1) and 2 more.')
  })

  test('are told beside what the stack changes itself', () => {
    const { refusals } = handler.check(inputs, { ...made({ kafkaVersion: '4.1.x.kraft' }), platformConfig: {} })
    expect(refusals.map((each) => each.property)).toEqual(['make["kafkaVersion"]', 'platformConfig'])
  })

  test('are no change where the stack has set the same until now', () => {
    const before = { ...inputs, make: { ...inputs.make, 'brokerConfig.num.io.threads': '16' } }
    const { refusals } = handler.check(before, { ...inputs, platformConfig: { ...inputs.platformConfig, 'num.io.threads': '16' } })
    expect(refusals).toEqual([])
    const [other] = handler.check(before, { ...inputs, platformConfig: { ...inputs.platformConfig, 'num.io.threads': '8' } }).refusals
    expect(other).toMatchObject({ property: 'platformConfig', reason: expect.stringContaining('num.io.threads 16 (this release: 8)') })
  })
})

describe('a colour whose state is of a version that didn’t say what it sets', () => {
  const { platformConfig: _unsaid, ...earlier } = inputs

  test('isn’t refused for that: the next update remembers what is set then', async () => {
    const old = { id: 'shop/blue', inputs: earlier, outputs: { ...earlier } }
    expect(handler.check(earlier, inputs).refusals).toEqual([])
    expect([...handler.diff(old, inputs).keys()]).toEqual(['platformConfig'])
    const properties = await handler.update(old, inputs, recordedCall())
    expect(properties).toEqual(inputs)
    const refreshed = await handler.read(old, recordedCall())
    expect(handler.check(refreshed.inputs, inputs).refusals).toEqual([])
  })

  test('is refused what it was refused before', () => {
    const { refusals } = handler.check(earlier, made({ instanceType: 'kafka.m7g.xlarge', 'brokerConfig.log.retention.hours': '4' }))
    expect(refusals.map((each) => each.property)).toEqual(['make["brokerConfig.log.retention.hours"]', 'make["instanceType"]'])
  })
})

test('what the program itself doesn’t say is told once, as missing', () => {
  const { platformConfig: _unsaid, ...news } = inputs
  expect(handler.check(inputs, news).refusals.map((each) => each.property)).toEqual(['platformConfig'])
})

test('the same is no difference, and a fresh colour may be anything', () => {
  expect(handler.check(inputs, inputs).refusals).toEqual([])
  expect([...handler.diff(stored, inputs)]).toEqual([])
  expect(handler.check(undefined, made({ kafkaVersion: '4.1.x.kraft' })).refusals).toEqual([])
})

test('it is there as long as state has it', async () => {
  expect(await handler.create(inputs, recordedCall())).toMatchObject({ id: 'shop/blue' })
  expect(await handler.read(stored, recordedCall())).toMatchObject({ inputs })
})
