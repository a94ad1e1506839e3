/** What one try to write a partition's batch means: pure, and the heart of "nothing lost, nothing twice". */

/** What came of one try. */
export type Attempt =
  | { readonly kind: 'answered'; readonly errorCode: number }
  /** No connection could be made, or the request could not be built: the broker saw nothing of it. */
  | { readonly kind: 'not-sent'; readonly retriable: boolean }
  /** Sent, perhaps, and no answer: it may have been written. */
  | { readonly kind: 'lost' }

/**
 * `written`: acknowledged. `held`: the fence refused it, surely nothing was written: send again, on whichever colour is open then.
 * `again`: surely not written: send again. `in-doubt`: perhaps written: only the same request, with the same sequence, to the same colour can tell.
 * `refused`: surely not written, and never will be. `unknown`: perhaps written, and nobody can tell any more.
 */
export type Verdict = 'written' | 'held' | 'again' | 'in-doubt' | 'refused' | 'unknown'

/** Broker error codes (org.apache.kafka.common.protocol.Errors). */
export const errorCodes = {
  none: 0,
  requestTimedOut: 7,
  notEnoughReplicasAfterAppend: 20,
  topicAuthorizationFailed: 29,
  outOfOrderSequence: 45,
  duplicateSequence: 46,
  invalidProducerEpoch: 47,
  operationNotAttempted: 55,
  unknownProducerId: 59,
} as const

/** Nothing was appended, and a later try may succeed: wrong or missing leader, metadata not there yet, too few in-sync replicas, broker busy. */
const notAppendedYet: ReadonlySet<number> = new Set([3, 5, 6, 8, 9, 13, 19, 41, 56, 74, 75, 78, 89, 100])
/** Appended by the leader, not acknowledged. */
const appendedUnacknowledged: ReadonlySet<number> = new Set([errorCodes.requestTimedOut, errorCodes.notEnoughReplicasAfterAppend])
/** The broker doesn't know this producer id at this sequence: it appended nothing of this try. */
const sequenceLost: ReadonlySet<number> = new Set([errorCodes.outOfOrderSequence, errorCodes.invalidProducerEpoch, errorCodes.unknownProducerId])

/**
 * @param inDoubt whether an earlier try of the same batch may have been written
 */
export function judge(attempt: Attempt, inDoubt: boolean): Verdict {
  switch (attempt.kind) {
    case 'lost':
      return 'in-doubt'
    case 'not-sent':
      if (inDoubt) return attempt.retriable ? 'in-doubt' : 'unknown'
      return attempt.retriable ? 'again' : 'refused'
    case 'answered':
      return judgeAnswer(attempt.errorCode, inDoubt)
  }
}

function judgeAnswer(code: number, inDoubt: boolean): Verdict {
  if (code === errorCodes.none) return 'written'
  if (code === errorCodes.duplicateSequence) return 'written' // this very batch: sequences are never reused for another one
  if (appendedUnacknowledged.has(code)) return 'in-doubt'
  if (notAppendedYet.has(code)) return inDoubt ? 'in-doubt' : 'again'
  if (inDoubt) return 'unknown' // this try was not written; an earlier one may have been, and no further try can show it
  if (code === errorCodes.topicAuthorizationFailed) return 'held'
  return sequenceLost.has(code) ? 'again' : 'refused'
}

/** Whether the producer id must not be used for that partition any more. */
export function endsProducerId(attempt: Attempt, verdict: Verdict): boolean {
  return verdict === 'unknown' || (attempt.kind === 'answered' && sequenceLost.has(attempt.errorCode))
}

/** The sequence behind `count` records from `first` on: int32, wrapping to 0 (Kafka's DefaultRecordBatch.incrementSequence). */
export function nextSequence(first: number, count: number): number {
  const max = 2_147_483_647
  return first > max - count ? count - (max - first) - 1 : first + count
}
