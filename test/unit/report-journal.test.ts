import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { runReport } from '../../cli/report/command.ts'
import { type Beside, switchoverFromJournal } from '../../cli/report/from-journal.ts'
import { JournaledSwitchover, parseReport } from '../../cli/report/journaled.ts'
import { reportHtml } from '../../cli/report/page.ts'
import { cutSection } from '../../cli/report/sections/cut.ts'
import { switchoverStory } from '../../cli/report/switchover-story.ts'
import { JournalEntry, type JournalFact, journalEntryText } from '../../engine/model/journal.ts'
import type { WatchEvent } from '../../engine/model/watch.ts'
import { abortedLines, journalOf, resumedLines, switchedLines, unfinishedLines } from '../support/report-journal.ts'
import { hostileJournaled, sampleReport } from '../support/report-sample.ts'

const check = { name: 'mirror lag', verdict: 'pass', observed: 'at most 41 ms', required: 'at most 1000 ms', remedy: '' } as const
const evidence = { gate: { epoch: 8, updates: 1, checks: [check] }, limits: { maxMirrorLagMs: 1_000 } }
const readAt = new Date('2026-11-22T20:45:00Z')

/** A report from lines, which go through the form in which the store keeps them. */
function reported(lines: Parameters<typeof journalOf>[0], over: Partial<Beside> = {}): JournaledSwitchover {
  const journal = journalOf(lines).map((entry) => JournalEntry.parse(JSON.parse(journalEntryText(entry))))
  const report = switchoverFromJournal(journal, { fleet: 'main', newest: 1, readAt, evidence, ...over })
  expect(JournaledSwitchover.parse(JSON.parse(JSON.stringify(report)))).toEqual(report)
  return report
}

function textOf(report: JournaledSwitchover): string {
  return reportHtml(report)
    .replaceAll(/<style>.*?<\/style>/gs, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
}

describe('a switchover that switched', () => {
  const report = reported(switchedLines)

  it('has the window of the orchestrator, from hold to publication, and parts that sum to it', () => {
    expect(report.window).toEqual({
      ...{ heldMs: 400, runs: 'one' },
      parts: { holdMs: 100, fenceMs: 0, drainMs: 100, cutMs: 20, decideMs: 75, liftMs: 60, publishMs: 45, takeBackMs: 0 },
    })
    expect(Object.values(report.window?.parts ?? {}).reduce((sum, ms) => sum + ms, 0)).toBe(report.window?.heldMs)
    expect(report.marks.slice(0, 2)).toEqual([
      { mark: 'held-published', atMs: 0 },
      { mark: 'fenced', atMs: 75 },
    ])
  })

  it('has every position of every batch, those in entries of their own too, and who stayed', () => {
    expect(report.batches).toBe(2)
    expect(report.groups.map(({ group, partition }) => `${group}-${partition}`)).toEqual([
      ...['billing-0', 'billing-1', 'web-0'],
      ...['archive-0', 'archive-1', 'archive-10', 'late-0', 'late-1'],
    ])
    expect(report.groups[0]).toMatchObject({ method: 'count-back', verdict: 'exact', sourceOffset: '100', targetOffset: '120', switchover: null })
    expect(report.moved).toEqual(['billing', 'web', 'archive'])
    expect(report.stayed).toEqual([{ group: 'late', reason: 'orders-1 not provable: retention' }])
  })

  it('sums the cut up by topic, with offsets that no double holds', () => {
    expect(report.cut).toEqual([
      { topic: 'audit-log', partitions: 1, sourceEnds: { lowest: '7', highest: '7' }, targetEnds: { lowest: '7', highest: '7' }, equalEnds: 1 },
      {
        ...{ topic: 'orders', partitions: 3, equalEnds: 1 },
        sourceEnds: { lowest: '99', highest: '9007199254740993' },
        targetEnds: { lowest: '119', highest: '9007199254740993' },
      },
    ])
  })

  it('has what was done to mirror and fences, in order', () => {
    expect(report.mirror.map(({ source, what }) => `${source} ${what}`)).toEqual([
      ...['green created', 'blue stopped', 'green seeded', 'green running', 'blue deleted'],
    ])
    expect(report.fences).toEqual([{ at: '2026-11-22T20:39:03.015Z', colour: 'blue', what: 'raising', bindings: 2 }])
  })

  it('says what the audit had compared; without one that nothing was compared record by record', () => {
    expect(report.auditedRecords).toBeNull()
    expect(report.notObserved.join()).toContain('A record-by-record comparison')
    const lines = switchedLines.map(([at, fact]): (typeof switchedLines)[number] => {
      if (fact.kind !== 'decided' || fact.cut === null) return [at, fact]
      return [at, { ...fact, cut: { ...fact.cut, audit: { partitions: 4, alignedRecords: '9000', emptied: ['old-0', 'old-3'] } } }]
    })
    const audited = reported(lines, { evidence })
    expect(audited.auditedRecords).toBe('9000')
    expect(audited.emptiedPartitions).toEqual(['old-0', 'old-3'])
    expect(cutSection(audited).text).toContain(
      'Nothing was compared of 2\u00a0partitions that retention had emptied on blue, whatever green held there: old-0, old-3.',
    )
    expect(cutSection(report).text).not.toContain('Nothing was compared of')
    expect(audited.notObserved.join()).not.toContain('A record-by-record comparison')
  })

  it('has the gate of Pulumi’s state only when that let this switchover begin', () => {
    expect(report).toMatchObject({ gate: evidence.gate, limits: { maxMirrorLagMs: 1_000 } })
    const other = reported(switchedLines, { evidence: { ...evidence, gate: { ...evidence.gate, epoch: 17 } } })
    expect(other).toMatchObject({ gate: null, limits: {} })
    expect(other.notObserved.join()).toContain("The gate's evidence")
    expect(report.notObserved.join()).not.toContain("The gate's evidence")
    const untouched = journalOf([switchedLines[0] ?? [0, { kind: 'created', live: 'blue', epoch: 8 }]], 1, '60')
    const two = [...untouched, ...journalOf(switchedLines, 2)]
    const of = (newest: number) => switchoverFromJournal(two, { fleet: 'main', newest, readAt, evidence })
    expect([of(1).gate, of(2).gate]).toEqual([evidence.gate, null])
  })

  it('is told in three sentences that leave the clients out', () => {
    const told = switchoverStory(report)
    expect(told[0]).toContain('green was live when it was closed at epoch 17.')
    expect(told[1]).toContain("400\u00a0ms passed from the hold until green was published; what the clients waited isn't known here")
    expect(told[1]).toContain('Every routed producer acknowledged')
    expect(told[2]).toBe('3\u00a0consumer groups moved to green in 2\u00a0batches (7 of 8\u00a0positions exact), and 1\u00a0group stayed on blue.')
  })
})

describe('a switchover that another run finished', () => {
  const report = reported(resumedLines)

  it('keeps the window of the run that held, without its lost marks', () => {
    expect(report).toMatchObject({ runs: 2, graceful: true, window: { heldMs: 400, runs: 'one', parts: null } })
    expect(textOf(report)).toContain('Its parts are not known: their marks ended with the run.')
    expect(report.notObserved.join()).toContain('Moments of all 2 runs')
  })

  it('takes the wall clock where the other run released', () => {
    const lines = resumedLines.map(([at, fact, term]) => [at, fact, fact.kind === 'step' && fact.step === 'release' ? '90' : term] as const)
    expect(reported(lines).window).toEqual({ heldMs: 400, runs: 'several', parts: null })
    expect(textOf(reported(lines))).toContain('by the wall clocks of two runs')
  })

  it('counts a group that was tried again once, by what became of it last', () => {
    expect(report.moved).toEqual(['web', 'a: b'])
    expect(report.stayed).toEqual([])
    expect(report.groups.map(({ group, targetOffset }) => [group, targetOffset])).toEqual([
      ['web', '120'],
      ['a: b', '121'],
    ])
  })
})

describe('a switchover that was taken back', () => {
  const report = reported(abortedLines)

  it('says why, and how long it had held', () => {
    expect(report).toMatchObject({ outcome: 'aborted', reason: 'cut-moved: orders-0 moved', graceful: null, cut: null, batches: 0 })
    expect(report.window).toEqual({
      ...{ heldMs: 300, runs: 'one' },
      parts: { holdMs: 100, fenceMs: 0, drainMs: 0, cutMs: 0, decideMs: 0, liftMs: 0, publishMs: 0, takeBackMs: 200 },
    })
    const text = textOf(report)
    for (const said of ['✗ TAKEN BACK', 'blue stayed live: cut-moved: orders-0 moved', 'until blue was published', 'take back', 'There is no cut']) {
      expect(text).toContain(said)
    }
  })

  it('keeps the cause when another run finished it', () => {
    const lines = abortedLines.map(([at, fact]) => [at, fact.kind === 'closed' ? { ...fact, reason: 'its abort was left unfinished' } : fact] as const)
    expect(reported(lines).reason).toBe('cut-moved: orders-0 moved; its abort was left unfinished')
  })

  it('before the hold has touched nothing', () => {
    const lines = abortedLines.filter(([, fact]) => ['opened', 'mirror', 'closed'].includes(fact.kind))
    const text = textOf(reported(lines))
    expect(text).toContain('No producer was held, so traffic was not touched.')
    expect(text).toContain('Nothing was held.')
  })
})

describe('a switchover that isn’t closed', () => {
  it.each([
    [1, 'nothing was held yet', null],
    [4, 'clients were held, and nothing was decided yet', null],
    [5, "decided, but green isn't published yet", null],
    [6, "green is published; what follows isn't finished", 400],
  ])('after %i entries: %s', (entries, reason, heldMs) => {
    const report = reported(switchedLines.slice(0, entries))
    expect(report).toMatchObject({ outcome: 'unfinished', reason, closedAt: null, closedEpoch: null })
    expect(report.window?.heldMs ?? null).toBe(heldMs)
    expect(textOf(report)).toContain(`was not closed at 22 November 2026, 20:45 UTC (${reason.replaceAll("'", '&#39;')})`)
  })

  it('says that an abort was decided', () => {
    expect(reported(abortedLines.slice(0, 5)).reason).toBe("it was decided to take it back (cut-moved: orders-0 moved), which isn't finished")
  })
})

describe('the watch behind a switchover', () => {
  const said = (what: WatchEvent, over: Partial<Extract<JournalFact, { kind: 'watch' }>> = {}): JournalFact => ({
    ...{ kind: 'watch', what, colour: 'green', untilWallClock: null, baseline: null, measures: [], reason: '' },
    ...over,
  })
  const measures = [{ name: 'writes', verdict: 'fail', observed: 'nothing came into orders', required: 'records come' }] as const
  const failed = said('failed', { reason: 'writes: fail', measures: [...measures] })
  const told = (...facts: readonly JournalFact[]) =>
    reported([...switchedLines, ...facts.map((fact, index): (typeof switchedLines)[number] => [9_000 + index, fact])])

  it.each<[string, readonly JournalFact[], string, string]>([
    ['goes on', [said('begun')], 'open', 'green is being watched'],
    ['passed', [said('begun'), said('passed', { measures: [{ ...measures[0], verdict: 'pass' }] })], 'passed', '✓ pass'],
    ['failed', [said('begun'), failed], 'failed', 'a guardian moved traffic back by itself'],
    ['says nothing', [said('begun'), said('inconclusive', { reason: 'no writes' })], 'inconclusive', 'Nothing can be said of green'],
    ['halted', [said('begun'), failed, said('halted', { reason: 'blue is no better' })], 'halted', 'could not go back by itself: blue is no better'],
    [
      'was skipped',
      [{ kind: 'step', step: 'watch', what: 'skipped', detail: 'no guardian is wired' }],
      'skipped',
      'Nothing was watched: no guardian is wired.',
    ],
  ])('that %s is told', (_, facts, outcome, text) => {
    const report = told(...facts)
    expect(report.watch?.outcome).toBe(outcome)
    expect(textOf(report)).toContain(text)
  })

  it('keeps the measures by which it failed, and the newest switchover isn’t mixed up with it', () => {
    expect(told(said('begun'), failed, said('halted', { reason: 'x' })).watch?.measures).toEqual(measures)
    const opened: JournalFact = { kind: 'opened', source: 'green', target: 'blue', attempt: 3, epoch: 17, automatic: 'green failed its watch' }
    const both = journalOf([...switchedLines, [9_000, said('begun')], [9_001, failed], [9_002, opened]])
    const of = (newest: number) => switchoverFromJournal(both, { fleet: 'main', newest, readAt, evidence: null })
    expect([of(1).watch, of(1).automatic, of(2).watch?.outcome, of(2).automatic]).toEqual([null, 'green failed its watch', 'failed', null])
    expect(textOf(of(1))).toContain('a guardian moved traffic from green back to blue by itself. green failed its watch.')
  })

  it('says that the operator left a colour that had failed its watch', () => {
    const report = reported(switchedLines.map(([atMs, fact]) => [atMs, fact.kind === 'opened' ? { ...fact, sick: 'canary accepted: refused' } : fact]))
    expect(report).toMatchObject({ automatic: null, sick: 'canary accepted: refused' })
    expect(textOf(report)).toContain('blue had failed its watch (canary accepted: refused), so nothing was asked of it')
  })

  it('tells of late records', () => {
    const late = {
      kind: 'late',
      what: 'appended',
      colour: 'blue',
      partition: 'orders-0',
      topicId: 'x',
      sourceOffset: '100',
      sourceEnd: '102',
      records: 2,
    } as const
    const lines = switchedLines.toSpliced(6, 0, [3_200, { ...late, targetOffset: '125' }])
    expect(reported(lines).late).toEqual([{ partition: 'orders-0', records: 2, sourceOffset: '100', targetOffset: '125' }])
    expect(textOf(reported(lines))).toContain('2 records came on blue behind the cut')
  })
})

describe('which switchover', () => {
  const later = journalOf(unfinishedLines, 40, '99')
  const between = journalOf([[9_000, { kind: 'fence', colour: 'green', what: 'lifting', bindings: [] }]], 30)
  const journal = [...journalOf([[-9_000, { kind: 'created', live: 'blue', epoch: 1 }]]), ...journalOf(switchedLines, 2), ...between, ...later]
  const of = (newest: number) => switchoverFromJournal(journal, { fleet: 'main', newest, readAt, evidence: null })

  it('is counted from the newest, and what stands between two belongs to neither', () => {
    expect([of(1).outcome, of(2).outcome]).toEqual(['unfinished', 'switched'])
    expect(of(2)).toMatchObject({ runs: 1, closedEpoch: 17, fences: [{ colour: 'blue' }] })
    expect(of(1).fences).toHaveLength(1)
  })

  it('names those that there are when that one isn’t there', () => {
    expect(() => of(3)).toThrow(
      /no-switchover: .* no switchover 3, .*There are:\n {2}1: blue -> green, unfinished, opened .*\n {2}2: blue -> green, switched, .* at epoch 8$/s,
    )
    expect(() => of(0)).toThrow('no-switchover')
    expect(() => switchoverFromJournal([], { fleet: 'main', newest: 1, readAt, evidence: null })).toThrow('holds no switchover yet')
  })
})

describe('the page of a switchover', () => {
  const report = reported(switchedLines)
  const page = reportHtml(report)

  it('says that the clients were not observed, and names the window as the orchestrator’s', () => {
    const text = textOf(report)
    expect(text).toContain('Not observed. This report is made from the journal of the orchestrator')
    expect(page.split('? unknown')).toHaveLength(6)
    expect(page).not.toMatch(/✓ holds|[^.] write window of/)
    expect(text).toContain('The orchestrator&#39;s window: 400\u00a0ms.'.replaceAll(/\s/g, ' '))
    expect(text).not.toContain('first ack')
    for (const unseen of report.notObserved) expect(page).toContain(unseen.replaceAll("'", '&#39;'))
  })

  it('shows groups, cut, mirror, fences, checks and limits', () => {
    const text = textOf(report)
    expect(page).toContain('2\u00a0ACL bindings')
    for (const said of ['✗ 1 exact and 1 not provable', 'orders-1 not provable: retention', '99 to 9007199254740993', 'kbg-mirror-green-60']) {
      expect(text).toContain(said)
    }
    for (const said of ['the mirror ran green to blue at its end', '1 of 1 checks passed at epoch 8', '1,000 ms', 'groups 2']) {
      expect(text).toContain(said)
    }
  })

  it('loads nothing, escapes everything, and has each id once', () => {
    const hostile = reportHtml(hostileJournaled())
    for (const html of [page, hostile]) {
      expect(html).not.toMatch(/<script|<img|\son\w+="|https?:|@import|url\(|NaN|Infinity|undefined/)
      const ids = [...html.matchAll(/\sid="([^"]*)"/g)].map((match) => match[1])
      expect(new Set(ids).size).toBe(ids.length)
    }
    expect(hostile).toContain('24\u00a0h 0\u00a0min')
    for (const character of ['\u202e', '\u0000']) expect(hostile).not.toContain(character)
  })
})

describe('kbg report FILE', () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'report-'))
    vi.spyOn(console, 'log').mockReturnValue(undefined)
  })
  afterEach(() => {
    vi.restoreAllMocks()
    rmSync(dir, { recursive: true, force: true })
  })

  it('opens both kinds, and each by its own rules', () => {
    const report = reported(switchedLines)
    const file = join(dir, 'switchover-8.json')
    writeFileSync(file, JSON.stringify(report))
    expect(runReport(file, undefined)).toBe(0)
    expect(readFileSync(join(dir, 'switchover-8.html'), 'utf8')).toBe(reportHtml(report))
    expect(parseReport(sampleReport()).success).toBe(true)
    expect(parseReport({ ...sampleReport(), kind: 'switchover' }).success).toBe(false)
    writeFileSync(file, JSON.stringify({ ...report, version: 2, secret: 1 }))
    expect(() => runReport(file, undefined)).toThrow(/report-form[\s\S]*version[\s\S]*secret/)
  })
})
