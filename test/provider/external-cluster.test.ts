import { expect, test } from 'vitest'
import { KbgError } from '../../engine/model/error.ts'
import type { PropertyMap } from '../../provider/properties.ts'
import { handlerOf } from '../../provider/resource-handler.ts'
import { externalCluster } from '../../provider/resources/external-cluster.ts'
import { accessOf, recordedCall } from './fixtures.ts'

const users = {
  ...{ operator: { username: 'kafka-admin', mechanism: 'PLAIN' }, mirror: { username: 'mm2', mechanism: 'PLAIN' } },
  ...{ probe: { username: 'canary', mechanism: 'PLAIN' }, others: [] },
} as const
const spec = {
  ...{ fleet: 'shop', colour: 'blue', kafkaVersion: '3.9.2', nodes: 3 },
  external: { bootstrapServers: ['kafka.example:9092'], credentialsFile: '/nowhere/theirs.json', users },
  catalog: { topics: { orders: { partitions: 6, replicationFactor: 3, config: {} } }, users: [], principals: [], acls: [], quotas: [], groups: {} },
}
const blue = accessOf('blue')
const stored = { id: 'shop/blue', inputs: spec as unknown as PropertyMap, outputs: { ...spec, access: blue } as unknown as PropertyMap }

function cluster(more: { readonly clusterId?: string; readonly registered?: () => Promise<number> } = {}) {
  const released: string[] = []
  const trials: string[] = []
  const handler = handlerOf(
    externalCluster({
      adopt: async (_spec, trial) => {
        trials.push(trial)
        return { ...blue, clusterId: more.clusterId ?? blue.clusterId }
      },
      release: ({ colour }) => void released.push(colour),
      brokersRegistered: more.registered ?? (async () => 3),
    }),
  )
  return { handler, released, trials }
}

test('its end leaves the cluster as it is, and says what of this project stays there', async () => {
  const { handler, released } = cluster()
  const call = recordedCall()
  await handler.delete(stored, call)
  expect(released).toEqual(['blue'])
  expect(call.warnings.join()).toMatch(/its cluster stays as it is.*bindings of canary/)
})

test('another fleet or colour is refused at its property, another catalog is an ordinary update; only who logs in otherwise is tried again', async () => {
  const { handler, trials } = cluster()
  expect(handler.check(stored.inputs, { ...spec, fleet: 'other' } as unknown as PropertyMap).refusals).toMatchObject([{ property: 'fleet' }])
  const wanted = { ...spec, catalog: { ...spec.catalog, users: ['app'] } } as unknown as PropertyMap
  expect(handler.check(stored.inputs, wanted).refusals).toEqual([])
  expect(await handler.update(stored, wanted, recordedCall())).toMatchObject({ access: { clusterId: blue.clusterId } })
  const external = { ...spec.external, users: { ...users, mirror: { username: 'other', mechanism: 'PLAIN' } } }
  await handler.update(stored, { ...spec, external } as unknown as PropertyMap, recordedCall())
  await handler.create(stored.inputs, recordedCall())
  expect(trials).toEqual(['none', 'fence', 'fence'])
})

test('another cluster at the same addresses is refused', async () => {
  await expect(cluster({ clusterId: 'another' }).handler.update(stored, stored.inputs, recordedCall())).rejects.toThrow(/cluster-change: .*observed: another/)
})

test('a refresh that can’t ask it keeps what was known, with a warning; a broker that is missing is told', async () => {
  const gone = recordedCall()
  const unreachable = cluster({
    registered: () => Promise.reject(new KbgError('connection', 'nobody answers')),
  })
  expect(await unreachable.handler.read(stored, gone)).toMatchObject({ properties: { access: { clusterId: blue.clusterId } } })
  expect(gone.warnings.join()).toMatch(/can't be asked now: connection: nobody answers/)
  const call = recordedCall()
  await cluster({ registered: async () => 2 }).handler.read(stored, call)
  expect(call.warnings).toEqual(['2 of 3 brokers of blue are registered.'])
})
