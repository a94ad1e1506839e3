import { describe, expect, test } from 'vitest'
import { type TranslateRequest, unpackPositions } from '../../engine/model/audit-wire.ts'
import { nothingCompared, unconfirmed } from '../../engine/model/momentary-reason.ts'
import { endsOf, type TriedWorker, until } from '../support/audit-worker/try-worker.ts'
import { digests, told, workerOfEach } from '../support/audit-worker/worker-tests.ts'

const { start } = workerOfEach()

async function translated({ worker }: TriedWorker, request: Omit<TranslateRequest, 'from'>) {
  return unpackPositions((await worker.translate({ from: 'blue', ...request })).positions)
}

describe('a position is not exact', () => {
  test('on a compacted topic with a difference, where a record behind it is on one side only', async () => {
    const key = (digest: bigint) => digest % 100n
    const it = start((blue, green) => {
      for (const side of [blue, green]) side.make('kept', 1, { compacted: true })
      blue.log('kept-0').append(digests(1, 7), 0, key)
      green.log('kept-0').append([1n, 102n, 3n, 4n, 6n, 7n], 0, key)
    })
    await until('both to be compared', () => told(it, 'kept-0')?.alignedRecords === 5)
    expect(told(it, 'kept-0')).toMatchObject({ state: { kind: 'differs' }, differences: { total: 1 } })
    const groups = { 'before 5': { 'kept-0': '4' } }
    for (const ends of [endsOf(it), null]) {
      expect(await translated(it, { groups, ends })).toMatchObject([{ verdict: 'not provable', reason: expect.stringContaining('1 keys') }])
    }
  })
  test('where nothing has been compared yet, though both logs hold records', async () => {
    const it = start((blue, green) => {
      for (const side of [blue, green]) {
        side.make('orders', 2)
        side.isHeldBack = true
        for (const log of side.logs.values()) log.append(digests(1, 5))
      }
    })
    await until('both to be followed', () => it.blue.isRead('orders-1') && it.green.isRead('orders-1'))
    expect(told(it)?.state).toEqual({ kind: 'equal' })
    const found = await translated(it, { groups: { g: { 'orders-0': '0' } }, ends: null })
    expect(found.map(({ verdict, reason }) => [verdict, reason])).toEqual(Array(2).fill(['not provable', nothingCompared]))
  })

  test('without a commit where the audit stands at the beginning of a log that has come further', async () => {
    const it = start((blue, green) => {
      for (const side of [blue, green]) side.make('orders', 3)
      blue.isHeldBack = true
      blue.log('orders-1').append(digests(1, 5))
      green.log('orders-1').mark()
      green.log('orders-2').mark()
    })
    await until('green to be read', () => ['orders-1', 'orders-2'].every((partition) => told(it, partition)?.watermark.green === '1'))
    const found = await translated(it, { groups: { g: { 'orders-0': '0' } }, ends: null })
    expect(found.map(({ partition, verdict, targetOffset }) => [partition, verdict, targetOffset])).toEqual([
      [0, 'exact', '0'],
      [1, 'not provable', null],
      [2, 'exact', '1'],
    ])
  })

  test('where a leader has lost what was compared, though nobody has been told yet', async () => {
    const it = start((blue, green) => {
      for (const side of [blue, green]) {
        side.make('orders', 1)
        side.log('orders-0').append(digests(1, 40))
      }
    })
    await until('both to be compared', () => told(it)?.alignedRecords === 40)
    const groups = { g: { 'orders-0': '35' } }
    expect(await translated(it, { groups, ends: endsOf(it) })).toMatchObject([{ verdict: 'exact', targetOffset: '35' }])
    it.green.isHeldBack = true
    it.green.log('orders-0').truncateTo(30n)
    const ends = { blue: { 'orders-0': '40' }, green: { 'orders-0': '40' } }
    for (const asked of [ends, null]) {
      expect(await translated(it, { groups, ends: asked })).toMatchObject([{ verdict: 'not provable', targetOffset: null, reason: unconfirmed }])
    }
  })

  test('beyond what had been compared when the leaders were asked', async () => {
    const it = start((blue, green) => {
      for (const side of [blue, green]) {
        side.make('orders', 1)
        side.log('orders-0').append(digests(1, 40))
      }
    })
    await until('both to be compared', () => told(it)?.alignedRecords === 40)
    it.blue.isSilent = true
    it.blue.onConfirm = async () => {
      it.blue.onConfirm = async () => undefined
      for (const side of [it.blue, it.green]) side.log('orders-0').append(digests(41, 5))
      await until('more to be compared', () => told(it)?.alignedRecords === 45)
    }
    const groups = { behind: { 'orders-0': '39' }, 'at the end': { 'orders-0': '40' }, ahead: { 'orders-0': '44' } }
    const found = await translated(it, { groups, ends: null })
    expect(found.map(({ groupId, verdict, targetOffset, lagRecords, reason }) => [groupId, verdict, targetOffset, lagRecords, reason === unconfirmed])).toEqual(
      [
        ['ahead', 'not provable', null, 0, true],
        ['at the end', 'exact', '40', 0, false],
        ['behind', 'exact', '39', 1, false],
      ],
    )
  })
})

test('a translation asks the leaders of its topics once, and waits no longer than for their answers', async () => {
  const it = start((blue, green) => {
    for (const side of [blue, green]) {
      for (const topic of ['orders', 'payments']) side.make(topic, 2)
      for (const log of side.logs.values()) log.append(digests(1, 20))
      side.isSilent = true
    }
  })
  await until('all to be compared', () => [...it.blue.logs.keys()].every((partition) => told(it, partition)?.alignedRecords === 20))
  const asked: (readonly string[])[] = []
  for (const side of [it.blue, it.green]) side.onConfirm = async (partitions) => void asked.push(partitions)
  const groups = { g: { 'orders-0': '5', 'orders-1': '20' } }
  expect((await translated(it, { groups, ends: null })).map(({ verdict }) => verdict)).toEqual(['exact', 'exact'])
  expect(asked).toEqual([['orders-0', 'orders-1'], ['orders-0', 'orders-1']]) // biome-ignore format: one line
})

describe('of a partition that retention emptied on the source, and the target holds records of', () => {
  const emptied = () =>
    start((blue, green) => {
      for (const side of [blue, green]) {
        side.make('orders', 1)
        side.log('orders-0').append(digests(side === blue ? 1 : 500, 20))
        side.isSilent = true
      }
      green.log('orders-0').append(digests(600, 3))
      blue.log('orders-0').deleteBelow(20n)
    })
  const groups = { 'at the end': { 'orders-0': '20' }, before: { 'orders-0': '12' } }
  const expected = [
    { groupId: 'at the end', verdict: 'exact', targetOffset: '23', lagRecords: 0, reason: 'nothing of it is left on the source' },
    { groupId: 'before', verdict: 'not provable' },
  ]

  test("a group at the source's end goes to the target's, and any other one stays", async () => {
    const it = emptied()
    await until('blue to be seen as emptied', () => told(it)?.emptied === 'blue')
    expect(await translated(it, { groups, ends: endsOf(it) })).toMatchObject(expected)
    expect(await translated(it, { groups, ends: null })).toMatchObject(expected)
    const earlier = { ...endsOf(it), blue: { 'orders-0': '18' } } // a cut that isn't where the source ends
    expect(await translated(it, { groups: { g: { 'orders-0': '18' } }, ends: earlier })).toMatchObject([{ verdict: 'not provable' }])
    const back = unpackPositions((await it.worker.translate({ from: 'green', groups: { g: { 'orders-0': '23' } }, ends: endsOf(it) })).positions)
    expect(back).toMatchObject([{ verdict: 'not provable' }])
  })

  test('a record that came since moves no group, before it has been read', async () => {
    const it = emptied()
    await until('blue to be seen as emptied', () => told(it)?.emptied === 'blue')
    it.blue.isHeldBack = true
    const ends = endsOf(it)
    it.blue.log('orders-0').append([7n])
    for (const asked of [ends, null])
      expect(await translated(it, { groups, ends: asked })).toMatchObject([{ verdict: 'not provable' }, { verdict: 'not provable' }])
  })
})
