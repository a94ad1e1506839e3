import type { Limits } from '../model/limits.ts'
import type { Reading, RouteSnapshot } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

const dayMs = 86_400_000

/**
 * Has a drill passed within `limits.maxDrillAgeDays`? The one check that looks at the wall clock: a drill is days old, and its time is the UTC time that its machine had.
 *
 * @param observedAtMs when the snapshot was taken, in milliseconds since 1970
 */
export function checkDrill(route: Reading<RouteSnapshot>, { maxDrillAgeDays }: Limits, observedAtMs: number): Check {
  const name = 'drill'
  const required = `one that passed within ${maxDrillAgeDays} days`
  const remedy = 'Run kbg drill; or set limits.maxDrillAgeDays to 0, which asks for none.'
  if (!route.seen) return judged(name, 'inconclusive', route.why, required, remedy)
  const newest = route.value.journal.findLast((entry) => entry.kind === 'drill')
  if (newest === undefined) return judged(name, 'fail', 'none', required, remedy)
  const ageDays = (observedAtMs - Date.parse(newest.atWallClock)) / dayMs
  const observed = `${newest.passed ? 'passed' : 'not passed'} at ${newest.atWallClock}`
  if (!(ageDays >= -1)) return judged(name, 'inconclusive', `${observed}, which is still to come`, required, 'Set the clock of this machine right.')
  return judged(name, newest.passed && ageDays <= maxDrillAgeDays ? 'pass' : 'fail', observed, required, remedy)
}
