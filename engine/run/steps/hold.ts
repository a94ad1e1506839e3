import type { Colour } from '../../model/colour.ts'
import { firstFive } from '../../model/error.ts'
import { type ClientRegistration, mustHold } from '../../model/route.ts'
import { endpointsOf, held } from '../../switchover/route-moves.ts'
import type { Execution } from '../execution.ts'
import { hurryAudit } from './audited.ts'

/** Whether every routed producer acknowledged, and who didn't. */
export interface HoldOutcome {
  readonly graceful: boolean
  readonly late: readonly string[]
}

/** Step 4, first half: publishes `held`. From here on an abort has to release. */
export async function publishHeld(run: Execution, target: Colour): Promise<void> {
  const { blue, green } = run.wiring.clusters
  const route = held(run.route, target, run.intent.attempt, run.term, { blue: endpointsOf(blue), green: endpointsOf(green) })
  await run.record({ kind: 'step', step: 'hold', what: 'begin', detail: `epoch ${route.epoch}` }, route)
  run.beginWindow()
  hurryAudit(run)
  run.mark('held-published')
}

/** Waits until transactional producers have ended theirs: the fence is sent then, so that it cuts none. */
export async function transactionsEnded(run: Execution): Promise<void> {
  await waitForHeld(run, (client) => client.kind === 'transactional-producer')
}

/** Step 4, second half: every routed producer flushed and acknowledged, or the hold's deadline is over and the fence stops the rest. */
export async function producersHeld(run: Execution): Promise<HoldOutcome> {
  const late = await waitForHeld(run, mustHold)
  run.mark('held')
  run.tell({ step: 'hold', text: late.length === 0 ? 'every routed producer acknowledged' : `not acknowledged: ${firstFive(late)}; the fence stops them` })
  return { graceful: late.length === 0, late }
}

async function waitForHeld(run: Execution, concerned: (client: ClientRegistration) => boolean): Promise<readonly string[]> {
  const epoch = run.route.epoch
  const isLate = (client: ClientRegistration) => concerned(client) && !(client.state === 'held' && client.ackedEpoch >= epoch)
  const deadline = run.untilCancelled(run.limits.holdDeadlineMs, 'routed producers to acknowledge the hold')
  const { clients } = await run.ports.store.waitForClients((all) => !all.some(isLate), deadline)
  return clients.filter(isLate).map((client) => client.clientId)
}
