import { describe, expect, test } from 'vitest'
import { abortText } from '../../cli/abort.ts'
import { leftoverLines } from '../../cli/pulumi-leftovers.ts'
import { repairText } from '../../cli/repair.ts'
import type { JournalFact } from '../../engine/model/journal.ts'
import { Limits } from '../../engine/model/limits.ts'
import type { RouteDocument } from '../../engine/model/route.ts'
import type { Wiring } from '../../engine/model/wiring.ts'
import { abortRunning } from '../../engine/run/abort-request.ts'
import { repair } from '../../engine/run/repair.ts'
import { guardianHolder, takeLock } from '../../engine/run/under-lock.ts'
import { leftIntent, leftOpen } from '../../engine/switchover/resume.ts'
import { deciding, held, published } from '../../engine/switchover/route-moves.ts'
import { FakeFleet } from '../support/fake-fleet.ts'
import { soundRoute } from '../support/sample-snapshot.ts'

const limits = Limits.parse({})
const wiring = { waves: {}, hooks: [], unprovenGroups: {}, groups: [], topics: ['orders'] } as unknown as Wiring
const opened: JournalFact = { kind: 'opened', source: 'blue', target: 'green', attempt: 3, epoch: 7, consumers: { 'wave-1': 'blue' } }
const cut = { source: 'blue', target: 'green', sourceEnds: {}, targetEnds: {} } as const
const decided: JournalFact = { kind: 'decided', outcome: 'switch', cut, reason: '', graceful: true }
const closed = (outcome: 'switched' | 'aborted'): JournalFact => ({
  kind: 'closed',
  outcome,
  live: 'green',
  epoch: 10,
  graceful: true,
  reason: '',
  timeline: [],
})
const heldRoute = held(soundRoute, 'green', 3, '101', soundRoute.colours)
const request = { wiring, limits, holder: 'kbg abort by ann', tell: () => undefined, cancelled: new AbortController().signal }

function fleetOf(route: RouteDocument, ...facts: readonly JournalFact[]): FakeFleet {
  const fleet = new FakeFleet(route, facts)
  if (route.state !== 'open') fleet.fences.blue = 'fenced'
  return fleet
}

/** An orchestrator that lets the lock go once it is asked, having done `work` before. */
function orchestrator(fleet: FakeFleet, work: () => void): void {
  const lock = fleet.take('pulumi up')
  fleet.afterSleep = () => {
    if (lock.abortRequested?.aborted !== true || fleet.lock?.term !== lock.term) return
    work()
    void lock.release()
  }
}

const journaled = (fleet: FakeFleet, fact: JournalFact) =>
  fleet.journal.push({ ...fact, number: fleet.journal.length + 1, term: '1001', atWallClock: '2026-01-01T00:00:00Z', atMonotonicMs: 0 } as never)

describe('an order to take a running switchover back', () => {
  test('is heard by the orchestrator that holds the lock, and its end is waited for', async () => {
    const fleet = fleetOf(heldRoute, opened)
    orchestrator(fleet, () => {
      fleet.publish({ ...soundRoute, epoch: 10 })
      journaled(fleet, closed('aborted'))
    })
    expect(await abortRunning(fleet.ports, request)).toEqual({ kind: 'taken-back', live: 'blue', by: 'pulumi up' })
    expect(fleet.done).toEqual([])
  })

  test('comes too late where the target was decided, before it or in the same moment', async () => {
    const before = fleetOf(deciding(heldRoute, '101'), opened, decided)
    before.take('pulumi up')
    expect(await abortRunning(before.ports, request)).toEqual({ kind: 'too-late', live: 'green', isFinished: false })
    expect(before.lock?.asked.signal.aborted).toBe(false)
    const meanwhile = fleetOf(heldRoute, opened)
    orchestrator(meanwhile, () => {
      meanwhile.publish(published(deciding(heldRoute, '101'), '101'))
      journaled(meanwhile, decided)
      journaled(meanwhile, closed('switched'))
    })
    expect(await abortRunning(meanwhile.ports, request)).toEqual({ kind: 'too-late', live: 'green', isFinished: true })
    const left = fleetOf(deciding(heldRoute, '101'), opened, decided)
    expect(await abortRunning(left.ports, request)).toEqual({ kind: 'too-late', live: 'green', isFinished: false })
    expect(left.done).toEqual([])
  })

  test('is carried out here where nobody holds the lock, also when the orchestrator dies of being asked', async () => {
    for (const dies of [false, true]) {
      const fleet = fleetOf(heldRoute, opened)
      if (dies) orchestrator(fleet, () => undefined)
      expect(await abortRunning(fleet.ports, request)).toEqual({ kind: 'taken-back', live: 'blue', by: 'kbg abort by ann' })
      expect(fleet.route).toMatchObject({ state: 'open', latch: { attempt: 3, reason: 'taken back by order of kbg abort by ann' } })
      expect(fleet.lock).toBeNull()
    }
  })

  test('changes nothing where nothing is open; an old switchover is no answer', async () => {
    const fleet = fleetOf({ ...soundRoute, live: 'green' }, opened, decided, closed('switched'))
    expect(await abortRunning(fleet.ports, request)).toEqual({ kind: 'nothing-open', live: 'green' })
    orchestrator(fleet, () => undefined) // one that is still at its gate
    expect(await abortRunning(fleet.ports, request)).toEqual({ kind: 'ended-otherwise', live: 'green', by: 'pulumi up' })
  })

  test('says within its bound that a holder does not answer', async () => {
    const fleet = fleetOf(heldRoute, opened)
    fleet.take('a hanging orchestrator')
    expect(await abortRunning(fleet.ports, request)).toEqual({ kind: 'no-answer', holder: 'a hanging orchestrator' })
    expect(fleet.done).toEqual([])
  })

  test('in words: what is, what to do, and the exit code', () => {
    expect(abortText({ kind: 'nothing-open', live: 'blue' })).toMatchObject({ exitCode: 0, line: expect.stringContaining('blue is live') })
    expect(abortText({ kind: 'taken-back', live: 'blue', by: 'pulumi up' })).toMatchObject({ exitCode: 0, line: expect.stringContaining('kbg ack') })
    expect(abortText({ kind: 'too-late', live: 'green', isFinished: false })).toMatchObject({
      exitCode: 1,
      line: expect.stringMatching(/finished first.*switch back/),
    })
    expect(abortText({ kind: 'too-late', live: 'green', isFinished: true })).toMatchObject({ exitCode: 1, line: expect.stringContaining('is done') })
    expect(abortText({ kind: 'ended-otherwise', live: 'green', by: 'pulumi up' })).toMatchObject({
      exitCode: 1,
      line: expect.stringContaining('took nothing back'),
    })
    expect(abortText({ kind: 'no-answer', holder: 'pulumi up' })).toMatchObject({ exitCode: 1, line: expect.stringContaining('kbg repair') })
  })
})

describe('kbg repair', () => {
  test('does what a guardian does, once, and says what it was', async () => {
    const fleet = fleetOf(heldRoute, opened)
    const repaired = await repair(fleet.ports, request)
    expect(repaired).toMatchObject({ left: 'abort', actual: { live: 'blue', state: 'open', unfinished: false } })
    expect(repairText(repaired)).toMatch(/taken back: blue is live at epoch 10.*kbg ack/)
    expect(repairText(await repair(fleet.ports, request))).toMatch(/^Nothing was left open, and the fences follow the route/)
  })

  test('refuses beside an orchestrator, and names it', async () => {
    const fleet = fleetOf(heldRoute, opened)
    fleet.take('pulumi up by ann')
    await expect(repair(fleet.ports, request)).rejects.toThrow(/locked.*pulumi up by ann/)
    expect(fleet.done).toEqual([])
  })

  test('names what a killed update has left of Pulumi’s own, and what to type', () => {
    const dead = { by: 'ann@desk, pid 7', isAlive: false }
    expect(leftoverLines({ stack: 'traffic', locks: [], pending: [] })).toEqual([])
    expect(leftoverLines({ stack: 'traffic', locks: [dead], pending: ['updating switchover'] })).toEqual([
      expect.stringMatching(/was killed \(ann@desk, pid 7\).*npx pulumi cancel -s traffic --yes$/),
      expect.stringMatching(/in the middle of updating switchover.*npx pulumi up -s traffic$/),
    ])
    expect(leftoverLines({ stack: 'traffic', locks: [{ ...dead, isAlive: true }], pending: [] })).toEqual([
      expect.stringContaining('An update of the stack traffic runs'),
    ])
  })
})

describe('the lock', () => {
  test('of a guardian is waited for, because it ends by itself; anybody else’s refuses at once', async () => {
    const fleet = fleetOf(soundRoute)
    const guardians = fleet.take(`${guardianHolder} beside blue, pid 5`)
    const told: string[] = []
    fleet.afterSleep = () => {
      if (fleet.nowMs > 3_000) void guardians.release()
    }
    const lock = await takeLock(fleet.ports, { ...request, tell: ({ text }) => void told.push(text) })
    expect([lock.term === guardians.term, told]).toEqual([false, ['guardian beside blue, pid 5 is at work: waiting for it']])
    await expect(takeLock(fleet.ports, request)).rejects.toThrow(/locked/)
  })

  test('of a guardian that never ends is refused in the end', async () => {
    const fleet = fleetOf(soundRoute)
    fleet.take(`${guardianHolder} beside blue, pid 5`)
    await expect(takeLock(fleet.ports, request)).rejects.toThrow(/locked.*guardian beside blue/)
    expect(fleet.nowMs).toBeGreaterThan(100_000)
  })
})

describe('what is left open', () => {
  const entries = (...facts: readonly JournalFact[]) => fleetOf(soundRoute, ...facts).journal
  const moving: JournalFact = { kind: 'wave', wave: 'wave-1', source: 'blue', target: 'green', what: 'moving', groups: ['a'], pace: {}, attempt: 5, reason: '' }
  const batch: JournalFact = { kind: 'groups', wave: 'wave-1', positions: [], positionEntriesBefore: 0, moved: ['a'], stayed: [] }

  test('is the same for a rerun and for a guardian: a switchover, or groups between two colours', () => {
    expect(leftOpen(soundRoute, [])).toBeNull()
    expect(leftOpen(heldRoute, entries(opened))?.kind).toBe('abort')
    expect(leftOpen(soundRoute, entries(opened, decided, closed('switched'), moving, batch))).toMatchObject({
      kind: 'settle-waves',
      open: [{ wave: 'wave-1' }],
    })
    expect(leftOpen({ ...soundRoute, groups: { a: { colour: 'blue', state: 'held' } } }, [])).toEqual({ kind: 'settle-waves', open: [] })
  })

  test('is finished as its own run wanted it: the waves that it leaves elsewhere, and the attempt that it latches', () => {
    expect(leftIntent(heldRoute, entries(opened))).toEqual({ live: 'blue', attempt: 3, consumers: { 'wave-1': 'blue' } })
    expect(leftIntent(soundRoute, entries(moving, batch))).toEqual({ live: 'blue', attempt: 5, consumers: {} })
    expect(leftIntent({ ...soundRoute, attempt: 2 }, [])).toMatchObject({ attempt: 2 })
  })
})
