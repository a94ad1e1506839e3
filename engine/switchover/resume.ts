import type { Colour } from '../model/colour.ts'
import { KbgError } from '../model/error.ts'
import type { JournalEntry } from '../model/journal.ts'
import type { RouteDocument } from '../model/route.ts'
import type { Intent } from '../model/wiring.ts'
import { type OpenSwitch, openSwitch } from './journal-reading.ts'

/** What a run of the switchover has to do, decided from the route and the journal alone. */
export type Course =
  | { readonly kind: 'nothing' }
  /** A whole switchover, from the gate on. */
  | { readonly kind: 'switch'; readonly source: Colour; readonly target: Colour }
  /** Opened before the hold: nothing was touched; it is closed. `next` is for the update after this one, which a gate has judged. */
  | { readonly kind: 'close-untouched'; readonly open: OpenSwitch; readonly next: Course }
  /** Nobody decided: the source gets its writers back. */
  | { readonly kind: 'abort'; readonly open: OpenSwitch }
  /** It was decided that the source stays: finish that. */
  | { readonly kind: 'finish-abort'; readonly open: OpenSwitch }
  /** It was decided that the target takes over: finish that, from `from` on. */
  | { readonly kind: 'finish-switch'; readonly open: OpenSwitch; readonly from: 'lift' | 'reverse' }

/**
 * Chooses the course. Only evidence of the open switchover counts; nothing stale is finished twice.
 *
 * @throws KbgError `journal-mismatch` when route and journal contradict each other
 */
export function chooseCourse(route: RouteDocument, journal: readonly JournalEntry[], intent: Intent): Course {
  const open = openSwitch(journal)
  switch (route.state) {
    case 'held':
      return { kind: 'abort', open: required(open, route) }
    case 'aborting':
      return { kind: 'finish-abort', open: required(open, route) }
    case 'deciding':
      return { kind: 'finish-switch', open: withCut(required(open, route), route), from: 'lift' }
    case 'open':
      return openCourse(route, open, intent)
  }
}

function openCourse(route: RouteDocument, open: OpenSwitch | null, intent: Intent): Course {
  if (open?.decided?.outcome === 'switch') return { kind: 'finish-switch', open: withCut(open, route), from: 'reverse' }
  if (open?.decided?.outcome === 'abort') return { kind: 'finish-abort', open }
  const fresh: Course = route.live === intent.live ? { kind: 'nothing' } : { kind: 'switch', source: route.live, target: intent.live }
  return open === null ? fresh : { kind: 'close-untouched', open, next: fresh }
}

function required(open: OpenSwitch | null, route: RouteDocument): OpenSwitch {
  if (open !== null) return open
  throw new KbgError('journal-mismatch', 'The route says that a switch is open, the journal knows of none.', {
    facts: { route: `${route.state}, epoch ${route.epoch}`, journal: 'every switchover closed' },
    remedy: 'Restore the route store from its backup; nothing was moved.',
  })
}

function withCut(open: OpenSwitch, route: RouteDocument): OpenSwitch {
  if (open.decided?.cut) return open
  throw new KbgError('journal-mismatch', 'It was decided to switch, but the journal holds no cut.', {
    facts: { route: `${route.state}, epoch ${route.epoch}`, source: open.source, target: open.target },
    remedy: 'Restore the route store from its backup; nothing was moved.',
  })
}
