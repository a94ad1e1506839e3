import { type CatalogSight, catalogSight } from '../../gate/catalog-parity.ts'
import { driftOf } from '../../gate/final-diff.ts'
import type { Colour } from '../../model/colour.ts'
import { firstFive, KbgError } from '../../model/error.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { Inventory } from '../../ports/cluster.ts'
import type { Execution } from '../execution.ts'

/**
 * Both colours' catalogs read once more, beside the drain, and each compared with what this term's gate saw: a topic that came up since is in no proof, a right that was taken meets clients on the target.
 *
 * It is read behind the proven fence: every broker of the source has followed the metadata log up to the fence by then, so whichever answers knows all that was changed there before, and on neither
 * colour does anybody but a super user make, grow or delete a topic any more. A broker of the target may know of a super user's change a moment later.
 *
 * @throws KbgError `drift` naming what has changed, and where
 */
export async function finalDiff(run: Execution, atGate: Snapshot): Promise<void> {
  const deadline = run.untilCancelled(run.limits.drainDeadlineMs, "both colours' catalogs")
  const [blue, green] = await Promise.all([driftSince(run, 'blue', atGate, deadline), driftSince(run, 'green', atGate, deadline)])
  if (blue.length + green.length === 0) return
  throw new KbgError('drift', 'Something was changed behind the gate.', {
    facts: { observed: firstFive([...blue, ...green]), required: "both colours' catalogs as the gate saw them" },
    remedy:
      'Undo it, or put it into the catalog and run pulumi up on both colours; then try again with a new attempt, whose gate compares both. ' +
      'What was copied of a topic that was made again belongs to the one before.',
  })
}

async function driftSince(run: Execution, colour: Colour, atGate: Snapshot, deadline: Deadline): Promise<readonly string[]> {
  // What a colour that is left as it is lets whom do may be why it is left: its gate didn't ask it either.
  const wanted = (run.sick !== null || run.lossy !== null) && colour === atGate.source ? 'partitions' : 'all'
  const before = catalogSight(atGate.colours[colour], wanted)
  if (!before.seen) throw new KbgError('drift', `The gate has not seen the catalog of ${colour}: ${before.why}.`)
  const { inventory, fence } = run.ports.clusters[colour]
  const [topics, rights] = await Promise.all([inventory.topics(deadline), wanted === 'all' ? readRights(inventory, deadline) : {}])
  return driftOf(colour, before.value, { ...before.value, topics, ...rights }, fence.bindings)
}

async function readRights(inventory: Inventory, deadline: Deadline): Promise<Omit<CatalogSight, 'topics'>> {
  const [acls, quotas, scramUsers] = await Promise.all([inventory.acls(deadline), inventory.quotas(deadline), inventory.scramUsers(deadline)])
  return { acls, quotas, scramUsers }
}
