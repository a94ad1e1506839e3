import { firstFive, KbgError, messageOf } from '../model/error.ts'
import type { Cut } from '../model/journal.ts'
import type { LeftOpen, LeftSwitch } from '../switchover/resume.ts'
import { type Actual, EndStateError, type Execution } from './execution.ts'
import { tellLateLeft } from './failover.ts'
import { letMirrorComeBack, stopForward } from './mirrors.ts'
import { settleWaves } from './move-waves.ts'
import { fenceStill, reconcileFences } from './reconcile-fences.ts'
import { decideAbort, disarm, finishAbort, sayHalted } from './steps/abort.ts'
import { finish } from './steps/finish.ts'
import { groups } from './steps/groups.ts'
import { groupsWithout } from './steps/groups-without.ts'
import { liftAndPublish } from './steps/release.ts'
import { reverse } from './steps/reverse.ts'
import { beginWatch } from './steps/watch.ts'

/** Why a switchover that a run left open is taken back. */
export const abortReasons = {
  abort: 'it was left while clients were held',
  'finish-abort': 'its abort was left unfinished',
} as const

/**
 * Brings to its end what a run has left open: finishes what was decided, takes back what wasn't. The rerun, the guardian and `kbg repair` all do it by this; nothing
 * that anybody wants now is looked at.
 *
 * @param why why nobody else does it, when that is more than that its run ended; it becomes the reason of an abort
 * @throws EndStateError `unfinished`; `wave-returned` when a wave that was watched went back
 */
export async function finishOpen(run: Execution, left: LeftOpen, why: string | null = null): Promise<void> {
  switch (left.kind) {
    case 'close-untouched':
      await reconcileFences(run)
      await disarm(run, left.open.source, left.open.target)
      if (left.open.lossy === 'failover') await letMirrorComeBack(run, left.open.source)
      return await closeUntouched(run, why ?? 'the orchestrator ended before the hold')
    case 'abort':
      await decideAbort(run, why ?? 'the orchestrator ended while clients were held')
      return await finishAbort(run, left.open.source, left.open.target, why ?? abortReasons.abort)
    case 'finish-abort':
      return await finishAbort(run, left.open.source, left.open.target, why ?? abortReasons['finish-abort'])
    case 'finish-switch':
      run.tell({ step: 'release', text: `finishing the decided switchover ${left.open.source} -> ${left.open.target}` })
      await finishSwitch(run, left)
      return
    case 'settle-waves':
      return await settleWaves(run, left.open)
  }
}

/** Closes a switchover that has touched no traffic. */
export async function closeUntouched(run: Execution, reason: string): Promise<void> {
  await sayHalted(run, run.route.live, reason)
  await run.record({ kind: 'closed', outcome: 'aborted', live: run.route.live, epoch: run.route.epoch, graceful: false, reason, timeline: run.timeline })
}

async function finishSwitch(run: Execution, left: Extract<LeftSwitch, { kind: 'finish-switch' }>): Promise<void> {
  const { source, target, decided } = left.open
  if (!decided?.cut) throw new KbgError('journal-mismatch', 'A decided switchover has no cut.', { facts: { source, target } })
  if (left.from === 'lift') {
    await fenceStill(run, source)
    await liftAndPublish(run, target)
  } else {
    await reconcileFences(run) // it may have been left for long
  }
  await afterRelease(run, source, target, decided.cut, false)
}

/** Step 9 of a move that leaves records behind: the mirror ends, and what came behind the count is told too. */
async function withoutReverse(run: Execution, cut: Cut): Promise<null> {
  await stopForward(run, cut.source, cut.target)
  if (run.lossy === 'forced') await tellLateLeft(run, cut)
  return null
}

/** Steps 9 to 12. The traffic has moved; what fails here leaves a known state that a rerun finishes. */
export async function afterRelease(run: Execution, source: 'blue' | 'green', target: 'blue' | 'green', decidedCut: Cut, graceful: boolean): Promise<Actual> {
  const lossy = run.lossy !== null
  try {
    run.tell({ step: 'reverse', text: lossy ? `the mirror ${source} -> ${target} ends, and none begins` : `turning the mirror round: ${target} -> ${source}` })
    // A colour that keeps records of its own is a copy no more: nothing is mirrored to or from it.
    const mirrorless = lossy ? await withoutReverse(run, decidedCut) : await reverse(run, source, target, decidedCut)
    run.tell({ step: 'groups', text: 'moving consumer groups' })
    if (run.lossy === 'failover') await groupsWithout(run, source, target)
    else {
      const stayed = (await groups(run, source, target, decidedCut)).flatMap((outcome) => outcome.stayed.map(({ groupId }) => groupId))
      if (lossy && stayed.length > 0) run.tell({ step: 'groups', text: `nothing new comes to ${source}, where these stay: ${firstFive(stayed)}` })
    }
    if (mirrorless !== null) throw mirrorless
    await beginWatch(run, target)
    await finish(run, source, target, graceful)
    run.tell({ step: 'finish', text: `${target} live, ${lossy ? `${source} diverged, no mirror` : `${source} standby, mirror ${target} -> ${source}`}` })
    return run.actual
  } catch (thrown) {
    throw new EndStateError('unfinished', `${target} is live, but the switchover is not finished: ${messageOf(thrown)}`, run.actual, {
      cause: thrown,
      remedy: 'Run pulumi up again: it goes on where this ended. Until then there is no way back without loss of the new records.',
    })
  }
}
