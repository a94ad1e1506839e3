import type { OffsetPair } from '../../audit/record.ts'
import type { ProveAnswer } from '../../model/audit-wire.ts'
import type { Colour } from '../../model/colour.ts'
import { messageOf } from '../../model/error.ts'
import type { TopicPartition } from '../../model/partition.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Judgement } from './partition-audit.ts'

/** {@link Judgement}, or this worker doesn't hold the partition. */
export type WorkerJudgement = Judgement | { readonly kind: 'elsewhere' }

/** What is asked of every partition of one question. */
export interface ProofTerms {
  /** When the question came (monotonic): nothing that a leader said before proves anything. */
  readonly sinceMs: number
  /** The side that is copied from; null: nobody says. */
  readonly source: Colour | null
}

export type Judge = (partition: TopicPartition, ends: OffsetPair, terms: ProofTerms) => WorkerJudgement

/** One question that waits for its partitions. */
class Proof {
  readonly answer: ProveAnswer = { equal: {}, emptied: [], unproven: [], open: [], elsewhere: [] }
  readonly settled = Promise.withResolvers<void>()
  readonly #open: Map<TopicPartition, OffsetPair>
  readonly #terms: ProofTerms
  readonly #judge: Judge

  constructor(ends: ReadonlyMap<TopicPartition, OffsetPair>, terms: ProofTerms, judge: Judge) {
    this.#open = new Map(ends)
    this.#terms = terms
    this.#judge = judge
  }

  judgeAll(): void {
    for (const partition of [...this.#open.keys()]) this.look(partition)
    if (this.#open.size === 0) this.settled.resolve()
  }

  /** Something changed on this partition. */
  look(partition: TopicPartition): void {
    const ends = this.#open.get(partition)
    if (ends === undefined) return
    const judgement = this.#judged(partition, ends)
    if (judgement.kind === 'open') return
    this.#open.delete(partition)
    if (judgement.kind === 'equal' && judgement.isEmptied) this.answer.emptied.push(partition)
    if (judgement.kind === 'equal') this.answer.equal[partition] = judgement.alignedRecords
    else if (judgement.kind === 'unproven') this.answer.unproven.push({ partition, reason: judgement.reason })
    else this.answer.elsewhere.push(partition)
    if (this.#open.size === 0) this.settled.resolve()
  }

  /** The answer with what is still open, and how far that has come. */
  finish(): ProveAnswer {
    for (const [partition, ends] of this.#open) {
      const judgement = this.#judged(partition, ends)
      this.answer.open.push({ partition, reason: judgement.kind === 'open' ? judgement.reason : 'it could not be settled in time' })
    }
    this.#open.clear()
    return this.answer
  }

  #judged(partition: TopicPartition, ends: OffsetPair): WorkerJudgement {
    try {
      return this.#judge(partition, ends, this.#terms)
    } catch (thrown) {
      return { kind: 'unproven', reason: messageOf(thrown) }
    }
  }
}

/** Questions whether both sides hold the same below given ends, answered in the moment in which the last partition is settled. */
export class Proofs {
  readonly #waiting = new Set<Proof>()
  readonly #clock: Clock
  readonly #judge: Judge

  constructor(clock: Clock, judge: Judge) {
    this.#clock = clock
    this.#judge = judge
  }

  /** Settles every partition, or says after `timeoutMs` which ones are open. @param gone the asker no longer waits */
  async ask(ends: ReadonlyMap<TopicPartition, OffsetPair>, source: Colour | null, timeoutMs: number, gone: AbortSignal): Promise<ProveAnswer> {
    const proof = new Proof(ends, { sinceMs: this.#clock.monotonicMs(), source }, this.#judge)
    proof.judgeAll()
    this.#waiting.add(proof)
    const stop = new AbortController()
    const late = this.#clock.sleep(timeoutMs, AbortSignal.any([stop.signal, gone])).catch(() => undefined) // settled, or nobody waits: both end the wait
    try {
      await Promise.race([proof.settled.promise, late])
    } finally {
      stop.abort()
      this.#waiting.delete(proof)
    }
    return proof.finish()
  }

  /** More may be known of any partition. */
  lookAgain(): void {
    for (const proof of this.#waiting) proof.judgeAll()
  }

  /** More is known of this partition. */
  look(partition: TopicPartition): void {
    for (const proof of this.#waiting) proof.look(partition)
  }
}
