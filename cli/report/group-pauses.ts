import type { GroupPause } from './evidence.ts'
import { milliseconds } from './format.ts'
import type { RolloutReport, SwitchoverReport } from './report.ts'

/** The longest time that a group which keeps up was without a delivery, over several switchovers. */
export type LongestGroupPause =
  /** No group's pause was observed. */
  | { readonly kind: 'none' }
  /** This group was not seen to read on, so no length can be said to be the longest. */
  | { readonly kind: 'endless'; readonly group: string; readonly colour: SwitchoverReport['to'] }
  | ({ readonly kind: 'longest'; readonly group: string; readonly pauseMs: number } & Pick<SwitchoverReport, 'from' | 'to'>)

/** One group's longest time without a delivery, as text. */
export function pauseOf(pauses: readonly GroupPause[], group: string): string {
  const pauseMs = pauses.find((pause) => pause.group === group)?.longestWithoutDeliveryMs ?? null
  return pauseMs === null ? 'not observed' : milliseconds(pauseMs)
}

/** Finds the longest pause of a group. A switchover without any entry (an earlier version's) makes that of the others no maximum (pure). */
export function longestGroupPause(switchovers: RolloutReport['switchovers']): LongestGroupPause {
  if (switchovers.length === 0 || switchovers.some((one) => one.groupPauses.length === 0)) return { kind: 'none' }
  const pauses = switchovers.flatMap(({ from, to, groupPauses }) => groupPauses.map((pause) => ({ ...pause, from, to })))
  const endless = pauses.find((pause) => pause.longestWithoutDeliveryMs === null)
  if (endless !== undefined) return { kind: 'endless', group: endless.group, colour: endless.to }
  const [longest] = pauses.toSorted((a, b) => (b.longestWithoutDeliveryMs ?? 0) - (a.longestWithoutDeliveryMs ?? 0))
  if (longest === undefined) return { kind: 'none' }
  const { group, from, to, longestWithoutDeliveryMs } = longest
  return { kind: 'longest', group, from, to, pauseMs: longestWithoutDeliveryMs ?? 0 }
}
