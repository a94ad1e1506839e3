import { connectAudit } from '../../../engine/adapters/audit/audit-client.ts'
import type { AuditFacts } from '../../../engine/model/audit-facts.ts'
import { messageOf } from '../../../engine/model/error.ts'
import type { Wiring } from '../../../engine/model/wiring.ts'
import type { Audit } from '../../../engine/ports/audit.ts'
import { type Clock, Deadline } from '../../../engine/ports/clock.ts'
import { outcomeOf } from '../../audit/lines.ts'

/** One look at the audit. */
export interface AuditLook {
  /** When the answer was there, in the machine's monotonic milliseconds. */
  readonly atMonotonicMs: number
  readonly facts: AuditFacts
}

/** What was seen of the audit over a run. */
export interface AuditSeen {
  readonly looks: readonly AuditLook[]
  /** Looks that had no answer, and the last reason; empty when all had one. */
  readonly unanswered: number
  readonly lastTrouble: string
}

const everyMs = 1_000
const answerMs = 5_000
const settlingMs = 200

/** Looks at the audit about once a second for as long as a run lasts. An audit that doesn't answer is noted and asked again: the run goes on without it. */
export class AuditWatch {
  readonly #audit: Audit
  readonly #topics: readonly string[]
  readonly #clock: Clock
  readonly #looks: AuditLook[] = []
  readonly #ending: Promise<void>
  #unanswered = 0
  #lastTrouble = ''
  #ended = false

  constructor(audit: Audit, topics: readonly string[], clock: Clock) {
    this.#audit = audit
    this.#topics = topics
    this.#clock = clock
    this.#ending = this.#watch()
  }

  /** Watches a fleet's audit; null: it has none. */
  static of(wiring: Wiring, clock: Clock): AuditWatch | null {
    return wiring.audit.length === 0 ? null : new AuditWatch(connectAudit(wiring.audit, clock), wiring.topics, clock)
  }

  /** What was seen so far. */
  get seen(): AuditSeen {
    return { looks: this.#looks, unanswered: this.#unanswered, lastTrouble: this.#lastTrouble }
  }

  /**
   * Looks a last time, and ends; again it does nothing.
   *
   * @param patienceMs how long it goes on looking until the audit has an answer about everything that stands in both logs by now; 0 at the end of a run that broke off
   */
  async end(patienceMs: number): Promise<void> {
    if (this.#ended) return await this.#ending
    this.#ended = true
    await this.#ending
    const sinceMs = this.#clock.monotonicMs()
    for (;;) {
      const facts = await this.#look()
      const passedMs = this.#clock.monotonicMs() - sinceMs
      if (passedMs >= patienceMs || (facts !== null && outcomeOf(facts, this.#topics, passedMs) !== 'open')) break
      await this.#clock.sleep(settlingMs)
    }
    await this.#audit.close()
  }

  async #watch(): Promise<void> {
    while (!this.#ended) {
      await this.#look()
      if (!this.#ended) await this.#clock.sleep(everyMs)
    }
  }

  async #look(): Promise<AuditFacts | null> {
    try {
      const facts = await this.#audit.facts(new Deadline(this.#clock, answerMs, "the audit's answer"))
      this.#looks.push({ atMonotonicMs: this.#clock.monotonicMs(), facts })
      return facts
    } catch (thrown) {
      this.#unanswered += 1
      this.#lastTrouble = messageOf(thrown)
      return null
    }
  }
}
