/**
 * What a client is told of the route: one contract for the route store (a real etcd) and for what is published in SSM (the adapter over AWS's SDK, an emulator), and what each keeps of it that the other doesn't. And the names.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Change, ChangeResourceRecordSetsCommand, ListResourceRecordSetsCommand } from '@aws-sdk/client-route-53'
import { PutParameterCommand } from '@aws-sdk/client-ssm'
import { Etcd3 } from 'etcd3'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RouteSession } from '../../client/route-session.ts'
import { systemTiming } from '../../client/timing.ts'
import { route53Publication } from '../../engine/adapters/aws/route53-publication.ts'
import { ssmPublication } from '../../engine/adapters/aws/ssm-publication.ts'
import { etcdTransport, readPassword } from '../../engine/adapters/etcd/etcd-connection.ts'
import { openRouteStore } from '../../engine/adapters/etcd/route-store.ts'
import { destroyRouteStore, type LocalRouteStore, provisionRouteStore } from '../../engine/adapters/local/etcd-process.ts'
import { KbgError } from '../../engine/model/error.ts'
import { type ClientRegistration, type RouteDocument, routeKeys } from '../../engine/model/route.ts'
import { publishedText, type RouteNamesZone, type RouteParameter } from '../../engine/model/route-publication.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import type { RoutePublication } from '../../engine/ports/route-publication.ts'
import { publishedNames } from '../../engine/switchover/published-names.ts'
import { type AwsEmulator, setHome, startAwsEmulator } from '../support/aws-emulator.ts'
import { soundRoute } from '../support/sample-snapshot.ts'
import { startZoneDns, type ZoneDns } from '../support/zone-dns.ts'

const fleet = 'told'
const zone = 'told.kafka.internal'
const waves = { 'wave-1': ['billing'] }
const within = (seconds: number): Deadline => new Deadline(systemClock, seconds * 1_000, 'the test')
const route = (epoch: number, over: Partial<RouteDocument> = {}): RouteDocument => ({ ...soundRoute, fleet, epoch, ...over })

const dir = mkdtempSync(join(tmpdir(), 'kbg-publication-'))
const storeSpec = { projectRoot: dir, fleet, subnets: process.platform === 'linux' }
let emulator: AwsEmulator
let restoreHome = (): void => undefined
let store: LocalRouteStore
let etcd: Etcd3
let parameter: RouteParameter
let names: RouteNamesZone
let dns: ZoneDns
let ssm: RoutePublication

beforeAll(async () => {
  const provisioned = provisionRouteStore(storeSpec, systemClock, () => undefined, within(60))
  emulator = await startAwsEmulator(dir)
  restoreHome = setHome(emulator.home)
  parameter = await emulator.makeParameter(fleet, 250)
  names = await emulator.makeZone(zone)
  dns = await startZoneDns(emulator.route53, names)
  ssm = ssmPublication(parameter, fleet)
  store = await provisioned
  etcd = new Etcd3({ ...etcdTransport, hosts: [store.endpoint], auth: { username: store.operator.username, password: readPassword(store.operator) } })
}, 120_000)

afterAll(async () => {
  etcd?.close()
  ssm?.close()
  await dns?.end()
  await emulator?.end()
  restoreHome()
  await destroyRouteStore(storeSpec, 'remove', within(20))
  rmSync(dir, { recursive: true, force: true })
}, 60_000)

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'no error',
    (thrown: unknown) => (thrown instanceof KbgError ? thrown.code : String(thrown)),
  )
}

const registration: ClientRegistration = {
  ...{ version: 1, clientId: 'app', instanceId: 'app-1', kind: 'producer', groupId: null, transactionalId: null, ackedEpoch: 0 },
  ...{ state: 'held', colour: null, software: 'test' },
}

/** Where clients have the route from, and how it gets there. */
interface Subject {
  readonly from: ConstructorParameters<typeof RouteSession>[0]['from']
  /** Any text, past every check. */
  readonly putRaw: (text: string) => Promise<unknown>
  readonly pause: () => void
  readonly resume: () => void
}

function subjectOf(name: 'the route store (etcd)' | 'what is published in SSM'): Subject {
  if (name === 'what is published in SSM') {
    const putRaw = (Value: string) => emulator.ssm.send(new PutParameterCommand({ Name: parameter.name, Value, Overwrite: true }))
    return { from: { kind: 'parameter', ...parameter }, putRaw, pause: emulator.pause, resume: emulator.resume }
  }
  const { endpoints, username } = store.client
  return {
    from: { kind: 'store', endpoints, username, password: readPassword(store.client), ca: undefined },
    putRaw: (text) => etcd.put(routeKeys(fleet).route).value(text).exec(),
    pause: () => undefined,
    resume: () => undefined,
  }
}

describe.each(['the route store (etcd)', 'what is published in SSM'] as const)('a client that has the route from %s', (name) => {
  test('is told the newest; an older one and what is none leave it where it is', async () => {
    const { from, putRaw, pause, resume } = subjectOf(name)
    await putRaw(JSON.stringify(route(10)))
    const session = new RouteSession(
      { fleet, from },
      systemTiming,
      new kafkajs.Kafka({ brokers: ['127.0.0.1:1'], logLevel: kafkajs.logLevel.NOTHING }).logger(),
    )
    const seen: number[] = []
    session.onRoute(({ epoch }) => seen.push(epoch))
    const client = await session.join(registration)
    const reached = (epoch: number) => within(10).poll(20, async () => (session.route.epoch === epoch ? true : undefined))
    await reached(10)
    await putRaw(JSON.stringify(route(12)))
    await reached(12)
    await putRaw(JSON.stringify(route(11)))
    await systemClock.sleep(600)
    await putRaw('not a route')
    await systemClock.sleep(600)
    await putRaw(JSON.stringify(route(13, { fleet: 'another' })))
    pause()
    await systemClock.sleep(600)
    resume()
    await putRaw(JSON.stringify(route(14)))
    await reached(14)
    expect(seen.filter((epoch) => epoch !== 13)).toEqual([10, 12, 14])
    await client.leave()
  }, 30_000)

  test('does not start without one', async () => {
    const { from, putRaw } = subjectOf(name)
    await putRaw('not a route')
    const session = new RouteSession(
      { fleet, from },
      systemTiming,
      new kafkajs.Kafka({ brokers: ['127.0.0.1:1'], logLevel: kafkajs.logLevel.NOTHING }).logger(),
    )
    expect(await codeOf(session.join(registration))).toMatch(/^(route|publication)-corrupt$/)
  })
})

describe('of writers that know the same, and write at once', () => {
  test('one wins at the store', async () => {
    await etcd.delete().key(routeKeys(fleet).route)
    const own = openRouteStore(store.operator, fleet, systemClock)
    const lock = await own.lock('test', 10, within(5))
    const { routeRevision, journalHead } = await own.read(within(5))
    const write = () => {
      const entry = {
        ...{ number: journalHead + 1, term: lock.term, atWallClock: new Date().toISOString(), atMonotonicMs: 1 },
        kind: 'created',
        live: 'blue',
        epoch: 1,
      } as const
      return codeOf(own.write(lock, { route: route(1), entry, expectedRouteRevision: routeRevision, expectedJournalHead: journalHead }, within(5)))
    }
    expect((await Promise.all([write(), write(), write()])).toSorted()).toEqual(['lost-race', 'lost-race', 'no error'])
    await lock.release()
    await own.close()
  })

  test('all succeed in SSM and the last one stays: so it decides nothing, and a route store there is refused', async () => {
    const put = (epoch: number) => emulator.ssm.send(new PutParameterCommand({ Name: parameter.name, Value: publishedText(route(epoch)), Overwrite: true }))
    const versions = (await Promise.all([put(21), put(20), put(22)])).map(({ Version }) => Version)
    expect(new Set(versions).size).toBe(3)
    await put(19)
    expect(await ssm.epoch(within(5))).toBe(19)
  })

  test('one wins in a zone, because a batch takes away exactly what it has read', async () => {
    const zoneOf = (servers: readonly string[]) => (document: RouteDocument) =>
      publishedNames({ ...document, colours: { ...document.colours, blue: { ...document.colours.blue, produceBootstrapServers: [...servers] } } }, waves, zone)
    const [one, other] = ['a:1', 'b:1'].map((server) => route53Publication(names, zoneOf([server])))
    await one?.publish(route(1), within(5))
    const outcomes = await Promise.all([one?.publish(route(2), within(10)), other?.publish(route(2), within(10))])
    expect(outcomes.toSorted()).toEqual(['published', 'there'])
    one?.close()
    other?.close()
  })
})

describe('a publication', () => {
  const published = (name: 'SSM' | 'Route 53') => (name === 'SSM' ? ssm : route53Publication(names, (document) => publishedNames(document, waves, zone)))

  test.each(['SSM', 'Route 53'] as const)('in %s goes forward only, and repeating it changes nothing', async (name) => {
    const own = published(name)
    const outcomes = []
    for (const epoch of [30, 30, 31, 30, 29]) outcomes.push(await own.publish(route(epoch), within(5)))
    expect([outcomes, await own.epoch(within(5))]).toEqual([['published', 'there', 'published', 'ahead', 'ahead'], 31])
  })

  test('in SSM that was late puts back what it has put itself over', async () => {
    // The race: it has read epoch 31; 33 is put before its own 32 is.
    const slow = ssmPublication(parameter, fleet, emulator.ssm)
    emulator.ssm.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName === 'PutParameterCommand' && JSON.stringify(args.input).includes('\\"epoch\\":32')) await ssm.publish(route(33), within(5))
        return await next(args)
      },
      { step: 'initialize', name: 'late' },
    )
    expect(await slow.publish(route(32), within(5))).toBe('ahead')
    emulator.ssm.middlewareStack.remove('late')
    expect(await ssm.epoch(within(5))).toBe(33)
  })

  test('in SSM mends what is no route, refuses another fleet’s, one that is not there, and what is too large', async () => {
    const put = (Value: string) => emulator.ssm.send(new PutParameterCommand({ Name: parameter.name, Value, Overwrite: true }))
    await put('not a route')
    expect(await codeOf(ssm.epoch(within(5)))).toBe('publication-corrupt')
    expect(await ssm.publish(route(34), within(5))).toBe('published')
    await put(publishedText(route(50, { fleet: 'another' })))
    expect(await codeOf(ssm.publish(route(35), within(5)))).toBe('publication-foreign')
    const nowhere = ssmPublication({ ...parameter, name: '/kbg/nowhere/route' }, fleet)
    expect(await codeOf(nowhere.publish(route(35), within(5)))).toBe('publication-missing')
    nowhere.close()
    const groups = Object.fromEntries(Array.from({ length: 200 }, (_, number) => [`group-${number}`, { colour: 'green', state: 'running' } as const]))
    expect(await codeOf(ssm.publish(route(36, { groups }), within(5)))).toBe('publication-too-large')
  })

  test('that does not answer is given up in time, and says so', async () => {
    emulator.pause()
    const startedAtMs = systemClock.monotonicMs()
    const codes = await Promise.all((['SSM', 'Route 53'] as const).map((name) => codeOf(published(name).publish(route(60), within(1)))))
    emulator.resume()
    expect(codes).toEqual(['deadline', 'deadline'])
    expect(systemClock.monotonicMs() - startedAtMs).toBeLessThan(3_000)
  })
})

describe('names', () => {
  test('are answered by DNS as they were published; a wave that is no more has none', async () => {
    const own = route53Publication(names, (document) => publishedNames(document, waves, zone))
    const held = { billing: { colour: 'blue', state: 'held' } } as const
    await own.publish(route(70, { groups: held }), within(5))
    const { produceBootstrapServers } = soundRoute.colours.blue
    expect(await dns.texts(`producers.${zone}`)).toEqual(['epoch=70', 'at=blue', ...produceBootstrapServers.map((server) => `server=${server}`)])
    expect(await dns.texts(`wave-1.${zone}`)).toEqual(['epoch=70', 'at=held'])
    const without = route53Publication(names, (document) => publishedNames(document, {}, zone))
    await without.publish(route(71), within(5))
    await expect(dns.texts(`wave-1.${zone}`)).rejects.toThrow(/ENOTFOUND/)
    for (const publication of [own, without]) publication.close()
  })

  test('that somebody has changed by hand are put right with the next epoch', async () => {
    const { ResourceRecordSets = [] } = await emulator.route53.send(new ListResourceRecordSetsCommand({ HostedZoneId: names.zoneId }))
    const producers = ResourceRecordSets.find(({ Type }) => Type === 'TXT')
    if (producers === undefined) throw new Error('no name')
    const byHand = { ...producers, ResourceRecords: [{ Value: '"epoch=71"' }, { Value: '"at=nowhere"' }] }
    const Changes: Change[] = [{ Action: 'UPSERT', ResourceRecordSet: byHand }]
    await emulator.route53.send(new ChangeResourceRecordSetsCommand({ HostedZoneId: names.zoneId, ChangeBatch: { Changes } }))
    const own = route53Publication(names, (document) => publishedNames(document, waves, zone))
    expect(await own.publish(route(72), within(5))).toBe('published')
    expect((await dns.texts(`producers.${zone}`)).slice(0, 2)).toEqual(['epoch=72', 'at=blue'])
    own.close()
  })
})
