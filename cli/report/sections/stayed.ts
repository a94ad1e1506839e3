import { type Html, html } from '../html.ts'
import type { StayedGroup, SwitchoverReport } from '../report.ts'
import { tableHtml } from '../table.ts'

/** A group that stayed, and where. */
export interface Staying extends StayedGroup {
  readonly source: SwitchoverReport['from']
  /** Which of several switchovers left it there; null: the page has only one. */
  readonly switchover: number | null
}

/** Which groups stayed on the source, and why; nothing when none did. */
export function stayedHtml(stayed: readonly Staying[]): Html {
  const numbered = stayed.some(({ switchover }) => switchover !== null)
  if (stayed.length === 0) return html``
  return html`<h3>Groups that stayed</h3>
${tableHtml({
  id: 'stayed-numbers',
  caption: 'Groups that stayed on the source, which the mirror keeps filled',
  phone: 'stack',
  columns: [{ heading: 'group' }, ...(numbered ? [{ heading: 'switchover', numeric: true }] : []), { heading: 'stayed on' }, { heading: 'why' }],
  rows: stayed.map(({ group, source, switchover, reason }) => [
    group,
    ...(numbered ? [switchover ?? '–'] : []),
    source,
    reason === '' ? 'the journal holds the reasons of a hundred groups, and not this one’s' : reason,
  ]),
})}`
}
