import type { Colour } from '../model/colour.ts'
import { KbgError } from '../model/error.ts'
import type { JournalEntry } from '../model/journal.ts'
import type { LossyMove } from '../model/loss.ts'
import type { RouteDocument } from '../model/route.ts'
import type { Waves } from '../model/wave.ts'
import { type Intent, lossyMoveOf } from '../model/wiring.ts'
import { type OpenSwitch, openSwitch } from './journal-reading.ts'
import { failedWatch } from './watch-reading.ts'
import { isLeftOpen, type OpenWave, openWaves, type WaveMove, waveMoves } from './waves.ts'

/** What has to become of a switchover that a run left open, whatever anybody wants now. */
export type LeftSwitch =
  /** Opened before the hold: nothing was touched; it is closed. */
  | { readonly kind: 'close-untouched'; readonly open: OpenSwitch }
  /** Nobody decided: the source gets its writers back. */
  | { readonly kind: 'abort'; readonly open: OpenSwitch }
  /** It was decided that the source stays: finish that. */
  | { readonly kind: 'finish-abort'; readonly open: OpenSwitch }
  /** It was decided that the target takes over: finish that, from `from` on. */
  | { readonly kind: 'finish-switch'; readonly open: OpenSwitch; readonly from: 'lift' | 'reverse' }

/** What a run left between two states: a switchover; or groups that are still held, and waves that nobody has judged. */
export type LeftOpen = LeftSwitch | { readonly kind: 'settle-waves'; readonly open: readonly OpenWave[] }

/** What a run of the switchover has to do, decided from the route and the journal alone. */
export type Course =
  | { readonly kind: 'nothing' }
  /** A whole switchover, from the gate on. */
  | {
      readonly kind: 'switch'
      readonly source: Colour
      readonly target: Colour
      readonly lossy: LossyMove | null
      /** How the source has failed its watch: it is asked for little; null: it counts as sound. */
      readonly sick: string | null
    }
  /** The producers stay; waves that a run left open are brought to their end, then groups move to where they are wanted. */
  | { readonly kind: 'waves'; readonly open: readonly OpenWave[]; readonly moves: readonly WaveMove[] }
  | Exclude<LeftSwitch, { readonly kind: 'close-untouched' }>
  /** `next` is for the update after this one, which a gate has judged. */
  | (Extract<LeftSwitch, { readonly kind: 'close-untouched' }> & { readonly next: Course })

/**
 * Chooses the course. Only evidence of the open switchover counts; nothing stale is finished twice.
 *
 * @throws KbgError `journal-mismatch` when route and journal contradict each other
 */
export function chooseCourse(route: RouteDocument, journal: readonly JournalEntry[], intent: Intent, waves: Waves): Course {
  const left = leftSwitch(route, journal)
  if (left === null) return freshCourse(route, journal, intent, waves)
  return left.kind === 'close-untouched' ? { ...left, next: freshCourse(route, journal, intent, waves) } : left
}

/**
 * What is left open, from the route and the journal alone; null: nothing. A rerun and a guardian see the same.
 *
 * @throws KbgError `journal-mismatch` when route and journal contradict each other
 */
export function leftOpen(route: RouteDocument, journal: readonly JournalEntry[]): LeftOpen | null {
  return leftSwitch(route, journal) ?? (isLeftOpen(route, journal) ? { kind: 'settle-waves', open: openWaves(journal) } : null)
}

/** The intent of the run that left something open: what somebody else finishes it by. It moves nothing new. */
export function leftIntent(route: RouteDocument, journal: readonly JournalEntry[]): Intent {
  const opened = openSwitch(journal)?.entries[0]
  if (opened?.kind === 'opened') return { live: route.live, attempt: opened.attempt, consumers: opened.consumers ?? {} }
  const moving = journal.findLast((entry) => entry.kind === 'wave' && entry.what === 'moving')
  return { live: route.live, attempt: (moving?.kind === 'wave' ? moving.attempt : undefined) ?? route.attempt, consumers: {} }
}

function leftSwitch(route: RouteDocument, journal: readonly JournalEntry[]): LeftSwitch | null {
  const open = openSwitch(journal)
  switch (route.state) {
    case 'held':
      return { kind: 'abort', open: required(open, route) }
    case 'aborting':
      return { kind: 'finish-abort', open: required(open, route) }
    case 'deciding':
      return { kind: 'finish-switch', open: withCut(required(open, route), route), from: 'lift' }
    case 'open':
      if (open === null) return null
      if (open.decided === null) return { kind: 'close-untouched', open }
      return open.decided.outcome === 'switch' ? { kind: 'finish-switch', open: withCut(open, route), from: 'reverse' } : { kind: 'finish-abort', open }
  }
}

function freshCourse(route: RouteDocument, journal: readonly JournalEntry[], intent: Intent, waves: Waves): Course {
  if (route.live !== intent.live)
    return { kind: 'switch', source: route.live, target: intent.live, lossy: lossyMoveOf(intent), sick: failedWatch(journal, route.live) }
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
