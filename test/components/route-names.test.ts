import { expect, test } from 'vitest'
import { RouteNames } from '../../components/route/route53.ts'
import { PublishedParameter } from '../../components/route/ssm.ts'
import { declaredBy, graphText } from './graph.ts'

const at = { account: '123456789012', region: 'eu-central-1' }
const spec = { ...at, zone: 'shop.kafka.internal', vpcIds: ['vpc-0123456789abcdef0'] }

test('where the route is published is this graph: a zone without records and a parameter without a route, because a switchover writes both', async () => {
  const declared = await declaredBy(
    'shop-traffic',
    () => ({ zoneId: 'Z1' }),
    (opts) => {
      new RouteNames('names', { fleet: 'shop', spec }, opts)
      new PublishedParameter('route', { fleet: 'shop', spec: { ...at, pollIntervalMs: 1_000 } }, opts)
    },
  )
  await expect(graphText(declared)).toMatchFileSnapshot('../golden/graph-route-names.txt')
  const inputsOf = (type: string) => declared.find((each) => each.type === type)?.inputs
  expect(inputsOf('aws:route53/zone:Zone')).toMatchObject({ name: spec.zone, vpcs: [{ vpcId: spec.vpcIds[0] }], forceDestroy: true })
  expect(inputsOf('aws:ssm/parameter:Parameter')).toMatchObject({ name: '/kbg/shop/route', insecureValue: 'not published yet' })
})
