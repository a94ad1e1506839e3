/** What stands beside a drain, and what is told when it fails: a fleet in memory, in virtual time. */
import { describe, expect, test } from 'vitest'
import { KbgError } from '../../engine/model/error.ts'
import type { WriterFacts } from '../../engine/model/facts.ts'
import type { OversightPorts } from '../../engine/run/ports.ts'
import { FakeFleet } from '../support/watched-fleet.ts'
import { expectNothingLost, up } from '../support/watched-switch.ts'

type Clusters = OversightPorts['clusters']

/** Ports of a fleet with something else on blue, and something done right behind its fence. */
function behindFence(fleet: FakeFleet, act: () => void, over: (blue: Clusters['blue']) => Partial<Clusters['blue']>): OversightPorts {
  const { ports } = fleet
  const { blue } = ports.clusters
  const raise: Clusters['blue']['fence']['raise'] = async (deadline) => {
    await blue.fence.raise(deadline)
    act()
  }
  return { ...ports, clusters: { ...ports.clusters, blue: { ...blue, fence: { ...blue.fence, raise }, ...over(blue) } } }
}

describe('a drain that fails', () => {
  test('because somebody writes on ends at once, names him, and asks Connect nothing more', async () => {
    const fleet = new FakeFleet()
    const writer: WriterFacts = { producerId: 7n, producerEpoch: 0, lastSequence: 1, lastTimestamp: 0n, transactional: false, records: 1 }
    const act = () => {
      for (const connector of fleet.connectors.blue.values()) connector.state = 'STOPPED'
      fleet.colours.blue.append('orders-0', 'not copied')
      void fleet.clock.sleep(200).then(() => fleet.colours.blue.append('orders-0', 'behind the fence'))
    }
    const ports = behindFence(fleet, act, ({ logs, transactions }) => ({
      logs: { ...logs, writers: async () => [writer] },
      transactions: { ...transactions, idsOf: async () => new Map() },
    }))
    let asked = 0
    const copiedOffsets: typeof ports.mirrors.blue.copiedOffsets = async (...given) => {
      asked += 1
      return await ports.mirrors.blue.copiedOffsets(...given)
    }
    const through = { ...ports, mirrors: { ...ports.mirrors, blue: { ...ports.mirrors.blue, copiedOffsets } } }
    await fleet.withApp(async () => {
      await fleet.clock.sleep(500)
      const refusal = await up(fleet, 'green', 0, through).catch((thrown: Error) => thrown.message)
      expect(refusal).toMatch(/written-behind-fence.*orders-0 1 from \d+ by producer 7.*not-drained.*waitedMs: [56]\d\d\)/s)
      const before = asked
      await fleet.clock.sleep(12_000)
      expect(asked).toBe(before)
    })
    expect(fleet.route).toMatchObject({ live: 'blue', state: 'open' })
    expectNothingLost(fleet)
  })

  test('because a topic is gone says that, not what the log of a topic that is gone answers', async () => {
    const fleet = new FakeFleet()
    let isGone = false
    const gone = () => {
      isGone = true
      void fleet.clock.sleep(1_000).then(() => {
        isGone = false
      })
    }
    const ports = behindFence(fleet, gone, ({ logs, inventory }) => ({
      logs: {
        ...logs,
        ends: async (...given) => {
          if (!isGone) return await logs.ends(...given)
          await fleet.clock.sleep(50)
          throw new KbgError('unknown-topic', 'There is no topic orders.')
        },
      },
      inventory: { ...inventory, topics: async (deadline) => (isGone ? [] : await inventory.topics(deadline)) },
    }))
    const refusal = await up(fleet, 'green', 0, ports).catch((thrown: Error) => thrown.message)
    expect(refusal).toMatch(/^aborted.*drift: .*topic orders was deleted on blue/s)
    expect(fleet.route).toMatchObject({ live: 'blue', state: 'open', latch: { reason: expect.stringContaining('topic orders was deleted on blue') } })
  })
})
