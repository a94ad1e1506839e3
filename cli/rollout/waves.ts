import type { Colour } from '../../engine/model/colour.ts'
import type { GroupPosition } from '../../engine/model/journal.ts'
import type { PartitionOffsets } from '../../engine/model/partition.ts'
import type { GroupReport, StayedGroup, SwitchoverReport, WaveReport } from '../report/report.ts'
import type { AuditLook } from './measure/audit-watch.ts'
import type { GroupMove } from './measure/group-moves.ts'
import { groupsAround } from './measure/groups-around.ts'
import { tenth } from './measure/quantiles.ts'
import type { Traces } from './measure/traces.ts'

/** A wave as the run saw it; times in the machine's monotonic milliseconds. */
export interface WaveMove {
  readonly wave: string
  readonly source: Colour
  readonly target: Colour
  readonly groups: readonly string[]
  readonly moved: readonly string[]
  readonly stayed: readonly StayedGroup[]
  readonly positions: readonly GroupPosition[]
  /** It went back by itself, and why. */
  readonly returned: boolean
  readonly reason: string
  readonly startedMs: number
  readonly endedMs: number
}

/** The waves of a run as a report has them, with how long each group that keeps up got nothing (pure). */
export function waveReports(waves: readonly WaveMove[], firstSwitchoverAtMs: number, traces: Traces, laggingGroups: readonly string[]): readonly WaveReport[] {
  const since = (ms: number) => tenth(ms - traces.originNs / 1e6)
  return waves.map(({ wave, source, target, groups, moved, stayed, returned, reason, startedMs, endedMs }, index) => {
    const next = waves[index + 1]
    const fromMs = since(startedMs)
    const span = { fromMs, writtenFromMs: fromMs, untilMs: next === undefined ? firstSwitchoverAtMs : since(next.startedMs) }
    const own = { ...traces, groups: traces.groups.filter(({ group }) => moved.includes(group)) }
    const around = groupsAround(target, span, own, laggingGroups)
    return {
      ...{ wave, source, target, groups: [...groups], moved: [...moved], stayed: [...stayed], returned, reason },
      groupPauses: around.map(({ group, longestWithoutDeliveryMs: ms }) => ({ group, longestWithoutDeliveryMs: ms === null ? null : tenth(ms) })),
      ...{ startedAtMs: fromMs, endedAtMs: since(endedMs) },
    }
  })
}

/** Every position of every group of the waves (pure). */
export function wavePositions(waves: readonly WaveMove[]): readonly GroupReport[] {
  return waves.flatMap(({ wave, positions }) => positions.map(({ groupId, ...position }) => ({ ...position, group: groupId, switchover: null, wave })))
}

/** The moves of the waves, over what the audit had come to at its first look behind each (pure); a wave behind which nobody looked is left out. */
export function waveGroupMoves(waves: readonly WaveMove[], looks: readonly AuditLook[]): readonly GroupMove[] {
  return waves.flatMap((one) => {
    const look = looks.find(({ atMonotonicMs }) => atMonotonicMs >= one.endedMs)
    if (look === undefined) return []
    const endsOf = (colour: Colour): PartitionOffsets =>
      new Map(look.facts.partitions.map(({ partition, watermark }) => [partition, BigInt(watermark[colour])]))
    const positions = wavePositions([one]).filter(({ group }) => one.moved.includes(group))
    const { wave, source, target } = one
    return {
      switchover: null,
      wave,
      source,
      target,
      ends: { source: endsOf(source), target: endsOf(target) },
      mirroredFrom: new Map(),
      openedAtMonotonicMs: one.startedMs,
      positions,
    }
  })
}

/** Groups that waves had brought to a switchover's target before it, and behind the switchover before it: it has nothing to move of them (pure). */
export function broughtByWaves(waves: readonly WaveReport[], { to, fromMs }: SwitchoverReport, before: SwitchoverReport | undefined): readonly string[] {
  const sinceMs = before?.fromMs ?? Number.NEGATIVE_INFINITY
  const own = waves.filter((wave) => wave.target === to && !wave.returned && wave.endedAtMs > sinceMs && wave.endedAtMs <= (fromMs ?? Number.POSITIVE_INFINITY))
  return own.flatMap(({ moved }) => moved)
}
