import { noAudit } from '../../../engine/gate/audit.ts'
import { firstFive } from '../../../engine/model/error.ts'
import { count, counted } from '../format.ts'
import { type Html, html } from '../html.ts'
import type { CutSummary, JournaledSwitchover } from '../journaled.ts'
import { tableHtml } from '../table.ts'

/** Where both sides were proven equal, topic by topic. */
export function cutSection({ cut, source, target, auditedRecords, emptiedPartitions }: JournaledSwitchover): Html {
  if (cut === null) return html`<p>There is no cut: it was not decided to switch.</p>`
  const audited =
    auditedRecords === null ? ` There was ${noAudit}.` : ` The audit had compared every record below them: ${count(Number(auditedRecords))} on both sides.`
  const emptied =
    emptiedPartitions.length === 0
      ? ''
      : ` Nothing was compared of ${counted(emptiedPartitions.length, 'partition')} that retention had emptied on ${source}, whatever ${target} held there: ${firstFive(emptiedPartitions)}.`
  const partitions = cut.reduce((sum, topic) => sum + topic.partitions, 0)
  return html`<p>The ends of both sides, on ${counted(partitions, 'partition')}, were proven a pair: nothing before ${source}'s end was missing on ${target}.
The numbers of both sides may differ, because a mirror's transactions take offsets too.${audited}${emptied}</p>
${tableHtml({
  id: 'cut-numbers',
  caption: 'The cut by topic: the lowest and the highest end of its partitions',
  phone: 'stack',
  columns: [
    { heading: 'topic' },
    { heading: 'partitions', numeric: true },
    { heading: `ends on ${source}` },
    { heading: `ends on ${target}` },
    { heading: 'equal numbers', numeric: true },
  ],
  rows: cut.map((topic) => [topic.topic, count(topic.partitions), endsText(topic.sourceEnds), endsText(topic.targetEnds), count(topic.equalEnds)]),
})}`
}

/** `41`, `41 to 7185`: as they stand in logs and tools, without separators. */
function endsText(ends: CutSummary[number]['sourceEnds']): string {
  if (ends === null) return '–'
  return ends.lowest === ends.highest ? ends.lowest : `${ends.lowest} to ${ends.highest}`
}
