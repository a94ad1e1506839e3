import type { IKeyValue, IRangeResponse } from 'etcd3'
import { describe, expect, test } from 'vitest'
import { type FleetRanges, readFleet } from '../../engine/adapters/etcd/route-reading.ts'
import { groupRoute, RouteDocument, routeKeys, writableColour } from '../../engine/model/route.ts'

const keys = routeKeys('shop')
const endpoints = (clusterId: string) => ({ clusterId, produceBootstrapServers: ['a:1'], consumeBootstrapServers: ['a:2'] })
const route = {
  ...{ version: 1, fleet: 'shop', epoch: 4, state: 'open', live: 'blue', target: null, term: '7', attempt: 0, latch: null },
  ...{ colours: { blue: endpoints('b'), green: endpoints('g') }, defaultConsumerColour: 'blue', groups: { slow: { colour: 'green', state: 'held' } } },
}
const entry = (number: number) => ({
  ...{ number, term: '7', atWallClock: '2026-01-01T00:00:00.000Z', atMonotonicMs: 1 },
  ...{ kind: 'step', step: 'hold', what: 'done', detail: '' },
})
const mirrorEntry = (number: number) => ({
  ...{ number, term: '7', atWallClock: '2026-01-01T00:00:00.000Z', atMonotonicMs: 1 },
  ...{ kind: 'mirror', connector: 'm', source: 'blue', target: 'green', what: 'running' },
})
const client = (ackedEpoch: number) => ({
  ...{ version: 1, clientId: 'app', instanceId: 'app-1', kind: 'producer', groupId: null, transactionalId: null },
  ...{ ackedEpoch, state: 'running', colour: 'blue', software: 'test' },
})

const opened = (number: number) => ({
  ...{ number, term: '7', atWallClock: '2026-01-01T00:00:00.000Z', atMonotonicMs: 1 },
  ...{ kind: 'opened', source: 'blue', target: 'green', attempt: 0, epoch: 4 },
})
const based = { first: 7, oldest: 1, opened: [7], carried: [mirrorEntry(3)] }

function range(...pairs: [string, unknown][]): IRangeResponse {
  const kvs = pairs.map(([key, value]) => ({
    ...{ key: Buffer.from(key), value: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)) },
    ...{ create_revision: '7', mod_revision: '9' },
  }))
  return { kvs: kvs as unknown as IKeyValue[] } as IRangeResponse
}

const entries = (...pairs: [string, unknown][]): readonly IKeyValue[] => range(...pairs).kvs

function ranges(change: Partial<FleetRanges> = {}): FleetRanges {
  return {
    route: range([keys.route, route]),
    lock: range([keys.lock, { holder: 'a person', token: 't' }]),
    journalHead: range([keys.journalHead, '2']),
    journalBase: range(),
    journal: entries([keys.journalEntry(1), entry(1)], [keys.journalEntry(2), entry(2)]),
    clients: range([keys.client('app-1'), client(3)], [keys.client('app-2'), client(11)]),
    ...change,
  }
}

describe('reading a fleet', () => {
  test('tells route, lock, journal and the highest epoch of its clients', () => {
    expect(readFleet('shop', ranges())).toMatchObject({
      ...{ route: { epoch: 4 }, routeRevision: '9', journalHead: 2, lock: { holder: 'a person', term: '7' }, highestClientEpoch: 11 },
      journal: [{ number: 1 }, { number: 2 }],
    })
  })

  test('from a base on it tells the entries from there, behind those that the base carries', () => {
    const journal = entries([keys.journalEntry(7), opened(7)], [keys.journalEntry(8), entry(8)])
    const reading = readFleet('shop', ranges({ journalBase: range([keys.journalBase, based]), journalHead: range([keys.journalHead, '8']), journal }))
    expect(reading.journal.map(({ number, kind }) => [number, kind])).toEqual([
      [3, 'mirror'],
      [7, 'opened'],
      [8, 'step'],
    ])
    expect(reading.journalHead).toBe(8)
  })

  test('an empty store is empty', () => {
    const nothing = { route: range(), lock: range(), journalHead: range(), journalBase: range(), journal: [], clients: range() }
    expect(readFleet('shop', nothing)).toEqual({ route: null, routeRevision: '0', journal: [], journalHead: 0, lock: null, highestClientEpoch: 0 })
  })

  test.each([
    ['a route that is no JSON', { route: range([keys.route, '{']) }, keys.route],
    ['a route of another fleet', { route: range([keys.route, { ...route, fleet: 'other' }]) }, keys.route],
    ['a held route without a target', { route: range([keys.route, { ...route, state: 'held' }]) }, keys.route],
    ['a field that nobody knows', { route: range([keys.route, { ...route, surprise: true }]) }, keys.route],
    ['a journal with a gap', { journal: entries([keys.journalEntry(2), entry(2)]) }, keys.journalPrefix],
    ['a journal without its head', { journalHead: range() }, keys.journalPrefix],
    ['a damaged entry', { journal: entries([keys.journalEntry(1), entry(1)], [keys.journalEntry(2), {}]) }, keys.journalEntry(2)],
    ['an entry missing before the base', { journalBase: range([keys.journalBase, { ...based, first: 3 }]) }, keys.journalPrefix],
    ['a base ahead of the journal', { journalBase: range([keys.journalBase, { ...based, first: 3 }]), journal: entries() }, keys.journalBase],
    ['a damaged base', { journalBase: range([keys.journalBase, { ...based, first: 0 }]) }, keys.journalBase],
    ['a damaged lock', { lock: range([keys.lock, 'me']) }, keys.lock],
    ['a damaged registration', { clients: range([keys.client('app-1'), { ...client(1), ackedEpoch: -1 }]) }, keys.client('app-1')],
  ] satisfies [string, Partial<FleetRanges>, string][])('%s is refused with its key, never taken as absent', (_what, change, key) => {
    expect(() => readFleet('shop', ranges(change))).toThrow(expect.objectContaining({ code: 'route-corrupt', facts: expect.objectContaining({ key }) }))
  })
})

test('nobody writes but in an open epoch; a group that is not named reads where all do', () => {
  const open = RouteDocument.parse(route)
  expect(writableColour(open)).toBe('blue')
  for (const state of ['held', 'aborting', 'deciding']) expect(writableColour(RouteDocument.parse({ ...route, state, target: 'green' }))).toBeNull()
  expect(groupRoute(open, 'slow')).toEqual({ colour: 'green', state: 'held' })
  expect(groupRoute(open, 'any other')).toEqual({ colour: 'blue', state: 'running' })
})
