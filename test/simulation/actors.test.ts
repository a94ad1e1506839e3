/** Whoever acts beside an orchestrator does so through the same ports: here a process that follows the route, as the write-back and a guardian do. */
import { expect, test } from 'vitest'
import { Deadline } from '../../engine/ports/clock.ts'
import type { Ports } from '../../engine/run/ports.ts'
import { writeBackRegistration } from '../../engine/run/write-back/keeper.ts'
import { newFleet, startMove } from '../support/simulation/fleet.ts'
import { settle } from '../support/simulation/settle.ts'
import { Simulation } from '../support/simulation/simulation.ts'

/** Acknowledges every epoch until green is live and every group follows it. */
async function followUntilGreen(ports: Ports, states: string[]): Promise<void> {
  const following = await ports.store.follow(writeBackRegistration(1), new Deadline(ports.clock, 5_000, 'the registration'))
  for (let epoch = 0; ; ) {
    const route = await following.newerThan(epoch, 60_000)
    if (route === null) throw new Error('no newer route')
    epoch = route.epoch
    states.push(route.state)
    await following.acknowledge(epoch, new Deadline(ports.clock, 5_000, 'the acknowledgement'))
    if (route.defaultConsumerColour === 'green') break
  }
  await following.close()
}

test('a follower of the route sees each of its states, and a move waits for its acknowledgements', async () => {
  const simulation = new Simulation(await newFleet())
  const states: string[] = []
  const follower = simulation.start('follower', (ports) => followUntilGreen(ports, states))
  await simulation.run(() => states.length > 0, 60_000, 'the follower to begin')
  const mover = startMove(simulation, 'O1', { live: 'green', attempt: 0 })
  await simulation.run(() => mover.outcome !== null && follower.outcome !== null, 60_000, 'both to end')
  expect([mover.outcome?.kind, follower.outcome?.kind]).toEqual(['done', 'done'])
  expect(states.filter((state, index) => state !== states[index - 1])).toEqual(['open', 'held', 'deciding', 'open'])
  await settle(simulation, { intent: { live: 'green', attempt: 0 }, isGraceful: true })
  expect(simulation.world.history.violations).toEqual([])
})
