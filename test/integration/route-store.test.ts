/** The route store on a real etcd with users: what the engine's port promises. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRouteStore } from '../../engine/adapters/etcd/route-store.ts'
import {
  destroyRouteStore,
  type LocalRouteStore,
  observeRouteStore,
  provisionRouteStore,
  type RouteStoreSpec,
} from '../../engine/adapters/local/etcd-process.ts'
import { KbgError } from '../../engine/model/error.ts'
import type { JournalEntry } from '../../engine/model/journal.ts'
import { type ClientRegistration, type RouteDocument, routeKeys } from '../../engine/model/route.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import type { RouteOversight } from '../../engine/ports/route-oversight.ts'
import type { RouteLock, RouteStore } from '../../engine/ports/route-store.ts'

const fleet = `h4s${process.pid}`
const keys = routeKeys(fleet)
const projectRoot = mkdtempSync(join(tmpdir(), 'kbg-route-store-'))
const spec: RouteStoreSpec = { projectRoot, fleet, subnets: process.platform === 'linux' }
const within = (ms: number, what = 'the test'): Deadline => new Deadline(systemClock, ms, what)

let local: LocalRouteStore
let store: RouteStore & RouteOversight
let operator: Etcd3
let application: Etcd3

beforeAll(async () => {
  local = await provisionRouteStore(spec, systemClock, () => undefined, within(20_000))
  store = openRouteStore(local.operator, fleet, systemClock)
  operator = etcdAs('kbg')
  application = etcdAs('client')
}, 30_000)

afterAll(async () => {
  operator.close()
  application.close()
  await store.close()
  await destroyRouteStore(spec, 'remove', within(10_000))
  expect(observeRouteStore(spec)).toEqual({ state: 'absent' })
  rmSync(projectRoot, { recursive: true, force: true })
})

function passwords(): Record<string, string> {
  return JSON.parse(readFileSync(local.operator.credentialsFile, 'utf8')).passwords
}

function etcdAs(user: string): Etcd3 {
  return new Etcd3({ hosts: local.endpoint, auth: { username: user, password: passwords()[user] ?? '' } })
}

function route(epoch: number, overrides: Partial<RouteDocument> = {}): RouteDocument {
  const endpoints = (clusterId: string) => ({ clusterId, produceBootstrapServers: ['127.0.0.1:1'], consumeBootstrapServers: ['127.0.0.1:2'] })
  return {
    ...{ version: 1, fleet, epoch, state: 'open', live: 'blue', target: null, term: '1', attempt: 0, groups: {}, latch: null },
    ...{ defaultConsumerColour: 'blue', colours: { blue: endpoints('b'), green: endpoints('g') } },
    ...overrides,
  } as RouteDocument
}

function entry(lock: RouteLock, number: number, detail = 'x'): JournalEntry {
  return { number, term: lock.term, atWallClock: new Date().toISOString(), atMonotonicMs: 1, kind: 'step', step: 'hold', what: 'begin', detail }
}

function registration(instanceId: string, ackedEpoch: number): ClientRegistration {
  return {
    ...{ version: 1, clientId: 'app', instanceId, kind: 'producer', groupId: null, transactionalId: null },
    ...{ ackedEpoch, state: 'running', colour: 'blue', software: 'test' },
  } as ClientRegistration
}

const registers = (instanceId: string, ackedEpoch: number) =>
  application.put(keys.client(instanceId)).value(JSON.stringify(registration(instanceId, ackedEpoch)))

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'no error'
  } catch (error) {
    return error instanceof KbgError ? error.code : String(error)
  }
}

async function locked<T>(use: (lock: RouteLock) => Promise<T>): Promise<T> {
  const lock = await store.lock('test', 10, within(2_000))
  try {
    return await use(lock)
  } finally {
    await lock.release()
  }
}

describe('route, journal and lock', () => {
  test('an empty store has no route, and says so', async () => {
    expect(await store.read(within(2_000))).toEqual({ route: null, routeRevision: '0', journal: [], journalHead: 0, lock: null, highestClientEpoch: 0 })
  })

  test('route and entry are written together and read back; the term is the revision of the lock', async () => {
    await locked(async (lock) => {
      const written = await store.write(lock, { route: route(1), entry: entry(lock, 1), expectedRouteRevision: '0', expectedJournalHead: 0 }, within(2_000))
      const reading = await store.read(within(2_000))
      expect(reading).toMatchObject({ route: { epoch: 1 }, routeRevision: written.routeRevision, journalHead: 1, lock: { holder: 'test', term: lock.term } })
      expect(reading.journal).toEqual([entryLike(lock, 1)])
      const kept = await store.write(
        lock,
        { route: null, entry: entry(lock, 2), expectedRouteRevision: written.routeRevision, expectedJournalHead: 1 },
        within(2_000),
      )
      expect(kept).toEqual({ routeRevision: written.routeRevision, journalHead: 2 })
    })
    expect((await store.read(within(2_000))).lock).toBeNull()
  })

  test('of two writers with the same expectation one wins, the other writes nothing', async () => {
    await locked(async (lock) => {
      const before = await store.read(within(2_000))
      const write = (detail: string) =>
        store.write(
          lock,
          {
            route: route(before.route ? before.route.epoch + 1 : 1),
            entry: entry(lock, before.journalHead + 1, detail),
            expectedRouteRevision: before.routeRevision,
            expectedJournalHead: before.journalHead,
          },
          within(2_000),
        )
      const outcomes = await Promise.all(['a', 'b', 'c', 'd'].map((detail) => codeOf(write(detail))))
      expect(outcomes.toSorted()).toEqual(['lost-race', 'lost-race', 'lost-race', 'no error'])
      const after = await store.read(within(2_000))
      expect(after.journalHead).toBe(before.journalHead + 1)
      expect(after.journal.at(-1)).toMatchObject({ detail: ['a', 'b', 'c', 'd'][outcomes.indexOf('no error')] })
    })
  })

  test('a second holder is refused and told who has the lock', async () => {
    await locked(async () => {
      await expect(store.lock('somebody else', 10, within(2_000))).rejects.toThrow(/locked.*holder: test/)
    })
  })

  test('a lease that etcd ends aborts the lock, and nothing can be written under it', async () => {
    const lock = await store.lock('paused', 2, within(2_000))
    const before = await store.read(within(2_000))
    const lost = new Promise((resolve) => lock.lost.addEventListener('abort', resolve))
    await operator.delete().key(keys.lock) // as after an expired lease
    const write = {
      route: null,
      entry: entry(lock, before.journalHead + 1),
      expectedRouteRevision: before.routeRevision,
      expectedJournalHead: before.journalHead,
    }
    // The comparison refuses it, or its holder has learnt of it already.
    expect(['lost-race', 'lock-lost']).toContain(await codeOf(store.write(lock, write, within(2_000))))
    const lease = (await operator.leaseClient.leaseLeases()).leases[0]
    await operator.leaseClient.leaseRevoke({ ID: lease?.ID ?? '0' })
    await lost
    expect(await codeOf(store.write(lock, write, within(2_000)))).toBe('lock-lost')
    await lock.release()
  }, 10_000)

  test('an entry that does not follow the head, or of another term, is never sent', async () => {
    await locked(async (lock) => {
      const write = { route: null, entry: entry(lock, 99), expectedRouteRevision: '0', expectedJournalHead: 0 }
      expect(await codeOf(store.write(lock, write, within(2_000)))).toBe('journal-entry')
    })
  })
})

describe('a lock that somebody else holds', () => {
  const aborted = (signal: AbortSignal | undefined) =>
    new Promise<KbgError>((resolve) => {
      if (signal?.aborted) resolve(signal.reason)
      else signal?.addEventListener('abort', () => resolve(signal.reason), { once: true })
    })

  test('is taken away only as it was seen: by its term and by the route; its holder learns of it at once and writes nothing more', async () => {
    const lock = await store.lock('one that hangs', 60, within(2_000))
    const { routeRevision, journalHead, lock: seen, route: current } = await store.glance(within(2_000))
    expect([seen, current?.fleet]).toEqual([{ holder: 'one that hangs', term: lock.term }, fleet])
    expect(await store.breakLock({ term: lock.term, routeRevision: String(BigInt(routeRevision) + 1n) }, within(2_000))).toBe(false)
    expect(await store.breakLock({ term: '1', routeRevision }, within(2_000))).toBe(false)
    expect([lock.lost.aborted, (await store.glance(within(2_000))).lock?.term]).toEqual([false, lock.term])
    expect(await store.breakLock({ term: lock.term, routeRevision }, within(2_000))).toBe(true)
    const write = { route: null, entry: entry(lock, journalHead + 1), expectedRouteRevision: routeRevision, expectedJournalHead: journalHead }
    expect(['lost-race', 'lock-lost']).toContain(await codeOf(store.write(lock, write, within(2_000))))
    expect(await aborted(lock.lost)).toMatchObject({ code: 'lock-lost' })
    expect(await store.breakLock({ term: lock.term, routeRevision }, within(2_000))).toBe(false)
    const next = await store.lock('a guardian', 10, within(2_000))
    await lock.release() // what the former holder gives back isn't the new one's
    expect(await store.glance(within(2_000))).toMatchObject({ journalHead, lock: { holder: 'a guardian', term: next.term } })
    expect(next.lost.aborted).toBe(false)
    await next.release()
  }, 20_000)

  test('hears an order to take its switchover back; nobody hears one that was meant for an earlier term', async () => {
    const first = await store.lock('first', 10, within(2_000))
    expect(await store.requestAbort(first.term, 'ann', within(2_000))).toBe(true)
    expect(await aborted(first.abortRequested)).toMatchObject({ code: 'abort-requested', message: expect.stringContaining('by order of ann') })
    expect(first.lost.aborted).toBe(false)
    await first.release()
    expect(await operator.get(keys.abortRequest).string()).toBeNull()
    const second = await store.lock('second', 10, within(2_000))
    expect(await store.requestAbort(first.term, 'ann', within(2_000))).toBe(false)
    // even one that stands there: it names another term
    await operator.put(keys.abortRequest).value(JSON.stringify({ term: first.term, by: 'ann' }))
    expect(await store.requestAbort(second.term, 'bob', within(2_000))).toBe(true)
    expect(await aborted(second.abortRequested)).toMatchObject({ message: expect.stringContaining('by order of bob') })
    await second.release()
  }, 20_000)

  test('given back it was not lost', async () => {
    const lock = await store.lock('in good order', 10, within(2_000))
    await lock.release()
    expect([lock.lost.aborted, lock.abortRequested?.aborted]).toEqual([false, false])
  })
})

describe('clients', () => {
  test('a wait ends with the acknowledgement that it waits for, and tells the highest epoch', async () => {
    await registers('p1', 3)
    await registers('p2', 3)
    const waited = store.waitForClients((clients) => clients.filter((client) => client.ackedEpoch >= 4).length === 2, within(5_000))
    await registers('p1', 4)
    await registers('p2', 5)
    expect((await waited).satisfied).toBe(true)
    expect((await store.read(within(2_000))).highestClientEpoch).toBe(5)
  })

  test('a wait that nobody satisfies ends at its deadline with what was seen', async () => {
    const waited = await store.waitForClients((clients) => clients.length === 0, within(300))
    expect(waited.satisfied).toBe(false)
    expect(waited.clients.map((client) => client.instanceId)).toEqual(['p1', 'p2'])
  })

  test('a client that leaves is seen by the watch', async () => {
    const waited = store.waitForClients((clients) => clients.length === 1, within(5_000))
    await application.delete().key(keys.client('p2'))
    expect(await waited).toMatchObject({ satisfied: true, clients: [{ instanceId: 'p1' }] })
  })
})

describe('users', () => {
  test('an application reads the route and writes only its registration', async () => {
    expect(JSON.parse((await application.get(keys.route).string()) ?? 'null')).toMatchObject({ fleet })
    await expect(application.put(keys.route).value('{}')).rejects.toThrow(/permission denied/)
    await expect(application.put(keys.lock).value('{}')).rejects.toThrow(/permission denied/)
    await expect(application.get(keys.journalHead).string()).rejects.toThrow(/permission denied/)
    await registers('p3', 1)
  })

  test('nobody gets in without a password or with a wrong one; neither error shows one', async () => {
    const anonymous = new Etcd3({ hosts: local.endpoint })
    await expect(anonymous.get(keys.route).string()).rejects.toThrow(/user name is empty/)
    anonymous.close()
    const swapped = openRouteStore({ ...local.operator, username: 'etcd-root' }, fleet, systemClock)
    const error = await swapped.read(within(2_000)).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ code: 'route-store-login' })
    for (const password of Object.values(passwords())) expect(String(error)).not.toContain(password)
    await swapped.close()
    expect(() => openRouteStore({ ...local.operator, username: 'nobody' }, fleet, systemClock)).toThrow(/route-store-credentials/)
  })

  test('no password is in the arguments of the process', () => {
    const pid = JSON.parse(readFileSync(join(projectRoot, '.kbg', fleet, 'traffic', 'etcd', 'pid'), 'utf8')).pid
    const shown = readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/environ`, 'utf8')
    for (const password of Object.values(passwords())) expect(shown).not.toContain(password)
  })
})

describe('damage and outages', () => {
  test('a corrupted document or journal is an error that names the key, never an absent one', async () => {
    const good = await operator.get(keys.route).string()
    for (const bad of ['', '{', '{"version":1}', JSON.stringify({ ...route(9), fleet: 'other' })]) {
      await operator.put(keys.route).value(bad)
      await expect(store.read(within(2_000))).rejects.toThrow(`key: ${keys.route}`)
    }
    await operator.put(keys.route).value(good ?? '')
    const first = await operator.get(keys.journalEntry(1)).string()
    await operator.delete().key(keys.journalEntry(1))
    expect(await codeOf(store.read(within(2_000)))).toBe('route-corrupt')
    await operator.put(keys.journalEntry(1)).value(first ?? '')
    await operator.put(keys.client('broken')).value('{}')
    expect(await codeOf(store.clients(within(2_000)))).toBe('route-corrupt')
    await operator.delete().key(keys.client('broken'))
    expect((await store.read(within(2_000))).route?.fleet).toBe(fleet)
  })

  test('watch, lock and data survive a restart of etcd on the same data; provisioning again changes nothing', async () => {
    const before = await store.read(within(2_000))
    const lock = await store.lock('through the restart', 10, within(2_000))
    const waited = store.waitForClients((clients) => clients.some((client) => client.ackedEpoch === 77), within(15_000))
    await destroyRouteStore(spec, 'keep', within(10_000))
    expect(observeRouteStore(spec)).toMatchObject({ state: 'dead' })
    const away = await store.read(within(300)).catch((error: unknown) => error)
    expect(away).toMatchObject({ retriable: true })
    expect(await provisionRouteStore(spec, systemClock, () => undefined, within(20_000))).toEqual(local)
    await registers('p1', 77)
    expect((await waited).satisfied).toBe(true)
    const write = {
      route: null,
      entry: entry(lock, before.journalHead + 1),
      expectedRouteRevision: before.routeRevision,
      expectedJournalHead: before.journalHead,
    }
    expect(await codeOf(store.write(lock, write, within(5_000)))).toBe('no error')
    expect(lock.lost.aborted).toBe(false)
    await lock.release()
  }, 30_000)

  test('a lock is lost in time when nobody answers, and a write then is unknown or refused', async () => {
    const lock = await store.lock('cut off', 2, within(2_000))
    const before = await store.read(within(2_000))
    // Killed: in good order it would wait longer for its watches to end than this lease lasts.
    process.kill(JSON.parse(readFileSync(join(projectRoot, '.kbg', fleet, 'traffic', 'etcd', 'pid'), 'utf8')).pid, 'SIGKILL')
    await within(5_000).poll(5, async () => (observeRouteStore(spec).state === 'dead' ? true : undefined))
    const write = {
      route: null,
      entry: entry(lock, before.journalHead + 1),
      expectedRouteRevision: before.routeRevision,
      expectedJournalHead: before.journalHead,
    }
    expect(await codeOf(store.write(lock, write, within(300)))).toBe('outcome-unknown')
    const stoppedAtMs = systemClock.monotonicMs()
    if (!lock.lost.aborted) await new Promise((resolve) => lock.lost.addEventListener('abort', resolve))
    expect(systemClock.monotonicMs() - stoppedAtMs).toBeLessThan(2_500)
    await provisionRouteStore(spec, systemClock, () => undefined, within(20_000))
  }, 30_000)
})

/** The entry as parsed: wall clock apart, which differs from call to call. */
function entryLike(lock: RouteLock, number: number) {
  return { ...entry(lock, number), atWallClock: expect.any(String) }
}
