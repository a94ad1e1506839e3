import type { Check, CheckVerdict } from '../../../engine/gate/check.ts'
import type { GateReport } from '../evidence.ts'
import { count } from '../format.ts'
import { type Html, html } from '../html.ts'
import type { RolloutReport } from '../report.ts'
import { tableHtml } from '../table.ts'

/** What the gate saw before each switchover: every check with what was observed and what is required. */
export function checksSection(report: RolloutReport): Html {
  if (report.switchovers.every((one) => one.gate === null)) {
    return html`<p>This report holds no evidence of the gate: it was written by an earlier version, or no switchover was measured.</p>`
  }
  return html`<p>Before a switchover both colours are observed, and only a gate whose checks all pass lets it begin. This is what it saw.</p>
${report.switchovers.map(({ gate, from, to }, index) => gateHtml(gate, `Switchover ${index + 1}, ${from} to ${to}`, index))}`
}

/** What one gate saw: every check. Only the first gate of a page is open, and one that didn't pass. */
export function gateHtml(gate: GateReport | null, name: string, index: number): Html {
  if (gate === null) return html`<p>${name}: the evidence of its gate was not kept.</p>`
  const { checks, epoch, updates } = gate
  const passed = checks.filter((check) => check.verdict === 'pass').length
  const asked = updates > 1 ? `, asked ${count(updates)} times` : ''
  return html`<details class="block"${index === 0 || passed < checks.length ? html` open` : null}><summary>${name}: ${count(passed)} of ${count(checks.length)} checks passed at epoch ${count(epoch)}${asked}</summary>
${tableHtml({
  id: `checks-${index + 1}`,
  caption: `${name}: checks with evidence`,
  phone: 'stack',
  columns: [{ heading: 'check' }, { heading: 'verdict' }, { heading: 'observed' }, { heading: 'required' }],
  rows: checks.map(checkRow),
})}
</details>`
}

function checkRow(check: Check): readonly (string | Html)[] {
  const remedy = check.remedy === '' ? null : html` <em>${check.remedy}</em>`
  return [check.name, verdictTag(check.verdict), html`${check.observed}${remedy}`, check.required]
}

function verdictTag(verdict: CheckVerdict): Html {
  switch (verdict) {
    case 'pass':
      return html`<span class="tag good">✓ pass</span>`
    case 'fail':
      return html`<span class="tag bad">✗ fail</span>`
    case 'inconclusive':
      return html`<span class="tag bad">? inconclusive</span>`
    case 'error':
      return html`<span class="tag bad">! error</span>`
  }
}
