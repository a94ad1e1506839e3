import { describe, expect, test } from 'vitest'
import { unpackPositions } from '../../engine/model/audit-wire.ts'
import { colours } from '../../engine/model/colour.ts'
import { systemClock } from '../../engine/ports/clock.ts'
import { BackPressure } from '../../engine/run/audit/back-pressure.ts'
import { hurriedPace, steadyPace } from '../../engine/run/audit/pace.ts'
import { endsOf, naiveTranslation, until } from '../support/audit-worker/try-worker.ts'
import { digests, fill, prove, told, workerOfEach } from '../support/audit-worker/worker-tests.ts'

const { start } = workerOfEach()

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

test('reading is steady, and at once after somebody is in a hurry', async () => {
  const it = start((blue, green) => {
    for (const side of [blue, green]) side.make('orders', 1)
  })
  expect([it.blue.paces, it.green.paces]).toEqual([[steadyPace], [steadyPace]])
  expect(it.worker.hurry()).toEqual({ forMs: 15_000 })
  expect([it.blue.paces.at(-1), it.green.paces.at(-1)]).toEqual([hurriedPace, hurriedPace])
})
