import { divergedBecause } from '../model/loss.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

/** What mends a colour that has diverged: said wherever one is named. */
export const reseedRemedy = (colour: string) =>
  `Nothing is copied to or from ${colour} as it is. Read there what is still wanted, then give ${colour} a fresh cluster (retire it, destroy it, bring it up again); pulumi up on the traffic stack then copies everything anew.`

/** Is the target still a copy? A colour that was left with records of its own isn't one any more, until it is another cluster. */
export function checkDiverged({ route, target, colours }: Snapshot): Check {
  const name = 'diverged'
  const required = `${target} as a copy of the live colour`
  if (!route.seen) return judged(name, 'inconclusive', route.why, required, reseedRemedy(target))
  const why = divergedBecause(route.value.journal, target, colours[target].expectedClusterId)
  return judged(name, why === null ? 'pass' : 'fail', why ?? 'it has not', required, reseedRemedy(target))
}
