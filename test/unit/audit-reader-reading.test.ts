import fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type AuditReaderOptions, KafkaAuditReader } from '../../engine/adapters/kafka/audit-reader.ts'
import { type Hash64, openHash64 } from '../../engine/adapters/kafka/audit-records.ts'
import type { ReadEvent, ReadFrom, ReadingTrouble } from '../../engine/ports/audit-reader.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { FakeCluster } from '../support/fake-logs.ts'

const from = (offset: bigint, more: Partial<ReadFrom> = {}): ReadFrom => ({ offset, keys: false, timestamps: true, ...more })
const troubles: ReadingTrouble[] = []
let hash64: Hash64
let reader: KafkaAuditReader

beforeAll(async () => {
  hash64 = await openHash64()
})
afterEach(() => {
  reader.close()
  troubles.length = 0
})

function readerOf(cluster: FakeCluster, more: Partial<AuditReaderOptions> = {}): KafkaAuditReader {
  const options: AuditReaderOptions = {
    as: 'operator',
    minBytes: 1,
    maxWaitMs: 30,
    tailPauseMs: 0,
    maxBytesPerPartition: 1_000,
    maxBytesPerFetch: 3_000,
    reportAfterMs: 50,
    onTrouble: (trouble) => troubles.push(trouble),
    goneAfterMs: 250,
    maxHeldBytes: 10_000,
    ...more,
  }
  const askConnections = cluster.connections()
  reader = new KafkaAuditReader({ connections: cluster.connections(), askConnections, clock: systemClock, hash64, options, recordParts: async () => undefined })
  return reader
}

/** Everything until nothing came for `quietMs`. */
async function drain(quietMs = 60): Promise<readonly ReadEvent[]> {
  const events: ReadEvent[] = []
  for (let event = await reader.next(quietMs); event; event = await reader.next(quietMs)) events.push(event)
  return events
}

/** What comes, where something has to: a busy machine has time for the first of it. */
async function arriving(quietMs: number): Promise<readonly ReadEvent[]> {
  const first = await reader.next(5_000)
  return first ? [first, ...(await drain(quietMs))] : []
}

const offsetsOf = (events: readonly ReadEvent[], partition = 't-0'): readonly bigint[] =>
  events.flatMap((event) => (event.kind === 'records' && event.partition === partition ? event.records.map((record) => record.offset) : []))
const endsOf = (events: readonly ReadEvent[]): readonly (readonly [string, string, bigint])[] =>
  events.flatMap((event) => (event.kind === 'ended' ? [[event.partition, event.error.code, event.position] as const] : []))

describe('reading', () => {
  test('gives the visible records of each partition in order, and goes on with what is appended later', async () => {
    const cluster = new FakeCluster(2)
    cluster.log(0).append(30)
    cluster.log(0).abort(5)
    cluster.log(0).append(2)
    readerOf(cluster).add(new Map([['t-0', from(3n)], ['t-1', from(0n)]])) // biome-ignore format: one line
    expect(offsetsOf(await drain())).toEqual(cluster.log(0).visible.slice(3))
    expect(reader.facts('t-0')).toMatchObject({ readUpTo: 38n, lastStableOffset: 38n, logStartOffset: 0n })
    expect(reader.facts('t-1')).toMatchObject({ readUpTo: 0n, lastStableOffset: 0n })
    cluster.log(1).append(1)
    expect(await reader.next(500)).toMatchObject({ kind: 'records', partition: 't-1', records: [{ offset: 0n }], facts: { readUpTo: 1n } })
    cluster.log(1).abort(3)
    expect(await reader.next(500)).toMatchObject({ kind: 'records', records: [], facts: { readUpTo: 5n } })
  })

  test('stays below an open transaction, and says so', async () => {
    const cluster = new FakeCluster(1)
    cluster.log(0).append(4)
    cluster.log(0).unstableFrom = 4n
    cluster.log(0).append(4)
    readerOf(cluster).add(new Map([['t-0', from(0n)]]))
    expect(offsetsOf(await drain())).toEqual([0n, 1n, 2n, 3n])
    expect(reader.facts('t-0')).toMatchObject({ readUpTo: 4n, lastStableOffset: 4n })
    cluster.log(0).unstableFrom = undefined
    expect(offsetsOf(await drain())).toEqual([4n, 5n, 6n, 7n])
  })

  test('an idle partition costs a request for each wait, and its facts stay fresh', async () => {
    const cluster = new FakeCluster(3)
    readerOf(cluster, { maxWaitMs: 20 }).add(new Map([0, 1, 2].map((index) => [`t-${index}`, from(0n)])))
    await drain(60)
    const [requests, before, startedMs] = [cluster.requests.length, reader.facts('t-1'), systemClock.monotonicMs()]
    await drain(100)
    expect(cluster.requests.length - requests).toBeLessThan((systemClock.monotonicMs() - startedMs) / 20 + 2)
    expect(cluster.requests.slice(requests).every((request) => request.targets.length === 0)).toBe(true)
    const after = reader.facts('t-1')
    expect(after?.askedAtMs).toBeGreaterThan(before?.answeredAtMs ?? Number.POSITIVE_INFINITY)
    cluster.throttleMs = 5
    await drain(60)
    const throttled = reader.facts('t-1')
    await drain(60)
    expect(reader.facts('t-1')).toEqual(throttled) // such an answer says nothing of the log
  })

  test('takes turns when not everything fits into an answer, also without a session', async () => {
    const cluster = new FakeCluster(2)
    cluster.keepsSessions = false
    for (let batch = 0; batch < 40; batch++) cluster.log(0).append(1, 900)
    cluster.log(1).append(1)
    readerOf(cluster, { maxBytesPerFetch: 900 }).add(new Map([['t-0', from(0n)], ['t-1', from(0n)]])) // biome-ignore format: one line
    const events = await drain()
    expect(offsetsOf(events)).toEqual(cluster.log(0).visible)
    expect(events.findIndex((event) => event.partition === 't-1')).toBeLessThan(8)
  })
})

describe('what was read', () => {
  const ask = () => reader.confirm(['t-0', 't-1', 'never-added-3'], new Deadline(systemClock, 500, 'the leaders to confirm'))

  test('is confirmed by the leaders beside a fetch that waits, paused partitions too, and by nobody who is down', async () => {
    const cluster = new FakeCluster(2)
    for (const index of [0, 1]) cluster.log(index).append(5)
    cluster.moveLeader(1)
    readerOf(cluster, { maxWaitMs: 20_000 }).add(new Map([['t-0', from(0n)], ['t-1', from(0n)]])) // biome-ignore format: one line
    await drain()
    reader.pause(['t-1'])
    const before = systemClock.monotonicMs()
    await ask()
    for (const name of ['t-0', 't-1']) expect(reader.facts(name)).toMatchObject({ confirmedUpTo: 5n, readEpoch: 0 })
    for (const name of ['t-0', 't-1']) expect(reader.facts(name)?.askedAtMs).toBeGreaterThanOrEqual(before)
    const questions = cluster.requests.filter(({ sessionEpoch }) => sessionEpoch === -1)
    expect(questions.map(({ maxWaitMs, targets }) => [maxWaitMs, targets.length, targets[0]?.lastFetchedEpoch])).toEqual([[0, 1, 0], [0, 1, 0]]) // biome-ignore format: one line
    cluster.down.add(1)
    const lastHeard = reader.facts('t-0')?.askedAtMs
    await ask()
    expect(reader.facts('t-0')?.askedAtMs).toBe(lastHeard)
  })

  test('and is in the log no more is not confirmed, and ends the reading', async () => {
    const cluster = new FakeCluster(1)
    cluster.log(0).append(5)
    readerOf(cluster, { maxWaitMs: 20_000 }).add(new Map([['t-0', from(0n)]]))
    await drain()
    reader.pause(['t-0']) // only the question finds out
    const lastHeard = reader.facts('t-0')?.askedAtMs
    cluster.log(0).diverged = true
    await ask()
    expect(reader.facts('t-0')?.askedAtMs).toBe(lastHeard)
    const untilMs = systemClock.monotonicMs() + 2_000
    while (systemClock.monotonicMs() < untilMs && reader.facts('t-0') !== undefined) {
      await ask()
      reader.resume(['t-0'])
      await drain(20)
    }
    expect(reader.facts('t-0')).toBeUndefined()
  })

  test('and is in the log no more counts as confirmed no longer, from the first answer that says so on', async () => {
    const cluster = new FakeCluster(1)
    cluster.log(0).append(5)
    readerOf(cluster, { maxWaitMs: 20_000, goneAfterMs: 20_000 }).add(new Map([['t-0', from(0n)]]))
    await drain()
    reader.pause(['t-0'])
    await ask()
    expect(reader.facts('t-0')?.confirmedUpTo).toBe(5n)
    cluster.log(0).diverged = true
    await ask()
    expect(reader.facts('t-0')).toMatchObject({ readUpTo: 5n, confirmedUpTo: -1n })
    cluster.log(0).diverged = false // that leader was wrong, and another one has what was read
    cluster.moveLeader(0)
    await expect.poll(async () => ask().then(() => reader.facts('t-0')?.confirmedUpTo)).toBe(5n)
  })

  test('and whose epoch is known goes on only in the log that has it', async () => {
    const cluster = new FakeCluster(1)
    cluster.log(0).append(5)
    cluster.log(0).diverged = true
    readerOf(cluster).add(new Map([['t-0', from(3n, { epoch: 0 })]]))
    const events = await arriving(400)
    expect([offsetsOf(events), endsOf(events)]).toEqual([[], [['t-0', 'log-truncated', 3n]]]) // biome-ignore format: one line
    reader.add(new Map([['t-0', from(3n)]]))
    expect(offsetsOf([await reader.next(500)].filter((event) => event !== undefined))).toEqual([3n, 4n])
  })
})

describe('back-pressure', () => {
  test('nothing of a paused partition comes, nothing is lost by it, and the others go on', async () => {
    const cluster = new FakeCluster(2)
    for (let batch = 0; batch < 50; batch++) for (const index of [0, 1]) cluster.log(index).append(4, 100)
    readerOf(cluster).add(new Map([['t-0', from(0n)], ['t-1', from(0n)]])) // biome-ignore format: one line
    const first = await reader.next(500)
    reader.pause(['t-0', 'never-added-3'])
    const during = await drain()
    expect(offsetsOf(during)).toEqual([])
    const requests = cluster.requests.length
    await drain(50)
    expect(cluster.requests.slice(requests).flatMap((request) => request.targets)).toEqual([])
    reader.resume(['t-0'])
    const after = await drain()
    expect(offsetsOf([...(first ? [first] : []), ...after])).toEqual(cluster.log(0).visible)
    expect(offsetsOf([...(first ? [first] : []), ...during, ...after], 't-1')).toEqual(cluster.log(1).visible)
  })

  test('a paused partition whose log is another one is told all the same, also when it is paused again', async () => {
    const cluster = new FakeCluster(1)
    cluster.log(0).append(5)
    readerOf(cluster, { goneAfterMs: 20 }).add(new Map([['t-0', from(0n)]]))
    await drain()
    reader.pause(['t-0'])
    cluster.log(0).diverged = true
    const events = [] as ReadEvent[]
    for (const untilMs = systemClock.monotonicMs() + 3_000; events.length === 0 && systemClock.monotonicMs() < untilMs; ) {
      await reader.confirm(['t-0'], new Deadline(systemClock, 500, 'the leader to confirm'))
      await systemClock.sleep(10) // its end may be there now
      reader.pause(['t-0'])
      events.push(...(await drain(10)))
    }
    expect(endsOf(events)).toEqual([['t-0', 'log-truncated', 5n]])
    expect(reader.facts('t-0')).toBeUndefined()
  })

  test('a caller who takes nothing stops the fetching', async () => {
    const cluster = new FakeCluster(1)
    for (let batch = 0; batch < 100; batch++) cluster.log(0).append(1, 500)
    readerOf(cluster).add(new Map([['t-0', from(0n)]]))
    await systemClock.sleep(80)
    expect(cluster.requests.length).toBeLessThan(6)
    expect(offsetsOf(await drain())).toEqual(cluster.log(0).visible)
  })

  test('what is held of paused partitions is bounded: beyond that it is fetched again', async () => {
    const cluster = new FakeCluster(1)
    for (let batch = 0; batch < 20; batch++) cluster.log(0).append(1, 300)
    readerOf(cluster, { maxHeldBytes: 500 }).add(new Map([['t-0', from(0n)]]))
    const first = await reader.next(500)
    await systemClock.sleep(50) // the next ones are there
    reader.pause(['t-0'])
    const requests = cluster.requests.length
    reader.resume(['t-0'])
    const events = await drain()
    expect(offsetsOf([...(first ? [first] : []), ...events])).toEqual(cluster.log(0).visible)
    const asked = cluster.requests.slice(requests).flatMap((request) => request.targets.map((target) => target.offset))
    expect(asked).toContain(first?.kind === 'records' ? first.facts.readUpTo : undefined)
  })

  test('an answer behind what was dropped meanwhile is no beginning', async () => {
    const cluster = new FakeCluster(1)
    cluster.log(0).append(1, 600)
    readerOf(cluster, { maxHeldBytes: 500, maxWaitMs: 200 }).add(new Map([['t-0', from(0n)]]))
    await expect.poll(() => cluster.requests.length).toBe(2) // the first batch is there, and the second is waited for
    reader.pause(['t-0'])
    cluster.log(0).append(1)
    await systemClock.sleep(50)
    reader.resume(['t-0'])
    expect(offsetsOf(await arriving(300))).toEqual([0n, 1n])
  })

  test('adding it again drops what was fetched and goes on from there; a removed partition is silent', async () => {
    const cluster = new FakeCluster(2)
    for (const index of [0, 1]) cluster.log(index).append(20)
    readerOf(cluster).add(new Map([['t-0', from(0n)], ['t-1', from(0n)]])) // biome-ignore format: one line
    await drain()
    reader.add(new Map([['t-0', from(18n)]]))
    expect(offsetsOf(await arriving(200))).toEqual([18n, 19n])
    expect(reader.facts('t-0')).toMatchObject({ readUpTo: 20n, lastStableOffset: 20n })
    reader.add(new Map([['t-0', from(20n)]]))
    await expect.poll(() => reader.facts('t-0')).toMatchObject({ readUpTo: 20n, lastStableOffset: 20n }) // nothing new, and known all the same
    reader.remove(['t-1'])
    cluster.log(1).append(1)
    expect(await drain()).toEqual([])
    expect(reader.facts('t-1')).toBeUndefined()
  })
})

describe('trouble', () => {
  test('a lost broker is told after a while and reading goes on when it is back', async () => {
    const cluster = new FakeCluster(1)
    cluster.log(0).append(3)
    readerOf(cluster, { reportAfterMs: 300 }).add(new Map([['t-0', from(0n)]]))
    await drain()
    const startedMs = systemClock.monotonicMs()
    cluster.down.add(1)
    cluster.log(0).append(3)
    expect(await drain(1_000)).toEqual([])
    expect(troubles[0]).toMatchObject({ partitions: ['t-0'], error: { code: 'connection' } })
    expect(troubles.length).toBeLessThan((systemClock.monotonicMs() - startedMs) / 300)
    cluster.down.clear()
    expect(offsetsOf(await arriving(300))).toEqual([3n, 4n, 5n])
    const told = troubles.length
    await drain(120)
    expect(troubles.length).toBe(told)
  })

  test('a changed leader, a forgotten session', async () => {
    const cluster = new FakeCluster(1)
    readerOf(cluster).add(new Map([['t-0', from(0n)]]))
    for (let round = 0; round < 5; round++) {
      cluster.log(0).append(3)
      expect(offsetsOf(await arriving(250))).toHaveLength(3)
      cluster.moveLeader(0)
      cluster.log(0).append(1)
      expect(offsetsOf(await arriving(250))).toHaveLength(1)
      cluster.forgetSessions()
    }
    expect(troubles).toEqual([])
  })

  test('a log that begins behind the position is told, behind what was fetched of it', async () => {
    const cluster = new FakeCluster(1)
    for (let batch = 0; batch < 10; batch++) cluster.log(0).append(10)
    readerOf(cluster).add(new Map([['t-0', from(0n)]]))
    const first = await reader.next(500)
    reader.pause(['t-0'])
    await drain()
    cluster.log(0).start = 95n
    reader.resume(['t-0'])
    const events = await drain()
    const passed = events.find((event) => event.kind === 'log-start-passed')
    const read = offsetsOf([...(first ? [first] : []), ...events])
    expect(passed).toMatchObject({ logStartOffset: 95n })
    expect(read).toEqual(cluster.log(0).visible.filter((offset) => offset < (passed?.position ?? 0n) || offset >= 95n))
    expect(passed?.position).toBeLessThan(95n)
  })

  test.each([
    ['topic-recreated', 'was made again', (cluster: FakeCluster) => cluster.recreate()],
    ['unknown-topic', 'was deleted', (cluster: FakeCluster) => Object.assign(cluster, { topicExists: false })],
    ['log-truncated', 'ends before the position', (cluster: FakeCluster) => Object.assign(cluster.log(0), { end: -4n })],
    ['log-truncated', 'went another way', (cluster: FakeCluster) => Object.assign(cluster.log(0), { diverged: true })],
    ['record-format', 'holds a batch that is none', (cluster: FakeCluster) => cluster.log(0).spoil()],
  ])('%s: a log that %s ends the reading of the partition without a skip', async (code, _what, damage) => {
    const cluster = new FakeCluster(1)
    cluster.log(0).append(5)
    readerOf(cluster).add(new Map([['t-0', from(0n)]]))
    await drain()
    damage(cluster)
    cluster.log(0).append(8)
    const events = await arriving(400)
    expect(endsOf(events)).toEqual([['t-0', code, 5n]])
    expect(offsetsOf(events)).toEqual([])
    expect(reader.facts('t-0')).toBeUndefined()
  })

  test('a topic that was made again before reading began is another one for whoever knows its id', async () => {
    const cluster = new FakeCluster(1)
    cluster.log(0).append(5)
    readerOf(cluster).add(new Map([['t-0', from(0n)]]))
    await drain()
    const topicId = reader.facts('t-0')?.topicId ?? ''
    reader.remove(['t-0'])
    cluster.recreate()
    cluster.log(0).append(9)
    reader.add(new Map([['t-0', from(5n, { topicId })]]))
    expect(endsOf(await arriving(400))).toEqual([['t-0', 'topic-recreated', 5n]])
  })

  test('a broker that speaks of another topic for a moment only is asked again', async () => {
    const cluster = new FakeCluster(1)
    cluster.log(0).append(5)
    readerOf(cluster).add(new Map([['t-0', from(0n)]]))
    await drain()
    cluster.topicExists = false
    await drain(100)
    cluster.topicExists = true
    cluster.log(0).append(1)
    expect(offsetsOf(await arriving(500))).toEqual([5n])
  })
})

test('every visible record comes once and in order, whatever happens meanwhile', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('append'), index: fc.nat(2), records: fc.integer({ min: 1, max: 12 }) }),
    fc.record({
      do: fc.constantFrom('abort', 'move', 'pause', 'resume', 'delete', 'restart', 'forget', 'take', 'rewind'),
      index: fc.nat(2),
      records: fc.nat(5),
    }),
  )
  const damages = { passed: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), fc.boolean(), async (steps, keepsSessions) => {
      const cluster = new FakeCluster(3)
      cluster.keepsSessions = keepsSessions
      readerOf(cluster, { maxWaitMs: 3, maxBytesPerPartition: 300, maxBytesPerFetch: 700, maxHeldBytes: 250 })
      reader.add(new Map([0, 1, 2].map((index) => [`t-${index}`, from(0n)])))
      const expected = new Map([0, 1, 2].map((index) => [`t-${index}`, 0n]))
      const check = (event: ReadEvent | undefined): void => {
        if (!event) return
        const next = expected.get(event.partition) ?? 0n
        if (event.kind === 'ended') throw event.error
        if (event.kind === 'log-start-passed') {
          expect(event.position).toBe(next)
          expected.set(event.partition, event.logStartOffset)
          damages.passed++
          return
        }
        const visible = cluster.log(Number(event.partition.slice(2))).visible.filter((offset) => offset >= next && offset < event.facts.readUpTo)
        expect(event.records.map((record) => record.offset)).toEqual(visible)
        expect(event.facts.readUpTo).toBeGreaterThanOrEqual(next)
        expected.set(event.partition, event.facts.readUpTo)
      }
      for (const one of steps) {
        const log = cluster.log(one.index)
        const name = `t-${one.index}`
        if (one.do === 'append') log.append(one.records)
        if (one.do === 'abort') log.abort(one.records + 1)
        if (one.do === 'move') cluster.moveLeader(one.index)
        if (one.do === 'pause') reader.pause([name])
        if (one.do === 'resume') reader.resume([name])
        if (one.do === 'delete' && log.start <= log.end - BigInt(one.records)) log.start = log.end - BigInt(one.records)
        if (one.do === 'restart') cluster.down.add(1)
        if (one.do === 'forget') cluster.forgetSessions()
        if (one.do === 'rewind' && (expected.get(name) ?? 0n) > log.start + 3n) {
          reader.add(new Map([[name, from(log.start + 2n)]]))
          expected.set(name, log.start + 2n)
        }
        check(await reader.next(one.records % 4))
        if (one.do !== 'restart') cluster.down.clear()
      }
      reader.resume(['t-0', 't-1', 't-2'])
      cluster.down.clear()
      const atEnd = () => [0, 1, 2].every((index) => expected.get(`t-${index}`) === cluster.log(index).end)
      for (let idle = 0; !atEnd() && idle < 20; ) {
        const event = await reader.next(50)
        check(event)
        idle = event ? 0 : idle + 1
      }
      expect([...expected.values()]).toEqual([0, 1, 2].map((index) => cluster.log(index).end))
      reader.close()
    }),
    { numRuns: 60 },
  )
  expect(damages.passed).toBeGreaterThan(0) // else the histories didn't try it
}, 60_000)
