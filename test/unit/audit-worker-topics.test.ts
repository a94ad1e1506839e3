import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { unpackPositions } from '../../engine/model/audit-wire.ts'
import { endsOf, until } from '../support/audit-worker/try-worker.ts'
import { digests, fill, prove, told, workerOfEach } from '../support/audit-worker/worker-tests.ts'

const { start, stateDirectory } = workerOfEach()
const never = new AbortController().signal

describe('topics', () => {
  const hasSavedForty = () => {
    const file = join(stateDirectory(), 'orders-0', '1', 'checkpoint.json')
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
