import { expect, test } from 'vitest'
import { type Purpose, purposeOf } from '../../engine/gate/assess.ts'
import { Limits } from '../../engine/model/limits.ts'
import { Deadline } from '../../engine/ports/clock.ts'
import { observe } from '../../engine/run/observe.ts'
import { FakeFleet } from '../support/watched-fleet.ts'
import { expectNothingLost, up } from '../support/watched-switch.ts'

test('a colour whose controllers elect one leader after the other while the gate looks is not moved off, and nobody is held for it', async () => {
  const fleet = new FakeFleet()
  const { ports } = fleet
  const { blue } = ports.clusters
  let elections = 6
  const quorum: typeof blue.inventory.quorum = async (deadline) => {
    elections += 2
    return { ...(await blue.inventory.quorum(deadline)), leaderEpoch: elections }
  }
  const electing = { ...ports, clusters: { ...ports.clusters, blue: { ...blue, inventory: { ...blue.inventory, quorum } } } }
  await fleet.withApp(async () => {
    await fleet.clock.sleep(500)
    const refusal = await up(fleet, 'green', 0, electing).catch((thrown: Error) => thrown.message)
    expect(refusal).toMatch(
      /^gate: .*controller quorum of blue: fail; observed leaders were elected one after the other while the gate looked: epoch 8, then 10;/s,
    )
  })
  expect(fleet.journal.map(({ kind }) => kind)).not.toContain('hold')
  expect(fleet.route).toMatchObject({ live: 'blue', state: 'open', latch: null })
  expectNothingLost(fleet)
})

test.each<[string, Purpose]>([
  ['a way back', 'way back'],
  ['a failover', purposeOf({ failover: '12@57.48211' })],
])('%s is judged by what was seen in time, however long the source lets it wait', async (_what, purpose) => {
  const { ports, wiring, clock } = new FakeFleet()
  const { blue, green } = ports.clusters
  const silent = async (deadline: Deadline): Promise<never> => {
    await clock.sleep(deadline.remainingMs())
    throw deadline.error()
  }
  let looks = 0
  const quorum: typeof green.inventory.quorum = async (deadline) => {
    deadline.check()
    looks += 1
    return await green.inventory.quorum(deadline)
  }
  const clusters = { blue: { ...blue, inventory: { ...blue.inventory, quorum: silent } }, green: { ...green, inventory: { ...green.inventory, quorum } } }
  const move = { source: 'blue', target: 'green' } as const
  const { colours } = await observe({ ...ports, clusters }, wiring, Limits.parse({}), move, 0, new Deadline(clock, 5_000, 'a look'), purpose)
  expect(colours.blue.quorum.seen).toBe(false)
  expect(colours.green.quorum).toMatchObject({ seen: true })
  expect(looks).toBe(1)
})
