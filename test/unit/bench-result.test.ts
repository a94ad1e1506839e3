import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeFromCompressedBase64 } from 'hdr-histogram-js'
import { afterEach, describe, expect, it } from 'vitest'
import { exitCodeOf } from '../bench/harness/conduct.ts'
import { histogramOfMs } from '../bench/harness/histogram.ts'
import { durationNoise, type MachineNoise, saturatedNoise, tooNoisy } from '../bench/harness/noise.ts'
import { OwnAndForeignTicks, parseMachineStat, parseProcessStat } from '../bench/harness/processor-time.ts'
import { BenchResult, methodOf } from '../bench/harness/result.ts'
import { refusalsBefore, writeResult } from '../bench/harness/result-file.ts'
import { maximumOf, medianOf, Row, rowOf, single } from '../bench/harness/row.ts'
import { tableLines } from '../bench/harness/table.ts'

const quiet: MachineNoise = {
  seconds: 10,
  stalls: { count: 2_000, medianMs: 0.1, p99Ms: 1.2, maximumMs: 9, encoded: 'x' },
  foreignShare: 0.01,
  ownShare: 0.9,
  stealShare: 0,
}
const window = { measure: 'write window, median', unit: 'ms', ours: medianOf('ours', [100, 120, 140]), baseline: medianOf('by hand', [1_000, 1_200, 1_400]) }

describe('a row', () => {
  it('calculates its ratio, its interval and whether its goal holds', () => {
    const row = rowOf({ ...window, limit: medianOf('floor', [60, 70, 80]), goal: { of: 'ratio', to: 'limit', atMost: 2 } })
    expect(row).toMatchObject({ ours: 120, baseline: 1_200, limit: 70, ratioTo: 'limit', holds: true })
    expect(row.ratio).toBeCloseTo(120 / 70)
    expect(row.ratioInterval?.[0]).toBeLessThan(120 / 70)
    expect(row.figures.ours).toEqual({ what: 'ours', statistic: 'median', n: 3, maximum: 140 })
    expect(Row.parse(JSON.parse(JSON.stringify(row)))).toEqual(row)
  })

  it('holds by its own number, at the border too, and not beyond it', () => {
    expect(rowOf({ ...window, goal: { of: 'ours', atMost: 120 } })).toMatchObject({ holds: true, ratioTo: 'baseline' })
    expect(rowOf({ ...window, goal: { of: 'ours', atMost: 119.9 } })).toMatchObject({ holds: false })
  })

  it('holds by the share that it reaches where more is better, and is open where the interval has it inside', () => {
    const to = (atLeast: number) => rowOf({ ...window, goal: { of: 'share', to: 'baseline', atLeast } })
    expect(to(0.1)).toMatchObject({ holds: true, ratioTo: 'baseline', open: true })
    expect(to(0.11)).toMatchObject({ holds: false, open: true })
    expect(to(0.01)).toMatchObject({ holds: true, open: false })
    expect(Row.parse(to(0.1))).toEqual(to(0.1))
    expect(rowOf({ measure: 'rate', unit: 'records/s', ours: single('a', 9), goal: { of: 'share', to: 'baseline', atLeast: 0.6 } }).holds).toBe(null)
  })

  it('has no ratio without something to compare with, and then no answer to a goal that needs one', () => {
    expect(rowOf({ measure: 'lost', unit: 'records', ours: single('lost', 0) })).toMatchObject({ ratio: null, ratioTo: null, goal: null, holds: null })
    const lonely = rowOf({ measure: 'lost', unit: 'records', ours: single('lost', 0), goal: { of: 'ratio', to: 'limit', atMost: 2 } })
    expect(lonely).toMatchObject({ ratio: null, holds: null })
    expect(rowOf({ measure: 'm', unit: 's', ours: single('a', 1), baseline: single('b', 0) })).toMatchObject({ ratio: null })
  })

  it('has no interval where a side is not a median', () => {
    expect(rowOf({ ...window, ours: maximumOf('ours', [100, 120, 140]) })).toMatchObject({ ours: 140, ratioInterval: null })
  })

  it('is refused when it claims what its numbers do not say', () => {
    const row = rowOf({ ...window, goal: { of: 'ratio', to: 'baseline', atMost: 0.05 } })
    expect(row.holds).toBe(false)
    expect(Row.safeParse({ ...row, holds: true }).success).toBe(false)
    expect(Row.safeParse({ ...row, ratio: 0.01 }).success).toBe(false)
    expect(Row.safeParse({ ...row, baseline: null }).success).toBe(false)
    expect(Row.safeParse({ ...row, holds: null }).success).toBe(true)
    expect(Row.safeParse({ ...row, open: true }).success).toBe(false)
    expect(Row.safeParse({ ...row, pairedRatios: [0.2] }).success).toBe(false)
  })

  it('has the median of the rounds own ratios when it is paired, and an interval of rounds', () => {
    const goal = { of: 'ratio', to: 'limit', atMost: 2 } as const
    const input = { measure: 'w', unit: 'ms', ours: medianOf('a', [100, 220, 240]), limit: medianOf('b', [50, 100, 60]), goal }
    const row = rowOf({ ...input, paired: true })
    expect(row).toMatchObject({ ours: 220, limit: 60, ratio: 2.2, pairedRatios: [2, 2.2, 4], ratioInterval: [2, 4], holds: false, open: true })
    expect(rowOf(input)).toMatchObject({ pairedRatios: null, ratioInterval: [1, 4.8] }) // what both sides share is lost
    expect(Row.parse(JSON.parse(JSON.stringify(row)))).toEqual(row)
    expect(Row.safeParse({ ...row, ratio: 220 / 60 }).success).toBe(false)
    expect(() => rowOf({ ...input, ours: medianOf('a', [1, 2]), paired: true })).toThrow(RangeError)
  })

  it('is open where another run might say the opposite, and reads as not told in results from before', () => {
    const to = (atMost: number) => rowOf({ ...window, goal: { of: 'ratio', to: 'baseline', atMost } })
    expect(to(0.1)).toMatchObject({ holds: true, open: true })
    expect(to(0.05)).toMatchObject({ holds: false, open: false })
    expect(to(0.5)).toMatchObject({ holds: true, open: false })
    expect(rowOf({ ...window, goal: { of: 'ours', atMost: 120 } })).toMatchObject({ open: null })
    const { open: _open, pairedRatios: _pairedRatios, ...older } = to(0.1)
    expect(Row.parse(older)).toMatchObject({ open: null, pairedRatios: null })
  })
})

describe('noise', () => {
  it('refuses by its rule, each reason with both numbers', () => {
    expect(tooNoisy(quiet, saturatedNoise)).toEqual([])
    const loud: MachineNoise = { ...quiet, stalls: { ...quiet.stalls, p99Ms: 90 }, foreignShare: 0.4, stealShare: 0.1 }
    expect(tooNoisy(loud, saturatedNoise)).toEqual([
      expect.stringMatching(/90\.0 ms late.*allowed 80 ms/),
      expect.stringMatching(/other processes took 40\.0 %.*allowed 5\.0 %/),
      expect.stringMatching(/hypervisor took 10\.0 %.*allowed 2\.0 %/),
    ])
    expect(tooNoisy(loud, durationNoise)).toHaveLength(2)
  })

  it('does not refuse what was not observed', () => {
    expect(tooNoisy({ ...quiet, foreignShare: null, stealShare: null }, saturatedNoise)).toEqual([])
  })

  it('reads /proc: names with spaces and parentheses, and the hypervisor', () => {
    const stat = `77 (a (b) c) S 12 77 77 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 98765 1000 10 18446744073709551615`
    expect(parseProcessStat(stat)).toEqual({ pid: 77, parentPid: 12, startTime: 98_765, ticks: 300 })
    expect(parseProcessStat('')).toBeUndefined()
    expect(parseMachineStat('cpu  10 0 20 60 5 1 1 3 0 0\ncpu0 1 1 1 1')).toEqual({ total: 100, stolen: 3 })
  })

  it('tells the processes that the bench started from the others, also when their starter is gone', () => {
    const process = (pid: number, parentPid: number, ticks: number, startTime = pid) => ({ pid, parentPid, ticks, startTime })
    const ticks = new OwnAndForeignTicks(100)
    ticks.add([process(1, 0, 5), process(2, 0, 0), process(3, 2, 7), process(100, 1, 10), process(101, 100, 10), process(102, 101, 10)])
    ticks.add([process(1, 0, 6), process(2, 0, 9), process(3, 2, 90), process(100, 1, 50), process(102, 1, 90), process(200, 1, 4)])
    expect(ticks.foreign).toBe(1 + 4)
    expect(ticks.own).toBe(40 + 80)
    ticks.add([process(102, 1, 20, 555)]) // the pid of an own one that has ended, used again
    expect(ticks.foreign).toBe(1 + 4 + 20)
    expect(ticks.own).toBe(40 + 80)
  })
})

it('a histogram keeps its values through its encoding', () => {
  const histogram = histogramOfMs('window', [1, 2, 3, 250.5])
  const read = decodeFromCompressedBase64(histogram.encoded)
  expect(read.totalCount).toBe(4)
  expect(read.maxValue).toBeGreaterThanOrEqual(250_400)
  expect(Math.abs(read.maxValue - histogram.maximum)).toBeLessThan(300)
  expect(histogramOfMs('none', [])).toMatchObject({ count: 0, maximum: 0 })
})

describe('the table', () => {
  const result: BenchResult = BenchResult.parse({
    ...{ version: 1, bench: 'sample', question: 'How long?', date: '2026-01-01T00:00:00.000Z', durationSeconds: 1, settings: { rounds: 3 } },
    machine: { cores: 2, processor: 'p', memoryGiB: 4, system: 's', versions: { node: '24', java: '17', pulumi: '3', kafka: ['4.3.1'], commit: 'abc' } },
    method: methodOf('interleaved', { kind: 'rounds', rounds: 1 }),
    ...{ noise: { rule: durationNoise, observed: quiet }, refused: [], samples: [], histograms: [], notes: ['a note'] },
    rows: [
      rowOf({ ...window, goal: { of: 'ratio', to: 'baseline', atMost: 0.1 } }),
      rowOf({ measure: 'lost', unit: 'records', ours: single('lost', 0), goal: { of: 'ours', atMost: 0 } }),
    ],
  })

  it('shows numbers with units, what they are, and a question mark where the goal lies inside the interval', () => {
    const text = tableLines(result).join('\n')
    expect(text).toMatch(/write window, median\s+120 ms\s+1200 ms\s+-\s+0\.10 \[0\.\d+, 0\.\d+\]\s+<= 0\.1 x baseline\s+yes\?/)
    expect(text).toMatch(/lost\s+0 records\s+-\s+-\s+-\s+<= 0 records\s+yes/)
    expect(text).toContain('baseline: by hand (median of 3)')
    expect(text).toContain('note: a note')
  })

  it('says of a refused run that it tells nothing', () => {
    const text = tableLines({ ...result, refused: ['loud'], rows: result.rows.map((row) => ({ ...row, holds: null })) }).join('\n')
    expect(text).toContain('not told')
    expect(text).toContain('too noisy to tell: loud')
  })

  it('ends the command with 0 when all goals hold, 1 when one does not, 3 when nothing can be told', () => {
    expect(exitCodeOf(result)).toBe(0)
    const [first] = result.rows
    const missed = rowOf({ measure: 'lost', unit: 'records', ours: single('lost', 1), goal: { of: 'ours', atMost: 0 } })
    expect(exitCodeOf({ ...result, rows: first ? [first, missed] : [] })).toBe(1)
    expect(exitCodeOf({ ...result, refused: ['loud'] })).toBe(3)
    const untold = rowOf({ measure: 'lost', unit: 'records', ours: single('lost', 0), goal: { of: 'ratio', to: 'limit', atMost: 2 } })
    expect(exitCodeOf({ ...result, rows: [untold] })).toBe(3)
    expect(exitCodeOf({ ...result, rows: [untold, missed] })).toBe(1)
  })

  it('says which ratios are of pairs, what the bench itself took, and how often it was refused before', () => {
    const [first] = result.rows
    const paired = rowOf({ ...window, paired: true })
    const text = tableLines({ ...result, rows: first ? [first, paired] : [], refusedBefore: 2 }).join('\n')
    expect(text).toContain("ratio: the median of the rounds' own ratios, for write window, median")
    expect(text).toContain("this bench 90.0 % of the processors' time, other processes 1.0 %")
    expect(text).toContain('refused before this run: 2 times in a row')
    expect(tableLines(result).join('\n')).not.toMatch(/own ratios|refused before/)
  })

  describe('the files', () => {
    let dir = ''
    afterEach(() => rmSync(dir, { recursive: true, force: true }))

    it('count refusals one after the other, also into the result that was told at last', () => {
      dir = mkdtempSync(join(tmpdir(), 'kbg-bench-result-'))
      const write = (refused: string[]) => {
        const refusedBefore = refusalsBefore(dir, 'sample')
        writeResult(dir, { ...result, refused, refusedBefore })
        return refusedBefore
      }
      expect([write(['loud']), write(['loud']), write([]), write(['loud'])]).toEqual([0, 1, 2, 0])
      expect(readdirSync(dir).sort()).toEqual(['sample.json', 'sample.refused.json'])
      writeFileSync(join(dir, 'sample.refused.json'), '{"version"')
      expect(write([])).toBe(1)
      expect(readdirSync(dir)).toEqual(['sample.json'])
    })
  })
})
