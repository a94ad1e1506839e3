import { assess, type Verdict } from '../../gate/assess.ts'
import { checkLine, refusals } from '../../gate/check.ts'
import { KbgError } from '../../model/error.ts'
import type { Execution } from '../execution.ts'
import { type ObservedMove, observe } from '../observe.ts'

/** Step 2: observes afresh and assesses, one lag sample: the Gate resource has already seen it stable. Throws unless every check passes. */
export async function gate(run: Execution, move: ObservedMove): Promise<Verdict> {
  const deadline = run.untilCancelled(10_000 + 2 * run.limits.maxMirrorLagMs, 'the gate to observe both colours')
  const snapshot = await observe(run.ports, run.wiring, run.limits, move, 1, deadline)
  const verdict = assess(snapshot, run.limits, run.intent.attempt, 1)
  if (verdict.verdict !== 'pass') throw refused(verdict)
  return verdict
}

/** The refusal of a gate: every check that didn't pass, with observed, required and remedy. */
export function refused(verdict: Verdict): KbgError {
  const lines = refusals(verdict.checks).map((check) => `\n  ${checkLine(check)}`)
  return new KbgError('gate', `The gate is ${verdict.verdict}, so nothing was moved:${lines.join('')}`)
}
