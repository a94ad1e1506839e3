import { livesElsewhere } from '../gate/testimony.ts'
import type { Colour } from '../model/colour.ts'
import { firstFive, KbgError } from '../model/error.ts'
import { reachedBy } from '../model/guardian-sight.ts'
import type { Cut, JournalEntry } from '../model/journal.ts'
import { rangesText, recordsText } from '../model/loss.ts'
import { offsetsFromJson } from '../model/offset-json.ts'
import { openSwitch } from '../switchover/journal-reading.ts'
import type { Execution } from './execution.ts'
import { probed } from './reconcile-fences.ts'
import { cutWithout, forcedCut } from './steps/lossy-cut.ts'
import { decide } from './steps/release.ts'

/** For each address that is asked one after the other: a host that has vanished answers nothing at all, and the last one may be the one that lives. */
const lookMs = 1_000
const lateMs = 10_000
const sightsMs = 5_000
const nothingLate = 'nothing came behind the count'

/**
 * Up to the decision of a failover, behind the gate and with the switchover opened: the source is gone still, its mirror is stopped, what is lost is what the operator has repeated. Nobody is held meanwhile:
 * nobody can write. @throws KbgError `source-lives`, `loss-refused`
 */
export async function decideWithout(run: Execution, source: Colour, target: Colour): Promise<{ readonly decidedCut: Cut; readonly graceful: boolean }> {
  run.tell({ step: 'drain', text: `${source} is gone: its mirror is stopped, and what ${target} lacks is counted` })
  await refuseLiving(run, source)
  const { cut, loss } = await cutWithout(run, source, target)
  await refuseLiving(run, source)
  run.cancelled.throwIfAborted()
  await decide(run, cut, false, loss)
  run.tell({ step: 'release', text: `decided: ${target} takes over without ${source}; lost: ${recordsText(loss)}` })
  return { decidedCut: cut, graceful: false }
}

/** Steps 6 to 8 of a forced move, behind the fence: what stays behind is counted, compared with what the operator accepts, and decided. */
export async function decideForced(run: Execution, source: Colour, target: Colour, graceful: boolean): Promise<Cut> {
  const { cut, loss } = await forcedCut(run, source, target)
  run.cancelled.throwIfAborted()
  await decide(run, cut, graceful, loss)
  run.tell({ step: 'release', text: `${recordsText(loss)} stay behind on ${source}, which stays fenced: ${rangesText(loss.ranges)}` })
  return cut
}

/**
 * A request that had passed its permission check before the fence may append behind the count. It stays behind as well: nothing is carried over beside what was left. It is journaled, once, as what it is.
 */
export async function tellLateLeft(run: Execution, cut: Cut): Promise<void> {
  const entries = openSwitch(run.journal)?.entries ?? []
  if (entries.some((entry) => entry.kind === 'step' && entry.step === 'reverse')) return
  const detail = await lateLeft(run, cut, entries).catch((thrown: unknown) => {
    if (run.lock.lost.aborted || !(thrown instanceof KbgError)) throw thrown
    return `late: ${cut.source} could not be looked at behind the count: ${thrown.message}` // groups must not wait for a sick colour
  })
  if (detail !== nothingLate) run.tell({ step: 'reverse', text: detail })
  await run.record({ kind: 'step', step: 'reverse', what: 'begin', detail })
}

async function lateLeft(run: Execution, cut: Cut, entries: readonly JournalEntry[]): Promise<string> {
  const { logs } = run.ports.clusters[cut.source]
  const deadline = run.untilLockLost(lateMs, `records behind the count of ${cut.source}`)
  const decided = entries.findLast((entry) => entry.kind === 'decided')
  const ranges = decided?.kind === 'decided' ? (decided.loss?.ranges ?? {}) : {}
  const copied = offsetsFromJson(cut.sourceEnds)
  const counts = await Promise.all(
    (await logs.ends(run.wiring.topics, deadline)).map(async ({ partition, lastStableOffset }) => {
      const told = ranges[partition]?.to ?? null
      const from = told === null ? (copied.get(partition) ?? lastStableOffset) : BigInt(told)
      const late = from < lastStableOffset ? await logs.visible(partition, from, lastStableOffset, deadline) : []
      return late.length === 0 ? [] : [`${partition} ${late.length} (from ${late[0]?.offset})`]
    }),
  )
  const late = counts.flat()
  return late.length === 0 ? nothingLate : `late: behind the count came, and stays on ${cut.source} only: ${firstFive(late)}`
}

/** Asked from here, and of those who look from elsewhere. */
async function refuseLiving(run: Execution, source: Colour): Promise<void> {
  const reaching = reachedBy(await run.ports.store.sights(run.untilCancelled(sightsMs, 'what guardians see')), source)
  if (reaching.length > 0) {
    throw new KbgError('source-lives', `A guardian reaches ${source}, so there is no failover from it.`, {
      facts: { observed: firstFive(reaching), required: 'no guardian that reaches a broker of it' },
      remedy: livesElsewhere(source),
    })
  }
  const asked = 1 + run.wiring.clusters[source].produceBootstrapServers.length
  const answers = (await probed(run, source, run.untilCancelled(asked * lookMs, `${source} to answer`))) ?? []
  const alive = answers.filter(({ answer }) => answer !== 'unreachable')
  if (alive.length === 0) return
  throw new KbgError('source-lives', `${source} answers, so there is no failover from it.`, {
    facts: { observed: alive.map(({ brokerId, answer }) => `broker ${brokerId} ${answer}`), required: 'no broker that answers' },
    remedy: 'Move ordinarily, or with acceptLoss. What is left of a colour without a quorum has to be stopped first: nothing can fence it.',
  })
}
