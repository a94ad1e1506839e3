import { firstFive } from '../model/error.ts'
import type { Limits } from '../model/limits.ts'
import type { GroupPace, WatchBaseline, WatchMeasure } from '../model/watch.ts'
import { notReadingOn } from './group-pace.ts'
import { judgeLooks, type Look, type WatchSample } from './samples.ts'

const name = 'groups'

/**
 * Do the groups that moved read on (pure)? As a wave is judged, after the time that a wave has for it. Only when none of them reads on is that a failure; one of several that doesn't is told,
 * and moves nothing. A group without members, of which no consumer is registered either, has left: that is nobody's fault. null: no group that had members was moved.
 *
 * @param moved the groups that the switchover moved
 */
export function judgeGroups(
  baseline: WatchBaseline | null,
  moved: ReadonlySet<string>,
  samples: readonly WatchSample[],
  limits: Limits,
): { readonly measure: WatchMeasure; readonly looks: readonly Look[] } | null {
  const watched = Object.entries(baseline?.groups ?? {}).filter(([groupId, { members }]) => members > 0 && moved.has(groupId))
  if (watched.length === 0) return null
  const looks = groupLooks(watched, samples, limits)
  const measure = judgeLooks(name, looks, limits.watchFailures, 'the groups that were moved have members, and read on or have read everything')
  if (measure.verdict !== 'pass') return { looks, measure }
  const { why, left } = notReading(watched, samples, samples.at(-1)?.atMs ?? 0, graceMs(limits))
  const isOne = why.length + left.length > 0
  return { looks, measure: isOne ? { ...measure, verdict: 'inconclusive', observed: `${firstFive([...why, ...left])}; others read on` } : measure }
}

/** The time in which a moved group has to read on, as for a wave; in a short window its first half. */
function graceMs({ waveAnalysisMs, watchWindowMs }: Limits): number {
  return Math.min(waveAnalysisMs, watchWindowMs / 2)
}

function groupLooks(watched: readonly (readonly [string, GroupPace])[], samples: readonly WatchSample[], limits: Limits): readonly Look[] {
  const firstMs = samples[0]?.atMs ?? 0
  const late = samples.filter(({ groups, atMs }) => groups !== null && atMs - firstMs >= graceMs(limits))
  return late.map(({ atMs }): Look => {
    const { why, unknown, left } = notReading(watched, samples, atMs, graceMs(limits))
    const reading = watched.length - why.length - unknown - left.length
    if (reading > 0) return { is: 'good', what: `${reading} of ${watched.length} groups read on` }
    if (why.length === watched.length) return { is: 'failed', what: firstFive(why) }
    return { is: 'unknown', what: left.length > 0 ? firstFive(left) : `not seen of ${unknown} groups` }
  })
}

/** Which groups don't read on, and which have left, by what was seen of them in the time up to `atMs`. */
function notReading(watched: readonly (readonly [string, GroupPace])[], samples: readonly WatchSample[], atMs: number, windowMs: number) {
  const inWindow = samples.filter((sample) => sample.atMs <= atMs && sample.atMs >= atMs - windowMs)
  const registered = inWindow.findLast(({ consumers }) => consumers !== null)?.consumers
  const why: string[] = []
  const left: string[] = []
  let unknown = 0
  for (const [groupId, before] of watched) {
    const looks = inWindow.flatMap(({ groups }) => groups?.get(groupId) ?? [])
    const reason = notReadingOn(before, looks)
    const last = looks.at(-1)
    if (reason === null) continue
    // Without an audit nobody knows whether there is anything left to read.
    if (last === undefined || (last.members > 0 && last.lagRecords === null)) unknown += 1
    else if (last.members === 0 && (registered?.get(groupId) ?? 0) === 0) left.push(`${groupId}: ${reason}, and none is registered`)
    else why.push(`${groupId}: ${reason}`)
  }
  return { why, left, unknown }
}
