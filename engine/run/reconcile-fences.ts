import { bindingText } from '../gate/catalog-parity.ts'
import { otherColour } from '../model/colour.ts'
import type { BrokerProbe } from '../model/facts.ts'
import type { RouteDocument } from '../model/route.ts'
import { Deadline } from '../ports/clock.ts'
import type { Cluster } from '../ports/cluster.ts'
import type { Execution } from './execution.ts'
import type { Ports } from './ports.ts'
import { openColour, proveFence } from './steps/fences.ts'

/** Both colours are asked side by side; one that can't be reached must not hold an update up. */
const observationMs = 2_000

/**
 * Whether a broker is known to answer otherwise than an open route says: the live colour open, the standby fenced. A fence request whose answer was lost may
 * land minutes later; this finds it. What can't be reached says nothing, and is the gate's to refuse.
 */
export async function fencesDiffer(ports: Ports, route: RouteDocument): Promise<boolean> {
  if (route.state !== 'open') return false
  const { live, standby } = await observeFences(ports, route)
  return live || standby
}

/**
 * Puts the fences back to what the route says: first the standby closed, then the live colour open, so that both are never open at once. Does nothing, and
 * writes nothing, where they stand as they should. For routes that are open, under the lock.
 *
 * @throws KbgError `fence-unproven` when a broker stays of another mind
 */
export async function reconcileFences(run: Execution): Promise<void> {
  if (run.route.state !== 'open') return
  const { clusters } = run.ports
  const { live } = run.route
  const standby = otherColour(live)
  const wrong = await observeFences(run.ports, run.route)
  if (wrong.standby) {
    run.tell({ step: 'fence', text: `${standby} accepts writes though ${live} is live: fencing it again` })
    const deadline = run.untilLockLost(run.limits.fenceDeadlineMs, `every broker of ${standby} to refuse`)
    await clusters[standby].fence.raise(deadline)
    await proveFence(clusters[standby], 'fenced', deadline)
  }
  if (wrong.live) {
    run.tell({ step: 'fence', text: `${live} is live but refuses writes: lifting a fence that came late` })
    await openColour(clusters[live], run.untilLockLost(run.limits.windowDeadlineMs, `${live} to accept writes again`))
  }
}

async function observeFences(ports: Ports, route: RouteDocument): Promise<{ readonly live: boolean; readonly standby: boolean }> {
  const deadline = new Deadline(ports.clock, observationMs, 'the fences to be observed')
  const live = ports.clusters[route.live]
  const [liveAnswers, standbyAnswers, leftOver] = await Promise.all([
    answers(live, deadline),
    answers(ports.clusters[otherColour(route.live)], deadline),
    leftOverBindings(live, deadline),
  ])
  return { live: leftOver || liveAnswers.some(({ answer }) => answer === 'fenced'), standby: standbyAnswers.some(({ answer }) => answer === 'open') }
}

/** The probe only meets DENY Write; a part of the fence that denies something else shows among the ACLs. */
async function leftOverBindings(cluster: Cluster, deadline: Deadline): Promise<boolean> {
  const fence = new Set(cluster.fence.bindings.map(bindingText))
  const acls = await deadline.race(cluster.inventory.acls(deadline)).catch(() => [])
  return acls.some((binding) => fence.has(bindingText(binding)))
}

/** No answer is no evidence here: nothing is changed because of it. */
async function answers(cluster: Cluster, deadline: Deadline): Promise<readonly BrokerProbe[]> {
  return await deadline.race(cluster.fence.probe(deadline)).catch(() => [])
}
