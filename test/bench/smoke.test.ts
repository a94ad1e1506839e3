/** Every bench in its smallest form: it runs to its end, and its result has the form and the rows that readers rely on. Nothing is said of speed. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Catalog } from '../../engine/model/catalog.ts'
import { Limits } from '../../engine/model/limits.ts'
import { toolEnv } from '../../tools/paths.ts'
import { type Pair, standPair } from '../support/pair.ts'
import { benchAudit } from './audit.ts'
import { benchAutoRollback } from './auto-rollback.ts'
import { benchFresh } from './fresh.ts'
import { BenchResult, type ConductedBench } from './harness/index.ts'
import { ordersOnly } from './orders-only.ts'
import { benchPolicy } from './policy.ts'
import { benchPreview } from './preview.ts'
import { benchProvision } from './provision.ts'
import { benchTranslate } from './translate.ts'
import { benchTranslateScale } from './translate-scale.ts'
import { benchVerifyAtSwitch } from './verify-at-switch.ts'
import { benchWindow } from './window.ts'

let outDir = ''
beforeAll(() => {
  process.env.PATH = toolEnv().PATH
  outDir = mkdtempSync(join(tmpdir(), 'kbg-bench-smoke-'))
})
afterAll(() => rmSync(outDir, { recursive: true, force: true }))

function measuresOf({ file }: ConductedBench): readonly string[] {
  const result = BenchResult.parse(JSON.parse(readFileSync(file, 'utf8')))
  expect(result.samples.every((arm) => arm.values.length > 0)).toBe(true)
  expect(result.noise.observed.stalls.count).toBeGreaterThan(0)
  return result.rows.map((row) => row.measure)
}

test('preview: totals of each size, slope and intercept', async () => {
  const bench = await benchPreview({ topics: [1, 5], rounds: 1, outDir })
  expect(measuresOf(bench)).toEqual(['preview, 1 topics (9 custom resources)', 'preview, 5 topics (13 custom resources)', 'slope', 'intercept'])
  expect(bench.result.rows.every((row) => row.baseline !== null)).toBe(true)
  expect(bench.result.rows.slice(0, 2).every((row) => (row.limit ?? 0) > 0)).toBe(true)
})

// Previews with all policies, with an empty pack and without one: a busy machine takes minutes for them.
test('policy: totals of each size beside previews without policies, and what they add', { timeout: 400_000 }, async () => {
  const bench = await benchPolicy({ topics: [1, 5], rounds: 1, outDir })
  const totals = ['preview, 1 topics (9 custom resources)', 'preview, 5 topics (13 custom resources)']
  expect(measuresOf(bench)).toEqual([...totals, 'added per resource', 'added at the start'])
  expect(bench.result.rows.slice(0, 2).every(({ baseline, limit }) => (baseline ?? 0) > 0 && (limit ?? 0) > 0)).toBe(true)
})

test('provision: brokers, and the whole colour, beside raw starts', async () => {
  const bench = await benchProvision({ versions: ['4.3.1'], rounds: 1, withPulumi: false, outDir })
  expect(measuresOf(bench)).toEqual(['brokers ready, 4.3.1', 'colour ready and fenced, 4.3.1'])
  expect(bench.result.rows.every((row) => (row.baseline ?? 0) > 0)).toBe(true)
})

// Two clusters, two moves and a baseline: a busy machine takes two minutes for them.
test('window: total, parts, the same parts alone, and no fault of the clients', { timeout: 400_000 }, async () => {
  const bench = await benchWindow({ switchovers: 2, audit: true, recordsPerSecond: 200, settleSeconds: 2, baselines: { arms: ['hasty'], rounds: 1 }, outDir })
  const measures = measuresOf(bench)
  for (const measure of ['write window, median', 'write window, maximum', 'part: drain', 'alone: mirrorHop', 'gate refusals'])
    expect(measures).toContain(measure)
  const ofOurs = (name: string) => bench.result.rows.find((row) => row.measure === name)?.ours
  expect(['lost', 'duplicated', 'redelivered', 'reordered', 'errors'].map(ofOurs)).toEqual([0, 0, 0, 0, 0])
  const beside = bench.result.rows.filter((row) => row.baseline !== null).map(({ measure }) => measure)
  const inHaste = ['no acknowledged send', 'lost', 'duplicated', 'redelivered', 'reordered', 'errors'].map((name) => `${name}, MirrorMaker in haste`)
  expect(beside).toEqual(inHaste)
  expect(bench.result.rows.find((row) => row.measure === 'baselines without a verdict')?.ours).toBe(0)
})

// Its own pair: guardians stand beside it.
test('auto-rollback: back from a regression by itself, and no loss', { timeout: 240_000 }, async () => {
  const limits = Limits.parse({ maxAutomaticRollbacks: 1, watchSampleIntervalMs: 250, watchFailures: 3, watchWindowMs: 6_000 })
  const bench = await benchAutoRollback({ rounds: ['refused writes'], recordsPerSecond: 50, limits, soundMs: 1_500, restMs: 1_000, outDir })
  const counted = ['lost', 'duplicated', 'reordered']
  expect(counted.map((name) => rowsOf(bench).get(name)?.ours)).toEqual([0, 0, 0])
  // On a busy machine a baseline may be missing, and then nothing moves, as it must: the bench has to say so. That it does move is test/integration/watch.test.ts.
  const stayed = rowsOf(bench).get('rounds that did not go back by themselves')?.ours
  if (stayed === 1) return expect(bench.result.notes.join('\n')).toMatch(/round 1, refused writes: (?:inconclusive|halted)/)
  expect(stayed).toBe(0)
  const times = ['watch failed', 'held', 'first write on blue', 'all write on blue'].map((name) => `refused writes: ${name}`)
  expect(measuresOf(bench).slice(0, 5)).toEqual([...times, 'first write on blue, maximum'])
  const ours = times.map((name) => rowsOf(bench).get(name)?.ours ?? 0)
  expect(ours).toEqual(ours.toSorted((a, b) => a - b))
})

const rowsOf = ({ result }: ConductedBench) => new Map(result.rows.map((row) => [row.measure, row]))

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

  // It ends with green live.
  test('translate: none redelivered and none skipped by the map, and every group moved', { timeout: 400_000 }, async () => {
    const bench = await benchTranslate({ parkedBehind: [0, 300], filledOfPartition: 1_000, recordsPerSecond: 200, loadSeconds: [1, 1, 1], pair, outDir })
    const measures = measuresOf(bench)
    const groups = ['parked-0', 'parked-300', 'billing']
    expect(measures.slice(0, 6)).toEqual(groups.flatMap((groupId) => [`redelivered, ${groupId}`, `skipped, ${groupId}`]))
    const withGoal = bench.result.rows.filter(({ goal }) => goal !== null)
    expect(withGoal.map(({ ours }) => ours)).toEqual(withGoal.map(() => 0))
    expect(measures).toContain("groups not moved, beside MirrorMaker's checkpoints")
    expect(bench.result.notes).toContain("the switchover's own positions: map exact")
  })

  // It replaces the pair's audit.
  test('audit: beside two consumers, memory by size, and the processor', { timeout: 120_000 }, async () => {
    const steady = { recordsPerSecond: 2_000, recordBytes: 100, windows: 1, windowSeconds: 1, leastOfWanted: 0.1 }
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

test('fresh: a clone is set up', async () => {
  const bench = await benchFresh({ runs: ['warm'], script: 'setup', outDir })
  expect(measuresOf(bench)[0]).toBe('npm run setup, warm')
})
