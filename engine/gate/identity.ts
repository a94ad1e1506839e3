import type { ColourSnapshot } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

/** Is the cluster that answers the one that was wired? */
export function checkIdentity(colour: ColourSnapshot): Check {
  const name = `identity of ${colour.colour}`
  const required = `cluster id ${colour.expectedClusterId}`
  const remedy = `Bring ${colour.colour}'s brokers up (pulumi up on its stack), or mend its addresses.`
  if (!colour.cluster.seen) return judged(name, 'inconclusive', colour.cluster.why, required, remedy)
  const observed = colour.cluster.value.clusterId
  return judged(name, observed === colour.expectedClusterId ? 'pass' : 'fail', `cluster id ${observed}`, required, remedy)
}
