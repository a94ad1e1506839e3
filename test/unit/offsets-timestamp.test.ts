import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { VisibleRecord } from '../../engine/model/facts.ts'
import { byTimestamp, type RecordWindow } from '../../engine/offsets/by-timestamp.ts'

const whole = { fromStart: true, toEnd: true }
const part = { fromStart: false, toEnd: false }

/** A log written out: a letter's content, a digit's timestamp, in turn; offsets from `start` on, every `every`-th. */
function log(text: string, start = 0, every = 1): readonly VisibleRecord[] {
  return [...text.matchAll(/([a-z])(\d)/g)].map(([, content = '', time = ''], index) => ({
    ...{ offset: BigInt(start + index * every), timestamp: BigInt(time), digest: `${content}${time}` },
  }))
}

function find(committed: number, source: RecordWindow, target: RecordWindow, sourceEnd = 100) {
  const ends = { sourceStarts: new Map([['t-0', 0n]]), sourceEnds: new Map([['t-0', BigInt(sourceEnd)]]), targetEnds: new Map([['t-0', 999n]]) }
  const readings = new Map([['t-0', new Map([[BigInt(committed), { source, target }]])]])
  return byTimestamp(ends, readings).find({ groupId: 'g', partition: 't-0', committed: BigInt(committed) })
}

describe('timestamp correlation', () => {
  it('finds the copy by timestamp, content and neighbours', () => {
    const [source, target] = [log('a1b2c3d4e5'), log('a1b2c3d4e5', 50, 2)]
    expect(find(2, { records: source, ...whole }, { records: target, ...whole })).toMatchObject({ verdict: 'exact', targetOffset: '54' })
    expect(find(2, { records: source, ...part }, { records: target.slice(1, 4), ...part })).toMatchObject({ verdict: 'exact', targetOffset: '54' })
  })

  it('decides between equal timestamps by content, and between equal contents by their neighbours', () => {
    const [source, target] = [
      { records: log('a1x2y2x2z3'), ...whole },
      { records: log('a1x2y2x2z3', 50), ...whole },
    ]
    expect([1, 2, 3].map((committed) => find(committed, source, target).targetOffset)).toEqual(['51', '52', '53'])
  })

  it("doesn't decide inside a long block of equal records", () => {
    const text = `a1${'e2'.repeat(12)}z3`
    const [source, target] = [
      { records: log(text), ...whole },
      { records: log(text, 50), ...whole },
    ]
    expect(find(6, source, target)).toMatchObject({ verdict: 'not provable', targetOffset: null, reason: expect.stringMatching(/6 places on the target fit/) })
    expect(find(2, source, target)).toMatchObject({ verdict: 'exact', targetOffset: '52' })
  })

  it('is no proof when not all records of that timestamp were seen, or timestamps are in disorder', () => {
    const source = { records: log('a1b2c3d4e5'), ...whole }
    expect(find(2, source, { records: log('b2c3', 51), ...part })).toMatchObject({
      verdict: 'not provable',
      reason: expect.stringMatching(/not all of the target's records with timestamp 3/),
    })
    expect(find(2, source, { records: log('c3d4', 52), ...part })).toMatchObject({
      verdict: 'not provable',
      targetOffset: '52',
      reason: expect.stringMatching(/not all/),
    })
    const disordered = log('a1c3b2d4e5')
    expect(find(1, { records: disordered, ...whole }, { records: disordered, ...part })).toMatchObject({
      verdict: 'not provable',
      targetOffset: '1',
      reason: expect.stringMatching(/not in order/),
    })
    expect(find(1, { records: disordered, ...whole }, { records: disordered, ...whole })).toMatchObject({ verdict: 'exact', targetOffset: '1' })
  })

  it('is no proof without a copy, with other neighbours, or without any neighbour', () => {
    const source = { records: log('a1b2c3d4'), ...whole }
    expect(find(2, source, { records: log('a1b2d4', 50), ...whole })).toMatchObject({ verdict: 'not provable', reason: expect.stringMatching(/none of 0/) })
    expect(find(2, source, { records: log('a1b2c3z4', 50), ...whole })).toMatchObject({ verdict: 'not provable', reason: expect.stringMatching(/none of 1/) })
    expect(find(2, { records: log('c3', 2), fromStart: true, toEnd: false }, { records: log('c3', 52), ...part })).toMatchObject({ verdict: 'not provable' })
  })

  it('compares neighbours only where both sides were read, and needs one of them', () => {
    const target = { records: log('a1b2c3d4', 50), ...whole }
    expect(find(2, { records: log('c3', 2), fromStart: true, toEnd: false }, target)).toMatchObject({ verdict: 'not provable', targetOffset: null })
    expect(find(2, { records: log('c3d4', 2), fromStart: true, toEnd: false }, target)).toMatchObject({ verdict: 'exact', targetOffset: '52' })
    expect(find(2, { records: log('b2c3', 1), ...whole }, target)).toMatchObject({ verdict: 'not provable', reason: expect.stringMatching(/none of 1/) })
  })

  it('needs to have seen which record is the next', () => {
    const target = { records: log('a1b2c3d4', 50), ...whole }
    expect(find(2, { records: log('c3d4', 2), ...part }, target)).toMatchObject({
      verdict: 'not provable',
      reason: expect.stringMatching(/records before offset 2 were not read/),
    })
    expect(find(2, { records: log('c3d4', 2), fromStart: true, toEnd: true }, target)).toMatchObject({ verdict: 'exact', targetOffset: '52' })
    expect(find(4, { records: log('a1b2c3d4'), fromStart: true, toEnd: false }, target)).toMatchObject({
      verdict: 'not provable',
      reason: expect.stringMatching(/next record behind offset 4/),
    })
  })

  it("with nothing left is the target's end; beyond the cut, or without a reading, nothing", () => {
    const both = { records: log('a1b2'), ...whole }
    expect(find(2, both, both)).toMatchObject({ verdict: 'exact', targetOffset: '999', lagRecords: 0 })
    expect(find(100, both, both)).toMatchObject({ verdict: 'exact', targetOffset: '999' })
    expect(find(101, both, both)).toMatchObject({ verdict: 'not provable', reason: expect.stringMatching(/beyond the cut/) })
    const ends = { sourceStarts: new Map(), sourceEnds: new Map([['t-0', 9n]]), targetEnds: new Map([['t-0', 9n]]) }
    expect(byTimestamp(ends, new Map()).find({ groupId: 'g', partition: 't-0', committed: 3n })).toMatchObject({
      reason: expect.stringMatching(/nothing was read/),
    })
  })

  it('is exact only for the true copy: equal and disordered timestamps, equal neighbours, partial windows', () => {
    const record = fc.tuple(fc.constantFrom('a', 'a', 'b', 'c'), fc.nat(4))
    let provable = 0
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 24 }),
        fc.boolean(),
        fc.nat(24),
        fc.nat(24),
        fc.nat(24),
        (records, sorted, at, before, behind) => {
          const timed = sorted ? records.toSorted(([, a], [, b]) => a - b) : records
          const text = timed.map(([content, time]) => `${content}${time}`).join('')
          const [source, target, index] = [log(text, 10, 2), log(text, 500, 3), at % records.length]
          // Windows of part of a log are only given for one whose timestamps are in order, as ListOffsets needs it.
          const [from, to] = sorted ? [Math.max(0, index - before), Math.min(records.length, index + 1 + behind)] : [0, records.length]
          const window = { records: target.slice(from, to), fromStart: from === 0, toEnd: to === records.length }
          const found = find(9 + 2 * index, { records: source, ...whole }, window)
          if (found.verdict !== 'exact') return
          provable++
          expect(found.targetOffset).toBe(`${500 + 3 * index}`)
        },
      ),
      { numRuns: 1_000 },
    )
    expect(provable).toBeGreaterThan(150)
  })
})
