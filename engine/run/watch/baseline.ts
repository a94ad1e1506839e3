import { baselineOf } from '../../analysis/baseline.ts'
import type { WatchSample } from '../../analysis/samples.ts'
import { isExcludedGroup } from '../../gate/group-states.ts'
import type { Colour } from '../../model/colour.ts'
import { KbgError } from '../../model/error.ts'
import { groupRoute } from '../../model/route.ts'
import type { WatchBaseline } from '../../model/watch.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { Execution } from '../execution.ts'
import { ColourSampler } from './sampler.ts'

const samplesTaken = 5
const everyMs = 250
/** Beside the arming, which takes about as long: a switchover doesn't wait for it. */
const baselineMs = 2_000
const mostGroups = 200

/**
 * What the live colour does now: what the other one is compared with behind the release. Taken before the hold, while the way back is armed; without guardians nobody would compare, so there is none, and a colour that has failed its watch is nothing to be compared with.
 * What can't be seen of it makes the watch inconclusive and never refuses a switchover.
 */
export async function takeBaseline(run: Execution, source: Colour): Promise<WatchBaseline | null> {
  if (run.wiring.guardians.length === 0 || run.sick !== null) return null
  const deadline = run.untilCancelled(baselineMs, `a baseline of ${source}`)
  const { clock } = run.ports
  const groupIds = await groupsWithMembers(run, source, deadline)
  const sampler = new ColourSampler(run.ports, { colour: source, topics: run.wiring.topics, lag: false })
  const samples: WatchSample[] = []
  while (samples.length < samplesTaken && !deadline.over) {
    const startedMs = clock.monotonicMs()
    samples.push(await sampler.take(groupIds, deadline))
    const restMs = everyMs - (clock.monotonicMs() - startedMs)
    if (restMs > 0 && samples.length < samplesTaken) await clock.sleep(Math.min(restMs, deadline.remainingMs()), deadline.cancelled)
  }
  return baselineOf(source, samples)
}

/** Journals a baseline, before anything is held. */
export async function noteBaseline(run: Execution, baseline: WatchBaseline | null): Promise<void> {
  if (baseline === null) return
  const { colour, reason } = baseline
  if (reason !== '') run.tell({ step: 'arm', text: `the baseline of ${colour} for the watch: ${reason}` })
  await run.record({ kind: 'watch', what: 'baseline', colour, untilWallClock: null, baseline, measures: [], reason })
}

/** null: they can't be listed, so nothing is said of groups. */
async function groupsWithMembers(run: Execution, source: Colour, deadline: Deadline): Promise<readonly string[] | null> {
  try {
    const listed = await run.ports.clusters[source].groups.list(deadline)
    const own = listed.filter(({ groupId, memberCount }) => memberCount > 0 && !isExcludedGroup(groupId) && groupRoute(run.route, groupId).colour === source)
    return own
      .map(({ groupId }) => groupId)
      .toSorted()
      .slice(0, mostGroups)
  } catch (thrown) {
    deadline.cancelled?.throwIfAborted()
    if (thrown instanceof KbgError) return null
    throw thrown
  }
}
