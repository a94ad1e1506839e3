import { setImmediate } from 'node:timers/promises'
import type { SeenTopic } from '../../adapters/audit/topic-watch.ts'
import type { OffsetPair } from '../../audit/record.ts'
import {
  askedPairs,
  type FactsAnswer,
  type HurryAnswer,
  type ProveAnswer,
  type ProveRequest,
  type TranslateAnswer,
  type TranslateRequest,
  unpairedPartitions,
} from '../../model/audit-wire.ts'
import { type Colour, colours, otherColour } from '../../model/colour.ts'
import { messageOf } from '../../model/error.ts'
import { unconfirmed } from '../../model/momentary-reason.ts'
import { parseTopicPartition, type TopicPartition } from '../../model/partition.ts'
import type { AuditReader, ReadEvent } from '../../ports/audit-reader.ts'
import { type Clock, Deadline } from '../../ports/clock.ts'
import { BackPressure, type PressureChange, type PressureLimits } from './back-pressure.ts'
import { ChangedParts } from './changed-parts.ts'
import { Confirmations } from './confirmations.ts'
import { type ComparedPlan, type HeldPartition, Holding } from './holding.ts'
import { hurryMs, Pacer } from './pace.ts'
import { Proofs, type ProofTerms, type WorkerJudgement } from './proofs.ts'
import type { ReadingTroubles } from './reading-troubles.ts'
import { type BothLogs, logsOf, toldPartition, untoldPartition } from './told-partition.ts'
import { type PlannedPartition, planPartitions } from './topics.ts'
import { canConfirm, topicsOf, translatedPartition, translateRequest } from './translations.ts'

/** Which partitions are this worker's. */
export interface Share {
  isMine(partition: TopicPartition): boolean
}

/** What an {@link AuditWorker} works with. */
export interface WorkerParts {
  readonly readers: Readonly<Record<Colour, AuditReader>>
  readonly troubles: ReadingTroubles
  /** Both sides' topics as they are now. */
  readonly topics: Readonly<Record<Colour, { look(deadline: Deadline): Promise<readonly SeenTopic[]> }>>
  readonly share: Share
  readonly clock: Clock
  readonly stateDirectory: string
  /** Topics that must be there; null: every application topic that both sides have. */
  readonly wanted: readonly string[] | null
  readonly pressure: PressureLimits
  /** One line for each notable event, without secrets. */
  readonly tell: (line: string) => void
  /** Ends the worker. */
  readonly stop: AbortSignal
}

/**
 * Records that one worker keeps: {@link PressureLimits}. In all some 60 MB, and what one more event of a partition brings (10,000 records, 1.5 MB) before its side
 * is paused. With the readers' 272 MiB (AuditReaderOptions, two sides of three brokers) it holds some 330 MiB at most, whatever the topics hold; Node itself, and
 * what it has not collected yet, come on top.
 */
export const defaultPressure: PressureLimits = { perSide: 4_096, inAll: 400_000 }

const lookEveryMs = 3_000
const lookWithinMs = 10_000
const saveEveryMs = 2_000
const eventWaitMs = 1_000
/** Requests are answered at least so often while there is much to compare. */
const breathAfterMs = 10
/** Leaders that don't confirm within this time leave their partitions' positions unproven. */
const confirmWithinMs = 1_000

/** Compares the partitions of two clusters without end, and answers what it has found. */
export class AuditWorker {
  readonly #parts: WorkerParts
  readonly #holding: Holding
  readonly #pressure: BackPressure
  readonly #changed: ChangedParts
  readonly #proofs: Proofs
  readonly #confirmations: Confirmations
  /** Translations that wait for the leaders. */
  readonly #confirmed: Proofs
  readonly #pacer: Pacer
  #planned: ReadonlyMap<TopicPartition, PlannedPartition> | null = null
  #lastLookError = ''
  #looking: Promise<void> = Promise.resolve()
  #breathedAtMs = 0

  constructor(parts: WorkerParts) {
    const { readers, clock, stateDirectory, tell, stop } = parts
    this.#parts = parts
    this.#holding = new Holding({ readers, clock, stateDirectory, tell, onEnd: (partition) => this.#forget(partition) })
    this.#pressure = new BackPressure(parts.pressure)
    this.#changed = new ChangedParts(readers, clock, tell)
    this.#proofs = new Proofs(clock, (partition, ends, terms) => this.#judge(partition, ends, terms))
    this.#confirmations = new Confirmations(readers, clock, stop, (partition) => {
      this.#proofs.look(partition)
      this.#confirmed.look(partition)
    })
    this.#confirmed = new Proofs(clock, (partition, ends, { sinceMs }) => this.#judgeConfirmed(partition, ends, sinceMs))
    this.#pacer = new Pacer(Object.values(readers), clock, stop)
  }

  /** Compares until stopped, then saves everything. */
  async run(): Promise<void> {
    const { stop, readers } = this.#parts
    const close = () => {
      for (const colour of colours) readers[colour].close()
    }
    stop.addEventListener('abort', close, { once: true })
    const saving = this.#every(saveEveryMs, () => this.#holding.saveAll())
    const looking = this.#every(lookEveryMs, () => this.look())
    await Promise.all([...colours.map((colour) => this.#pump(colour)), saving, looking])
    await this.#holding.saveAll()
  }

  /** Looks at both sides' topics, and follows what has changed there or in this worker's share. One look at a time. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#lookOnce())
    return this.#looking
  }

  async #lookOnce(): Promise<void> {
    const { topics, clock, wanted, share, tell, stop } = this.#parts
    try {
      const deadline = new Deadline(clock, lookWithinMs, "both sides' topics", stop)
      const [blue, green] = await Promise.all([topics.blue.look(deadline), topics.green.look(deadline)])
      this.#planned = planPartitions(blue, green, wanted)
      const mine = [...this.#planned].flatMap(([partition, plan]): readonly [TopicPartition, ComparedPlan][] =>
        plan.kind === 'compared' && share.isMine(partition) ? [[partition, plan]] : [],
      )
      await this.#holding.follow(new Map(mine))
      this.#proofs.lookAgain()
      this.#lastLookError = ''
    } catch (thrown) {
      if (stop.aborted) return
      if (messageOf(thrown) !== this.#lastLookError) tell(`the topics could not be looked at: ${messageOf(thrown)}`)
      this.#lastLookError = messageOf(thrown)
    }
  }

  /** What is known of the partitions that this worker compares, and of those that it should. */
  facts(): FactsAnswer {
    const { readers, troubles, clock, share } = this.#parts
    const nowMs = clock.monotonicMs()
    const told = [...this.#holding.all].map(([partition, held]) => {
      this.#see(partition, held)
      return toldPartition(held, this.#logs(partition), troubles.of(partition, readers), this.#changed, nowMs)
    })
    const others = [...(this.#planned ?? [])].flatMap(([partition, plan]) => {
      if (this.#holding.all.has(partition) || !share.isMine(partition)) return []
      return [untoldPartition(partition, this.#whyNot(partition, plan))]
    })
    return { partitions: [...told, ...others].sort((a, b) => (a.partition < b.partition ? -1 : 1)) }
  }

  /** Reads at once what comes, for some seconds; leaders are asked to confirm once already, so that the proof's question finds its connections open. */
  hurry(): HurryAnswer {
    this.#pacer.hurry()
    for (const partition of this.#holding.all.keys()) for (const colour of colours) this.#confirmations.want(colour, partition)
    return { forMs: hurryMs }
  }

  /** Whether both sides hold the same below these ends, in the moment in which that can be said. */
  async prove(request: ProveRequest, gone: AbortSignal): Promise<ProveAnswer> {
    this.#pacer.hurry()
    const answer = await this.#proofs.ask(askedPairs(request), request.source ?? null, request.timeoutMs, gone)
    const unpaired = unpairedPartitions(request).map((partition) => ({ partition, reason: "only one side's end was asked for" }))
    return { ...answer, unproven: [...answer.unproven, ...unpaired] }
  }

  /** Positions on the partitions that this worker compares, up to what had been compared when the question came: the leaders have confirmed since that they still hold that. */
  async translate(request: TranslateRequest): Promise<TranslateAnswer> {
    const topics = topicsOf(request)
    const mine = [...this.#holding.all].filter(
      ([partition, each]) => topics.has(parseTopicPartition(partition).topic) && canConfirm(each.audit, this.#logs(partition), request.from),
    )
    const upTo = new Map(mine.map(([partition, { audit }]) => [partition, { audit, watermark: audit.facts().watermark }]))
    const ends = new Map([...upTo].map(([partition, { watermark }]) => [partition, watermark]))
    const { equal } = await this.#confirmed.ask(ends, null, confirmWithinMs, this.#parts.stop)
    const held = new Map(
      [...this.#holding.all].map(([partition, each]) => {
        const known = upTo.get(partition)
        const isConfirmed = known?.audit === each.audit && equal[partition] !== undefined
        return [partition, translatedPartition(each.audit, this.#logs(partition), isConfirmed ? known.watermark : null, request.from)]
      }),
    )
    return translateRequest(request, held, [...(this.#planned?.keys() ?? [])])
  }

  #logs(partition: TopicPartition): BothLogs | null {
    return logsOf(partition, this.#parts.readers)
  }

  #whyNot(partition: TopicPartition, plan: PlannedPartition): string {
    return plan.kind === 'one-sided' ? plan.reason : (this.#holding.failureOf(partition) ?? 'it is about to be compared')
  }

  async #every(pauseMs: number, work: () => Promise<void>): Promise<void> {
    const { clock, stop, tell } = this.#parts
    while (!stop.aborted) {
      await work().catch((thrown: unknown) => tell(messageOf(thrown)))
      await clock.sleep(pauseMs, stop).catch(() => undefined) // stopped: the loop ends
    }
  }

  async #pump(colour: Colour): Promise<void> {
    const { readers, stop, clock } = this.#parts
    while (!stop.aborted) {
      const event = await readers[colour].next(eventWaitMs)
      if (event !== undefined) this.#take(colour, event)
      if (clock.monotonicMs() - this.#breathedAtMs < breathAfterMs) continue
      await setImmediate()
      this.#breathedAtMs = clock.monotonicMs()
    }
  }

  #take(colour: Colour, event: ReadEvent): void {
    const { partition } = event
    const held = this.#holding.all.get(partition)
    if (held === undefined) return // taken just before it was ended
    try {
      this.#feed(colour, event, held)
    } catch (thrown) {
      this.#holding.fail(partition, 'its comparison', thrown)
    }
  }

  #feed(colour: Colour, event: ReadEvent, { audit }: HeldPartition): void {
    const { partition } = event
    switch (event.kind) {
      case 'records':
        audit.take(colour, event.records, event.facts)
        break
      case 'log-start-passed':
        this.#parts.tell(`${partition}: ${colour} begins at ${event.logStartOffset} now, and was read up to ${event.position}`)
        audit.retentionPassed(colour, event.logStartOffset)
        break
      case 'ended':
        this.#holding.fail(partition, colour, event.error)
        return
    }
    if (audit.isOver) this.#stopReading(partition, audit.facts().state)
    else this.#apply(this.#pressure.update(partition, { blue: audit.pendingRecords('blue'), green: audit.pendingRecords('green') }))
    this.#proofs.look(partition)
  }

  /** What was found stays; there is nothing more to be found. */
  #stopReading(partition: TopicPartition, state: { readonly kind: string; readonly reason?: string }): void {
    this.#parts.tell(`${partition} is read no further, ${state.kind}: ${state.reason ?? ''}`)
    for (const colour of colours) this.#parts.readers[colour].remove([partition])
    this.#apply(this.#pressure.forget(partition))
  }

  #apply(changes: readonly PressureChange[]): void {
    for (const { partition, colour, paused } of changes) {
      if (paused) this.#parts.readers[colour].pause([partition])
      else this.#parts.readers[colour].resume([partition])
    }
  }

  #forget(partition: TopicPartition): void {
    this.#apply(this.#pressure.forget(partition))
    this.#changed.forget(partition)
    this.#proofs.look(partition)
  }

  /** Takes over what the readers know of a partition where nothing happens. */
  #see(partition: TopicPartition, { audit }: HeldPartition): void {
    for (const colour of colours) {
      const facts = this.#parts.readers[colour].facts(partition)
      if (facts !== undefined) audit.saw(colour, facts)
    }
  }

  #judge(partition: TopicPartition, ends: OffsetPair, { sinceMs, source }: ProofTerms): WorkerJudgement {
    const held = this.#holding.all.get(partition)
    if (held !== undefined) {
      // What was saved counts once the readers have seen that these are still the logs that it was saved of.
      const logs = this.#logs(partition)
      if (logs === null && !held.audit.isOver) return { kind: 'open', reason: 'its leaders have not answered yet' }
      const emptied = logs === null ? null : held.audit.emptiedSide(logs)
      const isNothingAsked = emptied !== null && emptied === source && ends[emptied] === logs?.[emptied].logStartOffset
      const judgement = isNothingAsked ? ({ kind: 'equal', alignedRecords: 0, isEmptied: true } as const) : held.audit.judge(ends)
      const confirmed = isNothingAsked ? { ...ends, [otherColour(source)]: null } : ends
      const isOwed = judgement.kind === 'equal' && !this.#confirmations.has(partition, confirmed, sinceMs)
      return isOwed ? { kind: 'open', reason: 'its leaders have not answered since the question came' } : judgement
    }
    const plan = this.#planned?.get(partition)
    if (this.#planned === null) return { kind: 'open', reason: "both sides' topics have not been looked at yet" }
    if (plan?.kind === 'compared' && !this.#parts.share.isMine(partition)) return { kind: 'elsewhere' }
    if (plan === undefined) return { kind: 'unproven', reason: "the audit doesn't know this partition" }
    const isComing = plan.kind === 'compared' && this.#holding.failureOf(partition) === undefined
    return { kind: isComing ? 'open' : 'unproven', reason: this.#whyNot(partition, plan) }
  }

  /** Not whether both sides are equal, but whether both leaders still hold what was compared. */
  #judgeConfirmed(partition: TopicPartition, ends: OffsetPair, sinceMs: number): WorkerJudgement {
    const isConfirmed = this.#confirmations.has(partition, ends, sinceMs)
    return isConfirmed ? { kind: 'equal', alignedRecords: 0 } : { kind: 'open', reason: unconfirmed }
  }
}
