import { type Colour, otherColour } from '../../model/colour.ts'
import { openSwitch } from '../../switchover/journal-reading.ts'
import type { Execution } from '../execution.ts'

/**
 * Step 11: begins the watch of the target, which the guardians keep, so that an update returns at once. Skipped, and said so, where there is no guardian, and behind the way back off a colour
 * that has failed its watch, whoever wanted it: what fails there too is a person's to judge.
 */
export async function beginWatch(run: Execution, target: Colour): Promise<void> {
  const entries = openSwitch(run.journal)?.entries ?? []
  const isSaid = entries.some((entry) => (entry.kind === 'watch' && entry.what === 'begun') || (entry.kind === 'step' && entry.step === 'watch'))
  if (isSaid) return // a rerun finishes what another one has begun
  const why = skipped(run)
  if (why !== null) {
    run.tell({ step: 'watch', text: `skipped: ${why}` })
    await run.record({ kind: 'step', step: 'watch', what: 'skipped', detail: why })
    return
  }
  const untilWallClock = new Date(run.ports.clock.wallClock().getTime() + run.limits.watchWindowMs).toISOString()
  await run.record({ kind: 'watch', what: 'begun', colour: target, untilWallClock, baseline: null, measures: [], reason: '' })
  run.tell({ step: 'watch', text: `guardians watch ${target} until ${untilWallClock}` })
}

function skipped(run: Execution): string | null {
  if (run.lossy !== null) return 'the other colour has diverged, so there is no way back'
  if (run.automatic !== null) return 'this is the way back of a failed watch'
  if (run.sick !== null) return `${otherColour(run.route.live)} had failed its watch, so there is nothing sound to compare with`
  return run.wiring.guardians.length === 0 ? 'no guardian is wired' : null
}
