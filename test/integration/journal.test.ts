/** The journal on a real etcd: as large as a large fleet makes it, and as long as a busy one does. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRouteStore } from '../../engine/adapters/etcd/route-store.ts'
import { destroyRouteStore, provisionRouteStore, type RouteStoreSpec } from '../../engine/adapters/local/etcd-process.ts'
import { KbgError } from '../../engine/model/error.ts'
import type { GroupPosition, JournalEntry, JournalFact } from '../../engine/model/journal.ts'
import { keptSwitchovers } from '../../engine/model/journal-base.ts'
import { type RouteDocument, routeKeys } from '../../engine/model/route.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import type { RouteLock, RouteReading, RouteStore } from '../../engine/ports/route-store.ts'
import { batchPositions, positionChunks } from '../../engine/switchover/group-positions.ts'
import { mirrorRecord, movedGroups, openSwitch } from '../../engine/switchover/journal-reading.ts'
import { soundRoute } from '../support/sample-snapshot.ts'

const fleet = `bj${process.pid}`
const keys = routeKeys(fleet)
const projectRoot = mkdtempSync(join(tmpdir(), 'kbg-journal-'))
const spec: RouteStoreSpec = { projectRoot, fleet, subnets: process.platform === 'linux' }
const within = (ms: number): Deadline => new Deadline(systemClock, ms, 'the test')
const route: RouteDocument = { ...soundRoute, fleet }

let store: RouteStore
let operator: Etcd3

beforeAll(async () => {
  const local = await provisionRouteStore(spec, systemClock, () => undefined, within(20_000))
  store = openRouteStore(local.operator, fleet, systemClock)
  const { passwords } = JSON.parse(readFileSync(local.operator.credentialsFile, 'utf8'))
  operator = new Etcd3({ hosts: local.endpoint, auth: { username: 'kbg', password: passwords.kbg } })
}, 30_000)

afterAll(async () => {
  operator.close()
  await store.close()
  await destroyRouteStore(spec, 'remove', within(10_000))
  rmSync(projectRoot, { recursive: true, force: true })
})

/** Writes facts one after the other as a run does, from what a reading showed on. */
class Scribe {
  readonly lock: RouteLock
  #reading: Pick<RouteReading, 'routeRevision' | 'journalHead'>

  constructor(lock: RouteLock, reading: RouteReading) {
    this.lock = lock
    this.#reading = reading
  }

  async record(fact: JournalFact, moved: RouteDocument | null = null): Promise<void> {
    const { routeRevision: expectedRouteRevision, journalHead: expectedJournalHead } = this.#reading
    const head = { number: expectedJournalHead + 1, term: this.lock.term, atWallClock: new Date().toISOString(), atMonotonicMs: 1 }
    const write = { route: moved, entry: { ...fact, ...head } as JournalEntry, expectedRouteRevision, expectedJournalHead }
    this.#reading = await store.write(this.lock, write, within(5_000))
  }
}

async function locked(use: (scribe: Scribe) => Promise<void>): Promise<void> {
  const lock = await store.lock('test', 10, within(2_000))
  try {
    await use(new Scribe(lock, await store.read(within(5_000))))
  } finally {
    await lock.release()
  }
}

const opened: JournalFact = { kind: 'opened', source: 'blue', target: 'green', attempt: 0, epoch: 7 }
const closed: JournalFact = { kind: 'closed', outcome: 'switched', live: 'green', epoch: 10, graceful: true, reason: '', timeline: [] }
const step: JournalFact = { kind: 'step', step: 'groups', what: 'begin', detail: '' }
const mirror = (connector: string, source: 'blue' | 'green', what: 'created' | 'running' | 'deleted'): JournalFact => ({
  ...{ kind: 'mirror', connector, source, target: source === 'blue' ? 'green' : 'blue', what },
})

function positionsOf(groups: number, partitions: number): readonly GroupPosition[] {
  return Array.from({ length: groups * partitions }, (_, index) => ({
    ...{ groupId: `group-${Math.floor(index / partitions)}`, topic: 'a-topic.with-a-name-of-thirty', partition: index % partitions },
    ...{ sourceOffset: `${900_000_000 + index}`, targetOffset: `${800_000_000 + index}`, lagRecords: index },
    ...{ method: 'count-back', verdict: 'exact', reason: '' },
  }))
}

async function recordBatch(scribe: Scribe, positions: readonly GroupPosition[]): Promise<void> {
  const chunks = positionChunks(positions)
  for (const chunk of chunks.slice(0, -1)) await scribe.record({ kind: 'positions', positions: [...chunk] })
  const moved = [...new Set(positions.map((position) => position.groupId))]
  await scribe.record({ kind: 'groups', positions: [...(chunks.at(-1) ?? [])], positionEntriesBefore: chunks.length - 1, moved, stayed: [] }, route)
}

const allPositions = (journal: readonly JournalEntry[]) => journal.flatMap((entry) => (entry.kind === 'groups' ? batchPositions(journal, entry) : []))

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'no error',
    (error: unknown) => (error instanceof KbgError ? error.code : String(error)),
  )
}

/** Median milliseconds of a read, and what it showed. */
async function timedRead(): Promise<{ readonly medianMs: number; readonly reading: RouteReading }> {
  const times: number[] = []
  for (let round = 0; round < 9; round += 1) {
    const startedMs = systemClock.monotonicMs()
    await store.read(within(5_000))
    times.push(systemClock.monotonicMs() - startedMs)
  }
  return { medianMs: times.toSorted((a, b) => a - b)[4] ?? 0, reading: await store.read(within(5_000)) }
}

describe('a large switchover', () => {
  test('a crash between the pieces of a batch moves no group; the rerun writes them again and counts once', async () => {
    const positions = positionsOf(100, 40)
    await locked(async (scribe) => {
      await scribe.record(mirror('first', 'blue', 'running'), route)
      await scribe.record(opened)
      await scribe.record(step)
      for (const chunk of positionChunks(positions).slice(0, 2)) await scribe.record({ kind: 'positions', positions: [...chunk] })
    })
    const crashed = (await store.read(within(5_000))).journal
    expect(movedGroups(openSwitch(crashed)?.entries ?? [])).toEqual(new Set())
    expect(allPositions(crashed)).toEqual([])
    await locked(async (scribe) => {
      await scribe.record(step)
      await recordBatch(scribe, positions)
    })
    const rerun = (await store.read(within(5_000))).journal
    expect(movedGroups(openSwitch(rerun)?.entries ?? []).size).toBe(100)
    expect(allPositions(rerun)).toEqual(positions)
  })

  test('20,000 positions and a cut of 10,000 partitions are written and read back', async () => {
    const positions = positionsOf(500, 40)
    const ends = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`topic-${index % 500}-${Math.floor(index / 500)}`, `${10 ** 9 + index}`]))
    const cut = { source: 'blue', target: 'green', sourceEnds: ends, targetEnds: ends } as const
    const startedMs = systemClock.monotonicMs()
    await locked(async (scribe) => {
      await scribe.record(opened)
      await scribe.record({ kind: 'decided', outcome: 'switch', cut, reason: '', graceful: true }, route)
      await recordBatch(scribe, positions)
      await scribe.record(closed)
    })
    const writtenMs = systemClock.monotonicMs() - startedMs
    const { medianMs, reading } = await timedRead()
    expect(allPositions(reading.journal)).toEqual(positions)
    expect(reading.journal.find((entry) => entry.kind === 'decided')).toMatchObject({ cut })
    expect(allPositions(await store.history(within(5_000)))).toHaveLength(24_000)
    console.log(`20,000 positions and 10,000 partitions: written in ${writtenMs.toFixed(0)} ms, read in ${medianMs.toFixed(0)} ms`)
  })

  test('what is too large for one request is refused before it is sent, and the next write goes on', async () => {
    await locked(async (scribe) => {
      const before = await store.read(within(5_000))
      const positions = [...positionsOf(500, 40)]
      expect(await codeOf(scribe.record({ kind: 'positions', positions }))).toBe('journal-entry-too-large')
      const groups = Object.fromEntries(Array.from({ length: 40_000 }, (_, index) => [`group-${index}`, { colour: 'blue', state: 'held' } as const]))
      expect(await codeOf(scribe.record(step, { ...route, groups }))).toBe('route-too-large')
      expect((await store.read(within(5_000))).journalHead).toBe(before.journalHead)
      expect(await codeOf(scribe.record(step))).toBe('no error')
    })
  })
})

describe('a long journal', () => {
  async function switchovers(count: number): Promise<void> {
    const positions = positionsOf(10, 12)
    await locked(async (scribe) => {
      for (let round = 0; round < count; round += 1) {
        await scribe.record(opened)
        await scribe.record(mirror(`reverse-${round}`, 'green', 'created'))
        await scribe.record(step, route)
        await recordBatch(scribe, positions)
        await scribe.record(mirror(`reverse-${round}`, 'green', 'deleted'))
        await scribe.record(closed)
      }
    })
  }

  test('reading stays as small and as fast after 200 switchovers, and the last 50 are kept', async () => {
    await switchovers(10)
    const early = await timedRead()
    await switchovers(190)
    const late = await timedRead()
    expect(late.reading.journal).toHaveLength(early.reading.journal.length)
    expect(late.medianMs).toBeLessThan(3 * early.medianMs + 5)
    expect(mirrorRecord(late.reading.journal, 'blue')).toMatchObject({ connector: 'first', what: 'running' })
    expect(openSwitch(late.reading.journal)).toBeNull()
    const history = await store.history(within(5_000))
    expect(history.filter((entry) => entry.kind === 'closed')).toHaveLength(keptSwitchovers + 1)
    expect(history[0]?.kind).toBe('opened')
    expect(allPositions(history)).toHaveLength(120 * (keptSwitchovers + 1))
    expect(await operator.getAll().prefix(keys.journalPrefix).count()).toBe(history.length)
    console.log(`read in ${early.medianMs.toFixed(1)} ms after 10, in ${late.medianMs.toFixed(1)} ms after 200 switchovers; ${history.length} entries kept`)
  }, 90_000)

  test('an opening that loses its race moves no base and removes nothing', async () => {
    const before = await operator.getAll().prefix(keys.journalPrefix).count()
    const base = await operator.get(keys.journalBase).string()
    await locked(async (scribe) => {
      await operator.put(keys.route).value((await operator.get(keys.route).string()) ?? '') // somebody was faster
      expect(await codeOf(scribe.record(opened))).toBe('lost-race')
    })
    expect(await operator.getAll().prefix(keys.journalPrefix).count()).toBe(before)
    expect(await operator.get(keys.journalBase).string()).toBe(base)
  })

  test('a hole, a lost base and a damaged one are told, never read over', async () => {
    const { journalHead } = await store.read(within(5_000))
    for (const key of [keys.journalEntry(journalHead - 1), keys.journalBase]) {
      const good = (await operator.get(key).string()) ?? ''
      await operator.delete().key(key)
      expect(await codeOf(store.read(within(5_000)))).toBe('route-corrupt')
      expect(await codeOf(store.history(within(5_000)))).toBe('route-corrupt')
      await operator.put(key).value(good)
    }
    const older = keys.journalEntry(journalHead - 100)
    const good = (await operator.get(older).string()) ?? ''
    await operator.delete().key(older)
    expect(await codeOf(store.history(within(5_000)))).toBe('route-corrupt')
    expect(await codeOf(store.read(within(5_000)))).toBe('no error')
    await operator.put(older).value(good)
    expect(await codeOf(store.history(within(5_000)))).toBe('no error')
  })
})
