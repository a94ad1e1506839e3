import type { ColourSnapshot } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

const maxVoterSilenceMs = 5_000
const unsteady = 'Ask again. Elections one after the other come from controllers that are starved, or whose disk or network is slow.'

/**
 * Has the metadata quorum a leader that stays (on a plain move), and does every voter follow it? A fence is a metadata write: without quorum none can be raised or lifted. Controllers whose disk takes some tenths of a second
 * for each write elect a leader every few seconds, each time before it has committed what was asked of it (docs/results.md, "Automatic rollback").
 *
 * @param wanted `majority`: enough for a fence, on a colour that is to be left
 */
export function checkControllerQuorum(colour: ColourSnapshot, wanted: 'all' | 'majority' = 'all'): Check {
  const name = `controller quorum of ${colour.colour}`
  const required = `a leader, with one election while the gate looks at most, and ${wanted === 'all' ? 'every voter' : 'most voters'} heard of within ${maxVoterSilenceMs} ms`
  const remedy = 'Repair the controller that is missing before you switch.'
  if (!colour.quorum.seen) return judged(name, 'inconclusive', colour.quorum.why, required, remedy)
  const { leaderId, leaderEpoch, firstLeaderEpoch, voters } = colour.quorum.value
  if (leaderId < 0 || voters.length === 0) return judged(name, 'fail', 'no leader', required, remedy)
  if (leaderEpoch > firstLeaderEpoch + 1)
    return judged(
      name,
      'fail',
      `leaders were elected one after the other while the gate looked: epoch ${firstLeaderEpoch}, then ${leaderEpoch}`,
      required,
      unsteady,
    )
  const silent = voters.filter((voter) => voter.nodeId !== leaderId && (voter.lastFetchAgeMs === null || voter.lastFetchAgeMs > maxVoterSilenceMs))
  const observed =
    silent.length === 0 ? `leader ${leaderId}, ${voters.length} voters` : `voters not heard of: ${silent.map((voter) => voter.nodeId).join(', ')}`
  const isEnough = wanted === 'all' ? silent.length === 0 : 2 * silent.length < voters.length
  return judged(name, isEnough ? 'pass' : 'fail', observed, required, remedy)
}
