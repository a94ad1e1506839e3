import { describe, expect, test } from 'vitest'
import { clientsLines } from '../../cli/clients/lines.ts'
import { groupClients, type ToldGroup } from '../../engine/model/client-inventory.ts'
import type { ClientRegistration } from '../../engine/model/route.ts'
import type { ClientsLook } from '../../engine/run/look-at-clients.ts'

const registered = (clientId: string, groupId: string | null): ClientRegistration => ({
  ...{ version: 1, clientId, instanceId: `${clientId}-1`, kind: groupId === null ? 'producer' : 'consumer', groupId, transactionalId: null },
  ...{ ackedEpoch: 4, state: 'running', colour: 'blue', software: 'client 0.1.0' },
})
const member = (clientId: string, host = '10.1.2.3') => ({ clientId, host })
const groups: readonly ToldGroup[] = [
  { groupId: 'billing', type: 'classic', members: [member('billing-app'), member('billing-app'), member('billing-app', '10.1.2.4'), member('console')] },
  { groupId: 'shared', type: 'share', members: null },
]

describe('members of groups', () => {
  test('are told by name and host, with who follows the route in that very group', () => {
    expect(groupClients(groups, [registered('billing-app', 'billing'), registered('console', 'another'), registered('console', null)])).toEqual([
      { groupId: 'billing', clientId: 'billing-app', host: '10.1.2.3', members: 2, routed: 'client 0.1.0' },
      { groupId: 'billing', clientId: 'billing-app', host: '10.1.2.4', members: 1, routed: 'client 0.1.0' },
      { groupId: 'billing', clientId: 'console', host: '10.1.2.3', members: 1, routed: null },
    ])
  })

  test('where there is no route nobody is said to miss it', () => {
    expect(groupClients(groups, null).map(({ routed }) => routed)).toEqual([undefined, undefined, undefined])
  })
})

describe('kbg clients', () => {
  const look: ClientsLook = {
    ...{ colour: 'blue', untold: ['shared (share)'], registered: [registered('orders-app', null)] },
    clients: { seen: true, value: groupClients(groups, [registered('billing-app', 'billing')]) },
    producers: { seen: true, value: [{ topic: 'orders', producers: 3, inTransaction: 1, newestRecordMs: 0 }] },
  }

  test('names who follows, who doesn’t, who writes, and what brokers never tell', () => {
    const text = clientsLines(look).join('\n')
    expect(text).toMatch(
      /^clients of blue, which is live\nGROUP +MEMBERS +CLIENT +ROUTE\nbilling +2 +billing-app from 10\.1\.2\.3 +follows it: client 0\.1\.0\n/,
    )
    expect(text).toMatch(/console from 10\.1\.2\.3 +not registered: a move meets it unprepared/)
    expect(text).toMatch(/orders +3 +1 +1970-01-01T00:00:00\.000Z\nrouted producers that are registered: 1\n/)
    expect(text).toContain('groups whose members are not asked for: shared (share)')
    expect(text).toMatch(/brokers never tell:\n {2}the principal/)
  })

  test('what could not be read is said to be that', () => {
    const unread = { ...look, clients: { seen: false, why: 'CLUSTER_AUTHORIZATION_FAILED' }, producers: { seen: false, why: 'deadline' } } as const
    expect(clientsLines(unread).join('\n')).toMatch(/groups could not be read: CLUSTER_AUTHORIZATION_FAILED\n[\s\S]*producers could not be read: deadline/)
  })
})
