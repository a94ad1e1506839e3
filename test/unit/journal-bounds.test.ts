import { describe, expect, it } from 'vitest'
import { type Cut, type GroupPosition, JournalEntry, type JournalFact, journalEntryText } from '../../engine/model/journal.ts'
import { firstBase, type JournalBase, keptSwitchovers, nextBase } from '../../engine/model/journal-base.ts'
import { packCut, unpackCut } from '../../engine/model/packed-cut.ts'
import { batchPositions, positionChunks } from '../../engine/switchover/group-positions.ts'
import { mirrorRecord, movedGroups, openSwitch } from '../../engine/switchover/journal-reading.ts'

const numbered = (fact: JournalFact, number: number): JournalEntry =>
  ({ ...fact, number, term: '100', atWallClock: '2026-01-01T00:00:00Z', atMonotonicMs: number }) as JournalEntry
const journal = (...facts: readonly JournalFact[]): readonly JournalEntry[] => facts.map((fact, index) => numbered(fact, index + 1))

const opened: JournalFact = { kind: 'opened', source: 'blue', target: 'green', attempt: 0, epoch: 7 }
const closed: JournalFact = { kind: 'closed', outcome: 'aborted', live: 'blue', epoch: 10, graceful: true, reason: '', timeline: [] }
const mirror = (connector: string, source: 'blue' | 'green', what: 'created' | 'running' | 'deleted'): JournalFact => ({
  ...{ kind: 'mirror', connector, source, target: source === 'blue' ? 'green' : 'blue', what },
})
const position = (groupId: string, partition = 0): GroupPosition => ({
  ...{ groupId, topic: 'orders', partition, sourceOffset: '5', targetOffset: '6', lagRecords: 0 },
  ...{ method: 'count-back', verdict: 'exact', reason: '' },
})
const positions = (...groups: string[]): JournalFact => ({ kind: 'positions', positions: groups.map((group) => position(group)) })
const groups = (positionEntriesBefore: number, ...moved: string[]): JournalFact => ({
  ...{ kind: 'groups', positions: moved.slice(-1).map((group) => position(group)), positionEntriesBefore, moved, stayed: [] },
})
const settled = (entries: readonly JournalEntry[]) => entries.flatMap((entry) => (entry.kind === 'groups' ? batchPositions(entries, entry) : []))
const step: JournalFact = { kind: 'step', step: 'groups', what: 'begin', detail: '' }

describe('positions in chunks', () => {
  it('are split by their encoded bytes and lose none', () => {
    const all = Array.from({ length: 1_000 }, (_, index) => position('grüße'.repeat(1 + (index % 7)), index))
    const chunks = positionChunks(all, 4_096)
    expect(chunks.flat()).toEqual(all)
    expect(chunks.length).toBeGreaterThan(40)
    for (const chunk of chunks) expect(Buffer.byteLength(JSON.stringify(chunk))).toBeLessThanOrEqual(4_097)
  })

  it('are one empty piece where there are none, and a piece of its own for one that is too large', () => {
    expect(positionChunks([])).toEqual([[]])
    expect(positionChunks([position('a'), position('b'.repeat(100)), position('c')], 200).map((chunk) => chunk.length)).toEqual([1, 1, 1])
  })

  it('count as moved only once their groups entry stands', () => {
    const crashed = journal(opened, step, positions('a', 'b'), positions('c'))
    expect(movedGroups(openSwitch(crashed)?.entries ?? [])).toEqual(new Set())
    expect(settled(crashed)).toEqual([])
    const rerun = journal(opened, step, positions('a', 'b'), step, positions('a', 'b'), groups(1, 'c'), step, groups(0, 'd'))
    expect(movedGroups(openSwitch(rerun)?.entries ?? [])).toEqual(new Set(['c', 'd']))
    expect(settled(rerun).map((one) => one.groupId)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('that are missing are told, not left out', () => {
    expect(() => settled(journal(opened, step, groups(1, 'c')))).toThrow(/journal-mismatch/)
  })

  it('of an older journal, all in one entry, are read', () => {
    const { positionEntriesBefore: _absent, ...older } = numbered(groups(0, 'a'), 1) as Extract<JournalEntry, { kind: 'groups' }>
    expect(JournalEntry.parse(older)).toMatchObject({ positionEntriesBefore: 0, moved: ['a'] })
  })
})

describe('the base of the journal', () => {
  it('carries the newest connector of each direction, and no deleted one', () => {
    const entries = journal(mirror('a', 'blue', 'running'), mirror('b', 'green', 'created'), mirror('b', 'green', 'deleted'), mirror('a', 'blue', 'running'))
    const base = nextBase(firstBase, entries, 5)
    expect(base).toEqual({ first: 5, oldest: 1, opened: [5], carried: [entries[3]] })
    expect(mirrorRecord([...base.carried, numbered(opened, 5)], 'blue')?.connector).toBe('a')
    expect(mirrorRecord([...base.carried, numbered(opened, 5)], 'green')).toBeNull()
  })

  it('goes on telling of a connector through any number of switchovers that were taken back', () => {
    let base: JournalBase = firstBase
    let since = journal(mirror('a', 'blue', 'running'))
    let number = 1
    for (let round = 1; round <= 200; round += 1) {
      base = nextBase(base, since, number + 1)
      const facts = [opened, mirror(`b${round}`, 'green', 'created'), mirror(`b${round}`, 'green', 'deleted'), closed]
      const own = facts.map((fact, index) => numbered(fact, number + 1 + index))
      since = [...base.carried, ...own]
      number += facts.length
    }
    expect(mirrorRecord(since, 'blue')).toMatchObject({ connector: 'a', what: 'running' })
    expect(openSwitch(since)).toBeNull()
    expect(since).toHaveLength(5)
    expect(base.opened).toHaveLength(keptSwitchovers + 1)
    expect(base.oldest).toBe(base.opened[0])
    expect(base.first).toBe(base.opened.at(-1))
  })

  it('of a journal that was written before there was one knows its switchovers', () => {
    const old = Array.from({ length: 60 }, () => [opened, closed]).flat()
    const base = nextBase(firstBase, journal(...old), 121)
    expect(base).toMatchObject({ first: 121, oldest: 21 })
    expect(base.opened).toHaveLength(keptSwitchovers + 1)
  })
})

describe('a stored cut', () => {
  const cutOf = (topics: number, partitions: number, name: string): Cut => {
    const ends = Array.from({ length: topics * partitions }, (_, index) => [
      `${name}-${Math.floor(index / partitions)}-${index % partitions}`,
      `${900_000_000 + index}`,
    ])
    return { source: 'blue', target: 'green', sourceEnds: Object.fromEntries(ends), targetEnds: Object.fromEntries(ends) }
  }
  const decided = (cut: Cut) => numbered({ kind: 'decided', outcome: 'switch', cut, reason: '', graceful: true }, 1)

  it('of 10,000 partitions is a quarter of a megabyte, and is read back as it was', () => {
    const entry = decided(cutOf(100, 100, 'a-topic.with-a-name-of-forty-characters-'))
    const text = journalEntryText(entry)
    expect(Buffer.byteLength(text)).toBeLessThan(260_000)
    expect(JournalEntry.parse(JSON.parse(text))).toEqual(entry)
  })

  it('of 10,000 topics with one partition each fits as well', () => {
    expect(Buffer.byteLength(journalEntryText(decided(cutOf(10_000, 1, 'a-topic.with-a-name-of-forty-characters-'))))).toBeLessThan(1_024 * 1_024)
  })

  it('keeps partitions that only one side has, and gaps', () => {
    const cut: Cut = { source: 'green', target: 'blue', sourceEnds: { 'a-b-2': '5' }, targetEnds: { 'a-b-0': '0', 'c-0': '7' } }
    expect(packCut(cut).ends).toEqual({ 'a-b': ['-:0', '-:-', '5:-'], c: ['-:7'] })
    expect(unpackCut(packCut(cut))).toEqual(cut)
  })

  it('in the long form of an older journal is read; a damaged one is refused', () => {
    const entry = decided(cutOf(1, 2, 't'))
    expect(JournalEntry.parse(JSON.parse(JSON.stringify(entry)))).toEqual(entry)
    const damaged = { ...entry, cut: { source: 'blue', target: 'green', ends: { t: ['5'] } } }
    expect(JournalEntry.safeParse(damaged).success).toBe(false)
  })
})
