import { firstFive } from '../../../engine/model/error.ts'
import type { AuditReport, PartitionAudit } from '../audit-evidence.ts'
import { watermarkFigure } from '../charts/watermark.ts'
import { figureHtml } from '../figure.ts'
import { count, counted, listed, milliseconds } from '../format.ts'
import { type Html, type HtmlValue, html } from '../html.ts'
import type { RolloutReport } from '../report.ts'
import { tableHtml } from '../table.ts'

/** What the audit had compared at each cut and at the end, how old its watermark was, the runs of its map, and what isn't equal. */
export function auditSection(report: RolloutReport): Html {
  const { audit, switchovers } = report
  if (audit === null && switchovers.every((one) => one.audit === null)) {
    return html`<p>This report holds nothing of an audit: it was written by an earlier version, the run ended too early, or the fleet has none.</p>`
  }
  return html`<p>While the mirror copies, the audit reads both colours and compares every visible record: key, value, headers and timestamp, in order. A cut is decided only where it has proven every record below it.</p>
${comparedHtml(report)}
${audit === null ? html`<p>Nobody looked at the audit between the cuts.</p>` : overRun(report, audit)}`
}

/** A row for each cut and one for the end. */
function comparedHtml({ audit, switchovers }: RolloutReport): Html {
  const cuts = switchovers.map(({ from, to, audit: cut }, index): readonly HtmlValue[] => {
    const name = `cut ${index + 1}, ${from} to ${to}`
    if (cut === null) return [name, '–', '–', html`<span class="tag">? not audited</span>`, '–', '–']
    const { partitions, comparedRecords, watermarkAgeMs, runs } = cut
    return [name, count(partitions), countText(comparedRecords), verdictTag('equal'), milliseconds(watermarkAgeMs), runs === null ? '–' : count(runs)]
  })
  return tableHtml({
    id: 'audit-numbers',
    caption: 'What was compared below each cut and at the end, with the last look before the hold: its oldest watermark, and the runs of the offset map',
    phone: 'stack',
    columns: [
      { heading: 'at' },
      { heading: 'partitions', numeric: true },
      { heading: 'records on both sides', numeric: true },
      { heading: 'verdict' },
      { heading: 'watermark age', numeric: true },
      { heading: 'runs', numeric: true },
    ],
    rows: [...cuts, ...(audit === null || audit.atEnd.length === 0 ? [] : [endRow(audit.atEnd)])],
  })
}

function endRow(partitions: readonly PartitionAudit[]): readonly HtmlValue[] {
  const ages = partitions.map(({ watermarkAgeMs }) => watermarkAgeMs)
  const known = ages.filter((age) => age !== null)
  return [
    'the end, when nobody wrote any more',
    count(partitions.length),
    count(sum(partitions, ({ alignedRecords }) => alignedRecords)),
    endVerdict(partitions),
    known.length < ages.length ? '–' : milliseconds(Math.max(...known)),
    count(sum(partitions, ({ runs }) => runs)),
  ]
}

function endVerdict(partitions: readonly PartitionAudit[]): Html {
  if (partitions.every(({ verdict }) => verdict === 'equal')) return verdictTag('equal')
  return verdictTag(partitions.some(({ verdict }) => verdict === 'differs') ? 'differs' : 'undecided')
}

function verdictTag(verdict: PartitionAudit['verdict']): Html {
  switch (verdict) {
    case 'equal':
      return html`<span class="tag good">✓ equal</span>`
    case 'differs':
      return html`<span class="tag bad">✗ differs</span>`
    case 'undecided':
      return html`<span class="tag bad">? undecided</span>`
  }
}

/** Decimal text of any length, with separators. */
function countText(decimal: string): string {
  return BigInt(decimal).toLocaleString('en-US')
}

function sum(partitions: readonly PartitionAudit[], of: (partition: PartitionAudit) => number): number {
  return partitions.reduce((total, partition) => total + of(partition), 0)
}

function overRun(report: RolloutReport, { samples, unanswered, atEnd }: AuditReport): Html {
  const looks = samples.atMs.length
  const missing = unanswered === 0 ? null : html`<p class="note">${counted(unanswered, 'look')} of ${count(unanswered + looks)} had no answer.</p>`
  return html`${looks === 0 ? null : figureHtml(watermarkFigure(report, samples))}${missing}
${atEnd.length === 0 ? null : mapHtml(atEnd)}
${differencesHtml(atEnd)}
${undecidedHtml(atEnd)}`
}

/** What one run of the map is, and how many each partition has. */
function mapHtml(partitions: readonly PartitionAudit[]): Html {
  const runs = sum(partitions, (one) => one.runs)
  const records = sum(partitions, ({ alignedRecords }) => alignedRecords)
  const each = runs === 0 ? '' : ` On average one covers ${counted(Math.round(records / runs), 'record')} here.`
  return html`<h3>The offset map</h3>
<p>A run is a stretch of consecutive records that stand on green by the same number of offsets further than on blue; a commit marker, an aborted record or a compacted one ends it.${each}
A group's position is looked up in them, so that nothing has to be read when it moves.</p>
<details class="long"><summary>All ${counted(partitions.length, 'partition')} at the end</summary>
${tableHtml({
  id: 'map-numbers',
  caption: 'Each partition at the end',
  phone: 'stack',
  columns: [
    { heading: 'partition' },
    { heading: 'verdict' },
    { heading: 'records on both sides', numeric: true },
    { heading: 'runs', numeric: true },
    { heading: 'differences', numeric: true },
    { heading: 'watermark age', numeric: true },
  ],
  rows: partitions.map((one) => [
    one.partition,
    verdictTag(one.verdict),
    count(one.alignedRecords),
    count(one.runs),
    count(one.differences),
    milliseconds(one.watermarkAgeMs),
  ]),
})}
</details>`
}

/** Where the two sides don't hold the same: partition, kind, and the offset on each. */
function differencesHtml(partitions: readonly PartitionAudit[]): Html {
  const differing = partitions.filter(({ differences }) => differences > 0)
  if (differing.length === 0) return html``
  return html`<h3>Differences</h3>
${tableHtml({
  id: 'differences-numbers',
  caption: `${count(sum(differing, ({ differences }) => differences))} in all; of each partition the first ones`,
  phone: 'stack',
  columns: [{ heading: 'partition' }, { heading: 'what' }, { heading: 'offset on blue', numeric: true }, { heading: 'offset on green', numeric: true }],
  rows: differing.flatMap(({ partition, differences, shown }) => [
    ...shown.map(({ kind, on, blue, green, what }) => {
      const parts = what.length > 0 ? ` (${listed(what)})` : ''
      return [partition, `${kind}${parts}${on === null ? '' : ` on ${on}`}`, blue ?? 'its end', green ?? 'its end']
    }),
    ...(differences > shown.length ? [[partition, `and ${count(differences - shown.length)} more`, '–', '–']] : []),
  ]),
})}`
}

/** What nothing speaks against, but isn't shown either, and what the audit could not read. */
function undecidedHtml(partitions: readonly PartitionAudit[]): Html {
  const open = partitions.filter(({ verdict, reason }) => verdict === 'undecided' || (verdict === 'equal' && reason !== ''))
  if (open.length === 0) return html``
  const reasons = [...Map.groupBy(open, ({ reason }) => reason || 'no reason was given')]
  return html`<h3>Undecided</h3>
<p>Nothing speaks against these, but that they are equal isn't shown.</p>
<ul class="unseen">${reasons.map(([reason, own]) => html`<li>${firstFive(own.map(({ partition }) => partition))}: ${reason}</li>`)}</ul>`
}
