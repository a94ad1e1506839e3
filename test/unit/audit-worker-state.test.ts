import { appendFileSync, existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PartitionStore } from '../../engine/adapters/audit/partition-store.ts'
import { alignmentConfig } from '../../engine/audit/alignment.ts'
import { colours } from '../../engine/model/colour.ts'
import { PartitionAudit } from '../../engine/run/audit/partition-audit.ts'
import { restorePartition } from '../../engine/run/audit/partition-state.ts'
import { FakeSideLog } from '../support/audit-worker/fake-side.ts'
import { endsOf, temporaryDirectory, tryWorker, until } from '../support/audit-worker/try-worker.ts'

const never = new AbortController().signal
const digests = (from: number, count: number) => Array.from({ length: count }, (_, index) => BigInt(from + index))
const unknownTopic = { topic: 'orders', topicId: '', internal: false, partitions: 2, compacted: false, logAppendTime: false }
const identity = { partition: 'orders-0', topicIds: { blue: 'b', green: 'g' }, modes: { compacted: false, timestamps: true } }
const config = { ...alignmentConfig(false), lookaheadRecords: 64, recentRecords: 16 }

let directory: ReturnType<typeof temporaryDirectory>
beforeEach(() => {
  directory = temporaryDirectory()
})
afterEach(() => directory.remove())

/** A comparison that is read by hand, saved by hand, and killed at any moment. */
class Driven {
  readonly logs = { blue: new FakeSideLog(), green: new FakeSideLog() }
  readonly #root: string
  #audit: PartitionAudit
  #store: PartitionStore
  #position: Record<'blue' | 'green', bigint>

  constructor(root: string) {
    this.#root = root
    const { store } = PartitionStore.open(root, 'orders-0')
    this.#store = store
    this.#audit = new PartitionAudit(identity, null, store, config)
    this.#position = { blue: 0n, green: 0n }
  }

  get audit(): PartitionAudit {
    return this.#audit
  }

  read(colour: 'blue' | 'green', count: number): void {
    const log = this.logs[colour]
    const from = log.records.findIndex((record) => record.offset >= this.#position[colour])
    const records = from === -1 ? [] : log.records.slice(from, from + count)
    const readUpTo = from === -1 || from + count >= log.records.length ? log.end : (records.at(-1)?.offset ?? -1n) + 1n
    const seen = { lastStableOffset: log.end, logStartOffset: 0n, confirmedUpTo: readUpTo, askedAtMs: 0, answeredAtMs: 0 }
    this.#audit.take(colour, records, { topicId: 'x', readUpTo, readEpoch: 0, ...seen })
    this.#position[colour] = readUpTo
  }

  save(): Promise<void> {
    return this.#store.save(this.#audit.state(null))
  }

  /** kill -9, and a start from what was saved. @returns why what was saved is refused */
  kill(): string | null {
    const { store, saved, refused } = PartitionStore.open(this.#root, 'orders-0')
    this.#store = store
    this.#audit = new PartitionAudit(identity, saved === null ? null : restorePartition(saved), store, config)
    if (saved === null) store.clearMap()
    for (const colour of colours) this.#position[colour] = this.#audit.restartFrom(colour)
    return refused
  }

  finish(): void {
    for (let turn = 0; turn < 2_000 && colours.some((colour) => this.#position[colour] < this.logs[colour].end); turn++) {
      for (const colour of colours) if (this.#audit.pendingRecords(colour) < 64) this.read(colour, 16)
    }
  }

  /** Everything that hangs on the history alone. */
  outcome(): unknown {
    const { alignedRecords, blue, green, watermark, differences } = this.#audit.facts()
    const map = this.#audit.map()
    const places = Array.from({ length: Number(this.logs.blue.end) + 1 }, (_, offset) => map.place('blue', BigInt(offset)))
    return { alignedRecords, blue, green, watermark, differences, places, coverage: map.coverage }
  }
}

const act = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('blue' as const, 'green' as const), count: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('save' as const), count: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('kill' as const), count: fc.constant(0) }) },
)

/** A history whose runs fill several blocks: green has a marker behind every record. */
function fill({ blue, green }: Driven['logs'], records: number, damageAt: number | null): void {
  for (const digest of digests(1, records)) {
    blue.append([digest])
    green.append([digest === BigInt(damageAt ?? -1) ? 999_999n : digest])
    green.mark()
  }
}

describe('a comparison that is killed', () => {
  test('at any moment comes to the same as one that isn’t', async () => {
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 40 }), fc.option(fc.integer({ min: 1, max: 300 })), async (acts, damageAt) => {
        const [killed, whole] = [new Driven(join(directory.path, `k${++run}`)), new Driven(join(directory.path, `w${run}`))]
        for (const { logs } of [killed, whole]) fill(logs, 300, damageAt)
        for (const { kind, count } of acts) {
          if (kind === 'save') await killed.save()
          else if (kind === 'kill') killed.kill()
          else if (killed.audit.pendingRecords(kind) < 64) killed.read(kind, count)
        }
        killed.finish()
        whole.finish()
        expect(killed.outcome()).toEqual(whole.outcome())
      }),
      { numRuns: 40 },
    )
  }, 60_000)

  test('goes on behind sealed blocks, which were written after the checkpoint too', async () => {
    const it = new Driven(directory.path)
    fill(it.logs, 5_000, null)
    for (let turn = 0; turn < 40; turn++) for (const colour of colours) it.read(colour, 60)
    await it.save()
    for (let turn = 0; turn < 40; turn++) for (const colour of colours) it.read(colour, 60)
    expect(it.audit.runs).toBe(4_800)
    expect(it.kill()).toBeNull()
    expect([it.audit.restartFrom('blue'), it.audit.runs]).toEqual([2_400n, 2_400])
    it.finish()
    const reference = new Driven(join(directory.path, 'reference'))
    fill(reference.logs, 5_000, null)
    reference.finish()
    expect(it.outcome()).toEqual(reference.outcome())
  }, 20_000)
})

/** The newest generation's files. */
function filesOf(partition: string) {
  const root = join(directory.path, partition)
  const newest = Math.max(...readdirSync(root).map(Number))
  return { newest, map: join(root, `${newest}`, 'map'), checkpoint: join(root, `${newest}`, 'checkpoint.json') }
}

describe('what was saved', () => {
  const saved = async () => {
    const it = new Driven(directory.path)
    fill(it.logs, 3_000, null)
    it.finish()
    await it.save()
    return it
  }

  test.each([
    ['a checkpoint with another digit', () => flipDigit(filesOf('orders-0').checkpoint)],
    ['half a checkpoint', () => truncateSync(filesOf('orders-0').checkpoint, 500)],
    ['a map that is too short', () => truncateSync(filesOf('orders-0').map, 100)],
  ])('is refused when it is damaged: %s', async (_, damage) => {
    const it = await saved()
    damage()
    expect(it.kill()).not.toBeNull()
    expect(it.audit.restartFrom('blue')).toBe(0n)
  })

  test('is refused when a block of the map is damaged', async () => {
    const it = await saved()
    const { map } = filesOf('orders-0')
    const bytes = readFileSync(map)
    bytes.writeUInt8(bytes.readUInt8(60) ^ 1, 60)
    writeFileSync(map, bytes)
    expect(() => it.kill()).toThrow('offset-map-damaged')
  })

  test('counts without what was appended behind it', async () => {
    const it = await saved()
    appendFileSync(filesOf('orders-0').map, 'half a block')
    const before = it.outcome()
    expect(it.kill()).toBeNull()
    expect(it.outcome()).toEqual(before)
  })

  test('is removed only when a newer one is there', async () => {
    await saved()
    const { newest } = filesOf('orders-0')
    const { store } = PartitionStore.open(directory.path, 'orders-0')
    expect(readdirSync(join(directory.path, 'orders-0')).sort()).toEqual([`${newest}`, `${newest + 1}`])
    await store.save({ any: 'state' })
    expect(readdirSync(join(directory.path, 'orders-0'))).toEqual([`${newest + 1}`])
  })

  test('by a process that was paused never replaces a newer one', async () => {
    const zombie = new Driven(directory.path)
    fill(zombie.logs, 500, null)
    zombie.finish()
    await zombie.save()
    const { store } = PartitionStore.open(directory.path, 'orders-0')
    await expect(zombie.save()).rejects.toMatchObject({ code: 'audit-superseded' })
    await store.save({ mine: true })
    await expect(zombie.save()).rejects.toMatchObject({ code: 'audit-superseded' })
    expect(PartitionStore.open(directory.path, 'orders-0').saved?.state).toEqual({ mine: true })
  })
})

function flipDigit(file: string): void {
  const text = readFileSync(file, 'utf8')
  const at = text.indexOf('"alignedRecords":3000')
  expect(at).toBeGreaterThan(0)
  writeFileSync(file, text.replace('"alignedRecords":3000', '"alignedRecords":3001'))
}

test('pruned blocks go, and the file with them', async () => {
  const it = new Driven(directory.path)
  fill(it.logs, 5_000, null)
  it.finish()
  await it.save()
  const { store, saved } = PartitionStore.open(directory.path, 'orders-0')
  if (saved === null) throw new Error('nothing was saved')
  const audit = new PartitionAudit(identity, restorePartition(saved), store, config)
  const before = store.mapBytes
  const state = audit.state({ blue: 3_500n, green: 7_000n })
  expect(store.mapBytes).toBeLessThan(before)
  expect(audit.map().place('blue', 4_000n).next).toEqual({ blue: 4_000n, green: 8_000n })
  store.sweep(1)
  expect(audit.map().place('blue', 4_000n).next).toEqual({ blue: 4_000n, green: 8_000n })
  await store.save(state)
  expect(readFileSync(filesOf('orders-0').map)).toHaveLength(store.mapBytes)
  const again = PartitionStore.open(directory.path, 'orders-0').saved
  if (again === null) throw new Error('nothing was saved')
  expect(restorePartition(again).map).toMatchObject({ anchors: { length: 1 } })
})

describe('a worker that is started again', () => {
  const prepared = (like?: Parameters<typeof tryWorker>[0]['like']) =>
    tryWorker({ stateDirectory: directory.path, ...(like ? { like } : {}) }, (blue, green) => {
      if (like) return
      for (const side of [blue, green]) {
        side.make('orders', 2)
        for (const log of side.logs.values()) log.append(digests(1, 1_000))
      }
    })

  test('reads only what is new', async () => {
    const first = prepared()
    await first.worker.prove({ ...endsOf(first), timeoutMs: 5_000 }, never)
    await first.stop()
    for (const side of [first.blue, first.green]) side.log('orders-1').append(digests(2_000, 10))
    const second = prepared(first)
    const { equal } = await second.worker.prove({ ...endsOf(second), timeoutMs: 5_000 }, never)
    await second.stop()
    expect(equal).toEqual({ 'orders-0': 1_000, 'orders-1': 1_010 })
    expect([second.blue.handedOut, second.green.handedOut]).toEqual([10, 10])
  })

  test('begins a partition afresh whose state is damaged, says so, and leaves the others', async () => {
    const first = prepared()
    await first.worker.prove({ ...endsOf(first), timeoutMs: 5_000 }, never)
    await first.stop()
    truncateSync(filesOf('orders-0').checkpoint, 200)
    const second = prepared(first)
    const { equal } = await second.worker.prove({ ...endsOf(second), timeoutMs: 5_000 }, never)
    await second.stop()
    expect(equal).toEqual({ 'orders-0': 1_000, 'orders-1': 1_000 })
    expect(second.blue.handedOut).toBe(1_000)
    expect(second.lines.filter((line) => line.includes('afresh'))).toEqual([expect.stringContaining('orders-0 begins afresh')])
  })

  test.each(['blue', 'green'] as const)(
    'begins a partition afresh whose log on %s was truncated meanwhile, also when it has grown beyond its place again',
    async (colour) => {
      const first = prepared()
      await first.worker.prove({ ...endsOf(first), timeoutMs: 5_000 }, never)
      await first.stop()
      const log = first[colour].log('orders-0')
      log.truncateTo(900n)
      log.append(digests(5_000, 100)) // as long as it was
      const second = prepared(first)
      const answer = await second.worker.prove({ ...endsOf(second), timeoutMs: 5_000 }, never)
      await until('the end of its reading', () => second.lines.some((line) => line.includes("orders-0 isn't compared any more")))
      await second.worker.look()
      await second.stop()
      expect([answer.equal, answer.unproven.map(({ partition }) => partition)]).toEqual([{ 'orders-1': 1_000 }, ['orders-0']])
      expect(second.lines.filter((line) => line.includes('afresh'))).toEqual([
        expect.stringContaining("orders-0 begins afresh: a log isn't the one that was read"),
      ])
    },
  )

  test('tells what was compared without timestamps, also when they count again', async () => {
    const first = prepared()
    for (const side of [first.blue, first.green]) side.topics.set('orders', { ...(side.topics.get('orders') ?? unknownTopic), logAppendTime: true })
    await first.worker.look()
    await first.worker.prove({ ...endsOf(first), timeoutMs: 5_000 }, never)
    for (const side of [first.blue, first.green]) side.topics.set('orders', { ...(side.topics.get('orders') ?? unknownTopic), logAppendTime: false })
    await first.worker.look()
    await first.stop()
    const second = prepared(first)
    await second.worker.prove({ ...endsOf(second), timeoutMs: 5_000 }, never)
    const notes = second.worker.facts().partitions.map((told) => told.notes)
    await second.stop()
    const note = 'below blue 1000, green 1000 timestamps were left out: a side had LogAppendTime then'
    expect(notes).toEqual([[note], [note]]) // biome-ignore format: one line
  })

  test('beside one that still runs takes its partitions over, and the other one stops with them', async () => {
    const first = prepared()
    await first.worker.prove({ ...endsOf(first), timeoutMs: 5_000 }, never)
    const second = prepared(first)
    await second.worker.prove({ ...endsOf(second), timeoutMs: 5_000 }, never)
    await second.stop()
    for (const side of [first.blue, first.green]) side.log('orders-1').append(digests(3_000, 10))
    await first.worker.prove({ ...endsOf(first), timeoutMs: 5_000 }, never)
    await first.stop()
    expect(first.lines.some((line) => line.includes('orders-1') && line.includes('audit-superseded'))).toBe(true)
    expect(existsSync(filesOf('orders-1').checkpoint)).toBe(true)
  })
})

test('four workers that share the partitions come to what one comes to', async () => {
  const alone = tryWorker({ stateDirectory: join(directory.path, 'alone') }, (blue, green) => {
    for (const side of [blue, green]) {
      side.make('orders', 8)
      for (const [index, log] of [...side.logs.values()].entries()) log.append(digests(1 + index * 1_000, 300), side === green ? 1 : 0)
    }
    green.log('orders-3').append([5n])
  })
  const ends = { ...endsOf(alone), timeoutMs: 5_000 }
  const expected = await alone.worker.prove(ends, never)
  const workers = [0, 1, 2, 3].map((index) =>
    tryWorker({ stateDirectory: join(directory.path, 'shared'), like: alone, isMine: (partition) => Number(partition.at(-1)) % 4 === index }),
  )
  const answers = await Promise.all(workers.map(({ worker }) => worker.prove(ends, never)))
  expect(Object.assign({}, ...answers.map(({ equal }) => equal))).toEqual(expected.equal)
  expect(answers.flatMap(({ unproven }) => unproven)).toEqual(expected.unproven)
  expect(answers.map(({ elsewhere }) => elsewhere.length)).toEqual([6, 6, 6, 6])
  const facts = (tried: typeof alone) => tried.worker.facts().partitions.map(({ watermarkAgeMs, ...told }) => told)
  expect(workers.flatMap(facts).sort((a, b) => (a.partition < b.partition ? -1 : 1))).toEqual(facts(alone))
  for (const each of [alone, ...workers]) await each.stop()
})
