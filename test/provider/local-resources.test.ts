import { describe, expect, test } from 'vitest'
import { Limits } from '../../engine/model/limits.ts'
import { type PropertyMap, unknownValue } from '../../provider/properties.ts'
import { handlerOf } from '../../provider/resource-handler.ts'
import { localAudit } from '../../provider/resources/local-audit.ts'
import { localCluster } from '../../provider/resources/local-cluster.ts'
import { localGuardian } from '../../provider/resources/local-guardian.ts'
import { localRouteStore } from '../../provider/resources/local-route-store.ts'
import { localWriteBack } from '../../provider/resources/local-write-back.ts'
import { type RetirementEngine, retirementGuard } from '../../provider/resources/retirement-guard.ts'
import { accessOf, recordedCall, wiringOf } from './fixtures.ts'

const spec = {
  ...{ fleet: 'shop', colour: 'blue', kafkaVersion: '3.9.2', nodes: 3, tls: false },
  ...{ brokerConfig: { 'log.retention.hours': '4' }, applicationUsers: ['orders-app'] },
}
const blue = accessOf('blue')
const stored = { id: 'shop/blue', inputs: spec as PropertyMap, outputs: { ...spec, access: blue, brokersAlive: 3 } as unknown as PropertyMap }

function cluster(brokersAlive = 3) {
  const ended: string[] = []
  const handler = handlerOf(
    localCluster({
      provision: async () => blue,
      brokersAlive: () => brokersAlive,
      destroy: async ({ colour }) => {
        ended.push(colour)
      },
    }),
  )
  return { handler, ended }
}

describe('LocalCluster', () => {
  test('a version or configuration change of a running colour is refused at its property, with what to do instead', () => {
    const { refusals } = cluster().handler.check(stored.inputs, { ...spec, kafkaVersion: '4.3.1', brokerConfig: {} } as PropertyMap)
    expect(refusals.map(({ property }) => property)).toEqual(['kafkaVersion', 'brokerConfig["log.retention.hours"]'])
    expect(refusals[0]?.reason).toContain('make the change on green')
  })

  test('TLS is no matter of one colour: its refusal names no other colour to make it on', () => {
    const { refusals } = cluster().handler.check(stored.inputs, { ...spec, tls: true } as PropertyMap)
    expect(refusals).toMatchObject([{ property: 'tls', reason: expect.stringMatching(/tls false .*decided when a fleet is made/) }])
  })

  test('the update itself refuses it too', async () => {
    const update = cluster().handler.update(stored, { ...spec, kafkaVersion: '4.3.1' } as PropertyMap, recordedCall())
    await expect(update).rejects.toThrow(/cluster-change.*kafkaVersion 3.9.2/)
  })

  test('a version that is not set up is refused from the start', () => {
    expect(
      cluster()
        .handler.check(undefined, { ...spec, kafkaVersion: '1.0.0' } as PropertyMap)
        .refusals.map(({ property }) => property),
    ).toEqual(['kafkaVersion'])
  })

  test('a new user is an ordinary update', () => {
    const wanted = { ...spec, applicationUsers: ['orders-app', 'billing-app'] } as PropertyMap
    expect(cluster().handler.check(stored.inputs, wanted).refusals).toEqual([])
    expect([...cluster().handler.diff(stored, wanted).keys()]).toEqual(['applicationUsers'])
  })

  test('a dead broker is seen by read, is a difference, and is warned of', async () => {
    const call = recordedCall()
    const found = await cluster(2).handler.read(stored, call)
    expect(found.properties).toMatchObject({ brokersAlive: 2 })
    expect(call.warnings).toEqual([expect.stringContaining('2 of 3 brokers of blue run')])
    const after = { ...stored, outputs: found.properties }
    expect([...cluster(2).handler.diff(after, spec as PropertyMap)]).toEqual([['brokersAlive', { kind: 'update', of: 'actual' }]])
  })

  test('delete ends this colour and no other', async () => {
    const { handler, ended } = cluster()
    await handler.delete(stored, recordedCall())
    expect(ended).toEqual(['blue'])
  })

  test('preview of a first update knows everything but the addresses', async () => {
    expect(await cluster().handler.previewCreate(spec as PropertyMap, recordedCall())).toMatchObject({ access: unknownValue, brokersAlive: 3 })
  })
})

describe('LocalRouteStore', () => {
  test('its data goes only when this very fleet is decommissioned; a certificate that ends soon is warned of', async () => {
    const what: string[] = []
    const store = wiringOf('shop').routeStore
    const handler = handlerOf(
      localRouteStore({
        provision: async () => ({ access: store, clientAccess: store }),
        isAlive: () => true,
        expiring: () => ['a certificate ends'],
        destroy: async (_fleet, data) => {
          what.push(data)
        },
      }),
    )
    for (const decommission of [null, 'other', 'shop']) {
      const inputs: PropertyMap = { fleet: 'shop', decommission }
      await handler.delete(
        { id: 'shop/route-store', inputs, outputs: { ...inputs, access: store, clientAccess: store, alive: true } as unknown as PropertyMap },
        recordedCall(),
      )
    }
    expect(what).toEqual(['keep', 'keep', 'remove'])
    const call = recordedCall()
    const inputs: PropertyMap = { fleet: 'shop', decommission: null }
    await handler.read(
      { id: 'shop/route-store', inputs, outputs: { ...inputs, access: store, clientAccess: store, alive: true } as unknown as PropertyMap },
      call,
    )
    expect(call.warnings).toEqual(['a certificate ends'])
  })

  test('keeps to what it speaks', () => {
    const { refuseChange } = localRouteStore({ provision: () => Promise.reject(), isAlive: () => true, expiring: () => [], destroy: () => Promise.reject() })
    const plaintext = { fleet: 'shop', tls: false, decommission: null }
    expect(refuseChange?.(plaintext, plaintext)).toEqual([])
    expect(refuseChange?.(plaintext, { ...plaintext, tls: true })).toMatchObject([
      { property: 'tls', reason: expect.stringMatching(/speaks plaintext and keeps to it/) },
    ])
  })
})

describe('LocalAudit', () => {
  const { clusters, audit: access } = wiringOf('shop')
  const declared = (decommission: string | null) => ({ fleet: 'shop', clusters, topics: ['orders'], decommission }) as unknown as PropertyMap
  const what: string[] = []
  const handler = (alive: boolean) =>
    handlerOf(
      localAudit({
        provision: async ({ topics }) => {
          what.push(`provision ${topics}`)
          return [...access]
        },
        isAlive: () => alive,
        destroy: async (_audit, state) => {
          what.push(state)
        },
      }),
    )
  const stored = (decommission: string | null) => {
    const inputs = declared(decommission)
    return { id: 'shop/audit', inputs, outputs: { ...inputs, access, alive: true } as unknown as PropertyMap }
  }

  test('what it has come to goes only when this very fleet is decommissioned', async () => {
    what.length = 0
    for (const decommission of [null, 'other', 'shop']) await handler(true).delete(stored(decommission), recordedCall())
    expect(what).toEqual(['keep', 'keep', 'remove'])
  })

  test('one that has ended is told, and the next update starts it', async () => {
    const call = recordedCall()
    const read = await handler(false).read(stored(null), call)
    expect(call.warnings).toEqual([expect.stringContaining('the gate refuses')])
    expect(read.properties).toMatchObject({ alive: false })
    const afterRead = { ...stored(null), outputs: { ...declared(null), access, alive: false } as unknown as PropertyMap }
    expect([...handler(true).diff(afterRead, declared(null)).keys()]).toEqual(['alive'])
    expect([...handler(true).diff(stored(null), declared(null)).keys()]).toEqual([])
  })
})

describe('LocalWriteBack', () => {
  const inputs = { wiring: wiringOf('shop') } as unknown as PropertyMap
  const stored = (alive: boolean) => ({ id: 'shop/write-back', inputs, outputs: { ...inputs, alive } as unknown as PropertyMap })
  const handler = (alive: boolean, what: string[] = []) =>
    handlerOf(
      localWriteBack({
        provision: async ({ fleet }) => void what.push(`provision ${fleet}`),
        isAlive: () => alive,
        destroy: async ({ fleet }) => void what.push(`destroy ${fleet}`),
      }),
    )

  test('one that has ended is told, and the next update starts it', async () => {
    const [call, what]: [ReturnType<typeof recordedCall>, string[]] = [recordedCall(), []]
    expect((await handler(false).read(stored(true), call)).properties).toMatchObject({ alive: false })
    expect(call.warnings).toEqual([expect.stringContaining('grows old')])
    expect([...handler(true).diff(stored(false), inputs).keys()]).toEqual(['alive'])
    expect(handler(true).diff(stored(true), inputs).size).toBe(0)
    expect(await handler(true, what).update(stored(false), inputs, recordedCall())).toMatchObject({ alive: true })
    await handler(true, what).delete(stored(true), recordedCall())
    expect(what).toEqual(['provision shop', 'destroy shop'])
  })

  test('stays with its fleet', () => {
    const { refusals } = handler(true).check(inputs, { wiring: wiringOf('other') } as unknown as PropertyMap)
    expect(refusals).toEqual([{ property: 'wiring.fleet', reason: expect.stringContaining('belongs to fleet shop') }])
  })
})

describe('LocalGuardian', () => {
  const declared = (over: Record<string, unknown> = {}) =>
    ({ wiring: wiringOf('shop'), limits: Limits.parse({}), colour: 'green', ...over }) as unknown as PropertyMap
  const inputs = declared()
  const stored = (alive: boolean) => ({ id: 'shop/guardian-green', inputs, outputs: { ...inputs, alive } as unknown as PropertyMap })
  const handler = (alive: boolean, what: string[] = []) =>
    handlerOf(
      localGuardian({
        provision: async ({ colour }) => void what.push(`provision ${colour}`),
        isAlive: () => alive,
        destroy: async ({ colour }) => void what.push(`destroy ${colour}`),
      }),
    )

  test('one that has ended is told, and the next update starts it', async () => {
    const [call, what]: [ReturnType<typeof recordedCall>, string[]] = [recordedCall(), []]
    expect((await handler(false).read(stored(true), call)).properties).toMatchObject({ alive: false })
    expect(call.warnings).toEqual([expect.stringMatching(/guardian beside green has ended.*the gate refuses/)])
    expect([...handler(true).diff(stored(false), inputs).keys()]).toEqual(['alive'])
    expect(handler(true).diff(stored(true), inputs).size).toBe(0)
    expect((await handler(true, what).create(inputs, recordedCall())).id).toBe('shop/guardian-green')
    expect(await handler(true, what).update(stored(false), inputs, recordedCall())).toMatchObject({ alive: true })
    await handler(true, what).delete(stored(true), recordedCall())
    expect(what).toEqual(['provision green', 'provision green', 'destroy green'])
  })

  test('other limits are an ordinary update; another colour or fleet is another guardian', () => {
    expect([
      ...handler(true)
        .diff(stored(true), declared({ limits: Limits.parse({ windowDeadlineMs: 5_000 }) }))
        .keys(),
    ]).toEqual(['limits.windowDeadlineMs'])
    const { refusals } = handler(true).check(inputs, declared({ colour: 'blue', wiring: wiringOf('other') }))
    expect(refusals.map(({ property }) => property)).toEqual(['wiring.fleet', 'colour'])
  })
})

describe('RetirementGuard', () => {
  const { routeStore } = wiringOf('shop')
  const inputs = { fleet: 'shop', cluster: blue, routeStore: null, retire: true, decommission: null, quietSeconds: 60 } as unknown as PropertyMap
  const guard = (reasonsAgainst: RetirementEngine['reasonsAgainst']) => handlerOf(retirementGuard({ routeStoreOf: () => routeStore, reasonsAgainst }))

  test('keeps in its own state where the route is: destroy does not run the program', async () => {
    const { id, properties } = await guard(async () => []).create(inputs, recordedCall())
    expect(id).toBe('shop/blue')
    expect(properties).toMatchObject({ routeStore, retire: true })
  })

  test('refuses its deletion with every reason, and asks with what its state holds', async () => {
    const asked: unknown[] = []
    const refusing = guard(async (question) => {
      asked.push(question.routeStore)
      return ['blue is live', 'groups read there']
    })
    const { properties } = await refusing.create(inputs, recordedCall())
    const deletion = refusing.delete({ id: 'shop/blue', inputs, outputs: properties }, recordedCall())
    await expect(deletion).rejects.toThrow(/colour-in-use.*blue is live; groups read there/)
    expect(asked).toEqual([routeStore])
  })

  test('lets the colour go when nothing speaks against it', async () => {
    const { properties } = await guard(async () => []).create(inputs, recordedCall())
    await expect(guard(async () => []).delete({ id: 'shop/blue', inputs, outputs: properties }, recordedCall())).resolves.toBeUndefined()
  })
})
