import { type Colour, otherColour } from '../model/colour.ts'
import type { JournalEntry } from '../model/journal.ts'
import { groupRoute, type RouteDocument } from '../model/route.ts'
import type { GroupPace } from '../model/watch.ts'
import { inWaveOrder, type Waves } from '../model/wave.ts'
import type { Intent } from '../model/wiring.ts'

/** Groups of one wave that don't read where they are wanted. */
export interface WaveMove {
  readonly wave: string
  readonly source: Colour
  readonly target: Colour
  readonly groups: readonly string[]
}

/** Where a wave is wanted, with `live` as the live colour. */
export function wantedColour(consumers: Intent['consumers'], live: Colour, wave: string): Colour {
  return consumers[wave] ?? live
}

/** Where a group is wanted, with `live` as the live colour; groups of no wave follow the producers. */
export function wantedGroupColour(waves: Waves, consumers: Intent['consumers'], live: Colour, groupId: string): Colour {
  const wave = Object.keys(waves).find((name) => waves[name]?.includes(groupId))
  return wave === undefined ? live : wantedColour(consumers, live, wave)
}

/** Where each wave reads now: a colour, `held` while it is between two, `mixed` when its groups read on both. */
export function consumersOf(route: RouteDocument, waves: Waves): Readonly<Record<string, Colour | 'held' | 'mixed'>> {
  return Object.fromEntries(
    inWaveOrder(Object.keys(waves)).map((wave) => {
      const routes = (waves[wave] ?? []).map((groupId) => groupRoute(route, groupId))
      if (routes.some(({ state }) => state === 'held')) return [wave, 'held']
      const [first, ...others] = new Set(routes.map(({ colour }) => colour))
      return [wave, first === undefined || others.length > 0 ? 'mixed' : first]
    }),
  )
}

/**
 * What has to move so that every wave reads where it is wanted while the live colour stays: the ways back first, which a sick standby must not hold up, then the
 * least critical wave (pure). Waves that the intent doesn't name are wanted on the live colour. A group that was left held where it is wanted isn't moved: it is released.
 */
export function waveMoves(route: RouteDocument, waves: Waves, consumers: Intent['consumers']): readonly WaveMove[] {
  const moves = inWaveOrder(Object.keys(waves)).flatMap((wave): readonly WaveMove[] => {
    const target = wantedColour(consumers, route.live, wave)
    const groups = (waves[wave] ?? []).filter((groupId) => groupRoute(route, groupId).colour !== target)
    return groups.length === 0 ? [] : [{ wave, source: otherColour(target), target, groups }]
  })
  return [...moves.filter((move) => !isForward(move, route.live)), ...moves.filter((move) => isForward(move, route.live))]
}

/** Whether a move goes to the standby: only such a one needs a gate. Going back to the live colour must be possible when the standby is sick. */
export function isForward(move: WaveMove, live: Colour): boolean {
  return move.target !== live
}

/** The groups that waves have to take to the standby while the live colour stays; none when that one moves too (pure). */
export function forwardGroups(route: RouteDocument, waves: Waves, { live, consumers }: Pick<Intent, 'live' | 'consumers'>): readonly string[] {
  if (live !== route.live) return []
  return waveMoves(route, waves, consumers).flatMap((move) => (isForward(move, live) ? move.groups : []))
}

/** A wave whose move has not come to its end: its orchestrator ended in between. */
export interface OpenWave extends WaveMove {
  readonly pace: Readonly<Record<string, GroupPace>>
  /** Why it was going back; null: nobody has judged it yet. */
  readonly returning: string | null
}

/** The waves that were moved, wholly or in part, and of which the journal says neither that they read on nor that they are back (pure). */
export function openWaves(journal: readonly JournalEntry[]): readonly OpenWave[] {
  const entries = journal.filter((entry) => entry.kind === 'wave')
  const newest = new Map(entries.map((entry) => [entry.wave, entry]))
  return [...newest.values()].flatMap((entry): readonly OpenWave[] => {
    const { wave, source, target, what, reason } = entry
    const begun = entries.findLast((other) => other.wave === wave && other.what === 'moving' && other.number <= entry.number)
    const groups = what === 'moving' ? releasedBehind(journal, entry) : entry.groups
    if (what === 'settled' || what === 'returned' || groups.length === 0) return []
    return [{ wave, source, target, groups, pace: begun?.pace ?? {}, returning: what === 'returning' ? reason : null }]
  })
}

/** The groups of a wave that were released on its target behind the entry that began its move. */
function releasedBehind(journal: readonly JournalEntry[], begun: Extract<JournalEntry, { kind: 'wave' }>): readonly string[] {
  return journal.flatMap((entry) => (entry.kind === 'groups' && entry.wave === begun.wave && entry.number > begun.number ? entry.moved : []))
}

/** Whether a run has left something of a wave, or of any group, between two states. */
export function isLeftOpen(route: RouteDocument, journal: readonly JournalEntry[]): boolean {
  return Object.values(route.groups).some(({ state }) => state === 'held') || openWaves(journal).length > 0
}
