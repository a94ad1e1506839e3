import { count } from '../format.ts'
import { type Html, type HtmlValue, html } from '../html.ts'
import type { RolloutReport } from '../report.ts'
import { tableHtml } from '../table.ts'

const questions = [
  ['lost', 'Lost', 'acknowledged, but missing on a colour, never delivered to a group, or damaged'],
  ['duplicated', 'Duplicated', 'written twice, or visible though it was aborted or refused'],
  ['redelivered', 'Redelivered', 'given to a group again'],
  ['reordered', 'Reordered', 'behind a later record of its key or partition'],
  ['errors', 'Errors', 'given to an application by send, commit or transaction'],
] as const

const judgedHow =
  "Every send, acknowledgement, delivery and commit was written down by the client that made it, and judged afterwards against a whole read of both colours. The tool's own checks have no say here."
const unjudged = 'The run ended before the histories of its clients could be judged, so nothing is known here.'

/** What the clients saw, question by question: from their own histories, compared with a whole read of both colours. */
export function truthSection(report: RolloutReport): Html {
  const rows = questions.map(([kind, name, meaning]) => {
    const found = report.client[kind]
    const judged = report.clientJudged || (kind === 'errors' && found > 0)
    return [html`${name} <small>${meaning}</small>`, judged ? count(found) : 'not judged', verdictOf(found === 0, judged)]
  })
  return html`<p>${report.clientJudged ? judgedHow : unjudged}</p>
${questionsTable(`Of ${count(report.client.acked)} acknowledged records; none of these is allowed`, rows)}`
}

/** The same questions where nobody asked the clients: a report from a journal. */
export function unobservedTruth(): Html {
  const rows = questions.map(([, name, meaning]) => [html`${name} <small>${meaning}</small>`, 'not observed', verdictOf(false, false)])
  return html`<p>Not observed. This report is made from the journal of the orchestrator, and no journal holds what a client sent, got or waited for.
Only the clients' own histories can tell: <code>npm run rollout</code> writes them down and judges them.</p>
${questionsTable('Nothing is known of these', rows)}`
}

function questionsTable(caption: string, rows: readonly (readonly HtmlValue[])[]): Html {
  return tableHtml({
    id: 'truth-numbers',
    caption,
    phone: 'scroll',
    columns: [{ heading: 'records that were' }, { heading: 'observed', numeric: true }, { heading: 'verdict' }],
    rows,
  })
}

function verdictOf(holds: boolean, judged: boolean): Html {
  if (!judged) return html`<span class="tag">? unknown</span>`
  return holds ? html`<span class="tag good">✓ holds</span>` : html`<span class="tag bad">✗ broken</span>`
}
