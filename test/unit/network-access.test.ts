import { describe, expect, test } from 'vitest'
import { ClientNetworks, planPeering } from '../../engine/model/network-access.ts'
import { networkAccess } from '../support/msk-colour.ts'

const [blue, green] = [networkAccess('blue'), networkAccess('green')]

describe('between the colours', () => {
  test('the mirror’s subnets have a route to the other brokers, brokers one to the other mirror, and nobody to anything else', () => {
    const routes = [planPeering(blue, green), planPeering(green, blue)].flatMap((plan) => plan.routes)
    const from = (table: string) => routes.filter(({ routeTableId }) => routeTableId === table).map(({ destination }) => destination)
    expect(from('mirror-blue')).toEqual(green.brokerCidrs)
    expect(from('brokers-blue')).toEqual(green.mirrorCidrs)
    expect(from('mirror-green')).toEqual(blue.brokerCidrs)
    expect(from('brokers-green')).toEqual(blue.mirrorCidrs)
    expect(routes).toHaveLength(12)
    expect(new Set(routes.map(({ name }) => name)).size).toBe(12)
  })

  test('rules let the other mirror in at the platform’s side, and the own workers out to the other brokers', () => {
    const { rules } = planPeering(blue, green)
    expect(rules.filter(({ direction }) => direction === 'ingress')).toMatchObject(
      green.mirrorCidrs.map((cidr) => ({ securityGroupId: 'platform-blue', cidr })),
    )
    expect(rules.filter(({ direction }) => direction === 'egress')).toMatchObject(green.brokerCidrs.map((cidr) => ({ securityGroupId: 'workers-blue', cidr })))
  })
})

test.each([
  [{ producers: ['10.1.0.0/16'], consumers: ['10.1.2.0/24'] }, 'share addresses'],
  [{ producers: ['10.1.2.0/24'], operators: ['10.1.0.0/16'] }, 'share addresses'],
  [{ consumers: ['10.1.2.0/24', '10.1.3.0/24', '10.1.2.0/24'] }, 'named twice: 10.1.2.0/24'],
  [{ producers: ['0.0.0.0/0'] }, 'within 10.0.0.0/8'],
  [{ consumers: ['203.0.113.0/24'] }, 'within 10.0.0.0/8'],
])('client networks %o are refused', (networks, message) => {
  expect(() => ClientNetworks.parse(networks)).toThrow(message)
})

test('networks that are apart are taken, and none is nobody', () => {
  expect(ClientNetworks.parse({ producers: ['10.1.0.0/24'], consumers: ['10.1.1.0/24'] })).toMatchObject({ operators: [] })
})
