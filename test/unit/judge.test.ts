import { beforeEach, describe, expect, test, vi } from 'vitest'
import { KbgError } from '../../engine/model/error.ts'
import { Limits } from '../../engine/model/limits.ts'
import type { Snapshot } from '../../engine/model/snapshot.ts'
import { type Clock, Deadline } from '../../engine/ports/clock.ts'
import type { Execution } from '../../engine/run/execution.ts'
import { type Judgement, judge } from '../../engine/run/judge.ts'
import type * as Observe from '../../engine/run/observe.ts'
import type { Ports } from '../../engine/run/ports.ts'
import { gate } from '../../engine/run/steps/gate.ts'
import { probes, seen, soundColour, soundSnapshot, unseen } from '../support/sample-snapshot.ts'

const { observed } = vi.hoisted(() => ({
  observed: { snapshots: [] as unknown[], asked: 0, hadMs: 0, tookMs: 1_000, elapse: (_ms: number): void => undefined },
}))
vi.mock('../../engine/run/observe.ts', () => ({
  observe: async (...[, , , , , deadline]: Parameters<typeof Observe.observe>) => {
    observed.hadMs = deadline.remainingMs()
    observed.elapse(observed.tookMs)
    const next = observed.snapshots[Math.min(observed.asked, observed.snapshots.length - 1)]
    observed.asked += 1
    return next
  },
}))

const limits = Limits.parse({ lagSamples: 5 })
const behind: Snapshot = soundSnapshot({
  mirror: { ...soundSnapshot().mirror, lag: [{ kind: 'behind', waitedMs: 2_000, lagRecords: 9, where: ['orders-0'] }] },
})
const torn: Snapshot = soundSnapshot({ ...behind, clients: unseen('refused') })

let nowMs = 0
const clock: Clock = {
  monotonicMs: () => nowMs,
  wallClock: () => new Date(0),
  sleep: async (ms) => {
    nowMs += ms
  },
}
const asked: Judgement = { wiring: {} as Judgement['wiring'], limits, move: { source: 'blue', target: 'green' }, attempt: 0, purpose: 'move', lagSamples: 5 }

async function judged(snapshots: readonly Snapshot[], totalMs: number, more: Partial<Judgement> = {}) {
  observed.snapshots = [...snapshots]
  return await judge({ clock } as Ports, { ...asked, ...more }, new Deadline(clock, totalMs, 'the gate'))
}

beforeEach(() => {
  nowMs = 0
  observed.asked = 0
  observed.elapse = (ms) => {
    nowMs += ms
  }
})

describe('the gate’s patience', () => {
  test('a mirror that lags for a moment is looked at again, with everything else', async () => {
    expect((await judged([behind, behind, soundSnapshot()], 30_000)).verdict).toBe('pass')
    expect(observed.asked).toBe(3)
  })

  test('so is a group whose commit the audit has not come to yet', async () => {
    const at = (upTo: bigint) => {
      const position = {
        groupId: 'billing',
        topic: 'orders',
        partition: 0,
        sourceOffset: '5',
        targetOffset: null,
        lagRecords: null,
        method: 'map',
        reason: 'beyond',
      } as const
      const commits = [{ groupId: 'billing', onTarget: seen(new Map()), onSource: seen(new Map([['orders-0', 5n]])) }]
      const positions = seen([{ ...position, verdict: 'not provable' as const }])
      return soundSnapshot({ groups: seen({ commits, positions, compared: new Map([['orders-0', { blue: upTo, green: upTo }]]) }) })
    }
    expect((await judged([at(4n), at(4n), soundSnapshot()], 30_000)).verdict).toBe('pass')
    expect(observed.asked).toBe(3)
    observed.asked = 0
    expect((await judged([at(5n), soundSnapshot()], 30_000)).verdict).toBe('fail')
    expect(observed.asked).toBe(1)
  })

  test('any other refusal ends it at once', async () => {
    expect((await judged([torn, soundSnapshot()], 30_000)).verdict).not.toBe('pass')
    expect(observed.asked).toBe(1)
  })

  test('a mirror that stays behind is refused when there is no time for another look', async () => {
    expect((await judged([behind], 5_000)).verdict).toBe('fail')
    expect(observed.asked).toBe(3)
    expect(nowMs).toBeLessThanOrEqual(5_000)
  })
})

describe('the gate of a way back', () => {
  const wayBack = { purpose: 'way back' } as const
  const blue = (...answers: Parameters<typeof probes>) =>
    soundSnapshot({ colours: { blue: soundColour('blue', { probes: seen(probes(...answers)) }), green: soundColour('green') } })

  test('asks brokers of the sick colour again that did not answer, with everything else; the gate of a move does not', async () => {
    expect((await judged([blue('open', 'unreachable', 'open'), soundSnapshot()], 30_000, wayBack)).verdict).toBe('pass')
    expect(observed.asked).toBe(2)
    expect((await judged([blue('open', 'unreachable', 'open')], 30_000)).verdict).toBe('inconclusive')
    expect(observed.asked).toBe(3)
  })

  test('believes what they answer at once', async () => {
    expect((await judged([blue('open', 'fenced', 'open'), soundSnapshot()], 30_000, wayBack)).verdict).toBe('fail')
    expect(observed.asked).toBe(1)
  })

  test('lets a mirror be behind by half of what the drain may take, and no more', async () => {
    const lagging = (lagMs: number) => soundSnapshot({ mirror: { ...soundSnapshot().mirror, lag: [{ kind: 'caught-up', lagMs, lagRecords: 1 }] } })
    const one = { ...wayBack, lagSamples: 1 }
    expect((await judged([lagging(limits.drainDeadlineMs / 2)], 1_000, one)).verdict).toBe('pass')
    expect((await judged([lagging(limits.drainDeadlineMs / 2 + 1)], 1_000, one)).verdict).toBe('fail')
    expect((await judged([lagging(limits.drainDeadlineMs / 2)], 1_000, { lagSamples: 1 })).verdict).toBe('fail')
  })

  const executionOf = (automatic: Execution['automatic'], cancelled: AbortSignal) => {
    const parts = {
      wiring: asked.wiring,
      limits,
      intent: { live: 'green', attempt: 0, consumers: {} },
      route: { live: 'blue' },
      journal: [],
      automatic,
      cancelled,
    }
    return { ...parts, ports: { clock } as Ports, untilCancelled: (ms: number, what: string) => new Deadline(clock, ms, what) } as unknown as Execution
  }

  test('ends as it was told to when it is cancelled: what could not be seen then refuses nothing', async () => {
    observed.snapshots = [torn]
    const order = new KbgError('abort-requested', 'Taken back by order of ann.')
    await expect(gate(executionOf('green failed its watch', AbortSignal.abort(order)), asked.move)).rejects.toBe(order)
  })

  test('has four times as long to observe as the gate of a move, and what its mirror may be behind: each answer of a sick colour may take seconds, and nobody is held', async () => {
    const stepOf = async (automatic: Execution['automatic']) => {
      observed.snapshots = [soundSnapshot()]
      await gate(executionOf(automatic, new AbortController().signal), asked.move)
      return observed.hadMs
    }
    const usualMs = await stepOf(null)
    expect(usualMs).toBe(15_000)
    expect(await stepOf('green failed its watch')).toBe(4 * 10_000 + 5 * (limits.drainDeadlineMs / 2))
  })
})
