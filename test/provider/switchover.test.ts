import { describe, expect, test } from 'vitest'
import { KbgError } from '../../engine/model/error.ts'
import { Limits } from '../../engine/model/limits.ts'
import { type Actual, EndStateError } from '../../engine/run/execution.ts'
import { type PropertyMap, unknownValue } from '../../provider/properties.ts'
import { EndStateReached } from '../../provider/resource-definition.ts'
import { handlerOf } from '../../provider/resource-handler.ts'
import { switchover } from '../../provider/resources/switchover.ts'
import type { SwitchoverEngine } from '../../provider/resources/switchover-engine.ts'
import { recordedCall, wiringOf } from './fixtures.ts'

const blueLive: Actual = {
  epoch: 4,
  state: 'open',
  live: 'blue',
  attempt: 0,
  consumers: { 'wave-1': 'blue' },
  latch: null,
  unfinished: false,
  fencesDiffer: false,
}
const greenLive: Actual = { ...blueLive, epoch: 7, live: 'green', consumers: { 'wave-1': 'green' } }
const inputs = {
  wiring: wiringOf('shop'),
  live: 'blue',
  attempt: 0,
  consumers: {},
  limits: Limits.parse({}),
  gate: { verdict: 'not needed', epoch: 4 },
  decommission: null,
} as const
const wantGreen = { ...inputs, live: 'green', gate: { verdict: 'pass', epoch: 4 } } as const
const stored = { id: 'shop', inputs: inputs as unknown as PropertyMap, outputs: { ...inputs, ...blueLive } as unknown as PropertyMap }
const news = (value: object): PropertyMap => value as PropertyMap

/** An engine that answers what a test gives it, and refuses everything else. */
function engineWith(answers: Partial<SwitchoverEngine>): SwitchoverEngine {
  const refuse = async (): Promise<never> => {
    throw new KbgError('unexpected', 'This test expects no such call.')
  }
  return { createRoute: refuse, moveLive: refuse, observe: refuse, describePlan: refuse, reasonsAgainstEnd: refuse, ...answers }
}
const handler = (answers: Partial<SwitchoverEngine>) => handlerOf(switchover(engineWith(answers)))

describe('Switchover: check', () => {
  test('reports every problem at once, at its property', () => {
    const { refusals } = handler({}).check(undefined, news({ ...inputs, live: 'purple', attempt: -1, limits: { ...inputs.limits, lagSamples: 0 } }))
    expect(refusals.map(({ property }) => property).sort()).toEqual(['attempt', 'limits.lagSamples', 'live'])
  })

  test('an unknown is no problem, what is wrong beside it is', () => {
    const { refusals } = handler({}).check(undefined, news({ ...inputs, wiring: unknownValue, gate: { verdict: unknownValue, epoch: unknownValue }, live: 3 }))
    expect(refusals.map(({ property }) => property)).toEqual(['live'])
  })

  test('the same cluster on both colours is refused', () => {
    const wiring = { ...inputs.wiring, clusters: { ...inputs.wiring.clusters, green: { ...inputs.wiring.clusters.green, clusterId: 'cluster-blue' } } }
    const { refusals } = handler({}).check(undefined, news({ ...inputs, wiring }))
    expect(refusals).toHaveLength(1)
    expect(refusals[0]).toMatchObject({ property: 'wiring.clusters', reason: expect.stringContaining('same cluster') })
  })

  test('a route stays with its fleet', () => {
    const { refusals } = handler({}).check(news(inputs), news({ ...inputs, wiring: wiringOf('other') }))
    expect(refusals.map(({ property }) => property)).toEqual(['wiring.fleet'])
  })
})

describe('Switchover: diff', () => {
  test('compares with what is, not with what was asked for', () => {
    const moved = { ...stored, outputs: { ...stored.outputs, ...greenLive } as PropertyMap }
    expect([...handler({}).diff(moved, news(inputs)).keys()]).toEqual(['live'])
    expect(handler({}).diff(moved, news({ ...inputs, live: 'green' })).size).toBe(0)
  })

  test('another answer of the gate alone is nothing to do; an unfinished switch is', () => {
    expect(handler({}).diff(stored, news({ ...inputs, gate: { verdict: 'pass', epoch: 9 } })).size).toBe(0)
    const unfinished = { ...stored, outputs: { ...stored.outputs, unfinished: true } as PropertyMap }
    expect([...handler({}).diff(unfinished, news(inputs))]).toEqual([['unfinished', { kind: 'update', of: 'actual' }]])
  })

  test('fences that are not as the route says are something to do', () => {
    const fencedLive = { ...stored, outputs: { ...stored.outputs, fencesDiffer: true } as PropertyMap }
    expect([...handler({}).diff(fencedLive, news(inputs))]).toEqual([['fencesDiffer', { kind: 'update', of: 'actual' }]])
  })

  test('and a preview says so below its plan, in the same text: of two, the one behind would hide the other', async () => {
    const fencedLive = { ...stored, outputs: { ...stored.outputs, fencesDiffer: true } as PropertyMap }
    const call = recordedCall()
    await handler({ describePlan: async () => 'the plan' }).previewUpdate(fencedLive, news(wantGreen), call)
    expect(call.lines).toEqual([expect.stringMatching(/^the plan\nA fence doesn't follow the route/)])
  })
})

describe('Switchover: waves', () => {
  const wantWave = { ...inputs, consumers: { 'wave-1': 'green' }, gate: { verdict: 'pass', epoch: 4 } } as const
  const onGreen: Actual = { ...blueLive, epoch: 8, consumers: { 'wave-1': 'green' } }
  const storedOnGreen = { ...stored, outputs: { ...stored.outputs, ...onGreen } as PropertyMap }

  test('one that reads elsewhere than it is wanted is something to do, whatever the inputs were', () => {
    expect([...handler({}).diff(storedOnGreen, news(inputs))]).toEqual([['consumers', { kind: 'update', of: 'actual' }]])
    expect([...handler({}).diff(stored, news(wantWave)).keys()].sort()).toEqual(
      ['consumers', 'consumers.wave-1'].map((each) => (each === 'consumers.wave-1' ? 'consumers["wave-1"]' : each)),
    )
    const agreed = { ...storedOnGreen, inputs: { ...stored.inputs, consumers: { 'wave-1': 'green' } } as PropertyMap }
    expect(handler({}).diff(agreed, news(wantWave)).size).toBe(0)
  })

  test('needs a gate that passed to go to the standby, and none to come back', async () => {
    const forward = handler({ observe: async () => blueLive }).update(stored, news({ ...wantWave, gate: inputs.gate }), recordedCall())
    await expect(forward).rejects.toThrow(/gate-not-passed/)
    const back = handler({ observe: async () => onGreen, moveLive: async () => blueLive }).update(storedOnGreen, news(inputs), recordedCall())
    expect(await back).toMatchObject({ consumers: { 'wave-1': 'blue' } })
  })

  test('what is read becomes inputs only where it is not what was wanted', async () => {
    const found = await handler({ observe: async () => onGreen }).read(stored, recordedCall())
    expect(found.inputs).toMatchObject({ consumers: { 'wave-1': 'green' } })
    const whole = await handler({ observe: async () => greenLive }).read(stored, recordedCall())
    expect(whole.inputs).toMatchObject({ live: 'green', consumers: {} })
  })

  test('a state from before there were waves is read as one without any', () => {
    const { consumers: _inputs, ...older } = inputs
    const { consumers: _outputs, ...actual } = blueLive
    const before = { ...stored, inputs: older as unknown as PropertyMap, outputs: { ...older, ...actual } as unknown as PropertyMap }
    expect(handler({}).diff(before, news(inputs)).size).toBe(0)
  })
})

describe('Switchover: preview', () => {
  test('shows the plan and has no effect', async () => {
    const call = recordedCall()
    const shown = await handler({ describePlan: async () => '1 lock\n2 gate' }).previewUpdate(stored, news(wantGreen), call)
    expect(call.lines).toEqual(['1 lock\n2 gate'])
    expect(shown).toMatchObject({ live: 'green', epoch: unknownValue, state: 'open' })
  })

  test('never fails: neither when something is unreachable nor when it is not known yet', async () => {
    const call = recordedCall()
    const unreachable = handler({ describePlan: async () => Promise.reject(new KbgError('deadline', 'Gave up.')) })
    await unreachable.previewUpdate(stored, news(wantGreen), call)
    await handler({}).previewCreate(news({ ...wantGreen, wiring: unknownValue }), call)
    expect(call.lines).toEqual([expect.stringContaining('deadline: Gave up.'), expect.stringContaining('not known yet')])
  })
})

describe('Switchover: update', () => {
  test('moves when the gate passed, and tells the engine which epoch the verdict is of', async () => {
    const asked: unknown[] = []
    const moving = handler({
      observe: async () => blueLive,
      moveLive: async (wanted, gateEpoch) => {
        asked.push(wanted.intent, gateEpoch)
        return greenLive
      },
    })
    expect(await moving.update(stored, news(wantGreen), recordedCall())).toMatchObject({ live: 'green', epoch: 7, state: 'open' })
    expect(asked).toEqual([{ live: 'green', attempt: 0, consumers: {} }, 4])
  })

  test('refuses to move without a gate that passed: --target goes around nothing', async () => {
    const update = handler({ observe: async () => blueLive }).update(stored, news({ ...wantGreen, gate: inputs.gate }), recordedCall())
    await expect(update).rejects.toThrow(/gate-not-passed.*gate "not needed" at epoch 4/)
  })

  test('finishes what is open whatever the gate says', async () => {
    const deciding: Actual = { ...blueLive, state: 'deciding', unfinished: true }
    const finishing = handler({ observe: async () => deciding, moveLive: async () => greenLive })
    expect(await finishing.update(stored, news({ ...wantGreen, gate: inputs.gate }), recordedCall())).toMatchObject({ live: 'green' })
  })

  test('an end state that is not the wanted one is recorded together with the error', async () => {
    const ended = handler({
      observe: async () => blueLive,
      moveLive: async () => Promise.reject(new EndStateError('unfinished', 'green is live, not finished', { ...greenLive, unfinished: true }, {})),
    })
    const thrown = await ended.update(stored, news(wantGreen), recordedCall()).catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(EndStateReached)
    expect(thrown).toMatchObject({ id: 'shop', outputs: { live: 'green', epoch: 7, unfinished: true } })
  })

  test('a clean abort is a plain error: the state stays as it was', async () => {
    const aborted = handler({ observe: async () => blueLive, moveLive: async () => Promise.reject(new KbgError('aborted', 'taken back')) })
    const thrown = await aborted.update(stored, news(wantGreen), recordedCall()).catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(KbgError)
  })
})

describe('Switchover: read and delete', () => {
  test('actual is outputs and inputs', async () => {
    const found = await handler({ observe: async () => greenLive }).read(stored, recordedCall())
    expect(found.inputs).toMatchObject({ live: 'green' })
    expect(found.properties).toMatchObject({ live: 'green', epoch: 7 })
  })

  test('an unreachable store keeps the state and warns', async () => {
    const call = recordedCall()
    const found = await handler({ observe: async () => Promise.reject(new KbgError('deadline', 'no answer')) }).read(stored, call)
    expect(found.properties).toMatchObject({ live: 'blue', epoch: 4 })
    expect(call.warnings).toEqual([expect.stringContaining("can't be read")])
  })

  test('is refused with the reasons, and allowed without', async () => {
    const refused = handler({ reasonsAgainstEnd: async () => ['a switchover is open'] }).delete(stored, recordedCall())
    await expect(refused).rejects.toThrow(/route-in-use.*a switchover is open/)
    await expect(handler({ reasonsAgainstEnd: async () => [] }).delete(stored, recordedCall())).resolves.toBeUndefined()
  })
})

test('a failover’s bare number in an old state is void: it is read as none, and refused as a new one with what to write', () => {
  const handler = handlerOf(switchover(engineWith({})))
  const old = { ...stored, inputs: { ...inputs, failover: 12 } as unknown as PropertyMap }
  expect([...handler.diff(old, news(inputs)).keys()]).toEqual([])
  expect(handler.check(old.inputs, news({ ...inputs, failover: 12 })).refusals).toEqual([
    { property: 'failover', reason: expect.stringMatching(/such as 12@57\.48211 or unknown@57, and no bare number$/) },
  ])
})
