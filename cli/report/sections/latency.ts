import { latencyFigure } from '../charts/latency.ts'
import { figureHtml } from '../figure.ts'
import { counted, listed, milliseconds, seconds } from '../format.ts'
import { type Html, html } from '../html.ts'
import type { RolloutReport, SwitchoverReport } from '../report.ts'
import { tableHtml } from '../table.ts'

/** Latency over the run, and before, during and after each switchover. */
export function latencySection(report: RolloutReport): Html {
  const rows = report.switchovers.flatMap((one, index) =>
    one.latency.map((stage) => [
      html`${stage.measure}, ${stage.stage} ${index + 1} <small>${one.from} to ${one.to}: ${counted(stage.records, 'record')} in ${seconds((stage.untilMs - stage.fromMs) / 1_000)}</small>`,
      milliseconds(stage.p50Ms),
      milliseconds(stage.p99Ms),
      milliseconds(stage.maximumMs),
    ]),
  )
  if (report.perSecond === null && rows.length === 0)
    return html`<p>This report holds no latencies: it was written by an earlier version, or the run ended too early.</p>`
  const unread = report.switchovers.flatMap((one, index) => unreadText(one, index + 1))
  const headings = ['median', '99 %', 'maximum'].map((heading) => ({ heading, numeric: true }))
  return html`${report.perSecond === null ? null : figureHtml(latencyFigure(report, report.perSecond))}
${
  rows.length === 0
    ? null
    : html`<h3>Before, during and after each switchover</h3>
<p>During: for acknowledgements, while any producer paused; end to end, until every group that keeps up had read from the new colour. Before and after are the 5 seconds beside it; a record that was due before may have been read after.</p>
${unread.map((text) => html`<p class="note">${text}</p>\n`)}${tableHtml({
  id: 'latency-stages',
  caption: 'Latency of the records that were due in each stretch of time',
  phone: 'scroll',
  columns: [{ heading: 'records due' }, ...headings],
  rows,
})}`
}`
}

/** Why a switchover has no end-to-end latency during and after it. */
function unreadText({ groupPauses, to }: SwitchoverReport, number: number): readonly string[] {
  const groups = groupPauses.filter((pause) => pause.longestWithoutDeliveryMs === null).map(({ group }) => group)
  if (groups.length === 0) return []
  return [
    `Switchover ${number} has no end-to-end latency during and after it: ${listed(groups)} ${groups.length === 1 ? 'was' : 'were'} not seen to read on from ${to}.`,
  ]
}
