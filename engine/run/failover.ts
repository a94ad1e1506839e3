import type { Colour } from '../model/colour.ts'
import { KbgError } from '../model/error.ts'
import type { Cut } from '../model/journal.ts'
import { rangesText, recordsText } from '../model/loss.ts'
import type { Execution } from './execution.ts'
import { probed } from './reconcile-fences.ts'
import { cutWithout, forcedCut } from './steps/lossy-cut.ts'
import { decide } from './steps/release.ts'

const lookMs = 2_000

/**
 * Up to the decision of a failover, behind the gate and with the switchover opened: the source is gone still, its mirror is stopped, what is lost is what the operator has repeated. Nobody is held meanwhile:
 * nobody can write. @throws KbgError `source-lives`, `loss-refused`
 */
export async function decideWithout(run: Execution, source: Colour, target: Colour): Promise<{ readonly decidedCut: Cut; readonly graceful: boolean }> {
  run.tell({ step: 'drain', text: `${source} is gone: its mirror is stopped, and what ${target} lacks is counted` })
  await refuseLiving(run, source)
  const { cut, loss } = await cutWithout(run, source, target)
  await refuseLiving(run, source)
  run.cancelled.throwIfAborted()
  await decide(run, cut, false, loss)
  run.tell({ step: 'release', text: `decided: ${target} takes over without ${source}; lost: ${recordsText(loss)}` })
  return { decidedCut: cut, graceful: false }
}

/** Steps 6 to 8 of a forced move, behind the fence: what stays behind is counted, compared with what the operator accepts, and decided. */
export async function decideForced(run: Execution, source: Colour, target: Colour, graceful: boolean): Promise<Cut> {
  const { cut, loss } = await forcedCut(run, source, target)
  run.cancelled.throwIfAborted()
  await decide(run, cut, graceful, loss)
  run.tell({ step: 'release', text: `${recordsText(loss)} stay behind on ${source}, which stays fenced: ${rangesText(loss.ranges)}` })
  return cut
}

async function refuseLiving(run: Execution, source: Colour): Promise<void> {
  const answers = await probed(run, source, run.untilCancelled(lookMs, `${source} to answer`))
  if (answers === null || answers.every(({ answer }) => answer === 'unreachable')) return
  throw new KbgError('source-lives', `${source} answers, so there is no failover from it.`, {
    facts: { observed: answers.map(({ brokerId, answer }) => `broker ${brokerId} ${answer}`), required: 'no broker that answers' },
    remedy: 'Move ordinarily, or with acceptLoss. What is left of a colour without a quorum has to be stopped first: nothing can fence it.',
  })
}
