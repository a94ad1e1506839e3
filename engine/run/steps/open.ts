import type { Colour } from '../../model/colour.ts'
import { KbgError } from '../../model/error.ts'
import { latched } from '../../switchover/route-moves.ts'
import { isWatching, newestWatch } from '../../switchover/watch-reading.ts'
import type { Execution } from '../execution.ts'

/**
 * Opens the switchover in the journal, behind the gate. The operator's own way back off a colour that has failed its watch says so there, for whoever finishes it. The way back of a failed watch is latched in the same write, before anything moves: whoever goes on behind a crash must not move forward
 * again under that attempt.
 */
export async function open(run: Execution, source: Colour, target: Colour): Promise<void> {
  const { attempt, consumers } = run.intent
  const lossy = run.lossy === null ? {} : { lossy: run.lossy }
  const fact = { kind: 'opened', source, target, attempt, epoch: run.route.epoch, consumers, ...lossy } as const
  if (run.automatic === null) return await run.record(run.sick === null ? fact : { ...fact, sick: run.sick })
  // Looked at under the lock: another guardian may have ended the watch since this one read the journal, and said that nothing moves.
  if (!isWatching(newestWatch(run.journal))) {
    throw new KbgError('watch-over', `The watch of ${source} has ended meanwhile, so traffic stays there.`, { facts: { live: source } })
  }
  const latch = { attempt, reason: `${run.automatic}; traffic goes back to ${target}`, atWallClock: run.ports.clock.wallClock().toISOString() }
  await run.record({ ...fact, automatic: run.automatic }, latched(run.route, latch, run.term))
}
