import { join } from 'node:path'
import { PartitionStore } from '../../adapters/audit/partition-store.ts'
import { type Colour, colours } from '../../model/colour.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import type { TopicPartition } from '../../model/partition.ts'
import type { AuditReader, ReadFrom } from '../../ports/audit-reader.ts'
import type { Clock } from '../../ports/clock.ts'
import { PartitionAudit } from './partition-audit.ts'
import { type RestoredPartition, restorePartition } from './partition-state.ts'
import { logStartsOf } from './told-partition.ts'
import type { PlannedPartition } from './topics.ts'

export type ComparedPlan = Extract<PlannedPartition, { kind: 'compared' }>

/** A partition that this worker compares. */
export interface HeldPartition {
  readonly audit: PartitionAudit
  readonly store: PartitionStore
  readonly plan: ComparedPlan
}

/** What a {@link Holding} works with. */
export interface HoldingParts {
  readonly readers: Readonly<Record<Colour, AuditReader>>
  readonly clock: Clock
  /** Absolute; a directory for each partition is made in it. */
  readonly stateDirectory: string
  readonly tell: (line: string) => void
  /** Called when a partition is no longer compared. */
  readonly onEnd: (partition: TopicPartition) => void
}

/** A partition that could not be compared is tried again after so long. */
const retryAfterMs = 30_000

/** Refusals that the next look at the topics explains: the topic is gone, or another one. */
const explainedByTopics = new Set(['topic-recreated', 'unknown-topic'])

interface Failure {
  readonly reason: string
  readonly retryAtMs: number
}

/** The partitions that this worker compares: begins them where they were left, ends them, and saves what they have come to. */
export class Holding {
  readonly #parts: HoldingParts
  readonly #held = new Map<TopicPartition, HeldPartition>()
  readonly #failures = new Map<TopicPartition, Failure>()
  /** Whose saved state is of a log that is no more. */
  readonly #outdated = new Set<TopicPartition>()

  constructor(parts: HoldingParts) {
    this.#parts = parts
  }

  get all(): ReadonlyMap<TopicPartition, HeldPartition> {
    return this.#held
  }

  /** Why a partition that should be compared isn't; undefined when nothing is known against it. */
  failureOf(partition: TopicPartition): string | undefined {
    return this.#failures.get(partition)?.reason
  }

  /** Compares just these from now on. One whose topic was made again begins afresh, one whose modes changed goes on under the new ones. */
  async follow(wanted: ReadonlyMap<TopicPartition, ComparedPlan>): Promise<void> {
    for (const [partition, held] of [...this.#held]) {
      const plan = wanted.get(partition)
      if (plan !== undefined && isSame(held.plan, plan)) continue
      await this.#save(partition, held)
      if (this.#held.get(partition) === held) this.#end(partition)
    }
    for (const partition of this.#failures.keys()) if (!wanted.has(partition)) this.#failures.delete(partition)
    const nowMs = this.#parts.clock.monotonicMs()
    const missing = [...wanted].filter(([partition]) => !this.#held.has(partition) && (this.#failures.get(partition)?.retryAtMs ?? nowMs) <= nowMs)
    const opened = missing.flatMap(([partition, plan]) => this.#begin(partition, plan))
    for (const colour of colours) this.#parts.readers[colour].add(new Map(opened.map((held) => [held.audit.partition, readFrom(held, colour)])))
  }

  /** Ends a partition that can't be compared now. */
  fail(partition: TopicPartition, where: string, thrown: unknown): void {
    const code = thrown instanceof KbgError ? thrown.code : ''
    if (code === 'log-truncated') this.#outdated.add(partition)
    const isExplained = explainedByTopics.has(code) || code === 'log-truncated'
    this.#failures.set(partition, { reason: `${where}: ${messageOf(thrown)}`, retryAtMs: this.#parts.clock.monotonicMs() + (isExplained ? 0 : retryAfterMs) })
    this.#parts.tell(`${partition} isn't compared any more: ${where}: ${messageOf(thrown)}`)
    this.#end(partition)
  }

  /** Saves every partition with news. */
  async saveAll(): Promise<void> {
    for (const [partition, held] of [...this.#held]) {
      if (!held.audit.hasNews) continue
      await this.#save(partition, held)
      held.store.sweep()
    }
  }

  #begin(partition: TopicPartition, plan: ComparedPlan): readonly HeldPartition[] {
    try {
      const { store, saved, refused } = PartitionStore.open(this.#parts.stateDirectory, partition)
      const restored = saved === null ? null : restoredOrRefused(saved)
      const reason = refused ?? (restored === null ? null : whyAfresh(restored, plan, this.#outdated.has(partition)))
      const usable = restored === null || 'refused' in restored || reason !== null ? null : restored
      if (usable === null) store.clearMap()
      this.#tellBeginning(partition, usable, reason)
      const held = { audit: new PartitionAudit({ partition, ...plan }, usable, store), store, plan }
      this.#held.set(partition, held)
      this.#failures.delete(partition)
      this.#outdated.delete(partition)
      return [held]
    } catch (thrown) {
      this.fail(partition, join(this.#parts.stateDirectory, partition), thrown)
      return []
    }
  }

  #tellBeginning(partition: TopicPartition, restored: RestoredPartition | null, reason: string | null): void {
    const { tell } = this.#parts
    if (reason !== null) tell(`${partition} begins afresh: ${reason}`)
    else if (restored === null) tell(`${partition} begins`)
    else tell(`${partition} goes on from blue ${restored.alignment.blue.next}, green ${restored.alignment.green.next}`)
  }

  async #save(partition: TopicPartition, held: HeldPartition): Promise<void> {
    try {
      await held.store.save(held.audit.state(logStartsOf(partition, this.#parts.readers)))
    } catch (thrown) {
      held.audit.stateWasLost()
      const isSuperseded = thrown instanceof KbgError && thrown.code === 'audit-superseded'
      if (isSuperseded && this.#held.get(partition) === held) this.fail(partition, 'its state', thrown)
      else this.#parts.tell(`${partition} could not be saved: ${messageOf(thrown)}`)
    }
  }

  #end(partition: TopicPartition): void {
    if (!this.#held.delete(partition)) return
    for (const colour of colours) this.#parts.readers[colour].remove([partition])
    this.#parts.onEnd(partition)
  }
}

function restoredOrRefused(saved: Parameters<typeof restorePartition>[0]): RestoredPartition | { readonly refused: string } {
  try {
    return restorePartition(saved)
  } catch (thrown) {
    return { refused: messageOf(thrown) }
  }
}

/** Why a comparison can't go on from what was saved; null when it can. */
function whyAfresh(restored: RestoredPartition | { readonly refused: string }, plan: ComparedPlan, isOutdated: boolean): string | null {
  if ('refused' in restored) return `its saved state is refused: ${restored.refused}`
  if (isOutdated) return "a log isn't the one that was read"
  const remade = colours.find((colour) => restored.topicIds[colour] !== plan.topicIds[colour])
  if (remade !== undefined) return `the topic was made again on ${remade}`
  if (restored.modes.compacted !== plan.modes.compacted) return `the topic is ${plan.modes.compacted ? '' : 'no longer '}compacted`
  return null
}

function readFrom({ audit, plan }: HeldPartition, colour: Colour): ReadFrom {
  const [offset, epoch] = [audit.restartFrom(colour), audit.restartEpoch(colour)]
  return { offset, epoch, topicId: plan.topicIds[colour], keys: plan.modes.compacted, timestamps: plan.modes.timestamps }
}

function isSame(a: ComparedPlan, b: ComparedPlan): boolean {
  const [ids, modes] = [colours.every((colour) => a.topicIds[colour] === b.topicIds[colour]), a.modes.compacted === b.modes.compacted]
  return ids && modes && a.modes.timestamps === b.modes.timestamps
}
