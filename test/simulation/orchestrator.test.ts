/** What a job on Kubernetes runs, on the simulated fleet: the first route, however often its making is killed; the gate before a move; a cancellation; and a run that another one has left something to. */
import { describe, expect, test } from 'vitest'
import { otherColour } from '../../engine/model/colour.ts'
import { orchestrate } from '../../engine/run/orchestrator/orchestrate.ts'
import type { Ports } from '../../engine/run/ports.ts'
import type { ProgressEvent } from '../../engine/run/progress.ts'
import { repair } from '../../engine/run/repair.ts'
import { mirrorRecord } from '../../engine/switchover/journal-reading.ts'
import type { Actor, CallFault } from '../support/simulation/actor.ts'
import { changeFence } from '../support/simulation/brokers.ts'
import { limits, newFleet, newWorld, type SimulatedIntent } from '../support/simulation/fleet.ts'
import { checkOneWritable, routeOf } from '../support/simulation/invariants.ts'
import { letMirrorRunInto, stopMirrorInto, told } from '../support/simulation/lossy.ts'
import { wiring } from '../support/simulation/names.ts'
import { isEffect } from '../support/simulation/operations.ts'
import { once, whenRoute } from '../support/simulation/scenario.ts'
import { journalOf, pass } from '../support/simulation/settle.ts'
import { Simulation } from '../support/simulation/simulation.ts'
import { copyOf, type World } from '../support/simulation/world.ts'

const scram = (username: string) => ({ username, mechanism: 'SCRAM-SHA-512' as const })

/** An orchestrator that was started, with what it tells. */
interface Run {
  readonly actor: Actor
  readonly lines: string[]
  readonly cancelling: AbortController
}

function start(
  simulation: Simulation,
  name: string,
  intent: SimulatedIntent & { readonly consumers?: Readonly<Record<string, 'blue' | 'green'>> },
  wired = wiring,
): Run {
  const lines: string[] = []
  const cancelling = new AbortController()
  const tell = ({ step, text }: ProgressEvent) => void lines.push(`${step}: ${text}`)
  const request = { wiring: wired, intent: { consumers: {}, ...intent }, limits, holder: name, tell, cancelled: cancelling.signal }
  return { lines, cancelling, actor: simulation.start(name, (ports: Ports) => orchestrate(ports, request)) }
}

async function ended(simulation: Simulation, run: Run) {
  await simulation.run(() => run.actor.outcome !== null || !run.actor.isAlive, 900_000, 'the orchestrator to end')
  return told(run.actor.outcome)
}

const writable = (world: World) => {
  checkOneWritable(world)
  expect(world.history.violations).toEqual([])
  return routeOf(world)
}

describe('without a route', () => {
  test('it makes the first one, killed before or behind any of its effects', async () => {
    let isKilled = true
    let kills = 0
    for (let at = 1; isKilled; at += 1) {
      for (const when of ['before', 'after'] as const) {
        const simulation = new Simulation(newWorld({}))
        let effects = 0
        simulation.faults = ({ name }, _, operation, args): CallFault | null => {
          if (name !== 'killed' || !isEffect(operation, args)) return null
          effects += 1
          return effects === at ? { kind: 'crash', when } : null
        }
        const first = start(simulation, 'killed', { live: 'blue', attempt: 0 })
        await ended(simulation, first)
        isKilled = !first.actor.isAlive
        if (isKilled) kills += 1
        await pass(simulation, 15_000) // its lease is over
        const second = start(simulation, 'again', { live: 'blue', attempt: 0 })
        expect(await ended(simulation, second), `killed ${when} effect ${at}`).toEqual({ code: 'done', text: '' })
        expect(writable(simulation.world)).toMatchObject({ live: 'blue', state: 'open' })
        expect(mirrorRecord(journalOf(simulation.world), 'blue')).toMatchObject({ what: 'running' })
      }
    }
    expect(kills).toBeGreaterThan(10)
  })

  test.each(['blue', 'green'] as const)(
    'a store that has lost everything isn’t a new fleet’s: where %s is wanted live, the records of the other one refuse it',
    async (live) => {
      const world = await newFleet({})
      world.etcd.keys = {}
      const simulation = new Simulation(world)
      await pass(simulation, 15_000) // what was asked for before has come to an end
      const before = Object.entries(world.clusters).map(([colour, { isFenced }]) => [colour, isFenced])
      const refused = await ended(simulation, start(simulation, 'after a loss', { live, attempt: 0 }))
      const standby = otherColour(live)
      expect(refused.text).toMatch(
        new RegExp(`standby-filled: ${standby} gets no mirror: it holds records already.*restore the route store from its backup`, 's'),
      )
      expect(routeOf(simulation.world)).toBeNull()
      expect(Object.entries(simulation.world.clusters).map(([colour, { isFenced }]) => [colour, isFenced])).toEqual(before)
    },
  )

  test('a standby with users of its own is one where it is fenced, as a colour on a cloud is from its birth, and is refused by name where it isn’t, as an adopted one', async () => {
    const users = { operator: { mechanism: 'AWS_MSK_IAM' as const, region: 'eu-central-1' }, mirror: scram('mirror'), probe: scram('probe'), others: [] }
    const wired = { ...wiring, clusters: { ...wiring.clusters, green: { ...wiring.clusters.green, users } } }
    const fenced = new Simulation(newWorld({}))
    expect(await ended(fenced, start(fenced, 'born fenced', { live: 'blue', attempt: 0 }, wired))).toEqual({ code: 'done', text: '' })
    expect(writable(fenced.world)).toMatchObject({ live: 'blue', state: 'open' })
    const open = new Simulation(newWorld({}))
    changeFence(open.world, open.world.clusters.green, false)
    for (const broker of open.world.clusters.green.brokers) broker.isFenced = false // each has learnt of it
    const refused = await ended(open, start(open, 'adopted', { live: 'blue', attempt: 0 }, wired))
    expect(refused.text).toMatch(/adopted-standby: green isn't fenced, as an adopted cluster isn't.*observed: live blue; required: live green/)
    expect(routeOf(open.world)).toBeNull()
    const silent = new Simulation(newWorld({}))
    for (const broker of silent.world.clusters.green.brokers.slice(2)) Object.assign(broker, { state: 'paused', backAtMs: Number.POSITIVE_INFINITY })
    const unheard = await ended(silent, start(silent, 'unheard', { live: 'blue', attempt: 0 }, wired))
    expect(unheard.code).toBe('fence-unproven') // who doesn't answer says nothing of its fence
  })

  test('no wave is moved with it, and it says so', async () => {
    const simulation = new Simulation(newWorld({}))
    const refused = await ended(simulation, start(simulation, 'waves', { live: 'blue', attempt: 0, consumers: { 'wave-1': 'green' } }))
    expect(refused.text).toMatch(/first-route: A first route moves no waves\. \(observed: wave-1; required: no wave off blue\)/)
    expect(routeOf(simulation.world)).toBeNull()
  })
})

describe('with a route', () => {
  test('it moves behind a gate that passes, and has nothing to do the second time', async () => {
    const simulation = new Simulation(await newFleet({}))
    const run = start(simulation, 'there', { live: 'green', attempt: 0 })
    expect(await ended(simulation, run)).toEqual({ code: 'done', text: '' })
    expect(run.lines[1]).toMatch(/^gate: pass: \d+ checks at epoch \d+$/)
    expect(writable(simulation.world)).toMatchObject({ live: 'green', state: 'open' })
    const entries = journalOf(simulation.world).length
    const again = start(simulation, 'again', { live: 'green', attempt: 0 })
    expect(await ended(simulation, again)).toEqual({ code: 'done', text: '' })
    expect(again.lines).toContain('gate: not needed')
    expect(journalOf(simulation.world)).toHaveLength(entries)
  })

  test('a gate that refuses has touched nothing, and is asked again by the next run of the same intent', async () => {
    const simulation = new Simulation(await newFleet({}))
    stopMirrorInto(simulation.world, 'green')
    await pass(simulation, 2_000)
    const entries = journalOf(simulation.world).length
    const refused = await ended(simulation, start(simulation, 'refused', { live: 'green', attempt: 0 }))
    expect(refused.text).toMatch(/gate: The gate is (fail|inconclusive), so nothing was moved:\n {2}/)
    expect(journalOf(simulation.world)).toHaveLength(entries)
    expect(writable(simulation.world)).toMatchObject({ live: 'blue', latch: null })
    letMirrorRunInto(simulation.world, 'green')
    await pass(simulation, 2_000)
    expect((await ended(simulation, start(simulation, 'again', { live: 'green', attempt: 0 }))).code).toBe('done')
    expect(writable(simulation.world)).toMatchObject({ live: 'green' })
  })

  test('told to stop at any of the gate’s questions it touches nothing, and says that rather than what could not be seen then', {
    timeout: 60_000,
  }, async () => {
    const world = await newFleet({})
    let isAsked = true
    let stops = 0
    for (let at = 1; isAsked; at += 1) {
      const simulation = new Simulation(copyOf(world))
      const run = start(simulation, 'at the gate', { live: 'green', attempt: 0 })
      let questions = 0
      isAsked = false
      simulation.faults = (_, __, operation): CallFault | null => {
        if (operation.startsWith('etcd') || run.lines.length > 1) return null
        questions += 1
        if (questions !== at) return null
        isAsked = true
        run.cancelling.abort(new Error('told to stop'))
        return null
      }
      const end = await ended(simulation, run)
      if (!isAsked) continue
      stops += 1
      expect(end, `question ${at}`).toMatchObject({ text: 'Error: told to stop' })
      expect(run.lines).toHaveLength(1)
      expect(writable(simulation.world)).toMatchObject({ live: 'blue', latch: null })
    }
    expect(stops).toBeGreaterThan(10)
  })

  test('told to stop while clients are held it takes back, and the same attempt is latched', async () => {
    const simulation = new Simulation(await newFleet({}))
    const held = start(simulation, 'held', { live: 'green', attempt: 0 })
    once(simulation, whenRoute('held'), 'it is told to stop', () => held.cancelling.abort(new Error('told to stop')))
    expect((await ended(simulation, held)).text).toMatch(/^KbgError: aborted: The switchover blue -> green was taken back: blue is live, nothing was lost/)
    expect(writable(simulation.world)).toMatchObject({ live: 'blue', state: 'open', latch: { attempt: 0 } })
    await pass(simulation, 2_000)
    expect((await ended(simulation, start(simulation, 'the same', { live: 'green', attempt: 0 }))).text).toMatch(/latch/)
    expect((await ended(simulation, start(simulation, 'the next', { live: 'green', attempt: 1 }))).code).toBe('done')
    expect(writable(simulation.world)).toMatchObject({ live: 'green' })
  })

  test('told to stop behind the decision it finishes', async () => {
    const simulation = new Simulation(await newFleet({}))
    const run = start(simulation, 'decided', { live: 'green', attempt: 0 })
    once(simulation, whenRoute('deciding'), 'it is told to stop', () => run.cancelling.abort(new Error('told to stop')))
    expect(await ended(simulation, run)).toEqual({ code: 'done', text: '' })
    expect(writable(simulation.world)).toMatchObject({ live: 'green', state: 'open' })
  })

  test('of two at once one moves, and the other is refused by the lock', async () => {
    const simulation = new Simulation(await newFleet({}))
    const one = start(simulation, 'one', { live: 'green', attempt: 0 })
    await simulation.run(() => one.lines.some((line) => line.startsWith('hold:')), 900_000, 'the first one to hold')
    const other = start(simulation, 'other', { live: 'green', attempt: 1 })
    expect((await ended(simulation, other)).code).toBe('locked')
    expect((await ended(simulation, one)).code).toBe('done')
    expect(writable(simulation.world)).toMatchObject({ live: 'green' })
  })

  /** Killed right behind its opening, with its lease over. */
  async function leftUntouched(): Promise<Simulation> {
    const simulation = new Simulation(await newFleet({}))
    simulation.faults = ({ name }, _, operation, args): CallFault | null => {
      const isOpened = operation === 'etcd transaction' && JSON.stringify(args).includes('\\"opened\\"')
      return name === 'killed' && isOpened ? { kind: 'crash', when: 'after' } : null
    }
    const killed = start(simulation, 'killed', { live: 'green', attempt: 0 })
    await ended(simulation, killed)
    expect(killed.actor.isAlive).toBe(false)
    await pass(simulation, 15_000)
    return simulation
  }

  test('what was left open is closed first, and a move beyond that is left to the next run', async () => {
    const simulation = await leftUntouched()
    const next = start(simulation, 'next', { live: 'green', attempt: 0 })
    const { code, text } = await ended(simulation, next)
    expect(next.lines).toContain('gate: not needed')
    expect([code, text]).toEqual(['finished-earlier', expect.stringMatching(/Run pulumi up again: the gate then judges that move/)])
    expect(writable(simulation.world)).toMatchObject({ live: 'blue' })
  })

  test('a gate that was not needed opens nothing, when somebody else has closed what was left meanwhile', async () => {
    const simulation = await leftUntouched()
    const request = { wiring, limits, holder: 'kbg repair', tell: () => undefined, cancelled: new AbortController().signal }
    let isPaused = false
    simulation.faults = ({ name }, _, operation, args): CallFault | null => {
      if (isPaused || name !== 'next' || !isEffect(operation, args)) return null
      isPaused = true
      return { kind: 'pause', when: 'before', ms: 4_000 }
    }
    const next = start(simulation, 'next', { live: 'green', attempt: 0 })
    await simulation.run(() => isPaused, 900_000, 'its lock to be asked for')
    const repairs = simulation.start('repairs', (ports) => repair(ports, request))
    await simulation.run(() => repairs.outcome !== null, 900_000, 'the repair')
    expect(repairs.outcome).toMatchObject({ kind: 'done', value: { left: 'close-untouched' } })
    const { text } = await ended(simulation, next)
    expect(text).toMatch(/stale-verdict: The gate's verdict is of another epoch\. \(observed: none was needed; required: \d+\)/)
    expect(writable(simulation.world)).toMatchObject({ live: 'blue' })
  })
})
