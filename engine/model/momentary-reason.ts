/** Why a position isn't provable at the moment, as the audit says it: asked again a moment later it may be. Said and recognised here, so that nobody has to ask a second question of an audit that has moved on since. */

/** A leader that was asked who holds what was compared hasn't answered in time. */
export const unconfirmed = 'its leaders have not confirmed what was compared'
/** A worker that has just begun has not heard of both leaders yet. */
export const startsUnknown = "where both logs begin isn't known yet"
/** A worker that has just begun has not read the first records of both sides yet. */
export const nothingCompared = 'no record has been compared yet'

const beyondCompared = 'lies beyond what the audit has compared'

/** @param upTo the offset on `side` that the audit has come to */
export function beyondReason(committed: bigint, side: string, upTo: bigint): string {
  return `committed offset ${committed} ${beyondCompared}: ${side} up to ${upTo}`
}

/** Whether a moment may mend it. One that a moment doesn't mend, such as a commit beyond the end of the log, is one of these too: whoever waits has a deadline. */
export function isMomentary(reason: string): boolean {
  return [unconfirmed, startsUnknown, nothingCompared].includes(reason) || reason.includes(beyondCompared)
}
