import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PartitionAlignment } from '../../engine/audit/alignment.ts'
import { colours } from '../../engine/model/colour.ts'
import { testConfig } from '../support/audit-history/drive.ts'
import { cleanHistory, type History, type Log } from '../support/audit-history/logs.ts'

/** A comparison that has read some of both logs; what retention took is passed when the reading comes there. */
function readPartly(history: History, shares: { readonly blue: number; readonly green: number }): PartitionAlignment {
  const alignment = new PartitionAlignment(testConfig)
  for (const colour of colours) {
    const log: Log = history[colour]
    if (log.start > 0n) alignment.retentionPassed(colour, log.start)
    const some = log.records.slice(0, Math.floor(log.records.length * shares[colour]))
    alignment.feed(colour, some, (some.at(-1)?.offset ?? log.start - 1n) + 1n)
    alignment.advance()
    alignment.drain()
  }
  return alignment
}

function readOn(alignment: PartitionAlignment, history: History): void {
  for (const colour of colours) alignment.feed(colour, history[colour].records, history[colour].end)
  alignment.advance()
  alignment.drain()
}

const share = fc.double({ min: 0, max: 1, noNaN: true })

test('what the facts were at an end is what they are there, and asking changes nothing', () => {
  fc.assert(
    fc.property(cleanHistory(40), share, share, (history, blue, green) => {
      const [asked, ended, untouched] = [0, 1, 2].map(() => readPartly(history, { blue, green }))
      if (!asked || !ended || !untouched) return
      const ends = { blue: asked.pending('blue').readUpTo, green: asked.pending('green').readUpTo }
      const found = asked.factsAtEnd(ends.blue, ends.green)
      ended.atEnd(ends.blue, ends.green)
      ended.advance()
      expect(found).toEqual(ended.facts())
      expect(asked.facts()).toEqual(untouched.facts())
      for (const each of [asked, untouched]) readOn(each, history)
      expect(asked.facts()).toEqual(untouched.facts())
      expect(asked.checkpoint()).toEqual(untouched.checkpoint())
    }),
  )
})

test('a hole inside what waits is in the copy too', () => {
  const records = (...offsets: readonly number[]) => offsets.map((offset) => ({ offset: BigInt(offset), digest: BigInt(offset + 1), key: null }))
  const [asked, ended] = [0, 1].map(() => {
    const alignment = new PartitionAlignment(testConfig)
    alignment.feed('blue', records(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), 10n)
    alignment.advance()
    alignment.retentionPassed('blue', 30n)
    alignment.feed('blue', records(30, 31, 32), 33n)
    // Green lacks 5, 8 and 9, and what that is can't be said yet; it has 12, which retention took from blue.
    alignment.feed('green', records(0, 1, 2, 3, 4, 6, 7, 12), 13n)
    alignment.advance()
    alignment.drain()
    return alignment
  })
  const found = asked?.factsAtEnd(33n, 13n)
  ended?.atEnd(33n, 13n)
  ended?.advance()
  expect(asked?.pending('blue').records).toBeGreaterThan(3)
  expect(found).toEqual(ended?.facts())
  expect(found?.green.retention).toBeGreaterThan(0)
})
