import type { Colour } from '../model/colour.ts'
import { firstFive } from '../model/error.ts'
import { type GuardianSight, reachedBy } from '../model/guardian-sight.ts'
import type { Reading } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

/**
 * A failover: does any guardian still reach a broker of the colour that this machine takes for gone? A link that is down here is no proof. One that has ended, or reaches none, speaks against nothing: the guardian
 * beside a colour may have gone with it.
 */
export function checkTestimony(sights: Reading<readonly GuardianSight[]> | null, source: Colour): Check {
  const name = `guardians reach no broker of ${source}`
  const required = 'no guardian that reaches one'
  if (sights === null || !sights.seen)
    return judged(name, 'inconclusive', sights === null ? 'nobody has asked' : sights.why, required, 'Make the route store reachable.')
  const reaching = reachedBy(sights.value, source)
  if (reaching.length > 0) return judged(name, 'fail', firstFive(reaching), required, livesElsewhere(source))
  const asked = sights.value.map(({ beside }) => beside)
  return judged(name, 'pass', asked.length === 0 ? 'no guardian says what it sees' : `none of those beside ${asked.join(' and ')} reaches one`, required, '')
}

/** What to do when a colour lives, seen from elsewhere. */
export function livesElsewhere(source: Colour): string {
  return `${source} lives: it is this machine that can't reach it. Mend that link, or run the update from where it can be reached, and move ordinarily. If ${source} has to be left all the same, stop its brokers first; guardians see that within seconds.`
}
