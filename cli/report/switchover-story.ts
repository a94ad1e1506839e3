import { count, counted, dateAndTime, firstLine, milliseconds } from './format.ts'
import type { JournaledSwitchover } from './journaled.ts'

/** What happened in one switchover, in three sentences (pure). */
export function switchoverStory(report: JournaledSwitchover): readonly [string, string, string] {
  return [came(report), held(report), groups(report)]
}

function came({ source, target, attempt, openedAt, readAt, outcome, reason, closedEpoch }: JournaledSwitchover): string {
  const opened = `opened at ${dateAndTime(openedAt)} as attempt ${count(attempt)},`
  switch (outcome) {
    case 'switched':
      return `The switchover ${source} → ${target}, ${opened} moved the writers: ${target} was live when it was closed at epoch ${count(closedEpoch ?? 0)}.`
    case 'aborted':
      return `The switchover ${source} → ${target}, ${opened} was taken back, and ${source} stayed live: ${firstLine(reason)}.`
    case 'unfinished':
      return `The switchover ${source} → ${target}, ${opened} was not closed at ${dateAndTime(readAt)} (${firstLine(reason)}): it is still running, or the next pulumi up finishes it or takes it back.`
  }
}

function held({ heldAt, releasedAt, window, graceful, outcome, source, target }: JournaledSwitchover): string {
  if (heldAt === null) return 'No producer was held, so traffic was not touched.'
  if (releasedAt === null || window === null) return `Producers were held at ${dateAndTime(heldAt)}, and the journal knows of no release.`
  const who =
    graceful === null ? '' : graceful ? ' Every routed producer acknowledged the hold in time.' : ' Not every routed producer acknowledged the hold in time.'
  const clocks = window.runs === 'one' ? '' : ', by the wall clocks of two runs'
  const whom = outcome === 'aborted' ? source : target
  return `By the orchestrator's account ${milliseconds(window.heldMs)} passed from the hold until ${whom} was published${clocks}; what the clients waited isn't known here.${who}`
}

function groups({ groups, moved, stayed, batches, source, target }: JournaledSwitchover): string {
  if (batches === 0) return 'No consumer group was moved.'
  const exact = groups.filter(({ verdict }) => verdict === 'exact').length
  const stay = stayed.length === 0 ? '' : `, and ${counted(stayed.length, 'group')} stayed on ${source}`
  return `${counted(moved.length, 'consumer group')} moved to ${target} in ${counted(batches, 'batch', 'batches')} (${count(exact)} of ${counted(groups.length, 'position')} exact)${stay}.`
}
