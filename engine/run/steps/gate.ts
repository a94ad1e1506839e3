import { isWayBack, type Verdict } from '../../gate/assess.ts'
import { checkLine, refusals } from '../../gate/check.ts'
import { KbgError } from '../../model/error.ts'
import { gateDeadlineMs } from '../../switchover/steps.ts'
import type { Execution } from '../execution.ts'
import { type Judged, judge, purposeOfIntent } from '../judge.ts'
import type { ObservedMove } from '../observe.ts'

/** Step 2: observes afresh and assesses, one lag sample: the Gate resource has already seen it stable. Throws unless every check passes. */
export async function gate(run: Execution, move: ObservedMove): Promise<Judged> {
  const { wiring, limits, intent } = run
  const purpose = run.automatic !== null ? 'way back' : purposeOfIntent(run.route, run.journal, intent)
  const deadline = run.untilCancelled(gateDeadlineMs(limits, isWayBack(purpose)), 'the gate to observe both colours')
  const verdict = await judge(run.ports, { wiring, limits, move, attempt: intent.attempt, purpose, lagSamples: 1 }, deadline)
  run.cancelled.throwIfAborted() // a look that was cancelled is no refusal
  if (verdict.verdict !== 'pass') throw refused(verdict)
  return verdict
}

/** The refusal of a gate: every check that didn't pass, with observed, required and remedy. */
export function refused(verdict: Verdict): KbgError {
  const lines = refusals(verdict.checks).map((check) => `\n  ${checkLine(check)}`)
  return new KbgError('gate', `The gate is ${verdict.verdict}, so nothing was moved:${lines.join('')}`)
}
