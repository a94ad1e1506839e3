import type { Colour } from '../../model/colour.ts'
import { firstFive, KbgError, messageOf } from '../../model/error.ts'
import type { GroupPosition } from '../../model/journal.ts'
import { isMomentary } from '../../model/momentary-reason.ts'
import type { PartitionOffsets } from '../../model/partition.ts'
import { groupRoute } from '../../model/route.ts'
import type { Audit } from '../../ports/audit.ts'
import type { Deadline } from '../../ports/clock.ts'
import { groupsSet, latched } from '../../switchover/route-moves.ts'
import { isForward, type OpenWave, type WaveMove } from '../../switchover/waves.ts'
import { EndStateError, type Execution } from '../execution.ts'
import { type GroupMove, type GroupsOutcome, inBatches, moveGroups } from '../group-move.ts'
import { unreachableCodes } from '../reconcile-fences.ts'
import { slowGroups, wavePace } from '../wave-pace.ts'

const listMs = 10_000
/** A killed broker is among the registered ones until its session ends, 9 s by default: that is no lost standby. */
const reachMs = 15_000
const retryPauseMs = 50

/**
 * Moves one wave while the producers stay: hold, last commit, translate by the audit's map, write, read back, release; then the groups are watched. A wave that
 * doesn't read on as before goes back by itself, and the attempt is latched.
 *
 * @throws EndStateError `wave-refused` when a group could not be moved: it reads where it was, the others are moved; `wave-returned` when the wave went back by itself
 */
export async function moveWave(run: Execution, move: WaveMove): Promise<void> {
  const { wave, source, target, groups } = move
  run.tell({ step: 'wave', text: `${wave}: ${source} -> ${target}, ${firstFive(groups)}` })
  const forward = isForward(move, run.route.live)
  const pace = forward ? await wavePace(run, source, groups) : {}
  await run.record({ kind: 'wave', wave, source, target, what: 'moving', groups: [...groups], pace, attempt: run.intent.attempt, reason: '' })
  const { moved, stayed } = forward ? await moveByMap(run, move) : await bringBack(run, move)
  await run.record({ kind: 'wave', wave, source, target, what: 'moved', groups: [...moved], pace: {}, reason: '' })
  await finishWave(run, { ...move, groups: moved, pace, returning: null })
  if (stayed.length > 0) throw refused(run, move, stayed)
}

/**
 * Brings a moved wave to its end: watches its groups until all read on as before, or takes those back that still read on the target.
 *
 * @throws EndStateError `wave-returned`
 */
export async function finishWave(run: Execution, moved: OpenWave): Promise<void> {
  const { wave, source, target, groups, pace } = moved
  const isJudged = isForward(moved, run.route.live) && groups.length > 0
  const slow = moved.returning === null && isJudged ? await slowGroups(run, target, groups, pace) : []
  const reason = moved.returning ?? firstFive(slow)
  if (reason === '') {
    await run.record({ kind: 'wave', wave, source, target, what: 'settled', groups: [...groups], pace: {}, reason: '' })
    run.tell({ step: 'wave', text: `${wave} reads on ${target}` })
    return
  }
  run.tell({ step: 'wave', text: `${wave} goes back: ${reason}` })
  // Latched before anything moves: whoever goes on behind a crash must not move it forward again under the same attempt.
  const latch = { attempt: run.intent.attempt, reason: `${wave} went back: ${reason}`, atWallClock: run.ports.clock.wallClock().toISOString() }
  await run.record({ kind: 'wave', wave, source, target, what: 'returning', groups: [...groups], pace: {}, reason }, latched(run.route, latch, run.term))
  const there = groups.filter((groupId) => groupRoute(run.route, groupId).colour === target)
  const back = await bringBack(run, { wave, source: target, target: source, groups: there })
  await run.record({ kind: 'wave', wave, source, target, what: 'returned', groups: [...back.moved], pace: {}, reason })
  throw returned(run, moved, reason, back.stayed)
}

function returned(run: Execution, { wave, source, target }: WaveMove, reason: string, stayed: GroupsOutcome['stayed']): EndStateError {
  const all = stayed.length === 0
  const facts = {
    observed: reason,
    required: 'members, and half of the former pace or everything read',
    waitedMs: run.limits.waveAnalysisMs,
    ...(all ? {} : { [`still on ${target}`]: firstFive(stayed.map((one) => `${one.groupId} (${one.reason})`)) }),
  }
  return new EndStateError(
    'wave-returned',
    `${wave} didn't read on as before on ${target}; ${all ? `it went back to ${source}` : `not all of it could go back to ${source}`}.`,
    run.actual,
    { facts, remedy: `Mend the cause, then set the config key attempt to ${run.intent.attempt + 1} (kbg ack).` },
  )
}

/** Groups that the source knows are translated; those that nobody knows begin where they are wanted. */
async function moveByMap(run: Execution, { wave, source, target, groups }: WaveMove): Promise<GroupsOutcome> {
  const { audit } = run.ports
  if (audit === null) {
    throw new KbgError('wave-needs-audit', `${wave} can't be moved: there is no cut to count from, and the fleet has no audit.`, {
      facts: { required: 'an audit worker in the wiring' },
      remedy: 'Groups then move with the producers, behind the cut.',
    })
  }
  const listed = await run.ports.clusters[source].groups.list(run.untilCancelled(listMs, `the groups of ${source}`))
  const known = new Map(listed.map((group) => [group.groupId, group]))
  const outcomes: GroupsOutcome[] = []
  for (const batch of inBatches(groups)) {
    run.cancelled.throwIfAborted()
    const here = batch.flatMap((groupId) => known.get(groupId) ?? [])
    const unknown = batch.filter((groupId) => !known.has(groupId))
    const find: GroupMove['find'] = (committed, redeliver, deadline) => positionsNow(run, audit, source, committed, redeliver, deadline)
    outcomes.push(await moveGroups(run, { source, target, groups: here, unknown, wave, find }))
  }
  return joined(outcomes)
}

/**
 * Back to the live colour. When the standby can't be reached the groups read on from what was written back of their commits, and see again what they had read
 * since; a group of which nothing was written back stays.
 */
async function bringBack(run: Execution, move: WaveMove): Promise<GroupsOutcome> {
  const { wave, source, target, groups } = move
  try {
    await run.ports.clusters[source].groups.list(run.untilLockLost(reachMs, `the groups of ${source}`))
  } catch (thrown) {
    run.lock.lost.throwIfAborted()
    if (!(thrown instanceof KbgError) || !unreachableCodes.includes(thrown.code)) throw thrown
    const kept = await run.ports.clusters[target].groups.committedOfAll(groups, run.untilLockLost(listMs, `the positions on ${target}`))
    const [moved, stayed] = [groups.filter((groupId) => (kept.get(groupId)?.size ?? 0) > 0), groups.filter((groupId) => (kept.get(groupId)?.size ?? 0) === 0)]
    const routes = Object.fromEntries(moved.map((groupId) => [groupId, { colour: target, state: 'running' as const }]))
    const reason = `${source} can't be asked (${messageOf(thrown)}), so ${firstFive(moved)} read again on ${target} what they have read since their positions were written back`
    run.tell({ step: 'wave', text: `${wave}: ${reason}` })
    await run.record({ kind: 'step', step: 'groups', what: 'skipped', detail: `${wave}: ${reason}` }, groupsSet(run.route, routes, run.term))
    return { positions: [], moved, stayed: stayed.map((groupId) => ({ groupId, reason: `nothing of it was written back to ${target}` })) }
  }
  return await moveByMap(run, move)
}

/**
 * Positions by the offset map as it is now. What is committed may be a moment ahead of what the audit has compared, a leader may be changing, and a worker may have just begun: the translation says
 * so itself, and that is waited for. Asking the audit another question about it would be about a later moment. Groups that may read again are
 * asked for as such only behind that wait: what is merely late would send them further back than they have to go. Answers have all of the deadline, so that the last one isn't lost to the wait.
 */
async function positionsNow(
  run: Execution,
  audit: Audit,
  source: Colour,
  committed: ReadonlyMap<string, PartitionOffsets>,
  redeliver: readonly string[],
  deadline: Deadline,
): Promise<readonly GroupPosition[]> {
  const wait = deadline.within(deadline.remainingMs() / 2, 'the audit to compare what the groups have read')
  await audit.hurry(wait)
  for (let named: readonly string[] = []; ; ) {
    const positions = await audit.translate(source, committed, null, deadline, named)
    const open = positions.filter(({ verdict }) => verdict === 'not provable')
    if (open.some(({ reason }) => isMomentary(reason)) && wait.remainingMs() > 2 * retryPauseMs) await run.ports.clock.sleep(retryPauseMs, wait.cancelled)
    else if (open.length === 0 || named.length === redeliver.length) return positions
    else named = redeliver
  }
}

function joined(outcomes: readonly GroupsOutcome[]): GroupsOutcome {
  return {
    positions: outcomes.flatMap(({ positions }) => positions),
    moved: outcomes.flatMap(({ moved }) => moved),
    stayed: outcomes.flatMap(({ stayed }) => stayed),
  }
}

function refused(run: Execution, { wave, source, target }: WaveMove, stayed: GroupsOutcome['stayed']): EndStateError {
  const reasons = stayed.map(({ groupId, reason }) => `${groupId}: ${reason}`)
  return new EndStateError('wave-refused', `Not every group of ${wave} could be moved ${source} -> ${target}.`, run.actual, {
    facts: { observed: firstFive(reasons), required: 'every group moved as a whole' },
    remedy: `They read on ${source} as before. Mend the cause and run pulumi up again, or leave the wave where it is.`,
  })
}
