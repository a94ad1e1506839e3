import type { Colour } from '../../engine/model/colour.ts'
import type { Cut, JournalEntry } from '../../engine/model/journal.ts'
import { offsetsFromJson } from '../../engine/model/offset-json.ts'
import type { PartitionOffsets } from '../../engine/model/partition.ts'
import { groupOutcome } from '../report/journal-parts.ts'
import type { GroupReport, StayedGroup, SwitchoverReport, WaveReport } from '../report/report.ts'
import type { AuditLook } from './measure/audit-watch.ts'
import type { GroupMove } from './measure/group-moves.ts'
import { groupsAround } from './measure/groups-around.ts'
import { tenth } from './measure/quantiles.ts'
import type { Traces } from './measure/traces.ts'

type WaveEntry = Extract<JournalEntry, { kind: 'wave' }>

/** A wave as the journal tells it; times in the machine's monotonic milliseconds. */
export interface JournaledWave {
  readonly wave: string
  readonly source: Colour
  readonly target: Colour
  readonly groups: readonly string[]
  readonly moved: readonly string[]
  readonly stayed: readonly StayedGroup[]
  readonly positions: readonly GroupReport[]
  /** It went back by itself, and why. */
  readonly returned: boolean
  readonly reason: string
  readonly startedMs: number
  /** When its groups had been released. */
  readonly movedMs: number
  /** When they were seen to read on, or were back. */
  readonly endedMs: number
  /** The cut of the switchover before it; null: there was none. */
  readonly lastCut: Cut | null
}

/** Every wave that was moved while the producers stayed, in order (pure). */
export function journaledWaves(journal: readonly JournalEntry[]): readonly JournaledWave[] {
  return journal.flatMap((entry, index) => {
    if (entry.kind !== 'wave' || entry.what !== 'moving') return []
    const rest = journal.slice(index + 1)
    const next = rest.findIndex((other) => other.kind === 'opened' || (other.kind === 'wave' && other.what === 'moving'))
    const cuts = journal.slice(0, index).flatMap((earlier) => (earlier.kind === 'decided' && earlier.outcome === 'switch' ? (earlier.cut ?? []) : []))
    return { ...waveOf(entry, next < 0 ? rest : rest.slice(0, next)), lastCut: cuts.at(-1) ?? null }
  })
}

/** What became of a wave, from what the journal has behind its beginning; what moved its groups back is no part of its positions. */
function waveOf(begun: WaveEntry, entries: readonly JournalEntry[]): Omit<JournaledWave, 'lastCut'> {
  const { wave, source, target, groups } = begun
  const own = entries.filter((entry): entry is WaveEntry => entry.kind === 'wave' && entry.wave === wave)
  const moved = own.find(({ what }) => what === 'moved')
  const back = own.findLast(({ what }) => what === 'returned' || what === 'returning')
  const outcome = groupOutcome(moved === undefined ? entries : entries.slice(0, entries.indexOf(moved)), wave)
  const movedMs = moved?.atMonotonicMs ?? entries.at(-1)?.atMonotonicMs ?? begun.atMonotonicMs
  return {
    ...{ wave, source, target, groups, moved: moved?.groups ?? outcome.moved, stayed: outcome.stayed },
    positions: outcome.groups.map((position) => ({ ...position, wave })),
    ...{ returned: back !== undefined, reason: back?.reason ?? '' },
    ...{ startedMs: begun.atMonotonicMs, movedMs, endedMs: own.at(-1)?.atMonotonicMs ?? movedMs },
  }
}

/** The waves of a run as a report has them, with how long each group that keeps up got nothing (pure). */
export function waveReports(
  waves: readonly JournaledWave[],
  switchoversAtMs: readonly number[],
  traces: Traces,
  laggingGroups: readonly string[],
): readonly WaveReport[] {
  const since = (ms: number) => tenth(ms - traces.originNs / 1e6)
  const begins = [...waves.map(({ startedMs }) => since(startedMs)), ...switchoversAtMs].toSorted((a, b) => a - b)
  return waves.map(({ wave, source, target, groups, moved, stayed, returned, reason, startedMs, endedMs }) => {
    const fromMs = since(startedMs)
    const span = { fromMs, writtenFromMs: fromMs, untilMs: begins.find((at) => at > fromMs) ?? Number.POSITIVE_INFINITY }
    const own = { ...traces, groups: traces.groups.filter(({ group }) => moved.includes(group)) }
    const around = groupsAround(target, span, own, laggingGroups)
    return {
      ...{ wave, source, target, groups: [...groups], moved: [...moved], stayed: [...stayed], returned, reason },
      groupPauses: around.map(({ group, longestWithoutDeliveryMs: ms }) => ({ group, longestWithoutDeliveryMs: ms === null ? null : tenth(ms) })),
      ...{ startedAtMs: fromMs, endedAtMs: since(endedMs) },
    }
  })
}

/** The moves of the waves, over what the audit had come to at its first look behind each (pure); a wave behind which nobody looked is left out. */
export function waveGroupMoves(waves: readonly JournaledWave[], looks: readonly AuditLook[]): readonly GroupMove[] {
  return waves.flatMap(({ wave, source, target, moved, positions, startedMs, movedMs, lastCut }) => {
    const look = looks.find(({ atMonotonicMs }) => atMonotonicMs >= movedMs)
    if (look === undefined) return []
    const endsOf = (colour: Colour): PartitionOffsets =>
      new Map(look.facts.partitions.map(({ partition, watermark }) => [partition, BigInt(watermark[colour])]))
    return {
      ...{ switchover: null, wave, source, target, openedAtMonotonicMs: startedMs },
      ends: { source: endsOf(source), target: endsOf(target) },
      mirroredFrom: lastCut?.target === source ? offsetsFromJson(lastCut.targetEnds) : new Map(),
      positions: positions.filter(({ group }) => moved.includes(group)),
    }
  })
}

/** Groups that waves had brought to a switchover's target before it, and behind the switchover before it: it has nothing to move of them (pure). */
export function broughtByWaves(waves: readonly WaveReport[], { to, fromMs }: SwitchoverReport, before: SwitchoverReport | undefined): readonly string[] {
  const sinceMs = before?.fromMs ?? Number.NEGATIVE_INFINITY
  const own = waves.filter((wave) => wave.endedAtMs > sinceMs && wave.endedAtMs <= (fromMs ?? Number.POSITIVE_INFINITY))
  const reads = new Map(own.flatMap((wave) => wave.moved.map((group) => [group, wave.returned ? wave.source : wave.target] as const)))
  return [...reads].flatMap(([group, colour]) => (colour === to ? [group] : []))
}
