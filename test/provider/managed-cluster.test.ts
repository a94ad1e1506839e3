import { expect, test } from 'vitest'
import { unknownValue } from '../../provider/properties.ts'
import { handlerOf } from '../../provider/resource-handler.ts'
import { managedCluster } from '../../provider/resources/managed-cluster.ts'
import { recordedCall } from './fixtures.ts'

const handler = handlerOf(managedCluster)
const inputs = { fleet: 'shop', colour: 'blue', make: { kafkaVersion: '3.9.x.kraft', instanceType: 'kafka.m7g.large' } }
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

test('the same is no difference, and a fresh colour may be anything', () => {
  expect(handler.check(inputs, inputs).refusals).toEqual([])
  expect([...handler.diff(stored, inputs)]).toEqual([])
  expect(handler.check(undefined, made({ kafkaVersion: '4.1.x.kraft' })).refusals).toEqual([])
})

test('it is there as long as state has it', async () => {
  expect(await handler.create(inputs, recordedCall())).toMatchObject({ id: 'shop/blue' })
  expect(await handler.read(stored, recordedCall())).toMatchObject({ inputs })
})
