import type { Colour } from '../../model/colour.ts'
import type { Cut } from '../../model/journal.ts'
import { deciding, published } from '../../switchover/route-moves.ts'
import type { Execution } from '../execution.ts'
import { openColour } from './fences.ts'

/** Step 8, first half: the decision, in the same transaction as the cut. The point of no return. */
export async function decide(run: Execution, cut: Cut, graceful: boolean): Promise<void> {
  await run.record({ kind: 'decided', outcome: 'switch', cut, reason: 'drained and cut', graceful }, deciding(run.route, run.term))
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
