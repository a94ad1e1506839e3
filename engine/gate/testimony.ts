import type { Colour } from '../model/colour.ts'
import { firstFive } from '../model/error.ts'
import { type GuardianSight, reachedBy } from '../model/guardian-sight.ts'
import type { ClientRegistration } from '../model/route.ts'
import type { Reading } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

/**
 * A failover: does any guardian still reach a broker of the colour that this machine takes for gone? A link that is down here is no proof. One that has ended, or reaches none, speaks against nothing: the guardian
 * beside a colour may have gone with it. One that is registered and has said nothing yet has just begun to look, and is waited for.
 */
export function checkTestimony(sights: Reading<readonly GuardianSight[]> | null, clients: Reading<readonly ClientRegistration[]>, source: Colour): Check {
  const name = `guardians reach no broker of ${source}`
  const required = 'no guardian that reaches one'
  if (sights === null || !sights.seen)
    return judged(name, 'inconclusive', sights === null ? 'nobody has asked' : sights.why, required, 'Make the route store reachable.')
  const reaching = reachedBy(sights.value, source)
  if (reaching.length > 0) return judged(name, 'fail', firstFive(reaching), required, livesElsewhere(source))
  if (!clients.seen) return judged(name, 'inconclusive', clients.why, required, 'Make the route store reachable.')
  const silent = clients.value.filter(({ kind, instanceId }) => kind === 'guardian' && !sights.value.some((sight) => sight.instanceId === instanceId))
  if (silent.length > 0) {
    const observed = `not said yet by ${firstFive(silent.map(({ instanceId }) => instanceId))}`
    return judged(name, 'inconclusive', observed, required, 'Ask again: a guardian looks every two seconds.')
  }
  const asked = sights.value.map(({ beside }) => beside)
  return judged(name, 'pass', asked.length === 0 ? 'no guardian says what it sees' : `none of those beside ${asked.join(' and ')} reaches one`, required, '')
}

/** What to do when a colour lives, seen from elsewhere. */
export function livesElsewhere(source: Colour): string {
  return `${source} lives: it is this machine that can't reach it. Mend that link, or run the update from where it can be reached, and move ordinarily. If ${source} has to be left all the same, stop its brokers first; guardians see that within seconds.`
}
