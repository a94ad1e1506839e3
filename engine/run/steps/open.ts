import type { Colour } from '../../model/colour.ts'
import { latched } from '../../switchover/route-moves.ts'
import type { Execution } from '../execution.ts'

/**
 * Opens the switchover in the journal, behind the gate. The way back of a failed watch is latched in the same write, before anything moves: whoever goes on behind a crash must not move forward
 * again under that attempt.
 */
export async function open(run: Execution, source: Colour, target: Colour): Promise<void> {
  const { attempt, consumers } = run.intent
  const fact = { kind: 'opened', source, target, attempt, epoch: run.route.epoch, consumers } as const
  if (run.automatic === null) return await run.record(fact)
  const latch = { attempt, reason: `${run.automatic}; traffic goes back to ${target}`, atWallClock: run.ports.clock.wallClock().toISOString() }
  await run.record({ ...fact, automatic: run.automatic }, latched(run.route, latch, run.term))
}
