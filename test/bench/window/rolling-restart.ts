import { nodeFiles } from '../../../engine/adapters/local/broker-process.ts'
import { observeCluster, startDeadBrokers } from '../../../engine/adapters/local/cluster.ts'
import { stopProcess } from '../../../engine/adapters/local/process.ts'
import { colourDirectory } from '../../../engine/adapters/local/state.ts'
import type { Colour } from '../../../engine/model/colour.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'
import type { Pair } from '../../support/pair.ts'
import { untilWhole } from './whole-cluster.ts'

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
    await untilWhole(pair, colour, brokerMs)
  }
}
