import { forgetDrill } from '../../adapters/etcd/drill-keys.ts'
import { createAcls, createTopics, deleteAcls, deleteTopics } from '../../adapters/kafka/admin.ts'
import { drillFenceBindings } from '../../adapters/kafka/drill-fence.ts'
import { type Colour, colours } from '../../model/colour.ts'
import { drillConnectorPrefix, drillGroup, drillTopics } from '../../model/drill.ts'
import { KbgError } from '../../model/error.ts'
import type { Wiring } from '../../model/wiring.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { Ports } from '../ports.ts'

const goneMs = 100
const partitions = 3

/** Makes a drill's topics on both colours, both fenced: as a fleet's colours are born. */
export async function prepareDrill(ports: Ports, wiring: Wiring, deadline: Deadline): Promise<void> {
  await Promise.all(
    colours.map(async (colour) => {
      const access = wiring.clusters[colour]
      const { brokers } = await ports.clusters[colour].inventory.cluster(deadline)
      const replicationFactor = Math.min(3, brokers.length)
      const config = { 'min.insync.replicas': String(Math.max(1, replicationFactor - 1)) }
      const topics = Object.values(drillTopics).map((topic) => ({ topic, partitions, replicationFactor, config }))
      await createTopics(access, topics, deadline)
      await createAcls(access, drillFenceBindings, deadline)
    }),
  )
}

/** Removes all that a drill leaves on both colours, on their workers and in the route store; of one that was killed too. Its mirrors first, so that nothing writes any more. @param ports the fleet's own */
export async function sweepDrill(ports: Ports, wiring: Wiring, deadline: Deadline): Promise<void> {
  await Promise.all(
    colours.map(async (source) => {
      const mirror = ports.mirrors[source]
      const left = (await mirror.connectors(deadline)).filter((name) => name.startsWith(drillConnectorPrefix))
      for (const name of left) await mirror.delete(name, deadline)
    }),
  )
  await Promise.all(
    colours.map(async (colour) => {
      const access = wiring.clusters[colour]
      await deleteTopics(access, Object.values(drillTopics), deadline)
      await deleteAcls(access, drillFenceBindings, deadline)
      // A reader that was killed is a member until its session ends.
      await deadline.poll(goneMs, () => deletedGroup(ports, colour, deadline))
    }),
  )
  await forgetDrill(wiring.routeStore, wiring.fleet, deadline)
}

async function deletedGroup(ports: Ports, colour: Colour, deadline: Deadline): Promise<true | undefined> {
  const { groups } = ports.clusters[colour]
  try {
    await groups.deleteGroup(drillGroup, deadline)
    return true
  } catch (thrown) {
    if (thrown instanceof KbgError && thrown.code === 'group-not-empty') return undefined
    throw thrown
  }
}
