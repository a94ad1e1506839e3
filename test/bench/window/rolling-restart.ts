import { nodeFiles } from '../../../engine/adapters/local/broker-process.ts'
import { observeCluster, startDeadBrokers } from '../../../engine/adapters/local/cluster.ts'
import { stopProcess } from '../../../engine/adapters/local/process.ts'
import { colourDirectory } from '../../../engine/adapters/local/state.ts'
import type { Colour } from '../../../engine/model/colour.ts'
import { KbgError, messageOf } from '../../../engine/model/error.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'
import type { Pair } from '../../support/pair.ts'

const brokerMs = 90_000

/**
 * Restarts a colour's brokers one after the other, as an upgrade does: controlled shutdown (SIGTERM), start, and the next one only when every partition has all
 * its replicas in sync again.
 */
export async function rollingRestart(pair: Pair, colour: Colour): Promise<void> {
  const { root } = pair
  const { fleet } = pair.wiring
  const directory = colourDirectory(root, fleet, colour)
  for (const { nodeId } of observeCluster(root, fleet, colour)?.brokers ?? []) {
    const deadline = new Deadline(systemClock, brokerMs, `broker ${nodeId} of ${colour} to be restarted`)
    await stopProcess(nodeFiles(directory, nodeId).pid, brokerMs, deadline)
    await startDeadBrokers(root, fleet, colour, () => undefined, deadline)
    await untilInSync(pair, colour)
  }
}

/** @throws KbgError `deadline`, with the last reason why it could not be told */
async function untilInSync(pair: Pair, colour: Colour): Promise<void> {
  const deadline = new Deadline(systemClock, brokerMs, `all replicas of ${colour} to be in sync`)
  let last = 'nothing'
  while (!deadline.over) {
    try {
      const topics = await pair.ports.clusters[colour].inventory.topics(deadline)
      const behind = topics.flatMap(({ topic, partitions }) =>
        partitions.filter(({ isr, replicas }) => isr.length < replicas.length).map(({ partition }) => `${topic}-${partition}`),
      )
      if (behind.length === 0) return
      last = `${behind.length} partitions, ${behind[0]} among them`
    } catch (thrown) {
      last = messageOf(thrown) // the connection was to the broker that was stopped; the next question goes to another
    }
    await systemClock.sleep(100)
  }
  throw new KbgError('deadline', `Gave up waiting for the replicas of ${colour}.`, { facts: { observed: last, required: 'none out of sync' } })
}
