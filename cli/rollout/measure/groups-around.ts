import type { Colour } from '../../../engine/model/colour.ts'
import type { Stretch } from './latency.ts'
import type { GroupTrace, Traces } from './traces.ts'

/** What one group got around a switchover. Both are null for a group that was not seen to read on from the new colour. */
export interface GroupAround {
  readonly group: string
  /** Its first delivery from the new colour, in milliseconds since the load began. */
  readonly readFromMs: number | null
  /** Of the times between two deliveries of records that it had not had yet those that reach into the switchover until then: the longest, in its whole length. */
  readonly longestWithoutDeliveryMs: number | null
}

/** A move's stretch of time, and when every producer wrote to the new colour: for a wave, which moves no producer, its beginning. */
export type MoveSpan = Stretch & { readonly writtenFromMs: number }

/**
 * How long each group got nothing around a switchover (pure); groups that stay behind on purpose are left out, because they get nothing anyway. A group counts
 * as a whole: a member that gets nothing while another one does is no pause of it.
 *
 * A group that a wave had brought to the new colour before needs no first delivery from it: of its pauses those count that reach into the write window.
 *
 * @param span from the beginning of the move to that of the next one, in milliseconds since the load began
 */
export function groupsAround(colour: Colour, span: MoveSpan, { groups, originNs }: Traces, laggingGroups: readonly string[]): readonly GroupAround[] {
  const sinceMs = (atNs: number) => (atNs - originNs) / 1e6
  return groups.filter((group) => !laggingGroups.includes(group.group)).map((group) => groupAround(group, colour, span, sinceMs))
}

function groupAround(group: GroupTrace, colour: Colour, { fromMs, writtenFromMs, untilMs }: MoveSpan, sinceMs: (atNs: number) => number): GroupAround {
  const readings = group.readings.map((reading) => ({ colour: reading.colour, atMs: sinceMs(reading.atNs) })).toSorted((a, b) => a.atMs - b.atMs)
  const isThere = readings.findLast(({ atMs }) => atMs < fromMs)?.colour === colour
  const readFromMs = isThere ? writtenFromMs : readings.find((reading) => reading.colour === colour && reading.atMs >= fromMs && reading.atMs < untilMs)?.atMs
  const longest = readFromMs === undefined ? null : longestPauseMs(group, fromMs, readFromMs, sinceMs)
  return { group: group.group, readFromMs: longest === null ? null : (readFromMs ?? null), longestWithoutDeliveryMs: longest }
}

/** null: nothing new was delivered any more. What was redelivered ends no pause. */
function longestPauseMs({ firstPollAtNs }: GroupTrace, fromMs: number, readFromMs: number, sinceMs: (atNs: number) => number): number | null {
  let beforeMs = Number.NEGATIVE_INFINITY
  let afterMs = Number.POSITIVE_INFINITY
  const inside: number[] = []
  for (const polled of firstPollAtNs.values()) {
    for (const atNs of polled) {
      if (atNs === undefined) continue // the array is sparse: a record that the group never got
      const at = sinceMs(atNs)
      if (at < fromMs) beforeMs = Math.max(beforeMs, at)
      else if (at < readFromMs) inside.push(at)
      else afterMs = Math.min(afterMs, at)
    }
  }
  if (!Number.isFinite(afterMs)) return null
  const deliveries = [Number.isFinite(beforeMs) ? beforeMs : fromMs, ...inside.toSorted((a, b) => a - b), afterMs]
  return deliveries.slice(1).reduce((longest, at, index) => Math.max(longest, at - (deliveries[index] ?? at)), 0)
}
