import { z } from 'zod'
import type { Catalog } from './catalog.ts'

/** `wave-1`: the groups that the catalog gives wave 1. Lower numbers are less critical and move first. */
export const WaveName = z.string().regex(/^wave-[1-9]\d{0,3}$/, 'wave-<number>')

/** The catalog's groups by wave. */
export const Waves = z.record(WaveName, z.array(z.string().min(1)))
export type Waves = z.infer<typeof Waves>

/**
 * The catalog's waves, in the order in which they move.
 *
 * @param staying groups that the operator has named to stay where they are: they are in no wave
 */
export function wavesOf(catalog: Pick<Catalog, 'groups'>, staying: readonly string[] = []): Waves {
  const numbered = Object.entries(catalog.groups).flatMap(([groupId, { wave }]) => (wave === undefined || staying.includes(groupId) ? [] : [{ groupId, wave }]))
  const byWave = Map.groupBy(numbered, ({ wave }) => wave)
  return Object.fromEntries(
    [...byWave].sort(([a], [b]) => a - b).map(([wave, groups]) => [`wave-${wave}`, groups.map(({ groupId }) => groupId).sort((a, b) => a.localeCompare(b))]),
  )
}

/** Names of waves, the least critical first. */
export function inWaveOrder(names: Iterable<string>): readonly string[] {
  const numberOf = (name: string) => Number(name.slice('wave-'.length))
  return [...names].sort((a, b) => numberOf(a) - numberOf(b))
}
