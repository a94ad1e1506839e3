import type { SwitchoverReport } from '../report/report.ts'
import type { ClientVerdict } from './demo-load.ts'
import { neverDelivered } from './measure/latency.ts'

/** What this run, and not every run of the demo, doesn't tell: in words, as a report lists it (pure). */
export function notObservedOf(verdict: ClientVerdict, switchovers: readonly SwitchoverReport[], laggingGroups: readonly string[]): readonly string[] {
  return [
    ...laggingGroups.map((group) => `The end-to-end latency of the group ${group}, and how long it got nothing: it stays behind on purpose.`),
    ...withoutLatency(verdict, laggingGroups),
    ...switchovers.flatMap((one, index) => notReadOn(one, index + 1)),
    ...switchovers.flatMap((one, index) =>
      one.gate === null ? [`The evidence of the gate before switchover ${index + 1}: Pulumi's state held none that passed.`] : [],
    ),
  ]
}

/** Records that no latency on the page counts. */
function withoutLatency({ checked, traces }: ClientVerdict, laggingGroups: readonly string[]): readonly string[] {
  const kinds = [
    [checked.aborted, 'of aborted transactions'],
    [checked.denied, 'that were refused'],
    [checked.unknown, 'whose outcome the producer never learnt'],
  ] as const
  return [
    ...kinds.filter(([records]) => records > 0).map(([records, which]) => `The latency of ${records} records ${which}: they were never acknowledged.`),
    ...neverDelivered(traces, laggingGroups).map(
      ({ group, records }) => `The end-to-end latency of ${records} acknowledged records to the group ${group}: they were never delivered to it.`,
    ),
  ]
}

function notReadOn({ groupPauses, to }: SwitchoverReport, number: number): readonly string[] {
  return groupPauses
    .filter(({ longestWithoutDeliveryMs }) => longestWithoutDeliveryMs === null)
    .map(
      ({ group }) =>
        `How long the group ${group} got nothing in switchover ${number}, and the end-to-end latency after it: it was not seen to read on from ${to}.`,
    )
}
