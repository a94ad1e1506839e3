import { count, counted, firstLine, listed, milliseconds, seconds } from './format.ts'
import { longestGroupPause } from './group-pauses.ts'
import type { RolloutReport } from './report.ts'

/** What happened, in a few sentences; the first of a failed run says what failed (pure). */
export function storyOf(report: RolloutReport): readonly string[] {
  return report.verdict === 'pass' ? [moved(report), paused(report), waited(report), kept(report)] : failed(report)
}

function moved(report: RolloutReport): string {
  const { switchovers, client, load, versions } = report
  const way = switchovers.length === 0 ? 'nowhere' : [switchovers[0]?.from ?? '', ...switchovers.map((one) => one.to)].join(' → ')
  return (
    `While ${counted(Math.round(load.recordsPerSecond), 'record')} a second kept coming, the applications were moved ${way} ` +
    `(blue runs Kafka ${versions.blue}, green Kafka ${versions.green}), and of ${counted(client.acked, 'acknowledged record')} ${faultsText(report)}.`
  )
}

function faultsText({ client }: RolloutReport): string {
  const faults = faultsOf(client)
  return faults.length === 0 ? 'none was lost, duplicated, redelivered or reordered' : listed(faults)
}

function faultsOf(client: RolloutReport['client']): readonly string[] {
  return (['lost', 'duplicated', 'redelivered', 'reordered'] as const).filter((kind) => client[kind] > 0).map((kind) => `${count(client[kind])} were ${kind}`)
}

function paused({ switchovers, client }: RolloutReport): string {
  const windows = switchovers.map((one) => one.writeWindowMs)
  const longest = switchovers.toSorted((a, b) => b.writeWindowMs - a.writeWindowMs)[0]
  const errors = client.errors === 0 ? 'no client was given an error' : `clients were given ${counted(client.errors, 'error')}`
  if (!longest) return `There was no switchover, and ${errors}.`
  const shortest = windows.length > 1 ? `, and in the shortest ${milliseconds(Math.min(...windows))}` : ''
  const own = longest.parts.beforeHoldMs > 0 ? ` (${milliseconds(longest.parts.beforeHoldMs)} of it before the hold)` : ''
  return `In the longest switchover (${longest.from} → ${longest.to}) the slowest producer waited ${milliseconds(longest.writeWindowMs)}${own}${shortest}; ${errors}.`
}

/** How long groups got nothing. Where one was not seen to read on, the longest isn't known. */
function waited({ switchovers }: RolloutReport): string {
  const longest = longestGroupPause(switchovers)
  switch (longest.kind) {
    case 'none':
      return 'How long the consumer groups got nothing meanwhile was not observed.'
    case 'endless':
      return `How long the consumer groups got nothing isn't known: ${longest.group} was not seen to read on from ${longest.colour}.`
    case 'longest':
      return `Of the consumer groups that keep up none was without a delivery for longer than ${milliseconds(longest.pauseMs)} (${longest.group}, ${longest.from} → ${longest.to}).`
  }
}

function kept({ groups, load, durationSeconds }: RolloutReport): string {
  const took = `the whole rollout took ${seconds(durationSeconds)}`
  if (groups.length === 0) return `No position of a consumer group was translated, and ${took}.`
  const exact = groups.filter((group) => group.verdict === 'exact').length
  const names = new Set(groups.map((group) => group.group)).size
  const all = exact === groups.length ? `All ${counted(groups.length, 'position')}` : `${count(exact)} of ${counted(groups.length, 'position')}`
  return (
    `${all} of ${counted(names, 'consumer group')} were translated exactly, by the tool's own verdict, ` +
    `the furthest group being ${counted(load.lagOfLaggingGroupRecords, 'record')} behind, and ${took}.`
  )
}

function failed(report: RolloutReport): readonly string[] {
  const { reasons, client, switchovers, durationSeconds } = report
  const more = reasons.length > 1 ? ` (and ${counted(reasons.length - 1, 'other reason')})` : ''
  const faults = faultsOf(client)
  const seen = report.clientJudged
    ? `Of ${counted(client.acked, 'acknowledged record')} ${faults.length === 0 ? 'none was lost, duplicated, redelivered or reordered' : listed(faults)}, and clients were given ${counted(client.errors, 'error')}.`
    : `What its clients saw was not judged, so nothing is known of the ${counted(client.acked, 'record')} that were acknowledged.`
  const live = switchovers.at(-1)?.to
  const none = report.clientJudged ? 'The clients saw no switchover' : 'Switchovers that it may have completed were not measured'
  const came = live === undefined ? none : `${counted(switchovers.length, 'switchover was', 'switchovers were')} completed, the last one to ${live}`
  return [`This rollout failed: ${firstLine(reasons[0])}${more}.`, seen, `${came}, and the run took ${seconds(durationSeconds)}.`]
}
