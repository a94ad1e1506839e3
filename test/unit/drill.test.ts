/** What a drill is judged by, when a gate asks for one, and that it and its fleet don't meet what is the other's. */
import { describe, expect, test, vi } from 'vitest'
import { exitCodeOf, runDrill } from '../../cli/drill/command.ts'
import { drillFenceBindings } from '../../engine/adapters/kafka/drill-fence.ts'
import { fenceBindings } from '../../engine/adapters/kafka/fence.ts'
import { drillScope, fleetScope, mskConnectScope } from '../../engine/adapters/kafka/scope.ts'
import { assess } from '../../engine/gate/assess.ts'
import { checkDrill } from '../../engine/gate/drill.ts'
import { drillFleet, drillGroup, drillTopics } from '../../engine/model/drill.ts'
import { KbgError } from '../../engine/model/error.ts'
import { RoutedFleet } from '../../engine/model/fleet.ts'
import type { JournalEntry } from '../../engine/model/journal.ts'
import { firstBase, nextBase } from '../../engine/model/journal-base.ts'
import { Limits } from '../../engine/model/limits.ts'
import { routeKeys } from '../../engine/model/route.ts'
import type { Mirror } from '../../engine/ports/mirror.ts'
import { canaryConnectorName, isMirrorConnector, mirrorConnectorName } from '../../engine/run/connector-names.ts'
import { drill } from '../../engine/run/drill/drill.ts'
import { drillMirror } from '../../engine/run/drill/drill-mirror.ts'
import { drillWiring } from '../../engine/run/drill/drill-ports.ts'
import { drillLines, drillMarkLines, drillText, judgeDrill } from '../../engine/switchover/drill-verdict.ts'
import { wiringOf } from '../provider/fixtures.ts'
import { seen, soundRoute, soundSnapshot, unseen } from '../support/sample-snapshot.ts'
import { FakeFleet } from '../support/watched-fleet.ts'
import { limits, never, switched } from '../support/watched-switch.ts'

describe('a drill is judged by what its clients saw', () => {
  const sound = { acknowledged: ['a', 'b', 'c'], received: ['a', 'b', 'c'], log: ['a', 'b', 'c'], windowsMs: [80, 90], reason: '' }

  test('and passes only when every acknowledged record stands there once and was read once', () => {
    expect(judgeDrill(sound)).toEqual({ passed: true, acknowledged: 3, lost: 0, unread: 0, duplicated: 0, redelivered: 0, windowsMs: [80, 90], reason: '' })
    expect(judgeDrill({ ...sound, log: ['a', 'c'] })).toMatchObject({ passed: false, lost: 1, redelivered: 1 })
    expect(judgeDrill({ ...sound, received: ['a', 'c'] })).toMatchObject({ passed: false, unread: 1, lost: 0 })
    expect(judgeDrill({ ...sound, log: ['a', 'b', 'b', 'c'], received: ['a', 'b', 'b', 'c'] })).toMatchObject({ passed: false, duplicated: 1, redelivered: 0 })
    expect(judgeDrill({ ...sound, received: ['a', 'b', 'b', 'c'] })).toMatchObject({ passed: false, duplicated: 0, redelivered: 1 })
  })

  test('of a send whose outcome was not known it asks nothing, but that it was read if it stands there', () => {
    expect(judgeDrill({ ...sound, log: ['a', 'b', 'c', 'unknown'], received: ['a', 'b', 'c', 'unknown'] }).passed).toBe(true)
    expect(judgeDrill({ ...sound, log: ['a', 'b', 'c', 'unknown'] })).toMatchObject({ passed: false, unread: 1 })
  })

  test('and has not passed when it ended early, or sent nothing', async () => {
    expect(judgeDrill({ ...sound, reason: 'the gate is fail' }).passed).toBe(false)
    expect(judgeDrill({ ...sound, windowsMs: [80] }).passed).toBe(false)
    expect(judgeDrill({ acknowledged: [], received: [], log: [], windowsMs: [1, 1], reason: '' }).passed).toBe(false)
    const early = { ...sound, reason: 'the gate is fail' }
    expect([sound, early, { ...early, log: ['a'] }].map((each) => exitCodeOf(judgeDrill(each)))).toEqual([0, 2, 1])
    const refused = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    expect(await runDrill('main', () => Promise.reject(new KbgError('locked', 'Somebody moves.')))).toBe(2) // no word of what clients saw
    expect(refused).toHaveBeenCalledWith(expect.stringMatching(/^kbg: .*Somebody moves/))
    refused.mockRestore()
    await expect(runDrill('main', () => Promise.reject(new TypeError('a bug')))).rejects.toThrow(TypeError)
    expect(drillText(judgeDrill({ ...sound, windowsMs: [80.4], reason: 'the gate is fail' }))).toBe(
      'not passed: 3 acknowledged, 0 lost, 0 unread, 0 duplicated, 0 redelivered, 80 ms without an acknowledgement; the gate is fail',
    )
  })
})

test('one that runs, and one that was killed, are told with what to type', () => {
  const mark = { holder: 'kbg drill by me@here, pid 7', begunAtUtc: '2026-01-02T00:00:00Z' }
  expect(drillMarkLines(null, 'kbg drill by me@here, pid 7')).toEqual([])
  expect(drillMarkLines(mark, 'kbg drill by me@here, pid 7')).toEqual([
    'drill     one runs since 2026-01-02T00:00:00Z: nothing else moves meanwhile; kbg abort ends it',
  ])
  for (const holder of [null, 'pulumi up by me@here, pid 8']) {
    const lines = drillMarkLines(mark, holder).join('\n')
    expect(lines).toMatch(
      /^drill {5}the one that kbg drill by me@here, pid 7 began at 2026-01-02T00:00:00Z was killed.*kbg\.drill\.records, kbg\.drill\.canary/,
    )
    expect(lines).toContain('kbg drill removes them before it runs another one')
  }
})

const result = judgeDrill({ acknowledged: ['a'], received: ['a'], log: ['a'], windowsMs: [80, 90], reason: '' })
const entry = (atWallClock: string, passed = true): JournalEntry => ({ number: 7, term: '9', atWallClock, atMonotonicMs: 0, kind: 'drill', ...result, passed })

describe('the gate', () => {
  const asking = Limits.parse({ maxDrillAgeDays: 30 })
  const now = Date.parse('2026-03-31T00:00:00Z')
  const judged = (journal: readonly JournalEntry[]) => checkDrill(seen({ route: soundRoute, journal }), asking, now)

  test('asks for no drill unless it is told to, and never for the way back of a failed watch', () => {
    const names = (snapshotLimits: Limits, purpose: 'move' | 'way back') =>
      assess(soundSnapshot(), snapshotLimits, 0, 1, purpose).checks.map(({ name }) => name)
    expect([names(Limits.parse({}), 'move'), names(asking, 'way back')].map((each) => each.includes('drill'))).toEqual([false, false])
    expect(names(asking, 'move')).toContain('drill')
    expect(assess(soundSnapshot(), asking, 0, 5).checks.find(({ name }) => name === 'drill')).toMatchObject({ verdict: 'fail', observed: 'none' })
  })

  test('counts the newest one, by its UTC time', () => {
    expect(judged([entry('2026-03-01T00:00:01Z')]).verdict).toBe('pass')
    expect(judged([entry('2026-02-28T00:00:00Z')])).toMatchObject({ verdict: 'fail', observed: 'passed at 2026-02-28T00:00:00Z' })
    expect(judged([entry('2026-03-01T12:00:00Z'), entry('2026-03-02T00:00:00Z', false)])).toMatchObject({
      verdict: 'fail',
      observed: expect.stringMatching(/^not passed/),
    })
    expect(judged([entry('2026-04-30T00:00:00Z')]).verdict).toBe('inconclusive')
    expect(checkDrill(unseen('away'), asking, now).verdict).toBe('inconclusive')
  })

  test('still sees it behind later switchovers: the journal carries the newest one on', () => {
    const drills = [entry('2026-03-01T00:00:00Z'), { ...entry('2026-03-02T00:00:00Z'), number: 8 }]
    expect(nextBase(firstBase, drills, 9).carried).toEqual([drills[1]])
    expect(drillLines(drills)).toEqual([expect.stringMatching(/^drill {5}2026-03-02T00:00:00Z passed: 1 acknowledged, 0 lost/)])
    expect(drillLines([])).toEqual([])
  })
})

describe('a drill and its fleet', () => {
  test('see each its own topics, groups and ACLs', () => {
    const both = (of: (scope: typeof fleetScope) => boolean) => [of(fleetScope), of(drillScope)]
    for (const topic of Object.values(drillTopics)) expect(both((scope) => scope.topic(topic))).toEqual([false, true])
    for (const topic of ['orders', 'kbg.canary.blue', '__consumer_offsets']) expect(both((scope) => scope.topic(topic))).toEqual([true, false])
    expect(both((scope) => scope.group(drillGroup, 'classic'))).toEqual([false, true])
    expect(both((scope) => scope.group('billing', 'classic'))).toEqual([true, false])
    expect([mskConnectScope, fleetScope].map((scope) => scope.group('worker', 'connect'))).toEqual([false, true]) // elsewhere the gate is to see it, and says so
    expect(mskConnectScope.group('billing', 'classic')).toBe(true)
    for (const binding of drillFenceBindings) expect(both((scope) => scope.binding(binding))).toEqual([false, true])
    for (const binding of fenceBindings) expect(both((scope) => scope.binding(binding))).toEqual([true, false])
    expect(both((scope) => scope.transactionalId('kbg-main-green-kbg-drill-blue-green-7-0'))).toEqual([true, true])
    expect(both((scope) => scope.transactionalId('pay'))).toEqual([true, false])
  })

  test('have a route each, below the same keys, and share no wiring but addresses', () => {
    expect(routeKeys(drillFleet('shop')).route).toBe('/kbg/shop/drill/route')
    expect(['shop', 'shop/drill', 'shop/other', 'shop/drill/x', '/drill'].map((name) => RoutedFleet.safeParse(name).success)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
    const wiring = wiringOf('shop')
    const own = drillWiring(wiring)
    expect(own).toMatchObject({ fleet: 'shop/drill', topics: [drillTopics.records], groups: [drillGroup], audit: [], guardians: [], waves: {}, hooks: [] })
    expect([own.clusters, own.workers, own.routeStore]).toEqual([wiring.clusters, wiring.workers, wiring.routeStore])
  })

  test('have connectors of their own names; one that a drill has left is nobody else’s mirror', async () => {
    const calls: string[] = []
    const names = ['kbg-mirror-blue-green-1', 'kbg-canary-blue-green', 'kbg-drill-blue-green-7', 'by-hand']
    const mirror = {
      ...{ source: 'blue', target: 'green', connectors: async () => names },
      facts: async (name: string) => ({ name, state: 'RUNNING', tasks: [], config: {} }),
      stop: async (name: string) => void calls.push(name),
    } as unknown as Mirror
    const own = drillMirror(mirror)
    const deadline = undefined as never
    expect(await own.connectors(deadline)).toEqual(['kbg-canary-blue-green', 'kbg-mirror-blue-green-7'])
    const name = mirrorConnectorName('blue', 'green', '7')
    expect(await own.facts(name, deadline)).toMatchObject({ name, state: 'RUNNING' })
    await own.stop(name, deadline)
    await own.stop(canaryConnectorName('blue', 'green'), deadline)
    expect(calls).toEqual(['kbg-drill-blue-green-7', 'kbg-canary-blue-green'])
    expect(names.map((one) => isMirrorConnector(one, 'blue', 'green'))).toEqual([true, false, false, true])
  })

  test('do not run at once: it is refused while a switchover is open or watched, before anything is touched', async () => {
    const startLoad = () => Promise.reject(new Error('nothing is to be started'))
    const asked = (fleet: FakeFleet) =>
      drill(fleet.ports, { wiring: fleet.wiring, limits, holder: 'kbg drill', tell: () => undefined, cancelled: never }, startLoad)
    await switched(async (fleet) => {
      await expect(asked(fleet)).rejects.toMatchObject({ code: 'drill-refused', message: expect.stringMatching(/green is watched/) })
      expect(fleet.lockHolder).toBeNull()
    })
    const open = new FakeFleet()
    open.note({ kind: 'opened', source: 'blue', target: 'green', attempt: 0, epoch: open.route.epoch })
    await expect(asked(open)).rejects.toMatchObject({ code: 'drill-refused', message: expect.stringMatching(/a switchover or a wave is open/) })
    open.lockHolder = 'pulumi up'
    await expect(asked(open)).rejects.toMatchObject({ code: 'locked' })
  })
})
