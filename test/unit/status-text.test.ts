import { describe, expect, test } from 'vitest'
import type { BrokerProbe, ProbeAnswer } from '../../engine/model/facts.ts'
import type { RouteDocument } from '../../engine/model/route.ts'
import type { Reading } from '../../engine/model/snapshot.ts'
import { statusText } from '../../engine/switchover/status-text.ts'
import { soundRoute } from '../support/sample-snapshot.ts'

const all = (answer: ProbeAnswer): Reading<readonly BrokerProbe[]> => ({ seen: true, value: [1, 2, 3].map((brokerId) => ({ brokerId, answer, detail: '' })) })
const unseen = { seen: false, why: 'no broker answered' } as const
const text = (blue: Reading<readonly BrokerProbe[]>, green: Reading<readonly BrokerProbe[]>) =>
  statusText({ route: soundRoute, journal: [], lockHolder: null, clients: [], probes: { blue, green }, waves: {} })

describe('what status says of the fences, blue being live', () => {
  test('as the route says: no advice', () => {
    expect(text(all('open'), all('fenced'))).toMatch(/fences {4}blue open; green fenced\nmirror/)
  })

  test('a live colour that refuses, and a standby that accepts, are named with what to do', () => {
    expect(text(all('fenced'), all('fenced'))).toContain('blue is live but refuses writes: run pulumi up')
    expect(text(all('open'), all('open'))).toContain("green accepts writes though it isn't live: run pulumi up")
  })

  test('what was not seen is said to be not known, and is no reason to act', () => {
    expect(text(unseen, all('fenced'))).toMatch(/blue not known \(no broker answered\); green fenced\nmirror/)
  })
})

describe('what status says of the waves', () => {
  const waves = { 'wave-1': ['archive'], 'wave-2': ['billing'] }
  const told = (groups: RouteDocument['groups'], lockHolder: string | null) => {
    const route = { ...soundRoute, live: 'blue', defaultConsumerColour: 'blue', groups } as const
    return statusText({ route, journal: [], lockHolder, clients: [], probes: { blue: all('open'), green: all('fenced') }, waves })
  }

  test('where each one reads', () => {
    expect(told({ archive: { colour: 'green', state: 'running' } }, null)).toContain('waves     wave-1 reads on green, wave-2 reads on blue\nclients')
  })

  test('one that a run left held, and what to do', () => {
    expect(told({ archive: { colour: 'blue', state: 'held' } }, null)).toContain(
      'wave-1 held, wave-2 reads on blue\n          wave-1 is being moved: its orchestrator is gone; pulumi up on the traffic stack goes on with it',
    )
    expect(told({ archive: { colour: 'blue', state: 'held' } }, 'pulumi up')).toContain('wave-1 is being moved: its orchestrator holds the lock')
  })
})
