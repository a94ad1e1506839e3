import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planBeyond, translateBeyond } from '../../engine/offsets/beyond-cut.ts'
import { translateAll } from '../../engine/offsets/count-back.ts'
import type { RecordRun } from '../../engine/offsets/record-run.ts'

const ends = { sourceStarts: new Map([['t-0', 0n]]), sourceEnds: new Map([['t-0', 10n]]), targetEnds: new Map([['t-0', 20n]]) }

function run(...records: readonly (readonly [number, string])[]): RecordRun {
  return { offsets: BigInt64Array.from(records, ([offset]) => BigInt(offset)), digests: records.map(([, digest]) => digest) }
}

describe('a position behind the cut', () => {
  it('is the n-th record that is native to the target', () => {
    const source = run([10, 'a'], [12, 'b'], [13, 'c']) // 11: a commit marker of the reverse mirror
    const target = run([20, 'a'], [21, 'b'], [25, 'c'], [26, 'd'])
    expect(translateBeyond(13n, 20n, { source, target })).toEqual({ targetOffset: 22n })
    expect(translateBeyond(14n, 20n, { source, target })).toEqual({ targetOffset: 26n })
    expect(translateBeyond(11n, 20n, { source, target })).toEqual({ targetOffset: 21n })
  })

  it('that has only markers before it is the cut itself', () => {
    expect(translateBeyond(11n, 20n, { source: run(), target: run([20, 'a']) })).toEqual({ targetOffset: 20n })
  })

  it('is not provable when a record differs, or the target lacks one', () => {
    const source = run([10, 'a'], [11, 'straggler'])
    expect(translateBeyond(12n, 20n, { source, target: run([20, 'a'], [21, 'b']) })).toMatchObject({
      reason: expect.stringMatching(/record 2 behind the cut differs/),
    })
    expect(translateBeyond(12n, 20n, { source, target: run([20, 'a']) })).toMatchObject({ reason: expect.stringMatching(/the target only 1/) })
  })

  it('is planned up to the highest position of any group, and only where one is past the cut', () => {
    const groups = [11n, 15n, 9n].map((offset, index) => ({ groupId: `g${index}`, committed: new Map([['t-0', offset]]) }))
    expect(planBeyond(groups, ends)).toEqual(new Map([['t-0', 15n]]))
    expect(planBeyond(groups.slice(2), ends).size).toBe(0)
  })

  it('moves its group exactly, and stays unproven without a reading', () => {
    const groups = [{ groupId: 'g', committed: new Map([['t-0', 12n]]) }]
    const beyond = new Map([['t-0', { source: run([10, 'a'], [11, 'b']), target: run([20, 'a'], [22, 'b']) }]])
    expect(translateAll(groups, ends, new Map(), beyond)).toMatchObject([{ verdict: 'exact', targetOffset: '23', lagRecords: 0 }])
    expect(translateAll(groups, ends, new Map())).toMatchObject([{ verdict: 'not provable', targetOffset: null }])
  })

  it('never skips a record that was not read, nor gives one twice (any gaps on both sides)', () => {
    const gap = fc.integer({ min: 1, max: 4 })
    fc.assert(
      fc.property(fc.array(fc.tuple(gap, gap), { minLength: 1, maxLength: 30 }), fc.nat({ max: 30 }), (gaps, read) => {
        let [s, t] = [9, 19]
        const pairs = gaps.map(([a, b], index) => {
          s += a
          t += b
          return { s, t, digest: `d${index}` }
        })
        const count = Math.min(read, pairs.length)
        const committed = BigInt((pairs[count - 1]?.s ?? 9) + 1)
        const found = translateBeyond(committed, 20n, {
          source: run(...pairs.map((one) => [one.s, one.digest] as const)),
          target: run(...pairs.map((one) => [one.t, one.digest] as const)),
        })
        if (!('targetOffset' in found)) throw new Error(found.reason)
        const unread = pairs.filter((one) => BigInt(one.t) >= found.targetOffset).map((one) => one.digest)
        expect(unread).toEqual(pairs.slice(count).map((one) => one.digest))
      }),
    )
  })
})
