/** `npm run test:bench`: the benches that move traffic, in their smallest form, as test/bench/smoke.test.ts has the others. Each stands a pair of its own up, so they take minutes. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Limits } from '../../engine/model/limits.ts'
import { toolEnv } from '../../tools/paths.ts'
import { benchAutoRollback } from '../bench/auto-rollback.ts'
import { measuresOf, rowsOf } from '../bench/smallest-form.ts'
import { benchTranslate } from '../bench/translate.ts'
import { benchWindow } from '../bench/window.ts'

let outDir = ''
beforeAll(() => {
  process.env.PATH = toolEnv().PATH
  outDir = mkdtempSync(join(tmpdir(), 'kbg-bench-long-'))
})
afterAll(() => rmSync(outDir, { recursive: true, force: true }))

// Two clusters, two moves and a baseline: a busy machine takes two minutes for them.
test('window: total, parts, the same parts alone, and no fault of the clients', { timeout: 400_000 }, async () => {
  const baselines = { arms: ['hasty'], rounds: 1 } as const
  const bench = await benchWindow({ switchovers: 2, audit: true, recordsPerSecond: 200, leadSeconds: 3, settleSeconds: 2, baselines, outDir })
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

test('translate: none redelivered and none skipped by the map, and every group moved', { timeout: 400_000 }, async () => {
  const bench = await benchTranslate({ parkedBehind: [0, 300], filledOfPartition: 1_000, recordsPerSecond: 200, loadSeconds: [1, 1, 1], outDir })
  const measures = measuresOf(bench)
  const groups = ['parked-0', 'parked-300', 'billing']
  expect(measures.slice(0, 6)).toEqual(groups.flatMap((groupId) => [`redelivered, ${groupId}`, `skipped, ${groupId}`]))
  const withGoal = bench.result.rows.filter(({ goal }) => goal !== null)
  expect(withGoal.map(({ ours }) => ours)).toEqual(withGoal.map(() => 0))
  expect(measures).toContain("groups not moved, beside MirrorMaker's checkpoints")
  expect(bench.result.notes).toContain("the switchover's own positions: map exact")
})
