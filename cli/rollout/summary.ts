import { partNames, shownParts } from '../report/charts/window.ts'
import type { RolloutReport, SwitchoverReport, WaveReport } from '../report/report.ts'

/** The report as the lines that end a run. */
export function summaryLines(report: RolloutReport): readonly string[] {
  const { client, switchovers, load, versions } = report
  return [
    `${report.verdict === 'pass' ? 'PASS' : 'FAIL'}  blue ${versions.blue}, green ${versions.green}, ${report.durationSeconds.toFixed(0)} s`,
    `      ${client.acked} records acknowledged at ${load.recordsPerSecond.toFixed(0)}/s over ${load.seconds.toFixed(0)} s`,
    report.clientJudged
      ? `      lost ${client.lost}, duplicated ${client.duplicated}, redelivered ${client.redelivered}, reordered ${client.reordered}, errors ${client.errors}`
      : '      what the clients saw was not judged: the run ended before',
    ...report.waves.flatMap((wave) => [waveLine(wave), ...pausesLine(wave)]),
    ...switchovers.flatMap((one) => [switchoverLine(one), ...pausesLine(one)]),
    `      groups: ${positionsText(report)}; the lagging group was ${load.lagOfLaggingGroupRecords} records behind`,
    ...auditLines(report),
    ...checkpointLine(report),
    ...report.reasons.map((reason) => `      ${reason}`),
  ]
}

function positionsText({ groups }: RolloutReport): string {
  if (groups.length === 0) return 'no position was translated'
  const exact = groups.filter((group) => group.verdict === 'exact').length
  return `${exact} of ${groups.length} positions exact by the tool's own verdict`
}

function switchoverLine(one: SwitchoverReport): string {
  const parts = shownParts(one.parts).map((part) => `${partNames[part][0]} ${one.parts[part].toFixed(0)}`)
  return `      ${one.from} -> ${one.to}: write window ${one.writeWindowMs.toFixed(0)} ms (${parts.join(', ')})${one.graceful ? '' : ', not graceful'}${one.dueThroughout ? '' : ', the load waited'}`
}

function waveLine({ wave, source, target, moved, stayed, returned, reason, startedAtMs, endedAtMs }: WaveReport): string {
  const stay = stayed.length === 0 ? '' : `, stayed: ${stayed.map(({ group, reason }) => `${group} (${reason})`).join(', ')}`
  return `      ${wave}: ${moved.join(', ') || 'no group'} ${source} -> ${target} in ${(endedAtMs - startedAtMs).toFixed(0)} ms${stay}${returned ? `, went back: ${reason}` : ''}`
}

/** What was proven at the cuts, and what the audit said at the end. */
function auditLines({ switchovers, audit }: RolloutReport): readonly string[] {
  const proven = switchovers.flatMap(({ audit }) => audit ?? [])
  if (audit === null) return proven.length === 0 ? [] : [`      audit: every record below ${proven.length} of ${switchovers.length} cuts compared`]
  const equal = audit.atEnd.filter(({ verdict }) => verdict === 'equal').length
  const records = audit.atEnd.reduce((sum, { alignedRecords }) => sum + alignedRecords, 0)
  return [
    `      audit: every record below ${proven.length} of ${switchovers.length} cuts compared; at the end ${equal} of ${audit.atEnd.length} partitions equal, ${records} records on both sides`,
  ]
}

/** Beside what was moved what MirrorMaker's checkpoints would have re-delivered. */
function checkpointLine({ strategies }: RolloutReport): readonly string[] {
  const checkpoints = strategies?.groups.flatMap(({ outcomes }) => outcomes.filter(({ strategy }) => strategy === 'checkpoint')) ?? []
  if (checkpoints.length === 0) return []
  const [again, unanswered] = [checkpoints.map((one) => one.redeliveredRecords), checkpoints.map((one) => one.unansweredPositions)].map((all) =>
    all.reduce((sum, one) => sum + one, 0),
  )
  return [`      with plain MirrorMaker (simulated): ${again} records again, ${unanswered} positions without a checkpoint`]
}

function pausesLine({ groupPauses }: Pick<SwitchoverReport, 'groupPauses'>): readonly string[] {
  const pauses = groupPauses.map(({ group, longestWithoutDeliveryMs: ms }) => `${group} ${ms === null ? 'not observed' : `${ms.toFixed(0)} ms`}`)
  return pauses.length === 0 ? [] : [`        longest time without a delivery: ${pauses.join(', ')}`]
}
