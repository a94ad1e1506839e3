import type { Colour } from '../../model/colour.ts'
import type { Cut } from '../../model/journal.ts'
import { type Loss, recordsText } from '../../model/loss.ts'
import type { RouteDocument } from '../../model/route.ts'
import { deciding, endpointsOf, failingOver, published } from '../../switchover/route-moves.ts'
import type { Execution } from '../execution.ts'
import { openColour } from './fences.ts'

/** Step 8, first half: the decision, in the same transaction as the cut. The point of no return. */
export async function decide(run: Execution, cut: Cut, graceful: boolean, loss: Loss | null = null): Promise<void> {
  const fact = { kind: 'decided', outcome: 'switch', cut, graceful } as const
  if (loss === null) await run.record({ ...fact, reason: 'drained and cut' }, deciding(run.route, run.term))
  else await run.record({ ...fact, reason: `${recordsText(loss)} stay behind on ${loss.colour}`, loss }, afterLoss(run, cut, loss))
  run.endWindow()
  run.mark('decided')
}

/** Step 8, second half: lifts the target's fence, proves that real appends are accepted, then publishes it. The write window ends. */
export async function liftAndPublish(run: Execution, target: Colour): Promise<void> {
  await openColour(run.ports.clusters[target], run.untilLockLost(run.limits.windowDeadlineMs, `${target} to accept writes`))
  run.mark('lifted')
  const route = published(run.route, run.term)
  await run.record({ kind: 'step', step: 'release', what: 'done', detail: `epoch ${route.epoch}` }, route)
  run.mark('published')
}

/** Nobody is held for a source that is gone: its failover goes from open to the decision at once, so that no crash in between waits for it. */
function afterLoss(run: Execution, { target }: Cut, { how }: Loss): RouteDocument {
  if (how === 'forced') return deciding(run.route, run.term)
  const { blue, green } = run.wiring.clusters
  return failingOver(run.route, target, run.intent.attempt, run.term, { blue: endpointsOf(blue), green: endpointsOf(green) })
}
