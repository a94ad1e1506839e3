import { counted } from '../format.ts'
import { type Html, html } from '../html.ts'
import type { JournaledSwitchover } from '../journaled.ts'
import { tableHtml } from '../table.ts'

/** What the watch behind the release saw, and which records came late. */
export function watchSection(report: JournaledSwitchover): Html {
  return html`${automaticHtml(report)}${sickHtml(report)}${watchHtml(report)}${lateHtml(report)}`
}

function automaticHtml({ automatic, source, target }: JournaledSwitchover): Html | null {
  return automatic === null
    ? null
    : html`<p>No person asked for this switchover: a guardian moved traffic from ${source} back to ${target} by itself. ${automatic}.</p>\n`
}

function sickHtml({ sick, source }: JournaledSwitchover): Html | null {
  return sick === null
    ? null
    : html`<p>${source} had failed its watch (${sick}), so nothing was asked of it that it may refuse for that; fenced, drained and compared it was as by any switchover.</p>\n`
}

function watchHtml({ watch }: JournaledSwitchover): Html {
  if (watch === null) return html`<p>The journal tells of no watch.</p>`
  return html`<p>${watchText(watch)}</p>
${
  watch.measures.length === 0
    ? null
    : tableHtml({
        id: 'watch-measures',
        caption: 'What was compared with the other colour before the switchover',
        phone: 'stack',
        columns: [{ heading: 'measure' }, { heading: 'verdict' }, { heading: 'observed' }, { heading: 'required' }],
        rows: watch.measures.map(({ name, verdict, observed, required }) => [name, verdictTag(verdict), observed, required]),
      })
}`
}

function watchText({ colour, outcome, reason }: NonNullable<JournaledSwitchover['watch']>): string {
  switch (outcome) {
    case 'skipped':
      return `Nothing was watched: ${reason}.`
    case 'open':
      return `${colour} is being watched: when it does worse than the other colour before, traffic goes back by itself.`
    case 'passed':
      return `${colour} did as well as the other colour before it.`
    case 'failed':
      return `${colour} failed, so a guardian moved traffic back by itself, in a switchover of its own.`
    case 'inconclusive':
      return `Nothing can be said of ${colour}, so nothing was moved.`
    case 'halted':
      return `${colour} failed, and traffic could not go back by itself: ${reason}.`
  }
}

function verdictTag(verdict: 'pass' | 'fail' | 'inconclusive'): Html {
  if (verdict === 'inconclusive') return html`<span class="tag">? inconclusive</span>`
  return verdict === 'pass' ? html`<span class="tag good">✓ pass</span>` : html`<span class="tag bad">✗ fail</span>`
}

function lateHtml({ late, source, target }: JournaledSwitchover): Html | null {
  if (late.length === 0) return null
  const records = late.reduce((sum, partition) => sum + partition.records, 0)
  return html`
<h3>Late records</h3>
<p>${counted(records, 'record')} came on ${source} behind the cut, by requests that had passed their permission check before the fence, and were appended to ${target} as they are. Their partitions
can't go back before ${source} has been filled anew.</p>
${tableHtml({
  id: 'late-records',
  caption: 'Records that came behind the cut',
  phone: 'stack',
  columns: [{ heading: 'partition' }, { heading: 'records', numeric: true }, { heading: `first one on ${source}` }, { heading: `first one on ${target}` }],
  rows: late.map(({ partition, records: own, sourceOffset, targetOffset }) => [partition, own, sourceOffset, targetOffset ?? 'not known']),
})}`
}
