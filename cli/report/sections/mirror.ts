import { counted, milliseconds } from '../format.ts'
import { type Html, html } from '../html.ts'
import type { JournaledSwitchover } from '../journaled.ts'
import { tableHtml } from '../table.ts'

/** What was done to connectors and fences, in order. */
export function mirrorSection(report: JournaledSwitchover): Html {
  const connectors = report.mirror.map(({ at, source, target, connector, what }) => ({ at, of: `mirror ${source} to ${target}`, what, detail: connector }))
  const fences = report.fences.map(({ at, colour, what, bindings }) => ({ at, of: `fence of ${colour}`, what, detail: counted(bindings, 'ACL binding') }))
  const events = [...connectors, ...fences].toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))
  if (events.length === 0) return html`<p>The journal records nothing that was done to a connector or a fence.</p>`
  return html`<p>${runsAtItsEnd(report)} Fences and new connectors are journaled before the effect, what else is done to a connector after it;
the colour that is released is opened without an entry of its own.</p>
${tableHtml({
  id: 'mirror-numbers',
  caption: 'Connectors and fences, by the wall clock since the switchover was opened',
  phone: 'stack',
  columns: [{ heading: 'what' }, { heading: 'after', numeric: true }, { heading: 'was' }, { heading: 'which' }],
  rows: events.map(({ at, of, what, detail }) => [of, milliseconds(Date.parse(at) - Date.parse(report.openedAt)), what, detail]),
})}`
}

function runsAtItsEnd({ mirror }: JournaledSwitchover): string {
  const newest = Map.groupBy(mirror, ({ connector }) => connector)
  const running = [...newest.values()].map((entries) => entries.at(-1)).find((entry) => entry?.what === 'running')
  if (running !== undefined) return `By the journal the mirror ran ${running.source} to ${running.target} at its end.`
  const stopped = mirror.some(({ what }) => what === 'stopped')
  return stopped ? 'The mirror was stopped, and the journal knows of none that ran at its end.' : 'The direction of the mirror was not changed.'
}
