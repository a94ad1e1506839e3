import { canaryTopic } from '../../model/cluster-access.ts'
import type { Colour } from '../../model/colour.ts'
import { KbgError } from '../../model/error.ts'
import { topicPartition } from '../../model/partition.ts'
import { mirrorConnectorName } from '../connector-names.ts'
import type { Execution } from '../execution.ts'
import { ensureCanary } from '../mirrors.ts'

const canaryDeadlineMs = 25_000

/**
 * Step 3: this term's reverse connector is created STOPPED, and a canary record crosses each way, on connectors of its own: both workers copy, so
 * the way back will have a mirror. Off a live colour that has failed its watch nothing is asked that it may refuse: neither a canary nor a connector on the worker beside it, which keeps its
 * own topics there. That its mirror copies is the gate's lag and the drain; the connector is created behind the release.
 */
export async function arm(run: Execution, source: Colour, target: Colour): Promise<void> {
  if (run.sick !== null) {
    await Promise.all([warmUp(run, source), warmUp(run, target)])
    return
  }
  const name = mirrorConnectorName(target, source, run.term)
  await run.record({ kind: 'mirror', connector: name, source: target, target: source, what: 'created' })
  await run.ports.mirrors[target].createStopped(name, run.wiring.topics, run.untilCancelled(15_000, `connector ${name} to be created`))
  await Promise.all([provePath(run, source, target), provePath(run, target, source), warmUp(run, source), warmUp(run, target)])
}

/** Opens every connection that the write window needs, so that none is opened in it. */
async function warmUp(run: Execution, colour: Colour): Promise<void> {
  await run.ports.clusters[colour].warmUp(run.untilCancelled(15_000, `connections to ${colour}`))
}

/** Appends a canary to one side and waits for it on the other. */
async function provePath(run: Execution, from: Colour, to: Colour): Promise<void> {
  await ensureCanary(run.ports, from, to, run.untilCancelled(2 * run.ports.mirrors[from].changeMs, `the connector of the canary from ${from}`))
  const deadline = run.untilCancelled(canaryDeadlineMs, `the canary to cross ${from} -> ${to}`)
  const partition = topicPartition(canaryTopic(from), 0)
  const offset = await run.ports.clusters[from].logs.append(partition, `canary of term ${run.term}`, deadline)
  const [sent] = await run.ports.clusters[from].logs.visible(partition, offset, offset + 1n, deadline)
  if (!sent) throw new KbgError('canary', `The canary on ${from} can't be read back.`, { facts: { partition, offset: offset.toString() } })
  await deadline.poll(20, async () => {
    const [end] = await run.ports.clusters[to].logs.ends([canaryTopic(from)], deadline).then((ends) => ends.filter((one) => one.partition === partition))
    if (!end) return undefined
    const newest = await run.ports.clusters[to].logs.lastVisible(partition, end.lastStableOffset, 5, deadline)
    return newest.some((record) => record.digest === sent.digest) ? true : undefined
  })
}
