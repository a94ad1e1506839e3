import type { Colour } from '../model/colour.ts'
import type { GroupPace, JournalEntry } from '../model/journal.ts'
import { groupRoute, type RouteDocument } from '../model/route.ts'
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
 * What has to move so that every wave reads where it is wanted while the live colour stays: the least critical wave first (pure). Waves that the intent
 * doesn't name are wanted on the live colour.
 */
export function waveMoves(route: RouteDocument, waves: Waves, consumers: Intent['consumers']): readonly WaveMove[] {
  return inWaveOrder(Object.keys(waves)).flatMap((wave) => {
    const target = wantedColour(consumers, route.live, wave)
    const source = target === 'blue' ? 'green' : 'blue'
    const groups = (waves[wave] ?? []).filter((groupId) => {
      const { colour, state } = groupRoute(route, groupId)
      return colour !== target || state !== 'running'
    })
    return groups.length === 0 ? [] : [{ wave, source, target, groups }]
  })
}

/** Whether a move goes to the standby: only such a one needs a gate. Going back to the live colour must be possible when the standby is sick. */
export function isForward(move: WaveMove, live: Colour): boolean {
  return move.target !== live
}

/** A wave that was moved, and not yet found to read on: its orchestrator ended in between. */
export interface UnjudgedWave extends WaveMove {
  readonly pace: Readonly<Record<string, GroupPace>>
}

/** The waves whose newest entry says that they were moved and nothing of how that went (pure). */
export function unjudgedWaves(journal: readonly JournalEntry[]): readonly UnjudgedWave[] {
  const entries = journal.filter((entry) => entry.kind === 'wave')
  const newest = new Map(entries.map((entry) => [entry.wave, entry]))
  return [...newest.values()].flatMap(({ wave, source, target, what, groups, term }) => {
    if (what !== 'moved') return []
    const begun = entries.findLast((entry) => entry.wave === wave && entry.what === 'moving' && entry.term === term)
    return [{ wave, source, target, groups, pace: begun?.pace ?? {} }]
  })
}
