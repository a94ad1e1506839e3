import { describe, expect, it } from 'vitest'
import type { GroupPosition } from '../../engine/model/journal.ts'
import { decodeCheckpoint } from '../bench/translate/checkpoints.ts'
import { findings, type Outcomes } from '../bench/translate/findings.ts'
import { GroundTruth, type SeenRecord } from '../bench/translate/ground-truth.ts'
import { standing } from '../bench/translate/strategies.ts'
import { firstFrom, truePosition } from '../bench/translate-scale/true-positions.ts'

/** Five records; the target has a marker behind every second one. */
const source: readonly SeenRecord[] = ['a', 'b', 'c', 'd', 'e'].map((content, index) => ({ offset: BigInt(10 + index), content }))
const target: readonly SeenRecord[] = [0n, 1n, 3n, 4n, 6n].map((offset, index) => ({ offset, content: source[index]?.content ?? '' }))
const truthOf = (own = source, other = target, end = 15n) => new GroundTruth(new Map([['t-0', own]]), new Map([['t-0', other]]), new Map([['t-0', end]]))

describe('the ground truth', () => {
  it('counts what a group gets again and what it never gets', () => {
    const truth = truthOf()
    expect(truth.judge('t-0', 12n, 3n)).toEqual({ redelivered: 0, skipped: 0 })
    expect(truth.judge('t-0', 12n, 2n)).toEqual({ redelivered: 0, skipped: 0 }) // in the gap before its record
    expect(truth.judge('t-0', 12n, 1n)).toEqual({ redelivered: 1, skipped: 0 })
    expect(truth.judge('t-0', 12n, 6n)).toEqual({ redelivered: 0, skipped: 2 })
    expect(truth.judge('t-0', 15n, 0n)).toEqual({ redelivered: 5, skipped: 0 })
    expect(truth.unread('t-0', 12n)).toBe(3)
  })

  it('looks no further than the cut', () => {
    const truth = truthOf(source, target, 13n)
    expect(truth.records).toBe(3)
    expect(truth.judge('t-0', 12n, 100n)).toEqual({ redelivered: 0, skipped: 1 })
  })

  it('is none where a record has no copy, or is there twice', () => {
    expect(() => truthOf(source, target.slice(1))).toThrow(/has no copy/)
    expect(() => truthOf([...source, { offset: 14n, content: 'a' }])).toThrow(/there twice/)
  })
})

describe('the true position of a committed offset', () => {
  const side = (offsets: readonly bigint[], end: bigint, contents = 'abcde') => ({
    records: new Map([['t-0', offsets.map((offset, index) => ({ offset, content: contents[index] ?? '' }))]]),
    ends: new Map([['t-0', end]]),
  })
  const [own, other] = [side([10n, 11n, 13n], 15n), side([0n, 1n, 3n], 4n)]

  it("is its next record's copy, or the end", () => {
    const at = [10n, 11n, 12n, 13n, 14n, 15n].map((offset) => truePosition(own, other, 't-0', offset))
    expect(at).toEqual([0n, 1n, 3n, 3n, 4n, 4n])
    expect(firstFrom([], 3n)).toBe(0)
  })

  it('is none where another record stands in that place', () => {
    expect(() => truePosition(own, side([0n, 1n, 3n], 4n, 'axc'), 't-0', 11n)).toThrow(/sides differ/)
  })
})

describe('where a group stands on the target', () => {
  const position = { groupId: 'parked', topic: 't', sourceOffset: '9', lagRecords: 1, method: 'map', verdict: 'exact', reason: '' } as const
  const positions: readonly GroupPosition[] = [0, 1].map((partition) => ({ ...position, partition, targetOffset: String(20 + partition) }))
  const moved = {
    cut: { source: 'blue', target: 'green', sourceEnds: {}, targetEnds: {} },
    positions,
    moved: new Set(['parked']),
    committed: new Map(),
  } as const

  it('is what is committed there', () => {
    const committed = new Map([['t-0', 20n], ['t-1', 21n]] as const) // biome-ignore format: one line
    expect(standing(moved, 'parked', committed).map(({ targetOffset }) => targetOffset)).toEqual(['20', '21'])
  })

  it('is refused when the journal says otherwise', () => {
    expect(() => standing(moved, 'parked', new Map([['t-0', 20n]]))).toThrow(/elsewhere/)
    expect(() => standing(moved, 'parked', new Map([['t-0', 20n], ['t-1', 22n]]))).toThrow(/elsewhere/) // biome-ignore format: one line
    expect(() => standing(moved, 'parked', new Map([['t-0', 20n], ['t-1', 21n], ['t-2', 0n]]))).toThrow(/elsewhere/) // biome-ignore format: one line
    expect(() => standing(moved, 'other', new Map([['t-0', 0n]]))).toThrow(/elsewhere/)
  })
})

describe("a record of MirrorMaker's checkpoints", () => {
  it('is read as Checkpoint writes it', () => {
    const text = (value: string) => Buffer.concat([Buffer.from([0, value.length]), Buffer.from(value)])
    const key = Buffer.concat([text('billing'), text('orders-eu'), Buffer.from([0, 0, 0, 2])])
    const value = Buffer.alloc(20)
    value.writeBigInt64BE(41n, 2)
    value.writeBigInt64BE(47n, 10)
    expect(decodeCheckpoint(key, value)).toEqual({ groupId: 'billing', partition: 'orders-eu-2', checkpoint: { upstreamOffset: 41n, downstreamOffset: 47n } })
    value.writeInt16BE(1, 0)
    expect(() => decodeCheckpoint(key, value)).toThrow(/another form/)
  })
})

describe('the rows of all strategies', () => {
  const group = (groupId: string, redelivered: number, skipped: number) => ({ groupId, consequence: { redelivered, skipped } })
  const none = (groupId: string) => ({ groupId, consequence: null })
  const outcomes: Outcomes = {
    'offset map': [group('near', 0, 0), group('far', 0, 1)],
    'counting back': [group('near', 0, 0), none('far')],
    timestamps: [none('near'), none('far')],
    snapshot: [group('near', 5, 0), group('far', 90, 0)],
    "MirrorMaker's checkpoints": [group('near', 7, 0), none('far')],
  }
  const { rows, notes, samples } = findings(outcomes, ['a note'])
  const row = (measure: string) => rows.find((each) => each.measure === measure)

  it('set ours beside each, and hold only at none', () => {
    expect(row('redelivered, near')).toMatchObject({ ours: 0, baseline: 7, holds: true })
    expect(row('skipped, far')).toMatchObject({ ours: 1, baseline: null, holds: false })
    expect(row('groups not moved')).toMatchObject({ ours: 0, holds: true })
    expect(row('redelivered, all groups, beside snapshot')).toMatchObject({ ours: 0, baseline: 95 })
    expect(row('groups not moved, beside timestamps')).toMatchObject({ ours: 0, baseline: 2 })
  })

  it('are told as a matrix too', () => {
    expect(notes).toContain("  MirrorMaker's checkpoints: near 7/0; far not moved")
    expect(samples.find(({ arm }) => arm === 'redelivered, snapshot')?.values).toEqual([5, 90])
    expect(samples.some(({ arm }) => arm.endsWith('timestamps'))).toBe(false)
  })

  it('say when ours has no position for a group', () => {
    const { rows } = findings({ ...outcomes, 'offset map': [none('near'), none('far')] }, [])
    expect(rows.find(({ measure }) => measure === 'groups not moved')).toMatchObject({ ours: 2, holds: false })
  })
})
