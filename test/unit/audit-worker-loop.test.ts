import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { unpackPositions } from '../../engine/model/audit-wire.ts'
import { colours } from '../../engine/model/colour.ts'
import { systemClock } from '../../engine/ports/clock.ts'
import { BackPressure } from '../../engine/run/audit/back-pressure.ts'
import { hurriedPace, steadyPace } from '../../engine/run/audit/pace.ts'
import type { FakeSide } from '../support/audit-worker/fake-side.ts'
import { endsOf, naiveTranslation, type TriedWorker, temporaryDirectory, tryWorker, until } from '../support/audit-worker/try-worker.ts'

const digests = (from: number, count: number) => Array.from({ length: count }, (_, index) => BigInt(from + index))
const never = new AbortController().signal

let directory: ReturnType<typeof temporaryDirectory>
let tried: TriedWorker | undefined

beforeEach(() => {
  directory = temporaryDirectory()
})
afterEach(async () => {
  await tried?.stop()
  tried = undefined
  directory.remove()
})

function start(prepare: (blue: FakeSide, green: FakeSide) => void, more: Partial<Parameters<typeof tryWorker>[0]> = {}): TriedWorker {
  tried = tryWorker({ stateDirectory: directory.path, ...more }, prepare)
  return tried
}

/** The same records on both sides; each side has gaps of its own. */
function fill(blue: FakeSide, green: FakeSide, partition: string, first: number, count: number): void {
  for (let at = 0; at < count; at += 10) {
    const some = digests(first + at, Math.min(10, count - at))
    blue.log(partition).append(some, at % 3 === 0 ? 1 : 0)
    green.log(partition).append(some)
    green.log(partition).mark()
  }
}

const prove = (worker: TriedWorker, timeoutMs = 5_000, ends = endsOf(worker)) => worker.worker.prove({ ...ends, timeoutMs }, never)
const told = ({ worker }: TriedWorker, partition = 'orders-0') => worker.facts().partitions.find((each) => each.partition === partition)

describe('two sides with the same records', () => {
  test('are proven equal at their ends, and every position translates to where a reader of both finds it', async () => {
    const it = start((blue, green) => {
      for (const side of [blue, green]) side.make('orders', 2)
      fill(blue, green, 'orders-0', 1, 700)
      fill(blue, green, 'orders-1', 5_000, 33)
    })
    expect(await prove(it)).toEqual({ equal: { 'orders-0': 700, 'orders-1': 33 }, emptied: [], unproven: [], open: [], elsewhere: [] })
    for (const from of colours) {
      const end = it[from].log('orders-0').end
      const groups = Object.fromEntries(Array.from({ length: Number(end) + 1 }, (_, offset) => [`g${offset}`, { 'orders-0': `${offset}`, 'orders-1': '0' }]))
      const { positions, held, known } = await it.worker.translate({ from, groups, ends: endsOf(it) })
      expect([held.toSorted(), known.toSorted()]).toEqual([['orders-0', 'orders-1'], ['orders-0', 'orders-1']]) // biome-ignore format: one line
      const found = unpackPositions(positions).filter(({ partition }) => partition === 0)
      expect(found).toHaveLength(Number(end) + 1)
      for (const { verdict, sourceOffset, targetOffset } of found) {
        expect(`${verdict} ${sourceOffset} ${targetOffset}`).toBe(`exact ${sourceOffset} ${naiveTranslation(it, 'orders-0', from, BigInt(sourceOffset))}`)
      }
    }
  })

  test('are proven in the moment in which the last record is there, and not before', async () => {
    const it = start((blue, green) => {
      for (const side of [blue, green]) side.make('orders', 1)
      blue.log('orders-0').append(digests(1, 100))
      green.log('orders-0').append(digests(1, 100))
      green.log('orders-0').heldFrom = 60n
    })
    let isAnswered = false
    const asking = prove(it).then((answer) => {
      isAnswered = true
      return answer
    })
    await until('green to be read as far as it goes', () => told(it)?.alignedRecords === 60)
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(isAnswered).toBe(false)
    it.green.log('orders-0').heldFrom = null
    const releasedMs = systemClock.monotonicMs()
    expect((await asking).equal).toEqual({ 'orders-0': 100 })
    expect(systemClock.monotonicMs() - releasedMs).toBeLessThan(3_000)
  })

  test('are proven by nothing that their leaders said before the question came, and at once by what they say then', async () => {
    const it = start((blue, green) => {
      for (const side of [blue, green]) side.make('orders', 2)
      for (const partition of ['orders-0', 'orders-1']) fill(blue, green, partition, 1, 20)
    })
    await until('both to be compared', () => ['orders-0', 'orders-1'].every((partition) => told(it, partition)?.alignedRecords === 20))
    const questions: (readonly string[])[] = []
    const answered = Promise.withResolvers<void>()
    it.blue.onConfirm = async (partitions) => void questions.push(partitions)
    it.green.onConfirm = () => answered.promise
    for (const side of [it.blue, it.green]) side.isSilent = true
    let isAnswered = false
    const asking = prove(it).finally(() => {
      isAnswered = true
    })
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect([isAnswered, questions]).toEqual([false, [['orders-0', 'orders-1']]]) // biome-ignore format: one line
    answered.resolve()
    expect((await asking).equal).toEqual({ 'orders-0': 20, 'orders-1': 20 })
  })

  test('of which one log was truncated and grew again behind the comparison are not proven by what was compared', async () => {
    const it = start((blue, green) => {
      for (const side of [blue, green]) side.make('orders', 1)
      fill(blue, green, 'orders-0', 1, 40)
    })
    await prove(it)
    it.green.isSilent = true
    const log = it.green.log('orders-0')
    const { end } = log
    log.truncateTo(end - 11n)
    log.append(digests(900, 11))
    expect(log.end).toBe(end)
    const { equal, unproven, open } = await prove(it, 1_500)
    expect([equal, unproven.length + open.length]).toEqual([{}, 1])
  })

  test('whose ends are never reached are named with how far it has come', async () => {
    const it = start((blue, green) => {
      for (const side of [blue, green]) side.make('orders', 1)
      fill(blue, green, 'orders-0', 1, 20)
    })
    const { equal, open } = await prove(it, 100, { blue: { 'orders-0': '100' }, green: { 'orders-0': '22' } })
    expect([equal, open]).toEqual([{}, [{ partition: 'orders-0', reason: expect.stringContaining('of 100') }]])
  })

  test('asked at a place that the comparison has passed, are proven there', async () => {
    const it = start((blue, green) => {
      for (const side of [blue, green]) side.make('orders', 1)
      fill(blue, green, 'orders-0', 1, 50)
    })
    const earlier = endsOf(it)
    expect((await prove(it)).equal).toEqual({ 'orders-0': 50 })
    fill(it.blue, it.green, 'orders-0', 51, 50)
    expect((await prove(it)).equal).toEqual({ 'orders-0': 100 })
    expect((await prove(it, 1_000, earlier)).equal).toEqual({ 'orders-0': 50 })
    const apart = { blue: earlier.blue, green: { 'orders-0': `${BigInt(earlier.green['orders-0'] ?? '0') - 2n}` } }
    expect((await prove(it, 1_000, apart)).unproven).toHaveLength(1)
  })

  test('a record that is not copied yet makes the ends unproven, and is no difference when it comes', async () => {
    const it = start((blue, green) => {
      for (const side of [blue, green]) side.make('orders', 1)
      blue.log('orders-0').append(digests(1, 30))
      green.log('orders-0').append(digests(1, 28))
    })
    const { unproven } = await prove(it)
    expect(unproven).toEqual([{ partition: 'orders-0', reason: expect.stringContaining('missing') }])
    expect(told(it)?.state).toEqual({ kind: 'equal' })
    it.green.log('orders-0').append(digests(29, 2))
    expect((await prove(it)).equal).toEqual({ 'orders-0': 30 })
    expect(told(it)?.differences.total).toBe(0)
  })

  test('idle ones stay fresh, and one that waits for its copy grows old', async () => {
    const it = start((blue, green) => {
      for (const side of [blue, green]) side.make('orders', 2)
      fill(blue, green, 'orders-0', 1, 20)
      fill(blue, green, 'orders-1', 1, 20)
    })
    await prove(it)
    it.blue.log('orders-1').append([99n])
    await until('the record to be read', () => it.blue.facts('orders-1')?.readUpTo === it.blue.log('orders-1').end)
    await new Promise((resolve) => setTimeout(resolve, 150))
    const ages = () => ['orders-0', 'orders-1'].map((partition) => told(it, partition)?.watermarkAgeMs ?? Number.NaN)
    const [fresh = 0, old = 0] = ages()
    expect(old).toBeGreaterThanOrEqual(140)
    expect(fresh).toBeLessThan(old)
    it.green.log('orders-1').append([99n])
    await prove(it)
    expect(ages()[1]).toBeLessThan(old)
  })
})

describe('a damage', () => {
  test('is told with its place, makes the proof fail, and positions before it unprovable', async () => {
    const it = start((blue, green) => {
      for (const side of [blue, green]) side.make('orders', 1)
      fill(blue, green, 'orders-0', 1, 40)
      green.log('orders-0').append([7_777n])
      fill(blue, green, 'orders-0', 41, 40)
    })
    const at = it.green.log('orders-0').records.find(({ digest }) => digest === 7_777n)?.offset
    const { unproven } = await prove(it)
    expect(unproven).toHaveLength(1)
    await until('the end of both', () => told(it)?.watermark.green === endsOf(it).green['orders-0'])
    const { state, differences } = told(it) ?? {}
    expect(state?.kind).toBe('differs')
    expect(differences).toMatchObject({ total: 1, shown: [{ kind: 'missing', on: 'blue', green: `${at}` }] })
    const end = it.green.log('orders-0').end
    const { positions } = await it.worker.translate({ from: 'green', groups: { early: { 'orders-0': '0' }, late: { 'orders-0': `${end}` } }, ends: endsOf(it) })
    expect(unpackPositions(positions).map(({ groupId, verdict }) => `${groupId} ${verdict}`)).toEqual(['early not provable', 'late exact'])
  })

  test('of a changed record is told with what changed', async () => {
    const parts = { timestamp: 1n, keyDigest: 1n, valueDigest: 2n, headersDigest: 3n }
    const it = start((blue, green) => {
      for (const side of [blue, green]) side.make('orders', 1)
      blue.log('orders-0').append(digests(1, 30))
      green.log('orders-0').append([...digests(1, 10), 888n, ...digests(12, 19)])
      blue.parts.set(10n, parts)
      green.parts.set(10n, { ...parts, valueDigest: null, timestamp: 2n })
    })
    await until('the parts to be looked up', () => (told(it)?.differences.shown[0]?.what.length ?? 0) > 0)
    expect(told(it)?.differences.shown).toEqual([{ kind: 'changed', on: null, blue: '10', green: '10', what: ['value', 'timestamp'] }])
  })

  test('behind which nothing goes together ends the reading, and says so', async () => {
    const it = start((blue, green) => {
      for (const side of [blue, green]) side.make('orders', 1)
      blue.log('orders-0').append(digests(1, 20_000))
      green.log('orders-0').append([...digests(1, 10), ...digests(50_000, 20_000)])
    })
    const isOver = () => told(it)?.state.kind === 'differs' && !it.blue.isRead('orders-0') && !it.green.isRead('orders-0')
    await until('the comparison to end', isOver, 40_000)
    expect((await prove(it, 1_000)).unproven).toHaveLength(1)
  }, 60_000)
})

describe('memory', () => {
  test('is bounded: the side that is ahead is paused, and read again when the other one comes', async () => {
    const inAll = 2_000
    const it = start(
      (blue, green) => {
        for (const side of [blue, green]) {
          side.make('orders', 4)
          for (const [index, log] of [...side.logs.values()].entries()) log.append(digests(1 + index * 10_000, 6_000))
        }
        for (const log of green.logs.values()) log.heldFrom = 0n
      },
      { pressure: { perSide: 1_000, inAll } },
    )
    const partitions = [...it.blue.logs.keys()]
    await until('blue to be paused', () => partitions.every((partition) => it.blue.isPaused(partition)))
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(it.blue.handedOut).toBeLessThanOrEqual(inAll + partitions.length * it.blue.chunk)
    expect(partitions.some((partition) => it.green.isPaused(partition))).toBe(false)
    for (const log of it.green.logs.values()) log.heldFrom = null
    const { equal } = await prove(it)
    expect(equal).toEqual(Object.fromEntries(partitions.map((partition) => [partition, 6_000])))
    expect(partitions.some((partition) => it.blue.isPaused(partition) || it.green.isPaused(partition))).toBe(false)
  }, 20_000)

  test('of one partition is bounded too', async () => {
    const it = start(
      (blue, green) => {
        for (const side of [blue, green]) side.make('orders', 1)
        blue.log('orders-0').append(digests(1, 6_000))
      },
      { pressure: { perSide: 500, inAll: 1_000_000 } },
    )
    await until('blue to be paused', () => it.blue.isPaused('orders-0'))
    expect(it.blue.handedOut).toBeLessThanOrEqual(500 + it.blue.chunk)
  })
})

test('when there is room again, a side that was paused for others is read again, though nothing came for it', () => {
  const pressure = new BackPressure({ perSide: 1_000, inAll: 100 })
  expect(pressure.update('a-0', { blue: 90, green: 0 })).toEqual([])
  expect(pressure.update('b-0', { blue: 20, green: 0 })).toEqual([{ partition: 'b-0', colour: 'blue', paused: true }])
  expect(pressure.update('a-0', { blue: 85, green: 0 })).toEqual([{ partition: 'a-0', colour: 'blue', paused: true }])
  expect(pressure.update('a-0', { blue: 30, green: 0 })).toEqual([
    { partition: 'a-0', colour: 'blue', paused: false },
    { partition: 'b-0', colour: 'blue', paused: false },
  ])
  expect([pressure.forget('a-0'), pressure.inAll]).toEqual([[], 20])
})

describe('topics', () => {
  const hasSavedForty = () => {
    const file = join(directory.path, 'orders-0', '1', 'checkpoint.json')
    return existsSync(file) && readFileSync(file, 'utf8').includes('"alignedRecords":40')
  }

  test('and partitions that come are followed, and one that only one side has is told', async () => {
    const it = start((blue, green) => {
      for (const side of [blue, green]) side.make('orders', 1)
      blue.make('lonely', 1)
    }, { wanted: ['orders', 'lonely', 'new'] }) // biome-ignore format: one line
    await until('the first look', () => told(it, 'lonely-0') !== undefined)
    expect(told(it, 'lonely-0')).toMatchObject({ trouble: 'only blue has this partition', watermarkAgeMs: null, state: { kind: 'undecided' } })
    for (const side of [it.blue, it.green]) side.make('new', 1)
    it.blue.widen('orders', 2)
    await it.worker.look()
    expect(told(it, 'orders-1')?.trouble).toBe('only blue has this partition')
    it.green.widen('orders', 2)
    await it.worker.look()
    fill(it.blue, it.green, 'new-0', 1, 20)
    fill(it.blue, it.green, 'orders-1', 1, 30)
    expect((await prove(it, 5_000, endsOf(it, ['new-0', 'orders-1']))).equal).toEqual({ 'new-0': 20, 'orders-1': 30 })
  })

  test('that are made again begin afresh, with nothing of the old ones', async () => {
    const it = start((blue, green) => {
      for (const side of [blue, green]) side.make('orders', 1)
      fill(blue, green, 'orders-0', 1, 40)
    })
    await prove(it)
    await until('the checkpoint', hasSavedForty)
    it.green.make('orders', 1)
    await until('the end of its reading', () => told(it)?.trouble !== '')
    expect(told(it)?.trouble).toContain('topic-recreated')
    await it.worker.look()
    it.green.log('orders-0').append(it.blue.log('orders-0').records.map(({ digest }) => digest))
    expect((await prove(it)).equal).toEqual({ 'orders-0': 40 })
    expect(it.lines.some((line) => line.includes('orders-0 begins afresh: the topic was made again on green'))).toBe(true)
  })

  test('whose log was truncated begin afresh', async () => {
    const it = start((blue, green) => {
      for (const side of [blue, green]) side.make('orders', 1)
      fill(blue, green, 'orders-0', 1, 40)
    })
    await prove(it)
    await until('the checkpoint', hasSavedForty)
    const log = it.green.log('orders-0')
    log.records.length = 30
    log.end = 33n
    await until('the end of its reading', () => told(it)?.trouble !== '')
    await it.worker.look()
    log.append(digests(31, 9))
    log.append([4_444n])
    const { equal, unproven } = await prove(it)
    expect([equal, unproven.length]).toEqual([{}, 1])
    expect(it.lines.some((line) => line.includes("orders-0 begins afresh: a log isn't the one that was read"))).toBe(true)
  })

  test('with LogAppendTime are compared without timestamps, and compacted ones by key', async () => {
    const it = start((blue, green) => {
      blue.make('stamped', 1)
      green.make('stamped', 1, { logAppendTime: true })
      blue.make('kept', 1, { compacted: true })
      green.make('kept', 1)
    })
    await until('both to be read', () => it.green.asked.length === 2)
    expect(told(it, 'stamped-0')).toMatchObject({ trouble: '', notes: ['timestamps are left out: green has LogAppendTime'] })
    expect(it.blue.asked.map(({ keys, timestamps }) => [keys, timestamps]).sort()).toEqual([[false, false], [true, true]]) // biome-ignore format: one line
  })

  test('a compacted one with a record on one side only moves no group', async () => {
    const it = start((blue, green) => {
      for (const side of [blue, green]) side.make('kept', 1, { compacted: true })
      blue.log('kept-0').append(digests(1, 10), 0, (digest) => digest)
      green.log('kept-0').append(digests(2, 9), 0, (digest) => digest)
    })
    await until('both to be read', () => told(it, 'kept-0')?.alignedRecords === 9)
    const answer = await it.worker.translate({ from: 'blue', groups: { g: { 'kept-0': '10' } }, ends: endsOf(it) })
    expect(unpackPositions(answer.positions)).toMatchObject([{ verdict: 'not provable', reason: expect.stringContaining('keys') }])
    expect((await prove(it)).unproven).toHaveLength(1)
  })
})

test('retention: a group that still reads what only one side has is not moved past it, and one behind it is', async () => {
  const it = start((blue, green) => {
    for (const side of [blue, green]) side.make('orders', 1)
    fill(blue, green, 'orders-0', 1, 60)
    blue.log('orders-0').deleteBelow(30n)
  })
  expect(Object.keys((await prove(it)).equal)).toEqual(['orders-0'])
  const offsets = Array.from({ length: Number(it.green.log('orders-0').end) }, (_, offset) => offset)
  const groups = Object.fromEntries(offsets.map((offset) => [`g${offset}`, { 'orders-0': `${offset}` }]))
  const found = unpackPositions((await it.worker.translate({ from: 'green', groups, ends: endsOf(it) })).positions)
  const firstOnBlue = it.blue.log('orders-0').records[0]
  const firstInCommon = it.green.log('orders-0').records.find(({ digest }) => digest === firstOnBlue?.digest)?.offset ?? 0n
  for (const { sourceOffset, verdict } of found)
    expect(`${sourceOffset} ${verdict}`).toBe(`${sourceOffset} ${BigInt(sourceOffset) < firstInCommon ? 'not provable' : 'exact'}`)
})

test('retention: what a side lost that the other one still has is told, whether it was compared before or not', async () => {
  const it = start((blue, green) => {
    for (const side of [blue, green]) side.make('orders', 2)
    for (const partition of ['orders-0', 'orders-1']) fill(blue, green, partition, 1, 60)
    blue.log('orders-1').deleteBelow(blue.log('orders-1').records[25]?.offset ?? 0n)
  })
  await prove(it)
  expect([told(it)?.lost, told(it, 'orders-1')?.lost]).toEqual([{ blue: 0, green: 0 }, { blue: 25, green: 0 }]) // biome-ignore format: one line
  const [blue, green] = [it.blue.log('orders-0'), it.green.log('orders-0')]
  green.deleteBelow(green.records[40]?.offset ?? 0n)
  expect(told(it)?.lost).toEqual({ blue: 0, green: 40 })
  blue.deleteBelow(blue.records[40]?.offset ?? 0n)
  expect(told(it)?.lost).toEqual({ blue: 0, green: 0 })
  blue.deleteBelow(blue.end)
  expect(told(it)?.lost).toEqual({ blue: 20, green: 0 })
  expect(told(it)?.state).toEqual({ kind: 'equal' })
})

test('retention that emptied the source before anything was compared keeps no gate shut; on the target it does', async () => {
  const it = start((blue, green) => {
    for (const side of [blue, green]) side.make('orders', 1)
    fill(blue, green, 'orders-0', 1, 20)
    blue.log('orders-0').deleteBelow(blue.log('orders-0').end)
  })
  await until('both to be read', () => told(it)?.emptied === 'blue')
  expect(told(it)).toMatchObject({ state: { kind: 'undecided' }, lost: { blue: 20, green: 0 }, notes: [expect.stringContaining('retention has emptied blue')] })
  expect(told(it)?.watermarkAgeMs).toBeLessThan(2_000)
  const from = async (source: 'blue' | 'green') => it.worker.prove({ ...endsOf(it), source, timeoutMs: 2_000 }, never)
  expect(await from('blue')).toMatchObject({ equal: { 'orders-0': 0 }, emptied: ['orders-0'] })
  expect((await from('green')).unproven).toHaveLength(1)
  it.blue.log('orders-0').append([7n])
  expect(await from('blue')).toMatchObject({ equal: {}, emptied: [] }) // nothing of it was copied
})

test('retention that took one side whole proves nothing: what the other one has may be old, or not copied yet', async () => {
  const it = start((blue, green) => {
    for (const side of [blue, green]) side.make('orders', 1)
    fill(blue, green, 'orders-0', 1, 20)
    blue.log('orders-0').deleteBelow(blue.log('orders-0').end)
  })
  expect((await prove(it)).unproven).toEqual([{ partition: 'orders-0', reason: expect.stringContaining("aren't copied yet") }])
  fill(it.blue, it.green, 'orders-0', 21, 20)
  expect((await prove(it)).equal).toEqual({ 'orders-0': 20 })
})

test('reading is steady, and at once after somebody is in a hurry', async () => {
  const it = start((blue, green) => {
    for (const side of [blue, green]) side.make('orders', 1)
  })
  expect([it.blue.paces, it.green.paces]).toEqual([[steadyPace], [steadyPace]])
  expect(it.worker.hurry()).toEqual({ forMs: 15_000 })
  expect([it.blue.paces.at(-1), it.green.paces.at(-1)]).toEqual([hurriedPace, hurriedPace])
})
