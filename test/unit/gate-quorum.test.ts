import { expect, test } from 'vitest'
import { FakeFleet } from '../support/watched-fleet.ts'
import { expectNothingLost, up } from '../support/watched-switch.ts'

test('a colour whose controllers elect a leader while the gate looks is not moved off, and nobody is held for it', async () => {
  const fleet = new FakeFleet()
  const { ports } = fleet
  const { blue } = ports.clusters
  let elections = 6
  const quorum: typeof blue.inventory.quorum = async (deadline) => {
    elections += 1
    return { ...(await blue.inventory.quorum(deadline)), leaderEpoch: elections }
  }
  const electing = { ...ports, clusters: { ...ports.clusters, blue: { ...blue, inventory: { ...blue.inventory, quorum } } } }
  await fleet.withApp(async () => {
    await fleet.clock.sleep(500)
    const refusal = await up(fleet, 'green', 0, electing).catch((thrown: Error) => thrown.message)
    expect(refusal).toMatch(/^gate: .*controller quorum of blue: fail; observed its leader changed while the gate looked: epoch 7, then 8;/s)
  })
  expect(fleet.journal.map(({ kind }) => kind)).not.toContain('hold')
  expect(fleet.route).toMatchObject({ live: 'blue', state: 'open', latch: null })
  expectNothingLost(fleet)
})
