import type { Colour } from '../model/colour.ts'
import { KbgError } from '../model/error.ts'
import type { JournalEntry } from '../model/journal.ts'
import type { RouteDocument } from '../model/route.ts'
import type { Waves } from '../model/wave.ts'
import type { Intent } from '../model/wiring.ts'
import { type OpenSwitch, openSwitch } from './journal-reading.ts'
import { type OpenWave, openWaves, type WaveMove, waveMoves } from './waves.ts'

/** What a run of the switchover has to do, decided from the route and the journal alone. */
export type Course =
  | { readonly kind: 'nothing' }
  /** A whole switchover, from the gate on. */
  | { readonly kind: 'switch'; readonly source: Colour; readonly target: Colour }
  /** The producers stay; waves that a run left open are brought to their end, then groups move to where they are wanted. */
  | { readonly kind: 'waves'; readonly open: readonly OpenWave[]; readonly moves: readonly WaveMove[] }
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
export function chooseCourse(route: RouteDocument, journal: readonly JournalEntry[], intent: Intent, waves: Waves): Course {
  const open = openSwitch(journal)
  switch (route.state) {
    case 'held':
      return { kind: 'abort', open: required(open, route) }
    case 'aborting':
      return { kind: 'finish-abort', open: required(open, route) }
    case 'deciding':
      return { kind: 'finish-switch', open: withCut(required(open, route), route), from: 'lift' }
    case 'open':
      return openCourse(route, journal, intent, waves)
  }
}

function openCourse(route: RouteDocument, journal: readonly JournalEntry[], intent: Intent, waves: Waves): Course {
  const open = openSwitch(journal)
  if (open?.decided?.outcome === 'switch') return { kind: 'finish-switch', open: withCut(open, route), from: 'reverse' }
  if (open?.decided?.outcome === 'abort') return { kind: 'finish-abort', open }
  const fresh = freshCourse(route, journal, intent, waves)
  return open === null ? fresh : { kind: 'close-untouched', open, next: fresh }
}

function freshCourse(route: RouteDocument, journal: readonly JournalEntry[], intent: Intent, waves: Waves): Course {
  if (route.live !== intent.live) return { kind: 'switch', source: route.live, target: intent.live }
  const [open, moves] = [openWaves(journal), waveMoves(route, waves, intent.consumers)]
  return open.length + moves.length === 0 ? { kind: 'nothing' } : { kind: 'waves', open, moves }
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
