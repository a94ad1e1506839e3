import type { ColourSnapshot } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

const maxVoterSilenceMs = 5_000

/** Has the metadata quorum a leader, and does every voter follow it? A fence is a metadata write: without quorum none can be raised or lifted. */
export function checkControllerQuorum(colour: ColourSnapshot): Check {
  const name = `controller quorum of ${colour.colour}`
  const required = `a leader, and every voter heard of within ${maxVoterSilenceMs} ms`
  const remedy = 'Repair the controller that is missing before you switch.'
  if (!colour.quorum.seen) return judged(name, 'inconclusive', colour.quorum.why, required, remedy)
  const { leaderId, voters } = colour.quorum.value
  if (leaderId < 0 || voters.length === 0) return judged(name, 'fail', 'no leader', required, remedy)
  const silent = voters.filter((voter) => voter.nodeId !== leaderId && (voter.lastFetchAgeMs === null || voter.lastFetchAgeMs > maxVoterSilenceMs))
  const observed =
    silent.length === 0 ? `leader ${leaderId}, ${voters.length} voters` : `voters not heard of: ${silent.map((voter) => voter.nodeId).join(', ')}`
  return judged(name, silent.length === 0 ? 'pass' : 'fail', observed, required, remedy)
}
