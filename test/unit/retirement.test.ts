import { describe, expect, it } from 'vitest'
import type { JournalEntry } from '../../engine/model/journal.ts'
import type { Wiring } from '../../engine/model/wiring.ts'
import { systemClock } from '../../engine/ports/clock.ts'
import { guardianRegistration } from '../../engine/run/guardian/keeper.ts'
import { mayEndRoute, reasonsAgainstEnding, reasonsOfRoute } from '../../engine/run/retirement.ts'
import { wiringOf } from '../provider/fixtures.ts'
import { soundRoute } from '../support/sample-snapshot.ts'

const stamp = { number: 1, term: '1', atWallClock: '2026-01-01T00:00:00Z', atMonotonicMs: 0 }
const mirror: JournalEntry = { ...stamp, kind: 'mirror', connector: 'm', source: 'blue', target: 'green', what: 'running' }
const opened: JournalEntry = { ...stamp, kind: 'opened', source: 'blue', target: 'green', attempt: 0, epoch: 7 }
const reader = {
  version: 1,
  clientId: 'billing-1',
  instanceId: 'i',
  kind: 'consumer',
  groupId: 'billing',
  transactionalId: null,
  ackedEpoch: 7,
  state: 'running',
  colour: 'green',
  software: 'x',
} as const

describe('retiring a colour', () => {
  it('is refused for the live one, whatever the config says', () => {
    expect(reasonsOfRoute('blue', true, { route: soundRoute, journal: [] }, []).join()).toMatch(/blue is live/)
  })

  it('is refused while the mirror feeds it, unless retire was set', () => {
    expect(reasonsOfRoute('green', false, { route: soundRoute, journal: [mirror] }, []).join()).toMatch(/mirror blue -> green/)
    expect(reasonsOfRoute('green', true, { route: soundRoute, journal: [mirror] }, [])).toEqual([])
  })

  it('is refused while a group or a routed client uses it', () => {
    const route = { ...soundRoute, groups: { stuck: { colour: 'green', state: 'running' } } } as const
    expect(reasonsOfRoute('green', true, { route, journal: [] }, []).join()).toMatch(/stuck/)
    expect(reasonsOfRoute('green', true, { route: soundRoute, journal: [] }, [reader]).join()).toMatch(/billing-1/)
  })

  it('is not held up by the guardian that stands beside it', () => {
    expect(reasonsOfRoute('green', true, { route: soundRoute, journal: [] }, [guardianRegistration('green', 1)])).toEqual([])
    expect(reasonsAgainstEnding('main', null, { route: soundRoute, journal: [] }, [guardianRegistration('green', 1)])).toEqual([])
  })

  it('is refused while guardians watch and may have to go back', () => {
    const closed: JournalEntry = { ...stamp, kind: 'closed', outcome: 'switched', live: 'blue', epoch: 9, graceful: true, reason: '', timeline: [] }
    const said = (what: 'begun' | 'passed'): JournalEntry => ({
      ...{ ...stamp, kind: 'watch', what, colour: 'blue', untilWallClock: null, baseline: null, measures: [], reason: '' },
    })
    const reasons = (...entries: readonly JournalEntry[]) => reasonsOfRoute('green', true, { route: soundRoute, journal: entries }, []).join()
    expect(reasons(opened, said('begun'), closed)).toMatch(/guardians watch blue/)
    expect(reasons(opened, said('begun'), closed, said('passed'))).toBe('')
  })

  it('is refused while a switchover is open', () => {
    expect(reasonsOfRoute('green', true, { route: soundRoute, journal: [opened] }, []).join()).toMatch(/switchover is open/)
  })
})

describe('ending the traffic stack', () => {
  it('is refused where the mirror ends with it and a route is there, unless the fleet is decommissioned', () => {
    expect(reasonsAgainstEnding('main', null, { route: soundRoute, journal: [] }, [], true).join()).toMatch(/^the mirror behind blue ends with it/)
    expect(reasonsAgainstEnding('main', 'main', { route: soundRoute, journal: [] }, [], true)).toEqual([])
    expect(reasonsAgainstEnding('main', null, { route: null, journal: [] }, [], true)).toEqual([])
    expect(reasonsAgainstEnding('main', null, { route: soundRoute, journal: [] }, [])).toEqual([])
  })

  it('asks the wiring whether its mirror ends with it', async () => {
    const wiring = wiringOf('main')
    const given = { read: async () => ({ route: soundRoute, journal: [] }), clients: async () => [] }
    const ports = { clock: systemClock, store: given } as unknown as Parameters<typeof mayEndRoute>[0]
    const onMskConnect = { ...wiring, workers: { ...wiring.workers, green: { kind: 'msk-connect' } } } as unknown as Wiring
    expect(await mayEndRoute(ports, wiring, null)).toEqual([])
    expect(await mayEndRoute(ports, onMskConnect, null)).toHaveLength(1)
    expect(await mayEndRoute(ports, onMskConnect, 'main')).toEqual([])
  })

  it('is refused with routed clients, unless the fleet is decommissioned', () => {
    expect(reasonsAgainstEnding('main', null, { route: soundRoute, journal: [] }, [reader])).toHaveLength(1)
    expect(reasonsAgainstEnding('main', 'main', { route: soundRoute, journal: [] }, [reader])).toEqual([])
  })

  it('is refused with an open switch, also for a fleet that is decommissioned', () => {
    expect(reasonsAgainstEnding('main', 'main', { route: soundRoute, journal: [opened] }, [])).toHaveLength(1)
  })
})
