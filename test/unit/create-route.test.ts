import { expect, test } from 'vitest'
import type { JournalEntry, JournalFact } from '../../engine/model/journal.ts'
import { lastEpoch } from '../../engine/run/create-route.ts'

const journal = (...facts: readonly JournalFact[]): readonly JournalEntry[] =>
  facts.map((fact, index) => ({ ...fact, number: index + 1, term: '100', atWallClock: '2026-01-01T00:00:00Z', atMonotonicMs: index }) as JournalEntry)
const opened: JournalFact = { kind: 'opened', source: 'blue', target: 'green', attempt: 0, epoch: 7 }
const closed: JournalFact = { kind: 'closed', outcome: 'switched', live: 'green', epoch: 14, graceful: true, reason: '', timeline: [] }

test('a lost route document is made again above every epoch that the journal tells of', () => {
  expect(lastEpoch([])).toBe(0)
  expect(lastEpoch(journal({ kind: 'created', live: 'blue', epoch: 12 }))).toBe(12)
})

test('not once a fleet has switched: nobody could say which groups stayed behind, or which colour accepts writes', () => {
  expect(() => lastEpoch(journal(opened))).toThrow(/route-lost: The route document is gone/)
  expect(() => lastEpoch(journal(opened, closed))).toThrow(/newest: blue -> green at epoch 7/)
})

test('not once groups were moved by themselves: a new route would send them to positions that they have passed', () => {
  const wave: JournalFact = { kind: 'wave', wave: 'wave-1', source: 'blue', target: 'green', what: 'settled', groups: ['archive'], pace: {}, reason: '' }
  expect(() => lastEpoch(journal({ kind: 'created', live: 'blue', epoch: 12 }, wave))).toThrow(/route-lost: .*wave-1 blue -> green, settled/)
})
