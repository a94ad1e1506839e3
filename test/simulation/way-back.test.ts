/** The operator's own way back off a colour that has failed its watch, on the simulated fleet: killed at one of its effects after the other, nothing is lost, and one colour is writable. */
import { expect, test } from 'vitest'
import { KbgError } from '../../engine/model/error.ts'
import { Deadline } from '../../engine/ports/clock.ts'
import { writeWatch } from '../../engine/run/watch/journal-watch.ts'
import { isWatching, newestWatch } from '../../engine/switchover/watch-reading.ts'
import type { CallFault } from '../support/simulation/actor.ts'
import { limits, newFleet, startMove } from '../support/simulation/fleet.ts'
import { startGuardian, untilRegistered } from '../support/simulation/guardians.ts'
import { routeOf } from '../support/simulation/invariants.ts'
import { told } from '../support/simulation/lossy.ts'
import { wiring } from '../support/simulation/names.ts'
import { isEffect } from '../support/simulation/operations.ts'
import { journalOf, pass, runOnce, settle } from '../support/simulation/settle.ts'
import { Simulation } from '../support/simulation/simulation.ts'
import { runbook } from '../support/simulation/trace.ts'
import { copyOf, type World } from '../support/simulation/world.ts'

const back = { live: 'blue', attempt: 1 } as const

/** Green is live, its watch has halted, and no guardian is left. */
async function behindHaltedWatch(): Promise<World> {
  const simulation = new Simulation(await newFleet({ hasAudit: true, records: 60 }))
  const guardian = startGuardian(simulation, 'blue')
  await untilRegistered(simulation)
  expect(told(await runOnce(simulation, 'forward', { live: 'green', attempt: 0 }))).toMatchObject({ code: 'done' })
  guardian.crash()
  const halts = simulation.start('a guardian', async (ports) => {
    const { journal } = await ports.store.read(new Deadline(ports.clock, 5_000, 'the route store'))
    const watch = newestWatch(journal)
    if (!isWatching(watch)) throw new KbgError('simulation', 'Nothing is watched.')
    const request = { wiring, limits, holder: 'guardian beside green', tell: () => undefined, cancelled: new AbortController().signal }
    return await writeWatch(ports, request, watch, { what: 'halted', measures: [], reason: 'limits.maxAutomaticRollbacks is 0' })
  })
  await simulation.run(() => halts.outcome !== null, 60_000, 'the watch to halt')
  expect(halts.outcome).toEqual({ kind: 'done', value: 'written' })
  await pass(simulation, 12_000)
  return simulation.withoutActors()
}

test('killed before or behind each third of its effects', { timeout: 60_000 }, async () => {
  const start = await behindHaltedWatch()
  const ends = new Set<string>()
  let isKilled = true
  for (let at = 1; isKilled; at += 3) {
    const simulation = new Simulation(copyOf(start))
    let effects = 0
    simulation.faults = ({ name: who }, _, name, args): CallFault | null => {
      if (who !== 'O1' || !isEffect(name, args)) return null
      effects += 1
      return effects === at ? { kind: 'crash', when: at % 2 === 0 ? 'before' : 'after' } : null
    }
    const first = startMove(simulation, 'O1', back)
    await simulation.run(() => first.outcome !== null || !first.isAlive, 900_000, 'the way back')
    isKilled = !first.isAlive
    await pass(simulation, 15_000) // its lease is over
    await settle(simulation, { intent: back, movesOn: true })
    const { world, trace } = simulation
    const { violations } = world.history
    expect(violations, violations.length > 0 ? [`killed at effect ${at}`, ...runbook(trace, world)].join('\n') : '').toEqual([])
    const opened = journalOf(world).filter((entry) => entry.kind === 'opened' && entry.source === 'green')[0]
    if (opened?.kind === 'opened') expect(opened.sick).toBe('limits.maxAutomaticRollbacks is 0')
    ends.add(`${routeOf(world)?.live}`)
  }
  expect(ends.size).toBe(2) // taken back before the decision, finished behind it: the way onward starts from either
})
