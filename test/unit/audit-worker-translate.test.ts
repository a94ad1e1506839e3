import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type TranslateRequest, unpackPositions } from '../../engine/model/audit-wire.ts'
import type { FakeSide } from '../support/audit-worker/fake-side.ts'
import { endsOf, type TriedWorker, temporaryDirectory, tryWorker, until } from '../support/audit-worker/try-worker.ts'

const digests = (from: number, count: number) => Array.from({ length: count }, (_, index) => BigInt(from + index))

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

function start(prepare: (blue: FakeSide, green: FakeSide) => void): TriedWorker {
  tried = tryWorker({ stateDirectory: directory.path }, prepare)
  return tried
}

const told = ({ worker }: TriedWorker, partition = 'orders-0') => worker.facts().partitions.find((each) => each.partition === partition)

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
    expect(found.map(({ verdict, reason }) => [verdict, reason])).toEqual(Array(2).fill(['not provable', 'nothing has been compared yet']))
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
})
