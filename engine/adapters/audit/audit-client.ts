import type { AuditedPartition, AuditFacts } from '../../model/audit-facts.ts'
import { FactsAnswer, HurryAnswer, ProveAnswer, type ProveRequest, TranslateAnswer, type TranslateRequest, unpackPositions } from '../../model/audit-wire.ts'
import type { AuditWorkerAccess } from '../../model/audit-worker.ts'
import { type Colour, otherColour } from '../../model/colour.ts'
import { firstFive, KbgError, messageOf } from '../../model/error.ts'
import type { GroupPosition } from '../../model/journal.ts'
import { offsetsToJson } from '../../model/offset-json.ts'
import { type PartitionOffsets, type TopicPartition, topicPartition } from '../../model/partition.ts'
import { type CutEnds, notProvable, positionsOf, type Strategy } from '../../offsets/strategy.ts'
import type { AskedEnds, Audit, AuditProof } from '../../ports/audit.ts'
import type { Clock, Deadline } from '../../ports/clock.ts'
import { AuditWorkerHttp } from './audit-worker-http.ts'

/** What a worker gets less than the asker has, so that its answer is there in time. */
const marginMs = 200
/** Partitions that no worker holds are being handed over: asked for again after so long. */
const handOverPauseMs = 100

/** The audit of a fleet over its workers' HTTP services: everyone is asked, and their answers are one. */
export function connectAudit(workers: readonly AuditWorkerAccess[], clock: Clock): Audit {
  return new AuditClient(workers.map((access) => new AuditWorkerHttp(access)), clock) // biome-ignore format: one line
}

interface Asked<T> {
  readonly answers: readonly T[]
  /** `<url>: <why>` of those that didn't answer. */
  readonly unreachable: readonly string[]
}

class AuditClient implements Audit {
  readonly #workers: readonly AuditWorkerHttp[]
  readonly #clock: Clock

  constructor(workers: readonly AuditWorkerHttp[], clock: Clock) {
    this.#workers = workers
    this.#clock = clock
  }

  async facts(deadline: Deadline): Promise<AuditFacts> {
    const { answers, unreachable } = await this.#askAll((worker) => worker.ask('GET', '/facts', undefined, FactsAnswer, deadline))
    const worst = new Map<TopicPartition, AuditedPartition>()
    for (const told of answers.flatMap(({ partitions }) => partitions)) {
      const known = worst.get(told.partition)
      if (known === undefined || isWorse(told, known)) worst.set(told.partition, told)
    }
    return { partitions: [...worst.values()].sort((a, b) => (a.partition < b.partition ? -1 : 1)), unreachable }
  }

  async hurry(deadline: Deadline): Promise<void> {
    const { answers, unreachable } = await this.#askAll((worker) => worker.ask('POST', '/hurry', {}, HurryAnswer, deadline))
    if (answers.length < this.#workers.length) throw unreachableError(unreachable)
  }

  async prove(ends: AskedEnds, deadline: Deadline): Promise<AuditProof> {
    const asked = [...new Set([...ends.blue.keys(), ...ends.green.keys()])]
    const equal = new Map<TopicPartition, number>()
    const emptied = new Set<TopicPartition>()
    const unproven = new Map<TopicPartition, string>()
    for (let open = asked; ; ) {
      const { answers, unreachable } = await this.#proveOnce(open, ends, deadline)
      for (const [partition, records] of answers.flatMap((answer) => Object.entries(answer.equal))) equal.set(partition, records)
      for (const partition of answers.flatMap((answer) => answer.emptied)) emptied.add(partition)
      for (const { partition, reason } of answers.flatMap((answer) => answer.unproven)) unproven.set(partition, reason)
      const late = answers.flatMap((answer) => answer.open).filter(({ partition }) => !unproven.has(partition))
      if (unproven.size === 0 && late.length > 0) throw lateError(late, deadline)
      open = open.filter((partition) => !equal.has(partition) && !unproven.has(partition))
      if (open.length === 0 || unproven.size > 0) break
      if (answers.length === 0) throw unreachableError(unreachable)
      // Time for another pause and another answer: without it the end of the deadline would be told instead of the reason.
      if (deadline.remainingMs() <= handOverPauseMs + marginMs) throw unheldError(open, unreachable)
      await this.#clock.sleep(handOverPauseMs, deadline.cancelled)
    }
    if (unproven.size > 0) return { kind: 'unproven', reasons: [...unproven].map(([partition, reason]) => `${partition}: ${reason}`) }
    const alignedRecords = [...equal.values()].reduce((sum, records) => sum + BigInt(records), 0n)
    return { kind: 'equal', partitions: equal.size, alignedRecords, emptied: [...emptied].sort() }
  }

  async translate(
    from: Colour,
    groups: ReadonlyMap<string, PartitionOffsets>,
    ends: AskedEnds | null,
    deadline: Deadline,
    redeliver: readonly string[] = [],
  ): Promise<readonly GroupPosition[]> {
    const request: TranslateRequest = {
      from,
      groups: Object.fromEntries([...groups].map(([groupId, committed]) => [groupId, signedOffsets(committed)])),
      ends: ends === null ? null : { blue: offsetsToJson(ends.blue), green: offsetsToJson(ends.green) },
      redeliver: [...redeliver],
    }
    const { answers, unreachable } = await this.#askAll((worker) => worker.ask('POST', '/translate', request, TranslateAnswer, deadline))
    if (answers.length === 0) throw unreachableError(unreachable)
    const found = mergedPositions(answers)
    const held = new Set(answers.flatMap((answer) => answer.held))
    const known = new Set(answers.flatMap((answer) => answer.known))
    return [...found, ...unheldPositions(from, groups, ends, held, known, unreachable)].sort(byName)
  }

  async close(): Promise<void> {
    // fetch keeps its connections to itself and ends the idle ones.
  }

  #proveOnce(open: readonly TopicPartition[], ends: AskedEnds, deadline: Deadline): Promise<Asked<ProveAnswer>> {
    const only = (offsets: PartitionOffsets): PartitionOffsets => {
      const wanted = new Set(open)
      return new Map([...offsets].filter(([partition]) => wanted.has(partition)))
    }
    deadline.check()
    const timeoutMs = Math.max(0, Math.floor(Math.min(deadline.remainingMs() - marginMs, 600_000)))
    const request: ProveRequest = {
      blue: offsetsToJson(only(ends.blue)),
      green: offsetsToJson(only(ends.green)),
      timeoutMs,
      ...(ends.source ? { source: ends.source } : {}),
    }
    return this.#askAll((worker) => worker.ask('POST', '/prove', request, ProveAnswer, deadline))
  }

  async #askAll<T>(ask: (worker: AuditWorkerHttp) => Promise<T>): Promise<Asked<T>> {
    const results = await Promise.allSettled(this.#workers.map(ask))
    const answers = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    const unreachable = results.flatMap((result, index) =>
      result.status === 'rejected' ? [`${this.#workers[index]?.url ?? ''}: ${messageOf(result.reason)}`] : [],
    )
    return { answers, unreachable }
  }
}

/** Of two workers that tell of the same partition, as while it is handed over, the worse answer counts: a difference, then a doubt, then the older watermark. */
function isWorse(told: AuditedPartition, known: AuditedPartition): boolean {
  const [mine, other] = [badnessOf(told), badnessOf(known)]
  if (mine !== other) return mine > other
  return (told.watermarkAgeMs ?? Number.POSITIVE_INFINITY) > (known.watermarkAgeMs ?? Number.POSITIVE_INFINITY)
}

function badnessOf({ state, trouble }: AuditedPartition): number {
  if (state.kind === 'differs') return 2
  return state.kind === 'undecided' || trouble !== '' ? 1 : 0
}

/** Two workers' positions for the same: one that can't be proven stays so, and two that aren't the same prove nothing. */
function worseOf(a: GroupPosition, b: GroupPosition): GroupPosition {
  if (a.verdict === 'not provable') return a
  if (b.verdict === 'not provable' || (a.verdict === b.verdict && a.targetOffset === b.targetOffset)) return b
  return { ...a, targetOffset: null, verdict: 'not provable', reason: 'two audit workers hold this partition, and translate it otherwise' }
}

/** Every position once: of two workers that translated the same one, as while a partition is handed over, the worse answer. */
function mergedPositions(answers: readonly TranslateAnswer[]): readonly GroupPosition[] {
  const [only, ...others] = answers.map(({ positions }) => unpackPositions(positions))
  if (only !== undefined && others.length === 0) return only
  const found = new Map<string, GroupPosition>()
  for (const position of [only ?? [], ...others].flat()) {
    const known = found.get(keyOf(position))
    found.set(keyOf(position), known === undefined ? position : worseOf(known, position))
  }
  return [...found.values()]
}

/** What nobody could translate: committed or not, of topics that the group has commits in; and groups without any commit. None is dropped. */
function unheldPositions(
  from: Colour,
  groups: ReadonlyMap<string, PartitionOffsets>,
  ends: AskedEnds | null,
  held: ReadonlySet<TopicPartition>,
  known: ReadonlySet<TopicPartition>,
  unreachable: readonly string[],
): readonly GroupPosition[] {
  const reason = unreachable.length === 0 ? 'no audit worker compares this partition' : `audit workers don't answer: ${firstFive(unreachable)}`
  const nobody: Strategy = { method: 'map', find: () => notProvable(reason) }
  const every = new Set([...known, ...(ends === null ? [] : [...ends[from].keys(), ...ends[otherColour(from)].keys()])])
  const open = new Map([...every].map((partition) => [partition, held.has(partition) ? 0n : 1n])) // one that may hold records: its offset is of no use
  const cut: CutEnds = { sourceStarts: new Map(), sourceEnds: open, targetEnds: open }
  const isHeldAll = [...every].every((partition) => held.has(partition))
  const isTranslated = (committed: PartitionOffsets) =>
    isHeldAll && committed.size > 0 && [...committed].every(([partition, offset]) => offset >= 0n && held.has(partition))
  const asked = [...groups].flatMap(([groupId, committed]) => (isTranslated(committed) ? [] : [{ groupId, committed }]))
  return positionsOf(nobody, asked, cut).flatMap((position): readonly GroupPosition[] => {
    if (position.verdict === 'without offsets') return [position]
    const partition = topicPartition(position.topic, position.partition)
    if (held.has(partition)) return []
    return [{ ...position, targetOffset: null, verdict: 'not provable', reason: every.has(partition) ? reason : 'the audit does not cover this partition' }]
  })
}

/** OffsetFetch says -1 for none. */
function signedOffsets(offsets: PartitionOffsets): Record<string, string> {
  return Object.fromEntries([...offsets].map(([partition, offset]) => [partition, offset.toString()]))
}

function keyOf({ groupId, topic, partition }: GroupPosition): string {
  return `${groupId} ${topic} ${partition}`
}

/** In order of group, topic, partition. */
function byName(a: GroupPosition, b: GroupPosition): number {
  return compareText(a.groupId, b.groupId) || compareText(a.topic, b.topic) || a.partition - b.partition
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function unreachableError(unreachable: readonly string[]): KbgError {
  return new KbgError('audit-unreachable', 'No audit worker could be asked.', {
    retriable: true,
    facts: { workers: unreachable },
    remedy: '`pulumi up` on the traffic stack starts them again; they go on where they were.',
  })
}

function lateError(late: readonly { readonly partition: string; readonly reason: string }[], deadline: Deadline): KbgError {
  return new KbgError('deadline', `Gave up waiting for ${deadline.what}.`, {
    retriable: true,
    facts: { waitedMs: Math.round(deadline.totalMs), open: late.map(({ partition, reason }) => `${partition}: ${reason}`) },
  })
}

function unheldError(open: readonly TopicPartition[], unreachable: readonly string[]): KbgError {
  return new KbgError('audit-unreachable', 'Partitions are compared by no audit worker that answers.', {
    retriable: true,
    facts: { partitions: open, workers: unreachable },
  })
}
