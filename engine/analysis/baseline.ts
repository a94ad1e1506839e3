import type { Colour } from '../model/colour.ts'
import type { Limits } from '../model/limits.ts'
import type { GroupPace, WatchBaseline } from '../model/watch.ts'
import { type GroupLook, paceOf } from './group-pace.ts'
import { latencyLimitMs } from './latency.ts'
import { type Measured, medianOf, type WatchSample } from './samples.ts'

/** With fewer numbers there is no median to compare with. */
const leastNumbers = 3
/** What one journal entry of a baseline names at most; the fastest topics and the first groups by name. */
const mostTopics = 500
const mostGroups = 200

/** The baseline that samples make (pure). What wasn't seen of it is null or missing, and said. */
export function baselineOf(colour: Colour, samples: readonly WatchSample[]): WatchBaseline {
  const appendMs = medianOf(
    samples.map(({ append }) => append),
    leastNumbers,
  )
  const endToEndMs = medianOf(
    samples.map(({ endToEnd }) => endToEnd),
    leastNumbers,
  )
  const refused = samples.flatMap(({ append, endToEnd }) =>
    [append, endToEnd].flatMap((one) => (typeof one === 'number' ? [] : [one?.refused ?? 'it could not be reached'])),
  )
  const missing = [...(appendMs === null ? ['canary accepted'] : []), ...(endToEndMs === null ? ['canary visible'] : [])]
  const why = refused.at(-1) ?? `${samples.length} samples`
  return {
    ...{ colour, samples: samples.length, appendMs, endToEndMs, flows: steadyFlows(samples), groups: paces(samples) },
    reason: missing.length === 0 ? '' : `not measured: ${missing.join(', ')} (${why})`,
  }
}

/** Topics that grew in every look, by their slowest one. */
function steadyFlows(samples: readonly WatchSample[]): Readonly<Record<string, number>> {
  const seen = samples.flatMap(({ flows }) => flows ?? [])
  const [first, ...others] = seen
  if (first === undefined || others.length < leastNumbers - 1) return {}
  const slowest = [...first.keys()].map((topic) => [topic, Math.min(...seen.map((flows) => flows.get(topic) ?? 0))] as const)
  return Object.fromEntries(
    slowest
      .filter(([, rate]) => Number.isFinite(rate) && rate > 0)
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, mostTopics),
  )
}

/** A second shows the commits of few groups: a pace that wasn't seen is not known, and no pace of zero. */
function paces(samples: readonly WatchSample[]): Readonly<Record<string, GroupPace>> {
  const looks = new Map<string, GroupLook[]>()
  for (const { groups } of samples) {
    for (const [groupId, look] of groups ?? []) looks.set(groupId, [...(looks.get(groupId) ?? []), look])
  }
  const withMembers = [...looks].filter(([, own]) => (own.at(-1)?.members ?? 0) > 0).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(
    withMembers.slice(0, mostGroups).map(([groupId, own]) => {
      const { members, offsetsPerSecond } = paceOf(own)
      return [groupId, { members, offsetsPerSecond: offsetsPerSecond === 0 ? null : offsetsPerSecond }]
    }),
  )
}

/**
 * Why the colour that traffic would go back to is no better than the sick one; null: it takes canaries within the bound that the other one must keep (pure).
 *
 * @param endToEnd what it took on that colour now
 */
export function worseWayBack(endToEnd: readonly Measured[], baseline: WatchBaseline | null, limits: Limits): string | null {
  const refused = endToEnd.find((one) => typeof one !== 'number')
  if (refused !== undefined) return `its canary failed: ${typeof refused === 'number' ? '' : (refused?.refused ?? 'it could not be reached')}`
  const medianMs = medianOf(endToEnd, leastNumbers)
  if (medianMs === null) return `its canary gave ${endToEnd.length} samples, required ${leastNumbers}`
  const limitMs = latencyLimitMs(baseline?.endToEndMs ?? null, limits) ?? limits.latencyFloorMs
  return medianMs <= limitMs ? null : `its canary takes ${Math.round(medianMs)} ms, at most ${Math.round(limitMs)} ms are let through`
}
