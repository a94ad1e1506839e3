import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PartitionFacts } from '../../engine/audit/facts.ts'
import { auditPhases } from '../../engine/audit/phases.ts'
import { fatesOf } from '../../engine/audit/region.ts'
import { type Colour, colours, otherColour } from '../../engine/model/colour.ts'
import { accountFor, alien, type Damage, damaged, editDistance, type Placed, placed } from '../support/audit-history/damage.ts'
import { compare, happenings, testConfig } from '../support/audit-history/drive.ts'
import { contents, gaps, type History, layOut } from '../support/audit-history/logs.ts'

/** Verdicts of counts, checksums and sequence. */
function verdicts(facts: PartitionFacts): string {
  return auditPhases('orders-0', facts)
    .map((check) => check.verdict)
    .join(' ')
}

interface Expected {
  readonly findings: readonly Placed[]
  readonly phases: string
  readonly ambiguousRanges?: number
}

/** One kind of damage at the places `at` and `far` (at + 4 or more) of `records` contents; `colour` is damaged. */
interface Case {
  readonly name: string
  readonly damage: (at: number, far: number, records: number) => Damage
  readonly expected: (at: number, far: number, records: number, colour: Colour) => Expected
}

const lacks = (colour: Colour, damagedAt: number, whole: number): Placed => ({ kind: 'missing', on: colour, damaged: damagedAt, whole })
const copy = (colour: Colour, damagedAt: number, whole: number): Placed => ({ kind: 'duplicate', on: colour, damaged: damagedAt, whole })
const both = (kind: string, damagedAt: number, whole = damagedAt): Placed => ({ kind, on: null, damaged: damagedAt, whole })
const orEnd = (at: number, records: number) => (at === records ? -1 : at)

const cases: readonly Case[] = [
  {
    name: 'a dropped record',
    damage: (at) => (digests) => digests.toSpliced(at, 1),
    expected: (at, _, records, colour) => ({ findings: [lacks(colour, orEnd(at, records - 1), at)], phases: 'fail fail fail' }),
  },
  {
    name: 'a duplicate',
    damage: (at) => (digests) => digests.toSpliced(at, 0, digests[at] ?? 0n),
    expected: (at, _, records, colour) => ({ findings: [copy(colour, at + 1, orEnd(at + 1, records))], phases: 'fail fail fail', ambiguousRanges: 1 }),
  },
  {
    name: 'a duplicate further on',
    damage: (at, far) => (digests) => digests.toSpliced(far, 0, digests[at] ?? 0n),
    expected: (_, far, records, colour) => ({ findings: [copy(colour, far, orEnd(far, records))], phases: 'fail fail fail' }),
  },
  {
    name: 'the same record twice more',
    damage: (at) => (digests) => digests.toSpliced(at, 0, digests[at] ?? 0n, digests[at] ?? 0n),
    expected: (at, _, records, colour) => ({
      findings: [copy(colour, at + 1, orEnd(at + 1, records)), copy(colour, at + 2, orEnd(at + 1, records))],
      phases: 'fail fail fail',
      ambiguousRanges: 1,
    }),
  },
  {
    name: 'two neighbours swapped',
    damage: (at) => (digests) => digests.with(at, digests[at + 1] ?? 0n).with(at + 1, digests[at] ?? 0n),
    expected: (at) => ({ findings: [both('swapped', at), both('swapped', at + 1)], phases: 'pass fail fail' }),
  },
  {
    name: 'distant records swapped',
    damage: (at, far) => (digests) => digests.with(at, digests[far] ?? 0n).with(far, digests[at] ?? 0n),
    expected: (at, far) => ({ findings: [both('swapped', at), both('swapped', far)], phases: 'pass fail fail' }),
  },
  {
    name: 'a flip in key, value, header or timestamp: another digest',
    damage: (at) => (digests) => digests.with(at, alien(1)),
    expected: (at) => ({ findings: [both('changed', at)], phases: 'pass fail pass' }),
  },
  {
    name: 'a drop and a duplicate that keep the count',
    damage: (at, far) => (digests) => digests.toSpliced(far, 0, digests[far - 1] ?? 0n).toSpliced(at, 1),
    expected: (at, far, records, colour) => ({
      findings: [lacks(colour, at, at), copy(colour, far - 1, orEnd(far, records))],
      phases: 'pass fail fail',
      ambiguousRanges: 1,
    }),
  },
  {
    name: 'a duplicate in the place of the next record',
    damage: (at) => (digests) => digests.with(at + 1, digests[at] ?? 0n),
    expected: (at, _, records, colour) => ({
      findings: [lacks(colour, at + 1, at + 1), copy(colour, at + 1, orEnd(at + 2, records))],
      phases: 'pass fail fail',
      ambiguousRanges: 1,
    }),
  },
  {
    name: 'a truncated tail',
    damage: (_, far) => (digests) => digests.slice(0, far),
    expected: (_, far, records, colour) => ({
      findings: Array.from({ length: records - far }, (_unused, index) => lacks(colour, -1, far + index)),
      phases: 'fail fail fail',
    }),
  },
  {
    name: 'a foreign record',
    damage: (at) => (digests) => digests.toSpliced(at, 0, alien(1)),
    // Without knowing who is copied to, the record could as well be lacking on the other side.
    expected: (at, _, records, colour) => ({
      findings: [{ kind: 'missing', on: otherColour(colour), damaged: at, whole: orEnd(at, records) }],
      phases: 'fail fail fail',
    }),
  },
  {
    name: 'the tail copied again, as a mirror does that restarts at least once',
    damage: (at, far) => (digests) => digests.toSpliced(far, 0, ...digests.slice(at, far)),
    expected: (at, far, records, colour) => ({
      findings: Array.from({ length: far - at }, (_unused, index) => copy(colour, far + index, orEnd(far, records))),
      phases: 'fail fail fail',
    }),
  },
]

const distinct = fc.uniqueArray(fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }), { minLength: 12, maxLength: 40 })

describe('a single damage on either side is found, located, named, and by the phases that should', () => {
  test.each(cases)('$name', ({ damage, expected }) => {
    fc.assert(
      fc.property(
        distinct,
        fc.nat(),
        fc.nat(),
        fc.constantFrom(...colours),
        gaps,
        gaps,
        happenings(true),
        (digests, nth, nthFar, colour, blueGaps, greenGaps, script) => {
          const records = digests.length
          const at = nth % (records - 6)
          const far = at + 4 + (nthFar % (records - at - 5))
          const history: History = { blue: layOut(digests, blueGaps), green: layOut(digests, greenGaps), pairs: [] }
          const logs = damaged(history, colour, blueGaps, damage(at, far, records))
          const { runs, differences, ambiguous, facts } = compare(logs, script, true)
          const wanted = expected(at, far, records, colour)
          const found = placed(facts.differences.total <= 5 ? facts.differences.shown : differences, logs, colour)
          expect(found).toEqual(wanted.findings)
          expect(verdicts(facts)).toBe(wanted.phases)
          expect(ambiguous).toHaveLength(wanted.ambiguousRanges ?? 0)
          expect(facts.ambiguousRanges).toBe(ambiguous.length)
          expect(accountFor(logs, runs, facts.differences.total <= 5 ? facts.differences.shown : differences)).toEqual([])
          expect(facts.state.kind).toBe('differs')
        },
      ),
      { numRuns: 60 },
    )
  })

  test('a foreign record is named so when it is known who is copied to', () => {
    const { differences } = compare({ blue: layOut([1n, 2n], [0]), green: layOut([1n, 9n, 2n], [0]) }, [], true, testConfig, 'blue')
    expect(differences).toEqual([{ kind: 'foreign', on: 'green', blue: 1n, green: 1n }])
  })

  test('one of equal neighbours is missing: the last one counts as it, and the block is ambiguous', () => {
    const { differences, ambiguous, runs } = compare({ blue: layOut([1n, 5n, 5n, 5n, 7n], [0]), green: layOut([1n, 5n, 5n, 7n], [0]) }, [], true)
    expect(differences).toEqual([{ kind: 'duplicate', on: 'blue', blue: 3n, green: 3n }])
    expect(ambiguous).toEqual([{ from: { blue: 1n, green: 1n }, to: { blue: 4n, green: 3n } }])
    expect(runs).toEqual([
      { blue: 0n, green: 0n, records: 3 },
      { blue: 4n, green: 3n, records: 1 },
    ])
  })

  test('two ambiguous blocks are two', () => {
    const { facts, ambiguous } = compare(
      { blue: layOut([1n, 1n, 2n, 3n, 4n, 5n, 5n, 6n, 7n, 8n], [0]), green: layOut([1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n], [0]) },
      [],
      true,
    )
    expect([facts.ambiguousRanges, ambiguous.length]).toEqual([2, 2])
  })

  test('a stretch with several damages: what is equal in it is paired, a surplus is the copy, else the last', () => {
    const fates = (blue: string, green: string, copies = '') => {
      const recordsOf = (text: string) => [...text].map((letter, index) => ({ offset: BigInt(index), digest: BigInt(letter.charCodeAt(0)), key: null }))
      return fatesOf(recordsOf(blue), recordsOf(green), (digest) => copies.includes(String.fromCharCode(Number(digest)))).join(' ')
    }
    expect(fates('bcd', 'cD')).toBe('blue pair changed')
    expect(fates('x', 'yz')).toBe('changed green')
    expect(fates('x', 'yz', 'y')).toBe('green changed')
    expect(fates('abc', 'cba')).toBe('swapped pair swapped')
    expect(fates('abXcd', 'baYcd')).toBe('blue pair changed green pair pair')
  })

  test('a record that moved is out of its place, not missing here and foreign there', () => {
    const digests = Array.from({ length: 20 }, (_, index) => BigInt(index + 1))
    const { facts } = compare({ blue: layOut(digests, [0]), green: layOut([...digests.toSpliced(3, 1).slice(0, 12), 4n, ...digests.slice(13)], [0]) }, [], true)
    expect(facts.differences.byKind).toEqual({ missing: 0, duplicate: 0, foreign: 0, changed: 0, swapped: 2 })
    expect(verdicts(facts)).toBe('pass fail fail')
  })
})

const operation = fc.tuple(fc.constantFrom('drop', 'copy', 'alien', 'flip', 'move'), fc.nat(), fc.nat())

/** Several damages one after the other. */
function damagedBy(digests: readonly bigint[], operations: readonly (readonly [string, number, number])[]): readonly bigint[] {
  return operations.reduce<readonly bigint[]>((now, [kind, nth, nthTo], index) => {
    const [at, to] = [nth % (now.length + 1), nthTo % (now.length + 1)]
    const record = now[at] ?? alien(100 + index)
    if (kind === 'drop') return now.toSpliced(at, 1)
    if (kind === 'copy') return now.toSpliced(to, 0, record)
    if (kind === 'alien') return now.toSpliced(at, 0, alien(index))
    return kind === 'flip' ? now.toSpliced(at, 1, alien(index)) : now.toSpliced(at, 1).toSpliced(Math.min(to, now.length - 1), 0, record)
  }, digests)
}

describe('any damage', () => {
  const damagedPair = fc.tuple(contents(25), gaps, gaps, fc.array(operation, { maxLength: 5 }), fc.array(operation, { maxLength: 3 }))

  test('every record is in one pair or in one finding, none is found where both are equal, and never fewer than it takes to make one of the other', () => {
    fc.assert(
      fc.property(damagedPair, happenings(false), ([digests, blueGaps, greenGaps, onBlue, onGreen], script) => {
        const [blue, green] = [damagedBy(digests, onBlue), damagedBy(digests, onGreen)]
        const logs = { blue: layOut(blue, blueGaps), green: layOut(green, greenGaps) }
        const { runs, differences, facts } = compare(logs, script, true)
        expect(accountFor(logs, runs, differences)).toEqual([])
        expect(differences.length).toBeGreaterThanOrEqual(editDistance(blue, green))
        expect(facts.differences.total).toBe(differences.length)
        expect([facts.blue.visible, facts.green.visible]).toEqual([blue.length, green.length])
        expect(facts.blue.visible - facts.blue.extra).toBe(facts.green.visible - facts.green.extra)
        const isEqual = blue.join() === green.join()
        expect([facts.state.kind, facts.blue.digest === facts.green.digest, verdicts(facts)]).toEqual(
          isEqual ? ['equal', true, 'pass pass pass'] : ['differs', false, expect.stringContaining('fail')],
        )
      }),
      { numRuns: 500 },
    )
  })

  test('the outcome depends neither on chunks, nor on order, nor on being killed and begun anew', () => {
    fc.assert(
      fc.property(damagedPair, happenings(true), fc.nat({ max: 4 }), fc.boolean(), ([digests, blueGaps, greenGaps, onBlue, onGreen], script, taken, asEnd) => {
        const [whole, green] = [layOut(damagedBy(digests, onBlue), blueGaps), layOut(damagedBy(digests, onGreen), greenGaps)]
        const blue = { ...whole, records: whole.records.slice(taken), start: whole.records[taken]?.offset ?? whole.start }
        const logs = taken > 0 && blue.records.length > 0 ? { blue, green } : { blue: whole, green }
        expect(compare(logs, script, asEnd)).toEqual(compare(logs, [], asEnd))
      }),
      { numRuns: 500 },
    )
  })

  test('where nothing goes on equally within the lookahead it says so, and holds no more', () => {
    const [blue, green] = [0, 1_000].map((base) =>
      layOut(
        Array.from({ length: 500 }, (_, index) => BigInt(base + index)),
        [0],
      ),
    ) as [ReturnType<typeof layOut>, ReturnType<typeof layOut>]
    const { facts, differences } = compare({ blue, green }, [], false, { ...testConfig, lookaheadRecords: 32 })
    expect(differences).toEqual([])
    expect(facts.state).toMatchObject({ kind: 'differs', reason: expect.stringContaining('no place within 32 records') })
    expect(verdicts(facts)).toBe('pass pass fail')
    expect(facts.watermark).toEqual({ blue: 0n, green: 0n })
  })
})
