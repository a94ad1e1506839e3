import { expect, test } from 'vitest'
import type { ClientRegistration } from '../../engine/model/route.ts'
import { removableMembers } from '../../engine/switchover/static-members.ts'

const member = (groupInstanceId: string) => ({ memberId: `${groupInstanceId}-1`, groupInstanceId, clientId: 'app' })

function registered(instanceId: string, over: Partial<ClientRegistration> = {}): ClientRegistration {
  const base = { version: 1, clientId: 'app', kind: 'consumer', groupId: 'billing', transactionalId: null, ackedEpoch: 7, state: 'held', colour: null } as const
  return { ...base, software: 'test', instanceId, ...over }
}

const removed = (clients: readonly ClientRegistration[]) =>
  removableMembers([member('seat-1')], clients, 'billing', 7).map(({ groupInstanceId }) => groupInstanceId)

test('a static member goes when the consumer that is registered under its instance id has acknowledged the hold', () => {
  expect(removed([registered('seat-1')])).toEqual(['seat-1'])
  expect(removed([registered('app-billing-seat-1', { ackedEpoch: 9 })])).toEqual(['seat-1'])
})

test.each([
  ['nobody is registered: it may work without the route', []],
  ['another one is', [registered('seat-2'), registered('app-billing-seat-11')]],
  ['it has not acknowledged the hold yet', [registered('seat-1', { ackedEpoch: 6 })]],
  ['it has seen the epoch and runs all the same', [registered('seat-1', { state: 'running', colour: 'blue' })]],
  ['the registration is of another group', [registered('seat-1', { groupId: 'orders' })]],
  ['the registration is a producer’s', [registered('seat-1', { kind: 'producer' })]],
  ['two are registered under it, and one works', [registered('seat-1'), registered('app-billing-seat-1', { ackedEpoch: 6 })]],
] as const)('it stays when %s', (_, clients) => {
  expect(removed(clients)).toEqual([])
})
