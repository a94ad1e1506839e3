import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { VisibleRecord } from '../../engine/model/facts.ts'
import { type CutEnds, type GroupOffsets, planReads, translateAll } from '../../engine/offsets/count-back.ts'
import { RecordRunBuilder } from '../../engine/offsets/record-run.ts'

/** One log, written out: a letter is a visible record, `.` a marker or an aborted record. The first one has offset `start`. */
interface Log {
  readonly start: bigint
  readonly entries: string
}

const p = 'orders-0'
const end = (log: Log) => log.start + BigInt(log.entries.length)

function visible(log: Log): VisibleRecord[] {
  return [...log.entries].flatMap((digest, index) => (digest === '.' ? [] : [{ offset: log.start + BigInt(index), timestamp: 0n, digest }]))
}

function endsOf(source: Log, target: Log): CutEnds {
  return { sourceStarts: new Map([[p, source.start]]), sourceEnds: new Map([[p, end(source)]]), targetEnds: new Map([[p, end(target)]]) }
}

/** As the engine does it: plan, read what was planned, translate. */
function translated(source: Log, target: Log, committed: readonly bigint[]) {
  const groups: GroupOffsets[] = committed.map((offset, index) => ({ groupId: `g${String(index).padStart(3, '0')}`, committed: new Map([[p, offset]]) }))
  const ends = endsOf(source, target)
  const from = planReads(groups, ends).get(p)
  if (from === undefined) return translateAll(groups, ends, new Map())
  const sourceRun = new RecordRunBuilder()
  sourceRun.append(visible(source).filter((record) => record.offset >= from))
  const targetRun = new RecordRunBuilder()
  const wanted = visible(target).slice(visible(target).length - Math.min(sourceRun.length, visible(target).length))
  const half = Math.floor(wanted.length / 2)
  targetRun.append(wanted.slice(half))
  targetRun.prepend(wanted.slice(0, half))
  return translateAll(groups, ends, new Map([[p, { from, source: sourceRun.build(), target: targetRun.build() }]]))
}

/** The same by brute force, from the meaning alone: which records has the group not read, and where do the same ones begin on the target? */
function reference(source: Log, target: Log, committed: bigint): bigint | null {
  const unread = visible(source).filter((record) => record.offset >= committed)
  if (unread.length === 0) return end(target)
  const candidates = visible(target).slice(-unread.length)
  const same = candidates.length === unread.length && candidates.every((record, index) => record.digest === unread[index]?.digest)
  return same ? (candidates[0]?.offset ?? null) : null
}

describe('counting back from the cut', () => {
  test.each<{ name: string; source: Log; target: Log; committed: bigint; target_: string | null; lag: number | null; reason: RegExp }>([
    {
      name: 'plain',
      source: { start: 0n, entries: 'abcdef' },
      target: { start: 0n, entries: 'ab.cd.ef.' },
      committed: 4n,
      target_: '6',
      lag: 2,
      reason: /last 2 records/,
    },
    {
      name: 'at the end: the target end, behind its last marker',
      source: { start: 0n, entries: 'abc' },
      target: { start: 0n, entries: 'abc.' },
      committed: 3n,
      target_: '4',
      lag: 0,
      reason: /nothing left/,
    },
    {
      name: 'only markers left',
      source: { start: 0n, entries: 'ab..' },
      target: { start: 5n, entries: 'ab' },
      committed: 2n,
      target_: '7',
      lag: 0,
      reason: /nothing left/,
    },
    {
      name: 'inside a gap: the next visible record',
      source: { start: 0n, entries: 'a...bc' },
      target: { start: 0n, entries: 'abc' },
      committed: 2n,
      target_: '1',
      lag: 2,
      reason: /last 2/,
    },
    {
      name: 'equal neighbours keep their number',
      source: { start: 0n, entries: 'aaaa' },
      target: { start: 0n, entries: 'a.aaa.' },
      committed: 1n,
      target_: '2',
      lag: 3,
      reason: /last 3/,
    },
    {
      name: 'empty partition',
      source: { start: 0n, entries: '' },
      target: { start: 0n, entries: '' },
      committed: 0n,
      target_: '0',
      lag: 0,
      reason: /nothing left/,
    },
    {
      name: 'emptied by retention, read to its end before',
      source: { start: 90n, entries: '' },
      target: { start: 7n, entries: '.' },
      committed: 90n,
      target_: '8',
      lag: 0,
      reason: /nothing left/,
    },
    {
      name: 'beyond the cut: never clamped',
      source: { start: 0n, entries: 'abc' },
      target: { start: 0n, entries: 'abc' },
      committed: 4n,
      target_: null,
      lag: null,
      reason: /beyond the cut/,
    },
    {
      name: 'retention passed the position',
      source: { start: 2n, entries: 'cd' },
      target: { start: 0n, entries: 'abcd' },
      committed: 1n,
      target_: null,
      lag: null,
      reason: /below the log start 2/,
    },
    {
      name: 'one record missing on the target',
      source: { start: 0n, entries: 'abcd' },
      target: { start: 0n, entries: 'abd' },
      committed: 1n,
      target_: null,
      lag: 3,
      reason: /record 2 before the cut differs: source offset 2, target offset 1/,
    },
    {
      name: 'one record twice on the target',
      source: { start: 0n, entries: 'abcd' },
      target: { start: 0n, entries: 'abccd' },
      committed: 1n,
      target_: null,
      lag: 3,
      reason: /record 3 before the cut differs: source offset 1, target offset 2/,
    },
    {
      name: 'two records swapped',
      source: { start: 0n, entries: 'abcd' },
      target: { start: 0n, entries: 'acbd' },
      committed: 0n,
      target_: null,
      lag: 4,
      reason: /record 2 before/,
    },
    {
      name: 'the target is shorter',
      source: { start: 0n, entries: 'abc' },
      target: { start: 0n, entries: 'bc' },
      committed: 0n,
      target_: null,
      lag: 3,
      reason: /only 2 records before the cut, the source has one more at offset 0/,
    },
    {
      name: 'a difference before the position does not matter',
      source: { start: 0n, entries: 'abcd' },
      target: { start: 0n, entries: 'xcd' },
      committed: 2n,
      target_: '1',
      lag: 2,
      reason: /last 2/,
    },
  ])('$name', ({ source, target, committed, target_, lag, reason }) => {
    const [position] = translated(source, target, [committed])
    expect(position).toMatchObject({
      targetOffset: target_,
      lagRecords: lag,
      verdict: target_ === null ? 'not provable' : 'exact',
      sourceOffset: `${committed}`,
    })
    expect(position?.reason).toMatch(reason)
  })

  const gap = fc.constantFrom('', '', '', '.', '..', '....')
  const content = fc.array(fc.constantFrom<string>('a', 'a', 'b', 'c'), { maxLength: 40 })
  const logOf = (records: readonly string[], gaps: readonly string[], start: number): Log => ({
    start: BigInt(start),
    entries: `${records.map((record, index) => (gaps[index] ?? '') + record).join('')}${gaps[records.length] ?? ''}`,
  })
  const twoSides = content.chain((records) =>
    fc.record({
      records: fc.constant(records),
      sourceGaps: fc.array(gap, { minLength: records.length + 1, maxLength: records.length + 1 }),
      targetGaps: fc.array(gap, { minLength: records.length + 1, maxLength: records.length + 1 }),
      sourceStart: fc.nat(50),
      targetStart: fc.nat(50),
    }),
  )

  test('equal logs with other gaps and offsets: every position is exact, and means the same record', () => {
    fc.assert(
      fc.property(twoSides, ({ records, sourceGaps, targetGaps, sourceStart, targetStart }) => {
        const [source, target] = [logOf(records, sourceGaps, sourceStart), logOf(records, targetGaps, targetStart)]
        const all = Array.from({ length: source.entries.length + 1 }, (_, index) => source.start + BigInt(index))
        const positions = translated(source, target, all)
        expect(positions.map((position) => position.verdict)).toEqual(all.map(() => 'exact'))
        expect(positions.map((position) => BigInt(position.targetOffset ?? -1))).toEqual(all.map((offset) => reference(source, target, offset)))
        // The record's number in its log is the same on both sides, equal neighbours or not.
        const number = (log: Log, offset: bigint) => visible(log).filter((record) => record.offset < offset).length
        for (const position of positions) expect(number(target, BigInt(position.targetOffset ?? -1))).toBe(number(source, BigInt(position.sourceOffset)))
      }),
      { numRuns: 500 },
    )
  })

  test('damaged target: exact only where the reference finds the same records', () => {
    const damage = fc.record({ kind: fc.constantFrom('drop', 'double', 'change', 'swap'), at: fc.nat(40) })
    fc.assert(
      fc.property(twoSides, damage, ({ records, sourceGaps, targetGaps, sourceStart, targetStart }, { kind, at }) => {
        fc.pre(records.length > 1)
        const index = at % records.length
        const damaged: string[] = [...records]
        const here = records[index] ?? ''
        const next = records[(index + 1) % records.length] ?? ''
        if (kind === 'drop') damaged.splice(index, 1)
        else if (kind === 'double') damaged.splice(index, 0, here)
        else if (kind === 'change') damaged[index] = 'z'
        else damaged.splice(index, 2, ...(index + 1 < records.length ? [next, here] : [here]))
        const [source, target] = [logOf(records, sourceGaps, sourceStart), logOf(damaged, targetGaps, targetStart)]
        const all = Array.from({ length: source.entries.length + 1 }, (_, each) => source.start + BigInt(each))
        const found = translated(source, target, all).map((position) => (position.targetOffset === null ? null : BigInt(position.targetOffset)))
        expect(found).toEqual(all.map((offset) => reference(source, target, offset)))
      }),
      { numRuns: 500 },
    )
  })
})

describe('groups', () => {
  const ends: CutEnds = {
    sourceStarts: new Map([['a-0', 0n]]),
    sourceEnds: new Map([
      ['a-0', 10n],
      ['a-1', 5n],
      ['a-2', 0n],
      ['b-0', 7n],
    ]),
    targetEnds: new Map([
      ['a-0', 20n],
      ['a-1', 9n],
      ['a-2', 0n],
      ['b-0', 7n],
    ]),
  }

  test('one read serves all: from the lowest committed offset, and not at all where nobody has anything left', () => {
    const groups: GroupOffsets[] = [
      {
        groupId: 'slow',
        committed: new Map([
          ['a-0', 3n],
          ['a-1', 5n],
        ]),
      },
      {
        groupId: 'fast',
        committed: new Map([
          ['a-0', 8n],
          ['b-0', 7n],
        ]),
      },
      { groupId: 'ahead', committed: new Map([['b-0', 9n]]) },
    ]
    expect(planReads(groups, ends)).toEqual(new Map([['a-0', 3n]]))
  })

  test('a group without offsets is reported as such', () => {
    const [position, ...more] = translateAll([{ groupId: 'new', committed: new Map([['a-0', -1n]]) }], ends, new Map())
    expect(more).toEqual([])
    expect(position).toMatchObject({ groupId: 'new', topic: '*', verdict: 'without offsets', targetOffset: null })
  })

  test('a partition without a commit beside committed ones: from the beginning if it never held a record, else not provable', () => {
    const positions = translateAll([{ groupId: 'g', committed: new Map([['a-0', 10n]]) }], ends, new Map())
    expect(positions.map(({ topic, partition, verdict }) => `${topic}-${partition} ${verdict}`)).toEqual(['a-0 exact', 'a-1 not provable', 'a-2 exact'])
    expect(positions[2]).toMatchObject({ sourceOffset: '-1', targetOffset: '0' })
  })

  test('a topic outside the cut is not provable', () => {
    const [position] = translateAll([{ groupId: 'g', committed: new Map([['elsewhere-0', 1n]]) }], ends, new Map())
    expect(position).toMatchObject({ verdict: 'not provable', reason: 'the cut does not cover this partition' })
  })

  test('what was not read is never called exact', () => {
    const [position] = translateAll([{ groupId: 'g', committed: new Map([['b-0', 2n]]) }], ends, new Map())
    expect(position).toMatchObject({ verdict: 'not provable', targetOffset: null })
  })
})
