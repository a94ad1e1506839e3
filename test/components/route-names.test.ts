import { expect, test } from 'vitest'
import { RouteNames } from '../../components/route/route53.ts'
import type { Colour } from '../../engine/model/colour.ts'
import { declaredBy, graphText } from './graph.ts'
import { accessOf } from './mocks.ts'

const spec = { account: '123456789012', region: 'eu-central-1', zone: 'shop.kafka.internal', vpcIds: ['vpc-0123456789abcdef0'] }
const clusters = { blue: accessOf('blue'), green: accessOf('green') }

const names = (live: Colour, consumers: Readonly<Record<string, string>> = {}) =>
  declaredBy(
    'shop-traffic',
    () => ({ zoneId: 'Z1' }),
    (opts) => {
      new RouteNames('names', { fleet: 'shop', spec, live, consumers, waves: ['wave-1', 'wave-2'], clusters }, opts)
    },
  )

async function answers(live: Colour, consumers: Readonly<Record<string, string>> = {}) {
  const records = (await names(live, consumers)).filter(({ type }) => type === 'aws:route53/record:Record')
  return Object.fromEntries(records.map(({ inputs }) => [String(inputs.name), inputs.records]))
}

test('the route as names is this graph', async () => {
  const declared = await names('blue')
  await expect(graphText(declared)).toMatchFileSnapshot('../golden/graph-route-names.txt')
  expect(declared.find(({ type }) => type === 'aws:route53/zone:Zone')?.inputs).toMatchObject({ name: spec.zone, vpcs: [{ vpcId: spec.vpcIds[0] }] })
  for (const { type, inputs } of declared) if (type === 'aws:route53/record:Record') expect(inputs).toMatchObject({ type: 'TXT', ttl: 30 })
})

test('each class of traffic has a name that says where it is, with the addresses there', async () => {
  expect(await answers('blue', { 'wave-1': 'green' })).toEqual({
    'producers.shop.kafka.internal': ['at=blue', 'server=blue.invalid:9094'],
    'wave-1.shop.kafka.internal': ['at=green', 'server=green.invalid:9095'],
    'wave-2.shop.kafka.internal': ['at=blue', 'server=blue.invalid:9095'],
  })
  expect(await answers('green')).toMatchObject({ 'producers.shop.kafka.internal': ['at=green', 'server=green.invalid:9094'] })
})

test('a wave that is at no one place has no address', async () => {
  expect(await answers('blue', { 'wave-1': 'held', 'wave-2': 'mixed' })).toMatchObject({
    'wave-1.shop.kafka.internal': ['at=held'],
    'wave-2.shop.kafka.internal': ['at=mixed'],
  })
})
