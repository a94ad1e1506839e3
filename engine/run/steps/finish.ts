import type { Colour } from '../../model/colour.ts'
import type { Execution } from '../execution.ts'
import { deleteMirror } from '../mirrors.ts'
import { reconcileFences } from '../reconcile-fences.ts'

/** Step 12: the former direction's connector is deleted, the source stays fenced as standby, the journal is closed with the timeline. */
export async function finish(run: Execution, source: Colour, target: Colour, graceful: boolean): Promise<void> {
  await deleteMirror(run, source, target)
  await reconcileFences(run) // a fence request that lost its answer may have landed since
  await run.record({
    kind: 'closed',
    outcome: 'switched',
    live: run.route.live,
    epoch: run.route.epoch,
    graceful,
    reason: `${source} -> ${target}`,
    timeline: run.timeline,
  })
}
