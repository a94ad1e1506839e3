/** Brokers without anything around them: the same directories, configuration and command lines as a colour's, and nobody who makes users, ACLs or a fence. */
import { connect } from 'node:net'
import { join } from 'node:path'
import { runNode, writeNodeConfig } from '../../engine/adapters/local/broker-process.ts'
import { bindProblem, stopProcess, waitUntilReady } from '../../engine/adapters/local/process.ts'
import { localAddresses } from '../../engine/adapters/local/state.ts'
import { formatNode, formattedCheckpoint, randomKafkaId } from '../../engine/adapters/local/storage.ts'
import type { Endpoint } from '../../engine/model/addresses.ts'
import type { Colour } from '../../engine/model/colour.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import type { KafkaVersion } from '../../tools/paths.ts'

/** Lays three nodes out in `directory`, as the local platform does it. Not part of what is timed: a raw start begins with formatted directories. */
export async function layOutRawBrokers(directory: string, fleet: string, colour: Colour, version: KafkaVersion, deadline: Deadline): Promise<void> {
  const checkpoint = await formattedCheckpoint(directory, version, deadline)
  const clusterId = randomKafkaId()
  const passwords = { broker: randomKafkaId(), admin: randomKafkaId() }
  const addresses = localAddresses(fleet)[colour]
  for (const node of addresses.nodes) {
    writeNodeConfig(directory, { node, colour: addresses, brokerConfig: {}, passwords }, undefined)
    formatNode(join(directory, `node-${node.nodeId}`, 'data'), { clusterId, nodeId: node.nodeId, firstProducerId: 0n }, checkpoint)
  }
}

/** Starts all nodes at once and waits until each one answers ApiVersions on its internal listener. */
export async function startRawBrokers(directory: string, fleet: string, colour: Colour, version: KafkaVersion, deadline: Deadline): Promise<void> {
  await Promise.all(
    localAddresses(fleet)[colour].nodes.map(async (node) => {
      const started = await runNode(directory, `raw broker ${node.nodeId}`, node.nodeId, version, systemClock)
      await waitUntilReady(started, () => answersApiVersions(node.internal, deadline), deadline)
    }),
  )
}

/** Ends the nodes and waits until their addresses are free. */
export async function endRawBrokers(directory: string, fleet: string, colour: Colour): Promise<void> {
  const { nodes } = localAddresses(fleet)[colour]
  const deadline = new Deadline(systemClock, 30_000, 'the raw brokers to end')
  await Promise.all(nodes.map(({ nodeId }) => stopProcess(join(directory, `node-${nodeId}`, 'pid'), 0, deadline)))
  for (const { internal } of nodes) await deadline.poll(20, async () => ((await bindProblem(internal)) === undefined ? true : undefined))
}

/** ApiVersions, version 0, correlation id 1, no client id (Kafka protocol guide); a broker answers it before any login. */
const apiVersionsRequest = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff])

/** Whether a broker answers there; false when nobody listens or the connection is closed instead. */
export function answersApiVersions(endpoint: Endpoint, deadline: Deadline): Promise<boolean> {
  const answered = new Promise<boolean>((resolve) => {
    const socket = connect(endpoint)
    const end = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(1_000, () => end(false))
    socket.once('connect', () => socket.write(apiVersionsRequest))
    socket.once('data', (answer) => end(answer.length >= 8 && answer.readInt32BE(4) === 1))
    socket.once('close', () => end(false))
    socket.once('error', () => end(false)) // refused or reset: it doesn't answer yet
  })
  return deadline.race(answered)
}
