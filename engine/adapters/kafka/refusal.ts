import { protocolErrors, protocolErrorsCodesById } from '@platformatic/kafka'
import { type Facts, KbgError, messageOf } from '../../model/error.ts'
import type { Deadline } from '../../ports/clock.ts'

/** Kafka's name of a protocol error code (org.apache.kafka.common.protocol.Errors); `NONE` for 0. */
export function errorName(code: number): string {
  const names: Readonly<Record<string, string>> = protocolErrorsCodesById
  return names[String(code)] ?? `error code ${code}`
}

/** Errors after which another broker, or the same one a moment later, answers: metadata was stale, a leader or coordinator is being elected or loaded. */
const transient = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'BROKER_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'NETWORK_EXCEPTION',
  'NOT_CONTROLLER',
  'NOT_COORDINATOR',
  'COORDINATOR_NOT_AVAILABLE',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'CONCURRENT_TRANSACTIONS',
  'UNSTABLE_OFFSET_COMMIT',
  'THROTTLING_QUOTA_EXCEEDED',
])

/**
 * The error for a request that a broker refused.
 *
 * @param refused what was refused, as a sentence
 * @param code Kafka's error code
 * @returns KbgError `kafka`, with Kafka's own name as fact `error`; retriable when Kafka's metadata, leaders or coordinators are only late
 */
export function kafkaRefusal(refused: string, code: number, facts: Facts = {}, detail: string | null = null): KbgError {
  const error = errorName(code)
  const message = detail ?? protocolErrors[error as keyof typeof protocolErrors]?.message ?? ''
  return new KbgError('kafka', refused, { retriable: transient.has(error), facts: { error, ...facts, ...(message ? { message } : {}) } })
}

/** Throws {@link kafkaRefusal} unless the code is 0. */
export function requireNone(code: number, refused: string, facts: Facts = {}, detail: string | null = null): void {
  if (code !== 0) throw kafkaRefusal(refused, code, facts, detail)
}

/**
 * Whether a refused or lost request may have had its effect:
 * `none` it has no effect, `repeatable` sending it again does no harm, `once` a second one would be another effect.
 */
export type Effect = 'none' | 'repeatable' | 'once'

/** The error of a request that was sent and not answered. */
export function unanswered(what: string, effect: Effect, cause: unknown): KbgError {
  if (effect === 'none') return new KbgError('connection', `No answer to ${what}.`, { retriable: true, cause })
  return new KbgError('outcome-unknown', `No answer to ${what}: it may take effect now, later or not at all.`, {
    retriable: effect === 'repeatable',
    remedy: 'Observe the cluster before deciding anything.',
    cause,
  })
}

/** Whether an error is worth another attempt before the deadline. */
function mayRetry(thrown: unknown): thrown is KbgError {
  return thrown instanceof KbgError && thrown.retriable && thrown.code !== 'deadline'
}

/** Pauses before the next attempt: short at first, since a new leader is there within tens of milliseconds. */
function growingPauseMs(attemptNumber: number): number {
  return Math.min(10 * 2 ** attemptNumber, 200)
}

/**
 * Repeats `attempt` until it succeeds, is refused for good, or the deadline ends.
 *
 * @throws KbgError `outcome-unknown` when any attempt may have had its effect and none succeeded; `deadline` with the last refusal as cause; else the refusal
 */
export async function persistently<T>(deadline: Deadline, attempt: (attemptNumber: number) => Promise<T>, pause = growingPauseMs): Promise<T> {
  let unknown: KbgError | undefined
  for (let attemptNumber = 0; ; attemptNumber++) {
    try {
      return await attempt(attemptNumber)
    } catch (thrown) {
      if (thrown instanceof KbgError && thrown.code === 'outcome-unknown') unknown = thrown
      if (!mayRetry(thrown)) throw unknown ?? thrown
      const pauseMs = pause(attemptNumber)
      if (deadline.remainingMs() <= pauseMs) throw unknown ?? lateAfter(deadline, thrown)
      await deadline.clock.sleep(pauseMs, deadline.cancelled) // a refused leader or coordinator is elected elsewhere, and nothing tells us when
    }
  }
}

function lateAfter(deadline: Deadline, last: KbgError): KbgError {
  return new KbgError('deadline', `Gave up waiting for ${deadline.what}.`, {
    retriable: true,
    facts: { waitedMs: Math.round(deadline.totalMs), lastRefusal: messageOf(last) },
    cause: last,
  })
}
