import { firstFive, KbgError } from '../model/error.ts'
import type { PartitionEnd } from '../model/facts.ts'
import type { Cut, JournalEntry } from '../model/journal.ts'
import { offsetsFromJson } from '../model/offset-json.ts'
import { parseTopicPartition, type TopicPartition } from '../model/partition.ts'
import type { Deadline } from '../ports/clock.ts'
import type { RecordCopy } from '../ports/cluster.ts'
import { openSwitch } from '../switchover/journal-reading.ts'
import type { Execution } from './execution.ts'
import { settledEnds } from './steps/drain.ts'

type LateEntry = Extract<JournalEntry, { kind: 'late' }>

const sweepMs = 30_000
/** A follower fetches within milliseconds. */
const settleMs = 2_000
/** What one request appends: all of it, or nothing. */
const mostRecords = 500
const mostBytes = 512 * 1_024

/** A run of late records of one partition that is appended as a whole. */
interface Stretch {
  readonly partition: TopicPartition
  readonly topicId: string
  readonly copies: readonly RecordCopy[]
  readonly sourceOffset: bigint
  readonly sourceEnd: bigint
}

/**
 * Looks behind the cut of the source, which is fenced: a request that had passed its permission check before the fence may have appended a moment later, and been acknowledged. What is visible there
 * is appended to the target byte for byte, journaled before and behind the effect, and that partition can't go back as it is. One reading of the ends; records are read only where there is something.
 *
 * Only once for each switchover, and before the reverse mirror is resumed: from then on the source grows by its copies, which nobody could tell from late records. That is journaled before the resume.
 */
export async function sweepLate(run: Execution, connector: string, cut: Cut): Promise<void> {
  const { source, target } = cut
  const isSwept = (openSwitch(run.journal)?.entries ?? []).some((entry) => entry.kind === 'step' && entry.step === 'reverse')
  const deadline = run.untilLockLost(sweepMs, `records behind the cut of ${source}`)
  if (isSwept) return
  if ((await run.ports.mirrors[target].facts(connector, deadline)).state !== 'STOPPED') {
    run.tell({
      step: 'reverse',
      text: `the mirror ${target} -> ${source} runs already, so late records on ${source} can't be told from its copies: they were not looked for`,
    })
    return
  }
  const beyond = await beyondCut(run, cut, deadline)
  const topicIds = beyond.length === 0 ? new Map<string, string>() : await idsOfTopics(run, cut, deadline)
  const late: string[] = []
  for (const { partition, from, to } of beyond) {
    const topicId = topicIds.get(parseTopicPartition(partition).topic)
    if (topicId === undefined)
      throw new KbgError('late-records', `${partition} of ${source} belongs to no topic that it tells of.`, { retriable: true, facts: { partition } })
    const copies = await run.ports.clusters[source].logs.copies(partition, from, to, deadline)
    for (const stretch of stretches(run, partition, topicId, copies)) await carryOver(run, cut, stretch, deadline)
    if (copies.length > 0) late.push(`${partition} (${copies.length})`)
  }
  if (late.length > 0) {
    run.tell({
      step: 'reverse',
      text: `late: records came on ${source} behind the cut and were appended to ${target}: ${firstFive(late)}; these can't go back as they are`,
    })
  }
  const detail = late.length === 0 ? 'nothing came behind the cut' : `late: ${firstFive(late)}`
  await run.record({ kind: 'step', step: 'reverse', what: 'begin', detail })
}

async function beyondCut(run: Execution, cut: Cut, deadline: Deadline) {
  const ends = await endsBehind(run, cut.source, deadline)
  const cutEnds = offsetsFromJson(cut.sourceEnds)
  return ends.flatMap(({ partition, lastStableOffset }) => {
    const from = cutEnds.get(partition) // none: it came into the catalog since, and no application could write to it here
    return from !== undefined && lastStableOffset > from ? [{ partition, from, to: lastStableOffset }] : []
  })
}

/** Settled ends; where something doesn't settle soon (a transaction that came late), what is stable: mirror and groups must not wait for the rest, which is told. */
async function endsBehind(run: Execution, source: Cut['source'], deadline: Deadline): Promise<readonly PartitionEnd[]> {
  const cluster = run.ports.clusters[source]
  try {
    return await settledEnds(cluster, run.wiring.topics, deadline.within(settleMs, `${source} to stand still`))
  } catch (thrown) {
    if (run.lock.lost.aborted || !(thrown instanceof KbgError) || !['not-settled', 'deadline'].includes(thrown.code)) throw thrown
    run.tell({ step: 'reverse', text: `late: ${source} doesn't stand still behind the cut; what isn't stable yet was not looked at: ${thrown.message}` })
    return await cluster.logs.ends(run.wiring.topics, deadline)
  }
}

async function idsOfTopics(run: Execution, { source }: Cut, deadline: Deadline): Promise<ReadonlyMap<string, string>> {
  const topics = await run.ports.clusters[source].inventory.topics(deadline)
  return new Map(topics.map(({ topic, topicId }) => [topic, topicId]))
}

/** What is left to be appended: a stretch whose outcome isn't known comes first, with exactly its records; what was appended is left out. */
function stretches(run: Execution, partition: TopicPartition, topicId: string, copies: readonly RecordCopy[]): readonly Stretch[] {
  const known = lateEntries(run, partition)
  const appended = known.filter(({ what }) => what === 'appended').map(({ sourceEnd }) => BigInt(sourceEnd))
  const doneUpTo = appended.reduce((upTo, end) => (end > upTo ? end : upTo), 0n)
  const open = known.findLast(({ what, sourceOffset }) => what === 'found' && BigInt(sourceOffset) >= doneUpTo)
  const rest = copies.filter(({ offset }) => offset >= doneUpTo)
  const openEnd = open === undefined ? doneUpTo : BigInt(open.sourceEnd)
  const first = rest.filter(({ offset }) => offset < openEnd)
  const parts = [...(first.length > 0 ? [first] : []), ...inPieces(rest.filter(({ offset }) => offset >= openEnd))]
  return parts.flatMap((own) => {
    const [head, tail] = [own[0], own.at(-1)]
    return head === undefined || tail === undefined ? [] : [{ partition, topicId, copies: own, sourceOffset: head.offset, sourceEnd: tail.offset + 1n }]
  })
}

function inPieces(copies: readonly RecordCopy[]): readonly (readonly RecordCopy[])[] {
  const pieces: RecordCopy[][] = []
  let bytes = 0
  for (const copy of copies) {
    const size = (copy.key?.length ?? 0) + (copy.value?.length ?? 0) + copy.headers.reduce((sum, [name, value]) => sum + name.length + (value?.length ?? 0), 64)
    const last = pieces.at(-1)
    if (last === undefined || last.length >= mostRecords || bytes + size > mostBytes) {
      pieces.push([copy])
      bytes = size
    } else {
      last.push(copy)
      bytes += size
    }
  }
  return pieces
}

function lateEntries(run: Execution, partition: TopicPartition): readonly LateEntry[] {
  const entries = openSwitch(run.journal)?.entries ?? []
  return entries.filter((entry): entry is LateEntry => entry.kind === 'late' && entry.partition === partition)
}

/** Appends a stretch, unless an earlier run has done so and ended before it could say it. */
async function carryOver(run: Execution, { source, target }: Cut, stretch: Stretch, deadline: Deadline): Promise<void> {
  const { partition, topicId, copies } = stretch
  const { logs } = run.ports.clusters[target]
  const [sourceOffset, sourceEnd] = [stretch.sourceOffset.toString(), stretch.sourceEnd.toString()]
  const entry = { kind: 'late', colour: source, partition, topicId, sourceOffset, sourceEnd, records: copies.length } as const
  const open = lateEntries(run, partition).findLast((known) => known.what === 'found' && known.sourceOffset === sourceOffset)
  let targetOffset = open === undefined ? null : await placeOf(run, { target }, copies, partition, BigInt(open.targetOffset), deadline)
  if (targetOffset === null) {
    if (open === undefined) await run.record({ ...entry, what: 'found', targetOffset: (await endOf(run, target, partition, deadline)).toString() })
    // A deadline of its own, made now: a process that was paused since must not append what somebody else has appended meanwhile.
    const own = run.untilLockLost(Math.max(1, deadline.remainingMs()), `late records to be appended to ${target}`)
    own.check()
    try {
      targetOffset = await logs.appendCopies(partition, copies, own)
    } catch (thrown) {
      if (run.lock.lost.aborted || !(thrown instanceof KbgError) || thrown.retriable || thrown.code !== 'kafka') throw thrown
      run.tell({
        step: 'reverse',
        text: `late: ${copies.length} records of ${partition} at ${sourceOffset} on ${source} were refused by ${target} and stand on ${source} only: ${thrown.message}`,
      })
      return // mirror and groups must not wait for ever: the journal says that it was found and not appended, and the way back names it
    }
  }
  await run.record({ ...entry, what: 'appended', targetOffset: targetOffset.toString() })
}

/** Where exactly these records stand on the target, one behind the other, from an offset on; null: they don't. */
async function placeOf(
  run: Execution,
  { target }: Pick<Cut, 'target'>,
  copies: readonly RecordCopy[],
  partition: TopicPartition,
  from: bigint,
  deadline: Deadline,
): Promise<bigint | null> {
  const wanted = copies.map(({ digest }) => digest)
  const there = await run.ports.clusters[target].logs.visible(partition, from, await endOf(run, target, partition, deadline), deadline)
  const at = there.findIndex((_, index) => wanted.every((digest, ahead) => there[index + ahead]?.digest === digest))
  return at < 0 ? null : (there[at]?.offset ?? null)
}

async function endOf(run: Execution, colour: Cut['target'], partition: TopicPartition, deadline: Deadline): Promise<bigint> {
  const ends = await run.ports.clusters[colour].logs.ends([parseTopicPartition(partition).topic], deadline)
  const end = ends.find((one) => one.partition === partition)
  if (end === undefined)
    throw new KbgError('late-records', `${partition} isn't on ${colour}, so its late records have no place there.`, { facts: { partition } })
  return end.logEndOffset
}
