import type { Colour } from '../../model/colour.ts'
import { KbgError } from '../../model/error.ts'
import type { PartitionEnd } from '../../model/facts.ts'
import type { Cut } from '../../model/journal.ts'
import { failoverStatement, failoverWord, type Loss, rangesText, recordsText } from '../../model/loss.ts'
import { offsetsToJson } from '../../model/offset-json.ts'
import type { PartitionOffsets } from '../../model/partition.ts'
import type { Deadline } from '../../ports/clock.ts'
import { mirrorRecord } from '../../switchover/journal-reading.ts'
import type { Execution } from '../execution.ts'
import { type MeasuredLoss, measureRest, measureWithout } from '../measure-loss.ts'
import { movedPartitions } from './cut.ts'
import { settledEnds } from './drain.ts'

const stopMs = 15_000

/** A cut that leaves records behind, and which. */
export interface LossyCut {
  readonly cut: Cut
  readonly loss: Loss
}

/**
 * Steps 6 and 7 of a forced move: the source is fenced and stands still, the mirror is stopped for good, and what the target lacks is counted. The cut's ends are the last common record of each partition on the
 * source, and the end of the target.
 *
 * @throws KbgError `loss-refused` when more would stay behind than the operator accepts, `cut-moved`
 */
export async function forcedCut(run: Execution, source: Colour, target: Colour): Promise<LossyCut> {
  const deadline = run.untilCancelled(run.limits.drainDeadlineMs, `what only ${source} holds to be counted`)
  const before = await settledEnds(run.ports.clusters[source], run.wiring.topics, deadline)
  await quietMirror(run, source, target, deadline)
  const targetEnds = await settledEnds(run.ports.clusters[target], run.wiring.topics, deadline)
  const measured = await measureRest(subjectOf(run, source, target), patienceOf(deadline), deadline)
  const moved = [
    ...movedPartitions(before, await run.ports.clusters[source].logs.ends(run.wiring.topics, deadline)),
    ...movedPartitions(targetEnds, await run.ports.clusters[target].logs.ends(run.wiring.topics, deadline)),
  ]
  if (moved.length > 0) throw new KbgError('cut-moved', 'The logs moved while what stays behind was counted.', { facts: { observed: moved } })
  refuseMore(run, measured, source)
  return lossyCut(run, { source, target, how: 'forced', targetEnds, measured })
}

/**
 * The same of a failover: nothing is asked of the source. What is known of it is what audit and Connect had read there.
 *
 * @throws KbgError `loss-refused` when what is known isn't what the operator repeats
 */
export async function cutWithout(run: Execution, source: Colour, target: Colour): Promise<LossyCut> {
  const deadline = run.untilCancelled(run.limits.windowDeadlineMs, `${target} to stand still without ${source}`)
  await quietMirror(run, source, target, deadline)
  const targetEnds = await settledEnds(run.ports.clusters[target], run.wiring.topics, deadline)
  const measured = await measureWithout(subjectOf(run, source, target), patienceOf(deadline), deadline)
  refuseOther(run, measured, source)
  return lossyCut(run, { source, target, how: 'failover', targetEnds, measured })
}

/** The mirror is proven stopped, and its transactional ids are fenced: nothing of what stays behind may come over later. */
async function quietMirror(run: Execution, source: Colour, target: Colour, deadline: Deadline): Promise<void> {
  const record = mirrorRecord(run.journal, source)
  if (record === null) return
  const mirror = run.ports.mirrors[source]
  const own = deadline.within(stopMs, `connector ${record.connector} to stop`)
  if ((await mirror.facts(record.connector, own)).state === 'absent') return
  await mirror.stop(record.connector, own)
  await run.ports.clusters[target].transactions.fenceIds(await mirror.transactionalIds(record.connector, deadline), deadline)
}

function subjectOf({ ports, wiring, journal }: Execution, source: Colour, target: Colour) {
  return { ports, topics: wiring.topics, journal, move: { source, target } }
}

/** An audit that can't come to the target's end must not cost the whole window. */
function patienceOf(deadline: Deadline): Deadline {
  return deadline.within(deadline.remainingMs() / 2, "the audit to come to the target's end")
}

function refuseMore({ intent }: Execution, { unmirrored }: MeasuredLoss, source: Colour): void {
  const accepted = intent.acceptLoss ?? 0
  if (unmirrored.records !== null && unmirrored.records <= accepted) return
  throw lossRefused(source, unmirrored, `at most ${accepted}`, `Set the config key acceptLoss to ${unmirrored.records} if so many may stay behind.`)
}

function refuseOther({ intent, route }: Execution, { unmirrored }: MeasuredLoss, source: Colour): void {
  const stated = intent.failover === undefined ? null : failoverStatement(intent.failover).records
  if (stated === (unmirrored.records ?? 'unknown')) return
  throw lossRefused(source, unmirrored, `failover: ${stated}`, `Set the config key failover to ${failoverWord(unmirrored, route.epoch)}.`)
}

function lossRefused(source: Colour, unmirrored: MeasuredLoss['unmirrored'], required: string, remedy: string): KbgError {
  return new KbgError('loss-refused', `${recordsText(unmirrored)} of ${source} would stay behind.`, {
    facts: { observed: rangesText(unmirrored.ranges), by: unmirrored.by, required },
    remedy,
  })
}

interface Left {
  readonly source: Colour
  readonly target: Colour
  readonly how: Loss['how']
  readonly targetEnds: readonly PartitionEnd[]
  readonly measured: MeasuredLoss
}

function lossyCut(run: Execution, { source, target, how, targetEnds, measured }: Left): LossyCut {
  const { unmirrored, copied } = measured
  const ends: PartitionOffsets = new Map(targetEnds.map(({ partition, logEndOffset }) => [partition, logEndOffset]))
  const { records, bound, ranges } = unmirrored
  run.mark('cut')
  return {
    cut: { source, target, sourceEnds: offsetsToJson(copied), targetEnds: offsetsToJson(ends) },
    loss: { how, colour: source, clusterId: run.wiring.clusters[source].clusterId, attempt: run.intent.attempt, records, bound, ranges },
  }
}
