import { bindingText } from '../gate/catalog-parity.ts'
import { type Colour, otherColour } from '../model/colour.ts'
import { KbgError } from '../model/error.ts'
import type { BrokerProbe } from '../model/facts.ts'
import type { RouteDocument } from '../model/route.ts'
import { Deadline } from '../ports/clock.ts'
import type { Cluster } from '../ports/cluster.ts'
import { fencesLookMs } from '../switchover/stall.ts'
import type { Execution } from './execution.ts'
import type { Ports } from './ports.ts'
import { openColour, proveFence } from './steps/fences.ts'

const pauseMs = 50
/** What a colour that is down, hangs or is being restarted answers; anything else (another cluster, a wrong password) is an error of its own. */
export const unreachableCodes: readonly string[] = ['deadline', 'connection', 'closed', 'no-progress', 'kafka', 'outcome-unknown']

/** How a colour's fence stands to what an open route says of it. */
type Observed = 'follows' | 'differs' | 'unknown'

/**
 * Whether a broker is known to answer otherwise than an open route says: the live colour open, the standby fenced. A fence request whose answer was lost may
 * land minutes later; this finds it. What can't be reached says nothing, and is the gate's to refuse.
 */
export async function fencesDiffer(ports: Ports, route: RouteDocument): Promise<boolean> {
  if (route.state !== 'open') return false
  const { live, standby } = await observeFences(ports, route)
  return live === 'differs' || standby === 'differs'
}

/**
 * Puts the fences back to what the route says: first the standby closed, then, with that proven, the live colour open, so that both are never open at once.
 * Where they stand as they should nothing is written; else each effect is journaled before, in a transaction that compares lock, route and journal. For
 * routes that are open, under the lock.
 *
 * @throws KbgError `fence-unproven` when a broker stays of another mind, or when the live colour would have to be opened beside a standby that can't be asked
 */
export async function reconcileFences(run: Execution): Promise<void> {
  if (run.route.state !== 'open') return
  const { live } = run.route
  const standby = otherColour(live)
  const observed = await observeFences(run.ports, run.route)
  for (const [colour, answer] of [[live, observed.live] as const, [standby, observed.standby] as const]) {
    if (answer === 'unknown') run.tell({ step: 'fence', text: `the fence of ${colour} can't be observed now` })
  }
  if (observed.standby === 'differs') await fenceAgain(run, standby, `${live} is live`)
  if (observed.live === 'differs') await openLive(run, live, standby)
}

/**
 * Proves that the source of a decided switchover is fenced still. Time has passed since the decision, and a request that landed late may have lifted the fence: it is
 * raised again then, because nobody could finish the switchover otherwise, nor take it back.
 *
 * @throws KbgError `fence-unproven`
 */
export async function fenceStill(run: Execution, source: Colour): Promise<void> {
  if (run.lossy === 'failover') return await fenceIfBack(run, source)
  const cluster = run.ports.clusters[source]
  const deadline = run.untilLockLost(run.limits.fenceDeadlineMs, `${source} to be fenced still`)
  if (judged(await cluster.fence.probe(deadline), 'open') === 'differs') return await fenceAgain(run, source, 'it was decided that the other colour takes over')
  await proveFence(cluster, 'fenced', deadline)
}

/**
 * Behind the decision of a failover the source may come back at any moment: brokers that answer are fenced before the target opens. Who doesn't answer isn't waited for; a guardian fences it when it is back.
 *
 * @throws KbgError `fence-unproven` while a broker answers as open
 */
async function fenceIfBack(run: Execution, source: Colour): Promise<void> {
  const first = await probed(run, source, run.untilLockLost(fencesLookMs, `${source} to answer`))
  if (first === null || first.every(({ answer }) => answer !== 'open')) return
  const { fence } = run.ports.clusters[source]
  run.tell({ step: 'fence', text: `${source} is back: fencing it before the other colour opens` })
  await run.record({ kind: 'fence', colour: source, what: 'raising', bindings: fence.bindings.map(bindingText) })
  const deadline = run.untilLockLost(run.limits.fenceDeadlineMs, `${source} to refuse`)
  await fence.raise(deadline)
  while (!deadline.over) {
    const answers = await probed(run, source, deadline)
    if (answers === null || answers.every(({ answer }) => answer !== 'open')) return
    await deadline.clock.sleep(Math.min(pauseMs, deadline.remainingMs()), deadline.cancelled)
  }
  throw new KbgError('fence-unproven', `${source} is back and accepts writes.`, {
    retriable: true,
    remedy: 'Stop its brokers: without a quorum nothing can fence them.',
  })
}

/** null: it can't be reached. Another cluster or a wrong password is no proof that it is gone. */
export async function probed(run: Execution, colour: Colour, deadline: Deadline) {
  try {
    return await deadline.race(run.ports.clusters[colour].fence.probe(deadline))
  } catch (thrown) {
    if (!deadline.cancelled?.aborted && thrown instanceof KbgError && unreachableCodes.includes(thrown.code)) return null
    throw thrown
  }
}

async function fenceAgain(run: Execution, colour: Colour, why: string): Promise<void> {
  run.tell({ step: 'fence', text: `${colour} accepts writes though ${why}: fencing it again; look for records on it that the other colour hasn't` })
  const { fence } = run.ports.clusters[colour]
  await run.record({ kind: 'fence', colour, what: 'raising', bindings: fence.bindings.map(bindingText) })
  const deadline = run.untilLockLost(run.limits.fenceDeadlineMs, `every broker of ${colour} to refuse`)
  await fence.raise(deadline)
  await proveFence(run.ports.clusters[colour], 'fenced', deadline)
}

async function openLive(run: Execution, live: Colour, standby: Colour): Promise<void> {
  run.tell({ step: 'fence', text: `${live} is live but refuses writes: lifting a fence that came late` })
  const { clusters } = run.ports
  await proveFence(clusters[standby], 'fenced', run.untilLockLost(run.limits.fenceDeadlineMs, `every broker of ${standby} to refuse, before ${live} opens`))
  await run.record({ kind: 'fence', colour: live, what: 'lifting', bindings: clusters[live].fence.bindings.map(bindingText) })
  await openColour(clusters[live], run.untilLockLost(run.limits.windowDeadlineMs, `${live} to accept writes again`))
}

async function observeFences(ports: Ports, route: RouteDocument): Promise<{ readonly live: Observed; readonly standby: Observed }> {
  const deadline = new Deadline(ports.clock, fencesLookMs, 'the fences to be observed')
  const live = ports.clusters[route.live]
  const [liveProbes, liveBindings, standbyProbes] = await Promise.all([
    orUnknown(deadline.race(live.fence.probe(deadline))),
    orUnknown(deadline.race(leftOverBindings(live, deadline))),
    orUnknown(deadline.race(ports.clusters[otherColour(route.live)].fence.probe(deadline))),
  ])
  const opened = judged(liveProbes, 'fenced')
  // The probe only meets DENY Write; a part of the fence that denies something else shows among the ACLs.
  const bare = liveBindings === null ? 'unknown' : liveBindings.length > 0 ? 'differs' : 'follows'
  return { live: opened === 'differs' || bare === 'follows' ? opened : bare, standby: judged(standbyProbes, 'open') }
}

/** One broker that is of another mind is enough; one that didn't answer leaves it open. */
function judged(probes: readonly BrokerProbe[] | null, wrong: 'fenced' | 'open'): Observed {
  if (probes === null || probes.length === 0) return 'unknown'
  if (probes.some(({ answer }) => answer === wrong)) return 'differs'
  return probes.every(({ answer }) => answer !== 'unreachable') ? 'follows' : 'unknown'
}

async function leftOverBindings(cluster: Cluster, deadline: Deadline): Promise<readonly string[]> {
  const fence = new Set(cluster.fence.bindings.map(bindingText))
  return (await cluster.inventory.acls(deadline)).map(bindingText).filter((text) => fence.has(text))
}

/** null: it can't be reached, which is no evidence of anything. */
async function orUnknown<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (thrown) {
    if (thrown instanceof KbgError && unreachableCodes.includes(thrown.code)) return null
    throw thrown
  }
}
