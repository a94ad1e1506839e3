/** Moves that leave records behind, on the simulated fleet: what is stated is what is lost, one writer, and a crash anywhere is brought to an end. */
import { describe, expect, test } from 'vitest'
import type { Ports } from '../../engine/run/ports.ts'
import { append } from '../support/simulation/brokers.ts'
import { newFleet, type SimulatedIntent, startMove } from '../support/simulation/fleet.ts'
import { startGuardian as startWholeGuardian, untilRegistered } from '../support/simulation/guardians.ts'
import { checkOneWritable, routeOf } from '../support/simulation/invariants.ts'
import {
  checkDivergedFleet,
  checkLost,
  comeBack,
  failoverWordOf,
  kill,
  leftValues,
  lossOf,
  onlyOn,
  renew,
  startGuardian,
  stopMirrorInto,
  told,
} from '../support/simulation/lossy.ts'
import { isEffect } from '../support/simulation/operations.ts'
import { once, whenRoute } from '../support/simulation/scenario.ts'
import { journalOf, pass, runOnce } from '../support/simulation/settle.ts'
import { Simulation } from '../support/simulation/simulation.ts'
import { runbook } from '../support/simulation/trace.ts'
import { copyOf, type World } from '../support/simulation/world.ts'

function expectSound({ world, trace }: Simulation): void {
  const { violations } = world.history
  expect(violations, violations.length > 0 ? runbook(trace, world).join('\n') : '').toEqual([])
}

/** Green is live, and its mirror into blue is stopped while producers go on. */
async function withoutWayBack(hasAudit: boolean): Promise<Simulation> {
  const simulation = new Simulation(await newFleet({ hasAudit, records: 60 }))
  expect(told(await runOnce(simulation, 'forward', { live: 'green', attempt: 0 }))).toMatchObject({ code: 'done' })
  await pass(simulation, 300)
  stopMirrorInto(simulation.world, 'blue')
  await pass(simulation, 400)
  expect(onlyOn(simulation.world, 'green').length).toBeGreaterThan(5)
  return simulation
}

/** An update whose gate is told by guardians that they reach nothing: they have looked since. */
function blindAtTheGate(ports: Ports): Ports {
  const { store } = ports
  const asked = store.sights.bind(store)
  store.sights = async (deadline) => {
    store.sights = asked
    return (await asked(deadline)).map((sight) => ({ ...sight, reaches: { blue: [], green: [] } }))
  }
  return ports
}

/** Blue is live, has records that were not copied, and is killed. */
async function withoutSource(hasAudit: boolean): Promise<Simulation> {
  const simulation = new Simulation(await newFleet({ hasAudit, records: 60 }))
  stopMirrorInto(simulation.world, 'green')
  await pass(simulation, 300)
  kill(simulation.world, 'blue')
  await pass(simulation, 12_000)
  return simulation
}

describe.each([false, true])('a way back without its mirror (audit: %s)', (hasAudit) => {
  test('is refused with the number, and goes by it: exactly that is lost, and the colour is diverged', async () => {
    const simulation = await withoutWayBack(hasAudit)
    const { world } = simulation
    const refused = told(await runOnce(simulation, 'back', { live: 'blue', attempt: 1 }))
    expect(refused).toMatchObject({ code: 'gate' })
    expect(refused.text).toMatch(/records left behind: fail; observed (at least )?\d+ records of green aren't on blue: orders-0 \d+ \(from \d+/)
    expect(told(await runOnce(simulation, 'too few', { live: 'blue', attempt: 1, acceptLoss: 1 }))).toMatchObject({ code: 'gate' })
    expect(routeOf(world)).toMatchObject({ live: 'green', state: 'open' })
    expect(told(await runOnce(simulation, 'forced', { live: 'blue', attempt: 1, acceptLoss: 1_000 }))).toMatchObject({ code: 'done' })
    const loss = lossOf(world)
    if (loss === undefined) throw new Error('no loss is journaled')
    expect([...leftValues(world, loss)].sort()).toEqual([...onlyOn(world, 'green')].sort())
    expect(loss).toMatchObject({ how: 'forced', colour: 'green', records: onlyOn(world, 'green').length, bound: hasAudit ? 'exactly' : 'at least' })
    await pass(simulation, 2_000)
    checkOneWritable(world)
    checkLost(world, 'green', loss)
    checkDivergedFleet(world)
    const again = told(await runOnce(simulation, 'forward again', { live: 'green', attempt: 2 }))
    const still = startMove(simulation, 'with green as it is', { live: 'blue', attempt: 2 })
    await simulation.run(() => still.outcome !== null, 900_000, 'an update')
    checkDivergedFleet(world)
    const fresh = startMove(simulation, 'with a fresh green', { live: 'blue', attempt: 2 }, undefined, renew(world, 'green'))
    await simulation.run(() => fresh.outcome !== null, 900_000, 'an update')
    expect(told(fresh.outcome)).toMatchObject({ code: 'done', text: '' })
    await pass(simulation, 3_000)
    expect(onlyOn(world, 'blue')).toEqual([])
    expect(onlyOn(world, 'green')).toEqual([])
    expect(again.text).toMatch(/diverged: fail; observed green has diverged: a forced move left it at .* with (at least )?\d+ records/)
    expectSound(simulation)
  })

  test('tells what came behind the count', async () => {
    const simulation = await withoutWayBack(hasAudit)
    const { world } = simulation
    once(simulation, whenRoute('deciding'), 'a request that had passed its permission check lands', () => {
      append(world, 'green', 'orders-0', { kind: 'data', value: 'late:orders-0:0', transaction: null, state: 'committed', sinceMs: world.nowMs })
    })
    expect(told(await runOnce(simulation, 'forced', { live: 'blue', attempt: 1, acceptLoss: 1_000 }))).toMatchObject({ code: 'done' })
    const swept = journalOf(world).findLast((entry) => entry.kind === 'step' && entry.step === 'reverse')
    expect(swept).toMatchObject({ detail: expect.stringMatching(/late: behind the count came, and stays on green only: orders-0 1 \(from \d+\)/) })
    checkDivergedFleet(world)
    expectSound(simulation)
  })

  test('is taken back when more stands behind the fence than was accepted', async () => {
    const simulation = await withoutWayBack(hasAudit)
    const { world } = simulation
    for (const producer of Object.values(world.producers)) producer.left = 0
    await pass(simulation, 500)
    const accepted = onlyOn(world, 'green').length
    once(simulation, whenRoute('held'), 'one more comes, just before the fence', () => {
      append(world, 'green', 'orders-0', { kind: 'data', value: 'late:orders-0:0', transaction: null, state: 'committed', sinceMs: world.nowMs })
    })
    const ended = told(await runOnce(simulation, 'forced', { live: 'blue', attempt: 1, acceptLoss: accepted }))
    expect(ended).toMatchObject({
      code: 'aborted',
      text: expect.stringMatching(new RegExp(`loss-refused: (at least )?${accepted + 1} records of green would stay behind`)),
    })
    await pass(simulation, 1_000)
    expect(routeOf(world)).toMatchObject({ live: 'green', state: 'open' })
    checkOneWritable(world)
    expectSound(simulation)
  })
})

describe.each([false, true])('a failover (audit: %s)', (hasAudit) => {
  test('says what is lost first, and moves by that word only; the colour that returns is fenced', { timeout: 60_000 }, async () => {
    const simulation = await withoutSource(hasAudit)
    const { world } = simulation
    const lost = onlyOn(world, 'blue').length
    expect(lost).toBeGreaterThan(3)
    const refused = told(await runOnce(simulation, 'ordinary', { live: 'green', attempt: 0 }))
    expect(refused.text).toMatch(
      hasAudit
        ? new RegExp(`blue is gone: at least ${lost} records of blue would be lost: orders-0`)
        : /how many records of blue would be lost isn't known: the fleet has no audit/,
    )
    const word = failoverWordOf(refused.text)
    expect(word).toMatch(hasAudit ? new RegExp(`^${lost}@\\d+\\.\\d+$`) : /^unknown@\d+$/)
    Object.assign(world.producers.p2?.follows ?? {}, { extraMs: 3_600_000 }) // it has lost the route store, and goes on with blue
    expect(told(await runOnce(simulation, 'another number', { live: 'green', attempt: 0, failover: word.replace(/^[^@]*/, `${lost + 1}`) }))).toMatchObject({
      code: 'gate',
    })
    expect(routeOf(world)).toMatchObject({ live: 'blue', state: 'open' })
    expect(told(await runOnce(simulation, 'failover', { live: 'green', attempt: 0, failover: word }))).toMatchObject({ code: 'done', text: '' })
    expect(routeOf(world)).toMatchObject({ live: 'green', state: 'open' })
    await pass(simulation, 2_000)
    checkOneWritable(world)
    const loss = lossOf(world)
    expect(loss).toMatchObject({ how: 'failover', colour: 'blue', records: hasAudit ? lost : null, bound: 'at least' })
    if (hasAudit && loss !== undefined) checkLost(world, 'blue', loss)
    startGuardian(simulation, 'green', 7)
    const backAtMs = world.nowMs
    comeBack(world, 'blue')
    await simulation.run(() => world.clusters.blue.brokers.every(({ state, isFenced }) => state === 'up' && isFenced), 60_000, 'the guardian to fence blue')
    expect(world.nowMs - backAtMs).toBeLessThan(5_000)
    const strays = world.history.excepted.filter((text) => text.startsWith('an append to a colour that has returned: p2:')).length
    expect(strays).toBeGreaterThan(0)
    await pass(simulation, 3_000)
    checkOneWritable(world)
    checkDivergedFleet(world)
    expect(told(await runOnce(simulation, 'back', { live: 'blue', attempt: 1 })).text).toMatch(/diverged: fail; observed blue has diverged: a failover left it/)
    expectSound(simulation)
  })

  test('is refused while a guardian reaches what this machine takes for gone: at the gate, and once more before the decision', async () => {
    const simulation = new Simulation(await newFleet({ hasAudit, records: 60 }))
    const { world } = simulation
    const guardian = startWholeGuardian(simulation, 'green')
    await untilRegistered(simulation)
    await pass(simulation, 5_000)
    const isCut = ({ name }: { readonly name: string }, args: unknown) =>
      name !== guardian.name && typeof args === 'object' && args !== null && 'colour' in args && args.colour === 'blue'
    simulation.faults = (actor, _, __, args) => (isCut(actor, args) ? { kind: 'lost', landsAfterMs: null, heard: 'break' } : null)
    const word = failoverWordOf(told(await runOnce(simulation, 'ordinary', { live: 'green', attempt: 0 })).text)
    expect(word).toMatch(hasAudit ? /^0@\d+\.\d+$/ : /^unknown@\d+$/)
    const refused = told(await runOnce(simulation, 'failover', { live: 'green', attempt: 0, failover: word }))
    expect(refused).toMatchObject({ code: 'gate' })
    expect(refused.text).toMatch(
      /guardians reach no broker of blue: fail; observed the guardian beside green \(kbg-guardian-green-102\) reaches broker \d \(open\)/,
    )
    const late = startMove(simulation, 'behind its gate', { live: 'green', attempt: 0, failover: word }, blindAtTheGate)
    await simulation.run(() => late.outcome !== null, 900_000, 'the update')
    expect(told(late.outcome).text).toMatch(/source-lives: A guardian reaches blue, so there is no failover from it/)
    expect(routeOf(world)).toMatchObject({ live: 'blue', state: 'open' })
    guardian.crash()
    await pass(simulation, 15_000) // its word ends with its lease
    const unsaid = told(await runOnce(simulation, 'nobody says otherwise', { live: 'green', attempt: 0, failover: '7@1' })).text
    expect(unsaid).toContain('loss accepted: fail')
    expect(unsaid).not.toContain('guardians reach')
    simulation.faults = () => null
    await pass(simulation, 500)
    checkOneWritable(world)
    expectSound(simulation)
  })

  test('is refused while the source answers', async () => {
    const simulation = new Simulation(await newFleet({ hasAudit }))
    const ended = told(await runOnce(simulation, 'failover', { live: 'green', attempt: 0, failover: hasAudit ? '0@1.0' : 'unknown@1' }))
    expect(ended.text).toMatch(/blue is gone: fail; observed its metadata quorum answers/)
    expectSound(simulation)
  })
})

/** Which of an orchestrator's effects it is killed at: every n-th, in turn before and behind it. */
async function killedAtEach(start: World, every: number, want: SimulatedIntent, judge: (simulation: Simulation, at: number) => Promise<void>): Promise<number> {
  let runs = 0
  for (let at = 1, isKilled = true; isKilled; at += every, runs += 1) {
    const simulation = new Simulation(copyOf(start))
    let effects = 0
    simulation.faults = ({ name: who }, _, name, args) => {
      if (who !== 'O1' || !isEffect(name, args)) return null
      effects += 1
      return effects === at ? { kind: 'crash', when: at % 2 === 0 ? 'before' : 'after' } : null
    }
    const first = startMove(simulation, 'O1', want)
    await simulation.run(() => first.outcome !== null || !first.isAlive, 900_000, 'the move')
    isKilled = !first.isAlive
    await pass(simulation, 15_000) // its lease is over
    await judge(simulation, at)
    checkOneWritable(simulation.world)
    expect(journalOf(simulation.world).at(-1)?.kind, `killed at effect ${at}`).toBe('closed')
    expectSound(simulation)
  }
  return runs
}

describe('killed at one of its effects after the other, and brought to an end by the next update', () => {
  test('a failover', { timeout: 60_000 }, async () => {
    const simulation = await withoutSource(true)
    const failover = failoverWordOf(told(await runOnce(simulation, 'ordinary', { live: 'green', attempt: 0 })).text)
    const want = { live: 'green', attempt: 0, failover } as const
    const runs = await killedAtEach(simulation.withoutActors(), 5, want, async (own, at) => {
      for (let tries = 1; tries <= 2 && routeOf(own.world)?.live !== 'green'; tries += 1) await runOnce(own, `rerun ${tries}`, want)
      await runOnce(own, 'the last run', want)
      expect(routeOf(own.world), `killed at effect ${at}`).toMatchObject({ live: 'green', state: 'open' })
      checkDivergedFleet(own.world)
    })
    expect(runs).toBeGreaterThan(4)
  })

  test('the mirror into a fresh cluster', { timeout: 60_000 }, async () => {
    const first = await withoutWayBack(true)
    expect(told(await runOnce(first, 'forced', { live: 'blue', attempt: 1, acceptLoss: 1_000 }))).toMatchObject({ code: 'done' })
    const fresh = renew(first.world, 'green')
    const start = first.withoutActors()
    let isKilled = true
    for (let at = 1; isKilled; at += 1) {
      const simulation = new Simulation(copyOf(start))
      let effects = 0
      simulation.faults = ({ name: who }, _, name, args) => {
        if (who !== 'O1' || !isEffect(name, args)) return null
        effects += 1
        return effects === at ? { kind: 'crash', when: 'after' } : null
      }
      const update = async (name: string) => {
        const actor = startMove(simulation, name, { live: 'blue', attempt: 1 }, undefined, fresh)
        await simulation.run(() => actor.outcome !== null || !actor.isAlive, 900_000, name)
        return actor
      }
      isKilled = !(await update('O1')).isAlive
      await pass(simulation, 15_000)
      expect(told((await update('rerun')).outcome), `killed at effect ${at}`).toMatchObject({ code: 'done', text: '' })
      await pass(simulation, 3_000)
      expect(onlyOn(simulation.world, 'blue'), `killed at effect ${at}`).toEqual([])
      expectSound(simulation)
    }
  })

  test('a forced move', { timeout: 60_000 }, async () => {
    const want = { live: 'blue', attempt: 1, acceptLoss: 1_000 } as const
    const runs = await killedAtEach((await withoutWayBack(true)).withoutActors(), 5, want, async (own) => {
      await runOnce(own, 'rerun', want)
      const loss = lossOf(own.world)
      if (routeOf(own.world)?.live !== 'blue' || loss === undefined) return
      checkLost(own.world, 'green', loss)
      checkDivergedFleet(own.world)
    })
    expect(runs).toBeGreaterThan(4)
  })
})
