import { type Facts, KbgError } from '../../../engine/model/error.ts'
import type { History, HistoryEvent } from './events.ts'

/**
 * A refusal: part of the history is missing, so nothing can be said about the run.
 *
 * @returns a KbgError `history-truncated`
 */
export function historyTruncated(instance: string, facts: Facts, cause?: unknown): KbgError {
  return new KbgError('history-truncated', `The history of ${instance} is not whole, so no verdict can be given.`, {
    facts,
    remedy: 'Let every client close its history (an end record with the number of its events) before it is checked.',
    cause,
  })
}

/**
 * The events of a history between its `start` and its `end`, proven to be all of them.
 *
 * @throws KbgError `history-truncated` while iterating, when the start or end is missing, something follows the end, or the count is wrong
 */
export function* wholeHistory(history: History): Generator<HistoryEvent> {
  let events = 0
  let ended = false
  for (const event of history.events) {
    if (ended) throw historyTruncated(history.instance, { observed: `an event of type ${event.type} after the end`, required: 'nothing' })
    if ((events === 0) !== (event.type === 'start')) {
      throw historyTruncated(history.instance, { observed: `${event.type} as event ${events}`, required: 'one start, as the first event' })
    }
    if (event.type === 'end') {
      if (event.events !== events) throw historyTruncated(history.instance, { observedEvents: events, requiredEvents: event.events })
      ended = true
    } else {
      events++
      yield event
    }
  }
  if (!ended) throw historyTruncated(history.instance, { observedEvents: events, required: 'an end record' })
}
