/** `npm run test:bench`: the benches on one pair of colours, and that of the policies, in their smallest form, as test/bench/smoke.test.ts has the quick ones. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Catalog } from '../../engine/model/catalog.ts'
import { toolEnv } from '../../tools/paths.ts'
import { benchAudit } from '../bench/audit.ts'
import { ordersOnly } from '../bench/orders-only.ts'
import { benchPolicy } from '../bench/policy.ts'
import { measuresOf, rowsOf } from '../bench/smallest-form.ts'
import { benchTranslateScale } from '../bench/translate-scale.ts'
import { benchVerifyAtSwitch } from '../bench/verify-at-switch.ts'
import { type Pair, standPair } from '../support/pair.ts'

let outDir = ''
beforeAll(() => {
  process.env.PATH = toolEnv().PATH
  outDir = mkdtempSync(join(tmpdir(), 'kbg-bench-long-'))
})
afterAll(() => rmSync(outDir, { recursive: true, force: true }))

// Previews with all policies, with an empty pack and without one: a busy machine takes minutes for them.
test('policy: totals of each size beside previews without policies, and what they add', { timeout: 400_000 }, async () => {
  const bench = await benchPolicy({ topics: [1, 5], rounds: 1, outDir })
  const totals = ['preview, 1 topics (9 custom resources)', 'preview, 5 topics (13 custom resources)']
  expect(measuresOf(bench)).toEqual([...totals, 'added per resource', 'added at the start'])
  expect(bench.result.rows.slice(0, 2).every(({ baseline, limit }) => (baseline ?? 0) > 0 && (limit ?? 0) > 0)).toBe(true)
})

describe('on one pair', () => {
  const filling = { topic: 'orders', partitions: 4 }
  const scaled = { partitions: 2, replicationFactor: 1 }
  const catalog = { ...ordersOnly(filling), topics: { ...ordersOnly(filling).topics, 'scale-0': scaled, 'scale-1': scaled } }
  let pair: Pair
  beforeAll(async () => {
    pair = await standPair({ fleet: `b-smoke${process.pid}`, versions: { blue: '3.9.2', green: '4.3.1' }, catalog: Catalog.parse(catalog), audit: true })
  }, 120_000)
  afterAll(() => pair?.end(), 60_000)

  test('translate-scale: every position is the right one', { timeout: 120_000 }, async () => {
    const bench = await benchTranslateScale({ groups: 5, topics: 2, partitionsOfTopic: 2, recordsOfPartition: 100, rounds: 1, pair, outDir })
    expect(measuresOf(bench)).toEqual(['20 positions moved', 'of that, found', 'wrong positions'])
    expect(rowsOf(bench).get('wrong positions')?.ours).toBe(0)
  })

  test('verify-at-switch: times by size', { timeout: 300_000 }, async () => {
    const bench = await benchVerifyAtSwitch({ records: [3_000], moves: 2, warmUpMoves: 0, recordsPerSecond: 100, pair, outDir })
    expect(measuresOf(bench)).toEqual(['fence to proven cut, 3000 records', 'drain to proven cut, 3000 records'])
    expect(bench.result.samples[0]?.values).toHaveLength(2)
    expect(bench.result.rows.every(({ ours }) => ours > 0)).toBe(true)
  })

  // It replaces the pair's audit.
  test('audit: beside two consumers, memory by size, and the processor', { timeout: 120_000 }, async () => {
    const steady = { recordsPerSecond: 2_000, recordBytes: 100, leadSeconds: 1, windows: 1, windowSeconds: 1, leastOfWanted: 0.1 }
    const memoryRecords = { few: 1_000, many: 2_000, tenfold: 5_000 }
    const bench = await benchAudit({ readings: [{ recordBytes: 100, records: 20_000 }], rounds: 1, memoryRecords, steady, pair, outDir })
    const processor = measuresOf(bench).find((measure) => measure.startsWith('processor, at'))
    const memory = ['memory, 1000 records (too few to fill the buffers)', 'memory, 5000 records']
    expect(measuresOf(bench).slice(0, 4)).toEqual(['both sides, 100 B', 'both sides, 100 B, values', ...memory])
    expect(rowsOf(bench).get('memory, 5000 records')?.baseline).toBeGreaterThan(0)
    expect(rowsOf(bench).get('both sides, 100 B')?.baseline).toBeGreaterThan(0)
    expect(rowsOf(bench).get(processor ?? '')?.ours).toBeGreaterThan(0)
  })
})
