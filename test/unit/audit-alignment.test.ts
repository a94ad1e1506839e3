import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PartitionAlignment } from '../../engine/audit/alignment.ts'
import { compare, Drive, happenings, pairsOf, testConfig } from '../support/audit-history/drive.ts'
import { cleanHistory, gaps, type History, layOut, wholeHistory, withoutHead, withoutTail } from '../support/audit-history/logs.ts'

/** Which record is whose copy, by brute force from the logs alone: the shift of one whole log against the other that leaves no unequal pair and is smallest. */
function pairsByBruteForce({ blue, green }: History) {
  const candidates = []
  for (let shift = -green.records.length; shift <= blue.records.length; shift++) {
    const [fromBlue, fromGreen] = [Math.max(0, shift), Math.max(0, -shift)]
    if ((fromBlue > 0 && green.start === 0n) || (fromGreen > 0 && blue.start === 0n)) continue
    const overlap = Math.min(blue.records.length - fromBlue, green.records.length - fromGreen)
    const pairs = Array.from({ length: overlap }, (_, index) => ({ left: blue.records[fromBlue + index], right: green.records[fromGreen + index] }))
    if (overlap > 0 && pairs.every(({ left, right }) => left?.digest === right?.digest)) candidates.push({ shift: Math.abs(shift), pairs })
  }
  const nearest = candidates.sort((a, b) => a.shift - b.shift)[0]
  return (nearest?.pairs ?? []).map(({ left, right }) => ({ blue: left?.offset ?? -1n, green: right?.offset ?? -1n }))
}

describe('two sides without damage', () => {
  test('whole logs: every record is paired with its copy, in runs of constant difference, whatever the chunks', () => {
    fc.assert(
      fc.property(wholeHistory(60), happenings(true), fc.boolean(), (history, script, asEnd) => {
        const { runs, differences, ambiguous, facts } = compare(history, script, asEnd)
        expect(pairsOf(runs)).toEqual(history.pairs)
        expect({ differences, ambiguous, state: facts.state.kind }).toEqual({ differences: [], ambiguous: [], state: 'equal' })
        expect(facts.blue).toEqual({ visible: history.pairs.length, extra: 0, retention: 0, compacted: 0, digest: facts.green.digest })
        expect(facts.green).toEqual({ ...facts.blue })
        expect(facts.watermark).toEqual({ blue: history.blue.end, green: history.green.end })
      }),
      { numRuns: 300 },
    )
  })

  test('heads that retention took, tails that are not copied yet: what both hold is paired as by brute force, the rest is no difference', () => {
    fc.assert(
      fc.property(cleanHistory(60), happenings(true), (history, script) => {
        const { runs, differences, facts } = compare(history, script, false)
        const expected = pairsByBruteForce(history)
        expect(differences).toEqual([])
        expect(facts.state.kind).not.toBe('differs')
        // Fewer than are needed to be sure of a head are waited for.
        if (runs.length > 0 || (history.blue.start === 0n && history.green.start === 0n)) expect(pairsOf(runs)).toEqual(expected)
        else
          expect(
            new Set(expected.slice(0, -1).map((pair) => history.blue.records.find(({ offset }) => offset === pair.blue)?.digest)).size,
          ).toBeLessThanOrEqual(3)
      }),
      { numRuns: 500 },
    )
  })

  test('heads that retention took, read to equal ends', () => {
    fc.assert(
      fc.property(wholeHistory(60), fc.nat(), fc.boolean(), happenings(true), (whole, head, isBlue, script) => {
        const records = whole.pairs.length
        const taken = head % (records + 1)
        const history = isBlue ? { ...whole, blue: withoutHead(whole.blue, taken) } : { ...whole, green: withoutHead(whole.green, taken) }
        const { runs, differences, facts } = compare(history, script, true)
        expect(pairsOf(runs)).toEqual(whole.pairs.slice(taken))
        expect({ differences, state: facts.state.kind }).toEqual({ differences: [], state: 'equal' })
        expect([facts.blue.retention, facts.green.retention]).toEqual(isBlue ? [0, taken] : [taken, 0])
        expect(facts.reachedEnd).toEqual({ blue: history.blue.end, green: history.green.end })
      }),
      { numRuns: 300 },
    )
  })

  test('a head longer than the lookahead is passed with flat memory', () => {
    const digests = Array.from({ length: 5_000 }, (_, index) => BigInt(index) * 0x9e3779b97f4a7c15n)
    const blue = withoutHead(layOut(digests, [0]), 4_000)
    const { runs, facts } = compare({ blue, green: layOut(digests, [0, 0, 1]) }, [], false, { ...testConfig, lookaheadRecords: 64 })
    expect(facts.alignedRecords).toBe(1_000)
    expect(facts.green.retention).toBe(4_000)
    expect(runs[0]?.blue).toBe(4_000n)
  })

  test('retention that passes the reader in the middle is excused, on either side and on both', () => {
    const digests = fc.uniqueArray(fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }), { minLength: 30, maxLength: 60 })
    const taken = fc.record({ read: fc.nat({ max: 10 }), hole: fc.nat({ max: 10 }) })
    fc.assert(
      fc.property(digests, gaps, gaps, taken, fc.option(taken), (drawn, blueGaps, greenGaps, onBlue, onGreen) => {
        const logs = { blue: layOut(drawn, blueGaps), green: layOut(drawn, greenGaps) }
        const now = { ...logs }
        const drive = new Drive(now)
        drive.apply({ kind: 'read', colour: 'blue', records: onBlue.read })
        if (onGreen !== null) drive.apply({ kind: 'read', colour: 'green', records: onGreen.read })
        now.blue = withoutHead(logs.blue, onBlue.read + onBlue.hole)
        if (onGreen !== null) now.green = withoutHead(logs.green, onGreen.read + onGreen.hole)
        const { runs, differences, facts } = drive.finish(true)
        expect({ differences, state: facts.state.kind }).toEqual({ differences: [], state: 'equal' })
        const truth = new Map(logs.blue.records.map((record, index) => [record.offset, logs.green.records[index]?.offset]))
        for (const pair of pairsOf(runs)) expect(truth.get(pair.blue)).toBe(pair.green)
        expect(facts.alignedRecords).toBeGreaterThanOrEqual(
          drawn.length - Math.max(onBlue.read + onBlue.hole, onGreen === null ? 0 : onGreen.read + onGreen.hole),
        )
      }),
      { numRuns: 500 },
    )
  })

  test('nothing in common behind a lost head: what the whole side has is excused, what the other has is missing there', () => {
    const blue = { start: 7n, end: 8n, records: [{ offset: 7n, digest: 99n, key: null }] }
    const { facts, differences } = compare({ blue, green: layOut([1n, 2n, 3n], [0]) }, [], true)
    expect(differences).toEqual([{ kind: 'missing', on: 'green', blue: 7n, green: null }])
    expect(facts).toMatchObject({ alignedRecords: 0, green: { retention: 3, visible: 0 }, blue: { visible: 1, extra: 1 } })
  })

  test('a log start that reading has passed excuses nothing', () => {
    const alignment = new PartitionAlignment(testConfig)
    const [blue, green] = [layOut([1n, 2n, 3n, 4n, 5n], [0]), layOut([1n, 2n, 9n, 3n, 4n, 5n], [0])]
    alignment.feed('blue', blue.records.slice(0, 2), 2n)
    alignment.retentionPassed('blue', 2n)
    alignment.feed('blue', blue.records.slice(2), 5n)
    alignment.feed('green', green.records, 6n)
    alignment.advance()
    expect(alignment.facts().differences.shown).toEqual([{ kind: 'missing', on: 'blue', blue: 2n, green: 2n }])
  })

  test('an end that is asked for while records behind it are read already', () => {
    fc.assert(
      fc.property(wholeHistory(40), fc.nat(), fc.boolean(), (history, nth, isWhole) => {
        const at = nth % (history.pairs.length + 1)
        const end = history.pairs[at] ?? { blue: history.blue.end, green: history.green.end }
        const green = isWhole ? history.green.records : history.green.records.slice(0, at)
        const alignment = new PartitionAlignment(testConfig)
        alignment.feed('blue', history.blue.records, history.blue.end)
        alignment.feed('green', green, isWhole ? history.green.end : end.green)
        alignment.atEnd(end.blue, end.green)
        alignment.advance()
        expect(alignment.facts()).toMatchObject({ alignedRecords: isWhole ? history.pairs.length : at, reachedEnd: end, differences: { total: 0 } })
      }),
    )
  })

  test('one side wholly gone is told, and is no difference', () => {
    const green = layOut([1n, 2n, 3n], [0])
    const { facts, differences } = compare({ blue: { start: 9n, end: 9n, records: [] }, green }, [], true)
    expect(differences).toEqual([])
    expect(facts).toMatchObject({ alignedRecords: 0, green: { retention: 3, visible: 0 }, state: { kind: 'equal' }, reachedEnd: { blue: 9n, green: 3n } })
  })

  test('records behind an end are compared once the end is settled', () => {
    const digests = Array.from({ length: 20 }, (_, index) => BigInt(index + 1))
    const logs = { blue: layOut(digests, [0]), green: layOut(digests, [0, 1]) }
    const early = { blue: withoutTail(logs.blue, 8), green: withoutTail(logs.green, 8) }
    const state = { ...early }
    const drive = new Drive(state)
    expect(drive.finish(true).facts).toMatchObject({ alignedRecords: 12, reachedEnd: { blue: early.blue.end, green: early.green.end } })
    Object.assign(state, logs)
    expect(drive.finish(false).facts).toMatchObject({
      alignedRecords: 20,
      state: { kind: 'equal' },
      reachedEnd: { blue: early.blue.end, green: early.green.end },
    })
    expect(() => drive.endAt({ blue: 3n, green: 3n })).toThrow(/audit-end-passed/)
  })
})
