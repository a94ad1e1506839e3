/** At which sight of the store an update has come to a step. */
import { expect, test } from 'vitest'
import type { JournalEntry } from '../../engine/model/journal.ts'
import type { RouteReading } from '../../engine/ports/route-store.ts'
import { hasCome, updateCells } from '../chaos/pulumi/moments.ts'

const head = { term: '1', atWallClock: '2026-01-01T00:00:00.000Z', atMonotonicMs: 1 }
const opened: JournalEntry = { ...head, number: 1, kind: 'opened', source: 'blue', target: 'green', attempt: 0, epoch: 1 }
const decided: JournalEntry = { ...head, number: 4, kind: 'decided', outcome: 'switch', cut: null, reason: '', graceful: true }
const raising: JournalEntry = { ...head, number: 3, kind: 'fence', colour: 'blue', what: 'raising', bindings: [] }
const locked: RouteReading = {
  ...{ route: null, routeRevision: '0', journal: [], journalHead: 0, highestClientEpoch: 0 },
  lock: { holder: 'pulumi up by ann@desk, pid 7', term: '1' },
}

function stepsSeen(entries: readonly JournalEntry[]): readonly string[] {
  return updateCells.filter((cell) => hasCome(cell, locked, entries, 'green')).map(({ step }) => step)
}

test('every step is a cell once, and both victims meet both sides', () => {
  expect(updateCells.map(({ step }) => step)).toEqual([
    'lock',
    'gate',
    'arm',
    'hold',
    'fence',
    'drain',
    'cut',
    'release',
    'reverse',
    'groups',
    'watch',
    'finish',
  ])
  expect(new Set(updateCells.map(({ victim, side }) => `${victim} ${side}`)).size).toBe(4)
})

test('the journal shows the steps one after the other', () => {
  expect(stepsSeen([])).toEqual(['lock'])
  expect(stepsSeen([opened])).toEqual(['lock', 'gate'])
  expect(stepsSeen([opened, raising])).toEqual(['lock', 'gate', 'fence', 'drain'])
  expect(stepsSeen([opened, raising, decided])).toEqual(['lock', 'gate', 'fence', 'drain', 'cut', 'release'])
})
