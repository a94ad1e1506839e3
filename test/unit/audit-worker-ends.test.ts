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
  const alignment = new PartitionAlignment(testConfig)
  const records = (from: number, count: number) =>
    Array.from({ length: count }, (_, index) => ({ offset: BigInt(from + index), digest: BigInt(from + index + 1), key: null }))
  alignment.feed('blue', records(0, 10), 10n)
  alignment.advance()
  alignment.retentionPassed('blue', 30n)
  alignment.feed('blue', records(30, 10), 40n)
  alignment.advance()
  alignment.drain()
  alignment.feed('green', records(0, 5), 5n)
  alignment.advance()
  alignment.drain()
  // Green lacks what blue read from 5 to 9 and from 30 on: those are missing if the logs end here, but not what lies between.
  expect(alignment.factsAtEnd(40n, 5n).differences.total).toBe(15)
  alignment.feed('green', records(5, 35), 40n)
  alignment.advance()
  alignment.drain()
  const { state, green, alignedRecords } = alignment.factsAtEnd(40n, 40n)
  expect([state.kind, alignedRecords, green.retention]).toEqual(['equal', 20, 20])
})
