import { messageOf } from '../../engine/model/error.ts'
import type { StackRole } from '../../engine/model/fleet.ts'
import { systemClock } from '../../engine/ports/clock.ts'
import type { Run } from './run.ts'

/** What stands on what: the traffic stack goes first. */
const order = ['traffic', 'blue', 'green'] as const satisfies readonly StackRole[]

/** A run that was killed leaves its fleet standing: it is ended first, so that every run starts from nothing. */
export async function endLeftovers(run: Pick<Run, 'screen' | 'stacks'>): Promise<void> {
  const leftovers: StackRole[] = []
  for (const role of order) {
    const stack = await run.stacks.select(role)
    if ((await stack.exportStack()).deployment?.resources?.length > 1) leftovers.push(role)
  }
  if (leftovers.length === 0) return
  run.screen.event('validate', `an earlier run left ${leftovers.join(', ')} standing; ending it first`)
  for (const role of leftovers) await endStack(run, role)
}

async function endStack(run: Pick<Run, 'stacks'>, role: StackRole): Promise<void> {
  const stack = await run.stacks.select(role)
  await stack.cancel().catch(() => undefined) // refused where nothing is locked; a killed run leaves its lock
  await run.stacks.destroy(role)
}

/**
 * Ends everything that the run started, also after a failure; with `keep` it says how to end it.
 *
 * @returns what could not be ended, and why
 */
export async function tearDown(run: Pick<Run, 'screen' | 'stacks' | 'workload'>, keep: boolean): Promise<readonly string[]> {
  run.workload?.kill()
  if (keep) {
    const { fleet } = run.stacks
    run.screen.event('end', `everything keeps running; end it with npm run rollout, or pulumi destroy of ${fleet}-traffic, -blue, -green`)
    return []
  }
  const startedMs = systemClock.monotonicMs()
  const failures: string[] = []
  for (const role of order) {
    try {
      await endStack(run, role)
    } catch (thrown) {
      failures.push(`${role}: ${messageOf(thrown)}`)
      run.screen.event('end', `${role}: ${messageOf(thrown)}`)
    }
  }
  const took = `${((systemClock.monotonicMs() - startedMs) / 1_000).toFixed(1)} s`
  run.screen.event('end', failures.length === 0 ? `everything stopped in ${took}` : `not everything could be stopped in ${took}`)
  return failures
}
