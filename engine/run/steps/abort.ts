import type { Colour } from '../../model/colour.ts'
import { mirrorRecord } from '../../switchover/journal-reading.ts'
import { aborting, restored } from '../../switchover/route-moves.ts'
import type { Execution } from '../execution.ts'
import { deleteMirror, letMirrorComeBack, letMirrorRun } from '../mirrors.ts'
import { reconcileFences } from '../reconcile-fences.ts'
import { liftFence, openColour } from './fences.ts'

/** Decides that the source stays: one compare-and-set, before any fence is lifted. Whoever loses it does nothing. */
export async function decideAbort(run: Execution, reason: string): Promise<void> {
  await run.record({ kind: 'decided', outcome: 'abort', cut: null, reason, graceful: false }, aborting(run.route, run.term))
}

/** Carries an abort out: lifts the source's fence, canary accepted, publishes the source latched, lets the mirror run again, closes the journal. */
export async function finishAbort(run: Execution, source: Colour, target: Colour, reason: string): Promise<void> {
  if (run.route.state === 'aborting') {
    const deadline = run.untilLockLost(run.limits.windowDeadlineMs, `${source} to accept writes again`)
    // A colour that has failed its watch, or that is left at any price, may have refused writes before; its clients must not stay held for that.
    await (run.sick === null && run.lossy === null ? openColour : liftFence)(run.ports.clusters[source], deadline)
    const why = run.automatic === null ? reason : `${run.automatic}; the way back was taken back: ${reason}`
    const latch = { attempt: run.route.attempt, reason: why, atWallClock: run.ports.clock.wallClock().toISOString() }
    const route = restored(run.route, latch, run.term)
    await run.record({ kind: 'step', step: 'release', what: 'skipped', detail: `aborted, ${source} live at epoch ${route.epoch}` }, route)
  } else {
    await reconcileFences(run) // before Connect, which may be sick: writers must not wait for it
  }
  await (run.lossy === null ? letMirrorRun : letMirrorComeBack)(run, source)
  await disarm(run, source, target)
  await reconcileFences(run) // the request that raised the fence may have lost its answer, and land behind the one that lifted it
  await sayHalted(run, source, reason)
  await run.record({ kind: 'closed', outcome: 'aborted', live: run.route.live, epoch: run.route.epoch, graceful: false, reason, timeline: run.timeline })
}

/**
 * A way back off a colour that has failed its watch is taken back: nothing tries again by itself, and that has to stand somewhere. A guardian that takes back its own says it as its watch.
 */
export async function sayHalted(run: Execution, colour: Colour, reason: string): Promise<void> {
  const isByHand = run.automatic === null && run.sick !== null
  if (!run.finishesAutomatic && !isByHand) return
  const why = `its way back was taken back: ${reason}`
  await run.record({ kind: 'watch', what: 'halted', colour, untilWallClock: null, baseline: null, measures: [], reason: why })
}

/** Deletes the reverse connector that was armed and has never run. */
export async function disarm(run: Execution, source: Colour, target: Colour): Promise<void> {
  const armed = mirrorRecord(run.journal, target)
  if (armed !== null && armed.what !== 'running') await deleteMirror(run, target, source)
}
