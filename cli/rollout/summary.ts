import { partNames, shownParts } from '../report/charts/window.ts'
import type { RolloutReport, SwitchoverReport } from '../report/report.ts'

/** The report as the lines that end a run. */
export function summaryLines(report: RolloutReport): readonly string[] {
  const { client, switchovers, load, versions } = report
  return [
    `${report.verdict === 'pass' ? 'PASS' : 'FAIL'}  blue ${versions.blue}, green ${versions.green}, ${report.durationSeconds.toFixed(0)} s`,
    `      ${client.acked} records acknowledged at ${load.recordsPerSecond.toFixed(0)}/s over ${load.seconds.toFixed(0)} s`,
    report.clientJudged
      ? `      lost ${client.lost}, duplicated ${client.duplicated}, redelivered ${client.redelivered}, reordered ${client.reordered}, errors ${client.errors}`
      : '      what the clients saw was not judged: the run ended before',
    ...switchovers.flatMap((one) => [switchoverLine(one), ...pausesLine(one)]),
    `      groups: ${positionsText(report)}; the lagging group was ${load.lagOfLaggingGroupRecords} records behind`,
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

function pausesLine({ groupPauses }: SwitchoverReport): readonly string[] {
  const pauses = groupPauses.map(({ group, longestWithoutDeliveryMs: ms }) => `${group} ${ms === null ? 'not observed' : `${ms.toFixed(0)} ms`}`)
  return pauses.length === 0 ? [] : [`        longest time without a delivery: ${pauses.join(', ')}`]
}
