import { otherColour } from '../model/colour.ts'
import type { HookPayload } from '../model/hook.ts'
import type { JournalEntry } from '../model/journal.ts'
import { openSwitch } from './journal-reading.ts'

/** What hooks are told of an entry; the fleet and the route's epoch are added where it is sent. */
export type Notice = Omit<HookPayload, 'version' | 'fleet' | 'epoch'>

/**
 * The notice that goes with an entry; null: none does. Nothing but what was written is told, so each move is told once however often it is resumed.
 *
 * @param before the journal before this entry
 * @param attempt the one under which it was written, where neither entry nor journal says
 */
export function noticeOf(entry: JournalEntry, before: readonly JournalEntry[], attempt: number): Notice | null {
  const { term, number: journalEntry, atWallClock: atUtc } = entry
  const written = { term, journalEntry, atUtc }
  switch (entry.kind) {
    case 'opened':
      return {
        event: 'pre',
        source: entry.source,
        target: entry.target,
        wave: null,
        attempt: entry.attempt,
        reason: entry.automatic ?? entry.sick ?? '',
        ...written,
      }
    case 'closed': {
      const open = openSwitch(before)
      if (open === null) return null
      const event = entry.outcome === 'aborted' ? 'abort' : open.automatic === null ? 'post' : 'rollback'
      const reason = event === 'rollback' ? (open.automatic ?? '') : event === 'abort' ? entry.reason : ''
      return { event, source: open.source, target: open.target, wave: null, attempt: open.attempt, reason, ...written }
    }
    case 'wave': {
      const event = ({ moving: 'pre', moved: null, settled: 'post', returning: null, returned: 'rollback' } as const)[entry.what]
      return (
        event && { event, source: entry.source, target: entry.target, wave: entry.wave, attempt: entry.attempt ?? attempt, reason: entry.reason, ...written }
      )
    }
    case 'watch':
      if (entry.what !== 'halted') return null
      return { event: 'halt', source: entry.colour, target: otherColour(entry.colour), wave: null, attempt, reason: entry.reason, ...written }
    default:
      return null
  }
}
