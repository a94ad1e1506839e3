/** What a soak draws, tells and judges: without processes. */

import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { JournalEntry } from '../../engine/model/journal.ts'
import { projectDir } from '../../tools/paths.ts'
import { intoDocs, killsSection, soakSection } from '../chaos/soak/docs.ts'
import { cellOf, type FaultKind, faultKinds, type PlannedFault, plannedFaults } from '../chaos/soak/plan.ts'
import { killTable, soakReport } from '../chaos/soak/report.ts'
import type { RoundResult } from '../chaos/soak/round.ts'
import { closedTimes, objections, type SoakVerdict } from '../chaos/soak/verdict.ts'
import { moments, momentText } from '../support/moments.ts'

const kinds = Object.keys(faultKinds) as FaultKind[]

function drawn(seed: number, count: number, without: readonly FaultKind[] = []): PlannedFault[] {
  return [...plannedFaults(seed, new Set(without)).take(count)]
}

describe('the faults of a soak', () => {
  test('a seed draws the same again, another one others', () => {
    expect(drawn(3, 50)).toEqual(drawn(3, 50))
    expect(drawn(3, 50)).not.toEqual(drawn(4, 50))
  })

  test('93 rounds hold every kind at least three times', () => {
    for (const seed of [1, 2, 3]) {
      const rounds = drawn(seed, 93)
      for (const kind of kinds) expect(rounds.filter((round) => round.kind === kind).length).toBeGreaterThanOrEqual(3)
    }
  })

  test('a kill meets every moment before it meets one again', () => {
    const rounds = drawn(1, 31 * 6)
    const cells = rounds.flatMap((round) => cellOf(round) ?? [])
    const met = new Set(cells.map(({ target, moment }) => `${target} ${moment}`))
    expect([cells.length, met.size]).toEqual([120, 120])
  })

  test('what the machine can’t do is never drawn', () => {
    expect(drawn(1, 200, ['partition', 'full-disk']).some(({ kind }) => kind === 'partition' || kind === 'full-disk')).toBe(false)
  })

  test('a fence is late only where somebody is live, and an order to take back comes before the decision is carried out', () => {
    const rounds = drawn(5, 400)
    const steps = (kind: FaultKind) => [...new Set(rounds.filter((round) => round.kind === kind).map(({ at }) => at.step))]
    expect(steps('late-fence').toSorted()).toEqual(['arm', 'finish', 'gate', 'groups', 'reverse', 'watch'])
    expect(steps('abort').toSorted()).toEqual(['arm', 'cut', 'drain', 'fence', 'hold', 'release'])
  })
})

const round: RoundResult = {
  ...{ number: 1, kind: 'kill-broker', moment: 'after fence', met: 'broker 1 of blue', notes: [], from: 'blue', to: 'green' },
  ...{ outcome: 'taken back', ended: 'aborted', recoveryMs: 8_000, injectedAtMs: 1_000, restAtMs: 20_000 },
}
const sound: SoakVerdict = {
  statistics: { acked: 10, lost: 0, duplicated: 0, redelivered: 0, reordered: 0, errors: 0 },
  ...{ lines: ['PASS'], unknown: 0, unknownVisible: 0, duplicates: [], redeliveredAfterCommit: 0, onOneColourOnly: [], ackedWhileClosed: [] },
  longestStallMs: { web: 5_000 },
  acks: new Map([
    ['web', [900, 6_000, 6_500, 7_000]],
    ['pay', [950, 1_200, 1_400]],
  ]),
}
const base = { tookMs: 60_000, boundMs: 65_000, found: [], verdict: sound, notHere: new Map(), observations: 5, twoWriters: 0, operator: [], late: 0 }
const form = { minutes: 5, seed: 1, rounds: null, kinds: null }

describe('a soak’s verdict', () => {
  test('nothing speaks against what is whole', () => {
    expect(objections(sound, 65_000)).toEqual([])
  })

  test.each<[Partial<SoakVerdict>, RegExp]>([
    [{ statistics: { ...sound.statistics, acked: 0 } }, /nothing was acknowledged/],
    [{ statistics: { ...sound.statistics, lost: 1 } }, /1 acknowledged records lost/],
    [{ statistics: { ...sound.statistics, duplicated: 1 } }, /1 duplicates/],
    [{ statistics: { ...sound.statistics, duplicated: 1 }, duplicates: ['web:1 is there 2 times; its sender was told: acked'] }, /outcome was known/],
    [{ statistics: { ...sound.statistics, reordered: 2 } }, /2 records out of order/],
    [{ redeliveredAfterCommit: 1 }, /committed before/],
    [{ onOneColourOnly: ['web:1 on blue'] }, /on one colour only: web:1 on blue/],
    [{ ackedWhileClosed: ['web on blue'] }, /while not live/],
    [{ longestStallMs: { web: 65_001 } }, /web had no acknowledgement for 65001 ms/],
  ])('%j speaks against it', (change, sentence) => {
    expect(objections({ ...sound, ...change }, 65_000).join('\n')).toMatch(sentence)
  })

  test('a second copy of a send of unknown outcome, and what a group was given again before it had committed it, are told and no objection', () => {
    const duplicates = ['web:1 is there 2 times; its sender was told: unknown']
    expect(objections({ ...sound, statistics: { ...sound.statistics, duplicated: 1, redelivered: 7 }, duplicates }, 65_000)).toEqual([])
  })

  test('a colour is closed from one decision to the next, and the first target before it', () => {
    const decided = (source: 'blue' | 'green', atMonotonicMs: number, outcome: 'switch' | 'abort' = 'switch') => {
      const cut = { source, target: source === 'blue' ? 'green' : 'blue', sourceEnds: {}, targetEnds: {} } as const
      const head = { number: 1, term: '1', atWallClock: '2026-01-01T00:00:00.000Z', atMonotonicMs, kind: 'decided', reason: '', graceful: true } as const
      return { ...head, outcome, cut: outcome === 'switch' ? cut : null } satisfies JournalEntry
    }
    expect(closedTimes([decided('blue', 100), decided('green', 150, 'abort'), decided('green', 200)])).toEqual([
      { colour: 'green', fromMs: 0, toMs: 100 },
      { colour: 'blue', fromMs: 100, toMs: 200 },
      { colour: 'green', fromMs: 200, toMs: Number.POSITIVE_INFINITY },
    ])
  })
})

describe('a soak’s report', () => {
  test('the table has a row for each of the twelve steps’ moments, and says outcome, rest and writes', () => {
    const lines = killTable(soakReport({ ...base, form, rounds: [round] }))
    expect(lines).toHaveLength(4 + moments.length)
    expect(lines[0]).toMatch(/^1 of 120 cells met/)
    expect(moments.map(momentText)).toHaveLength(24)
    expect(lines).toContain('| after fence |  |  | taken back, 8.0 s, 5.0 s |  |  |')
  })

  test('a long run must have switched sixty times and met each kind three times; a short one need not', () => {
    expect(soakReport({ ...base, form, rounds: [round] }).found).toEqual([])
    const long = soakReport({ ...base, form: { ...form, minutes: 40 }, rounds: [round], notHere: new Map([['full-disk', 'no mounts']]) }).found
    expect(long).toHaveLength(1 + kinds.length - 1)
    expect(long[0]).toBe('1 switchovers, 60 are asked for')
    expect(long.join('\n')).not.toContain('full-disk')
  })

  test('its part of the documentation says the same of the same report', () => {
    const report = soakReport({ ...base, form, rounds: [round] })
    expect(soakSection(report)).toBe(soakSection(JSON.parse(JSON.stringify(report))))
    expect(soakSection(report)).toContain('| SIGKILL of a broker | 1 | 1 taken back | 8.0 / 8.0 | 5.1 / 5.1 |')
  })

  test('a run of kills alone is written into a place of its own, and need not meet the other kinds', () => {
    const kills = kinds.filter((kind) => kind.startsWith('kill-'))
    const report = soakReport({ ...base, form: { ...form, minutes: 40, kinds: kills }, rounds: [round] })
    expect(report.found.filter((each) => !each.includes('kill-'))).toEqual(['1 switchovers, 60 are asked for'])
    const file = join(mkdtempSync(join(tmpdir(), 'kbg-soak-docs-')), 'faults.md')
    copyFileSync(join(projectDir, 'docs', 'faults.md'), file)
    const before = readFileSync(file, 'utf8')
    intoDocs(report, file)
    const after = readFileSync(file, 'utf8')
    rmSync(dirname(file), { recursive: true })
    expect(after).toContain(killsSection(report))
    const soakPart = (text: string) => text.slice(text.indexOf('<!-- soak'), text.indexOf('<!-- /soak'))
    expect(soakPart(after)).toBe(soakPart(before))
  })
})
