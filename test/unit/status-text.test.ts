import { describe, expect, test } from 'vitest'
import type { BrokerProbe, ProbeAnswer } from '../../engine/model/facts.ts'
import type { JournalEntry, JournalFact } from '../../engine/model/journal.ts'
import { Limits } from '../../engine/model/limits.ts'
import type { RouteDocument } from '../../engine/model/route.ts'
import type { Reading } from '../../engine/model/snapshot.ts'
import { guardianRegistration } from '../../engine/run/guardian/keeper.ts'
import { aborting, deciding, held } from '../../engine/switchover/route-moves.ts'
import { type StatusFacts, statusText } from '../../engine/switchover/status-text.ts'
import { soundRoute } from '../support/sample-snapshot.ts'

const all = (answer: ProbeAnswer): Reading<readonly BrokerProbe[]> => ({ seen: true, value: [1, 2, 3].map((brokerId) => ({ brokerId, answer, detail: '' })) })
const unseen = { seen: false, why: 'no broker answered' } as const
const probes = { blue: all('open'), green: all('fenced') }
/** A fleet at rest, without guardians. */
const facts: StatusFacts = {
  ...{ route: soundRoute, journal: [], lockHolder: null, clients: [], probes, publications: [], isAudited: true, waves: {}, guardians: [] },
  limits: Limits.parse({}),
}
const guarded = {
  guardians: ['blue', 'green'] as const,
  clients: [guardianRegistration('blue', 41), { ...guardianRegistration('green', 42), ackedEpoch: soundRoute.epoch }],
}
const text = (blue: Reading<readonly BrokerProbe[]>, green: Reading<readonly BrokerProbe[]>, more: Partial<StatusFacts> = {}) =>
  statusText({ ...facts, probes: { blue, green }, ...more })

describe('what status says of the fences, blue being live', () => {
  test('as the route says: no advice', () => {
    expect(text(all('open'), all('fenced'))).toMatch(/fences {4}blue open; green fenced\nmirror/)
  })

  test('a live colour that refuses, and a standby that accepts, are named with what to do', () => {
    expect(text(all('fenced'), all('fenced'))).toContain('blue is live but refuses writes: kbg repair puts that right, and so does pulumi up')
    expect(text(all('open'), all('open'))).toContain("green accepts writes though it isn't live: kbg repair")
    expect(text(all('open'), all('open'), guarded)).toContain("green accepts writes though it isn't live: a guardian puts that right by itself")
  })

  test('what was not seen is said to be not known, and is no reason to act', () => {
    expect(text(unseen, all('fenced'))).toMatch(/blue not known \(no broker answered\); green fenced\nmirror/)
  })
})

describe('what status says of the route’s publications', () => {
  const told = (epochs: Readonly<Record<string, Reading<number>>>, more: Partial<StatusFacts> = {}) =>
    statusText({ ...facts, ...more, publications: Object.entries(epochs).map(([place, epoch]) => ({ place, epoch })) })
  const at = (epoch: number): Reading<number> => ({ seen: true, value: epoch })
  const { epoch } = soundRoute

  test('nothing where none is declared, and no advice where each tells the route', () => {
    expect(statusText(facts)).not.toContain('publish')
    expect(told({ 'the parameter': at(epoch), 'the zone': at(epoch) })).toMatch(
      /\npublished the parameter tells epoch (\d+); the zone tells epoch \1\nguardians/,
    )
  })

  test('an older epoch, or nothing: guardians publish again by themselves, or who else does; the gate refuses until then', () => {
    const behind = { 'the parameter': at(epoch - 1), 'the zone': at(0) }
    expect(told(behind, guarded)).toContain(
      `published the parameter tells epoch ${epoch - 1}, an older one; the zone tells no route\n          guardians publish by themselves`,
    )
    expect(told(behind, guarded)).toContain("until then the gate's check `published route` refuses a move")
    expect(told(behind)).toContain('without a guardian nobody publishes by itself: kbg repair does')
  })

  test('one that can’t be read is told as that, and the other all the same', () => {
    const text = told({ 'the parameter': { seen: false, why: 'publication-unreachable: no credentials' }, 'the zone': at(epoch) }, guarded)
    expect(text).toContain(`published the parameter can't be read from here (publication-unreachable: no credentials); the zone tells epoch ${epoch}\n`)
    expect(text).toContain('guardians publish by themselves')
  })

  test('a newer one than the store’s is nothing that a guardian puts right', () => {
    const text = told({ 'the parameter': at(epoch + 3) }, guarded)
    expect(text).toContain(`the parameter tells epoch ${epoch + 3}, a newer one than the route store\n`)
    expect(text).toContain('the parameter stays until the route store is beyond it')
    expect(text).not.toContain('guardians publish by themselves')
  })
})

describe('a part that can’t be read', () => {
  const unreadable = { seen: false, why: 'route-corrupt: the mark of a drill is not what it should be' } as const

  test('is told as unread, and the rest is told all the same', () => {
    const told = text(all('open'), all('fenced'), { drillMark: unreadable })
    expect(told).toContain("drill     whether one runs, or has left something, can't be read: route-corrupt")
    expect(told).toMatch(/^route {5}epoch \d+, producers write to/)
  })

  test('of a colour that is gone: that nobody reaches it is not claimed', () => {
    const without = { records: 3, bound: 'at least', ranges: {}, by: 'the audit' } as const
    const gone = (reaching: StatusFacts['reaching']) => text(unseen, all('fenced'), { without, ...(reaching === undefined ? {} : { reaching }) })
    expect(gone(unreadable)).toContain("whether a guardian reaches it can't be read: route-corrupt")
    expect(gone({ seen: true, value: ['the guardian beside green reaches broker 2 (open)'] })).toContain('but it lives: the guardian beside green')
    expect(gone({ seen: true, value: [] })).not.toMatch(/guardian reaches|but it lives/)
  })
})

describe('what status says of the waves', () => {
  const waves = { 'wave-1': ['archive'], 'wave-2': ['billing'] }
  const told = (groups: RouteDocument['groups'], lockHolder: string | null) => {
    const route = { ...soundRoute, live: 'blue', defaultConsumerColour: 'blue', groups } as const
    return statusText({ ...facts, route, lockHolder, waves })
  }

  test('where each one reads', () => {
    expect(told({ archive: { colour: 'green', state: 'running' } }, null)).toContain('waves     wave-1 reads on green, wave-2 reads on blue\nclients')
  })

  test('one that a run left held, and what to do', () => {
    const left = told({ archive: { colour: 'blue', state: 'held' } }, null)
    expect(left).toContain('wave-1 held, wave-2 reads on blue\n          wave-1 is being moved\n')
    expect(left).toMatch(
      /next {6}its orchestrator is gone, and nobody finishes it by itself\nyou can {3}kbg repair, .*groups that were left are released or judged/,
    )
    expect(told({ archive: { colour: 'blue', state: 'held' } }, 'pulumi up')).toMatch(/next {6}pulumi up holds the lock and goes on.*\nyou can {3}kbg abort/)
  })
})

describe('what status says of the guardians', () => {
  test('who stands where and has seen what, who is missing, and what it means to have none', () => {
    expect(statusText(facts)).toContain('guardians no guardian: what an orchestrator leaves open, and clients that it holds, wait for pulumi up')
    expect(statusText({ ...facts, ...guarded })).toContain(
      `guardians beside blue (epoch 0), beside green (epoch ${soundRoute.epoch}); the one beside blue on epoch 0: pulumi up on the traffic stack starts it`,
    )
    expect(statusText({ ...facts, ...guarded, clients: [] })).toContain('guardians none beside blue, none beside green: pulumi up')
  })

  test('they are no applications', () => {
    expect(statusText({ ...facts, ...guarded })).toContain('clients   0 registered\n')
  })
})

describe('what happens next by itself, and what the operator can do', () => {
  const entries = (...more: readonly JournalFact[]): readonly JournalEntry[] =>
    [{ kind: 'opened', source: 'blue', target: 'green', attempt: 0, epoch: 7 } as const, ...more].map(
      (fact, index) => ({ ...fact, number: index + 1, term: '100', atWallClock: `2026-01-01T00:00:0${index}Z`, atMonotonicMs: index }) as JournalEntry,
    )
  const hold: JournalFact = { kind: 'step', step: 'hold', what: 'begin', detail: 'epoch 8' }
  const cut = { source: 'blue', target: 'green', sourceEnds: {}, targetEnds: {} } as const
  const decided = (outcome: 'switch' | 'abort'): JournalFact => ({
    kind: 'decided',
    outcome,
    cut: outcome === 'switch' ? cut : null,
    reason: '',
    graceful: true,
  })
  const heldRoute = held(soundRoute, 'green', 0, '101', soundRoute.colours)
  const told = (route: RouteDocument, journal: readonly JournalEntry[], more: Partial<StatusFacts>) => statusText({ ...facts, route, journal, ...more })

  test('nothing is said while nothing is open', () => {
    expect(statusText({ ...facts, ...guarded })).not.toMatch(/^(next|you can)/m)
  })

  test('its orchestrator is gone: without guardians nobody, with one a guardian, and within what time', () => {
    const journal = entries(hold)
    expect(told(heldRoute, journal, {})).toMatch(/producers held since 2026-01-01T00:00:01Z, not decided, last: hold begin \(epoch 8\)/)
    expect(told(heldRoute, journal, {})).toMatch(
      /next {6}its orchestrator is gone, and nobody finishes it by itself\nyou can {3}kbg repair, .*it is taken back: blue stays live/,
    )
    expect(told(heldRoute, journal, guarded)).toMatch(
      /a guardian acts by itself, and it is taken back: blue stays live, and producers write again within 48 s\nyou can {3}kbg repair/,
    )
    expect(told(deciding(heldRoute, '102'), entries(hold, decided('switch')), guarded)).toContain('and the decided switchover is finished: green is live')
  })

  test('its orchestrator holds the lock: what a guardian does if that ends or hangs, and the longest that producers are held', () => {
    const more = { ...guarded, lockHolder: 'pulumi up by ann' }
    expect(told(heldRoute, entries(hold), more)).toMatch(
      /pulumi up by ann holds the lock and goes on; if it ends or hangs, a guardian .*held for 126 s at most\nyou can {3}kbg abort/,
    )
    expect(told(aborting(heldRoute, '102'), entries(hold, decided('abort')), more)).toContain('you can   wait: what is decided is finished first')
    expect(told(soundRoute, entries(), { lockHolder: 'pulumi up by ann' })).toMatch(
      /if it is killed, its lock ends within 12 s, and kbg repair goes on with it\nyou can {3}kbg abort/,
    )
  })

  test('a route and a journal that contradict each other are told', () => {
    expect(told(heldRoute, [], guarded)).toMatch(/next {6}nothing by itself: journal-mismatch/)
  })
})
