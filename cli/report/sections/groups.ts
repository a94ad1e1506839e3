import { lagFigure } from '../charts/lag.ts'
import { figureHtml } from '../figure.ts'
import { count, listed } from '../format.ts'
import { pauseOf } from '../group-pauses.ts'
import { type Html, html } from '../html.ts'
import type { GroupReport, RolloutReport } from '../report.ts'
import { tableHtml } from '../table.ts'
import { stayedHtml } from './stayed.ts'

/** How far the groups were behind, how long they got nothing, how each one's positions were moved, and which ones stayed. */
export function groupsSection(report: RolloutReport): Html {
  const lag = report.perSecond === null ? null : lagFigure(report, report.perSecond)
  const stayed = report.switchovers.flatMap(({ from, stayed }, index) => stayed.map((one) => ({ ...one, source: from, switchover: index + 1 })))
  return html`${lag === null ? null : figureHtml(lag)}
${pausesHtml(report.switchovers)}
${groupTables(report.groups, 'several')}${stayedHtml(stayed)}`
}

/** A row for each group that keeps up, a column for each switchover. */
function pausesHtml(switchovers: RolloutReport['switchovers']): Html {
  const groups = [...new Set(switchovers.flatMap(({ groupPauses }) => groupPauses.map(({ group }) => group)))]
  if (groups.length === 0) return html`<p>How long a group got nothing was not observed.</p>`
  return html`<h3>How long they got nothing</h3>
<p>Of the pauses between two deliveries of new records those that reach into a switchover, until the group had read from the new colour; the longest one, in its whole length.
Records that came meanwhile waited. Groups that stay behind on purpose are left out.</p>
${tableHtml({
  id: 'pauses-numbers',
  caption: 'Longest time without a delivery',
  phone: 'scroll',
  columns: [{ heading: 'group' }, ...switchovers.map(({ from, to }, index) => ({ heading: `${index + 1}, ${from} to ${to}`, numeric: true }))],
  rows: groups.map((group) => [group, ...switchovers.map((one) => pauseOf(one.groupPauses, group))]),
})}`
}

/** How groups were moved, and every position. `of`: whether they belong to several switchovers, so that each row names its own. */
export function groupTables(groups: readonly GroupReport[], of: 'one' | 'several'): Html {
  if (groups.length === 0) return html`<p>No group was moved.</p>`
  return html`${summary(groups, of === 'several')}${positions(groups, of === 'several')}`
}

function summary(groups: readonly GroupReport[], numbered: boolean): Html {
  const moves = [...Map.groupBy(groups, (position) => `${moveText(position)}\n${position.group}`).values()]
  return html`<h3>How they were moved</h3>
${tableHtml({
  id: 'groups-numbers',
  caption: `Each group${numbered ? ' in each switchover' : ''}: a whole group moves, or not at all`,
  phone: 'stack',
  columns: [
    { heading: 'group' },
    ...(numbered ? [{ heading: moveHeading(groups) }] : []),
    { heading: 'partitions', numeric: true },
    { heading: 'records behind', numeric: true },
    { heading: 'method' },
    { heading: 'verdict' },
  ],
  rows: moves.map((move) => [
    move[0]?.group ?? '',
    ...(numbered ? [move[0] === undefined ? '' : moveText(move[0])] : []),
    count(move.length),
    lagText(move),
    listed([...new Set(move.map((position) => position.method))]),
    verdicts(move),
  ]),
})}`
}

function moveHeading(groups: readonly GroupReport[]): string {
  return groups.some(({ wave }) => wave !== null) ? 'switchover or wave' : 'switchover'
}

/** Which switchover or wave a position moved with. */
function moveText({ switchover, wave }: GroupReport): string {
  return wave ?? (switchover === null ? 'not recorded' : String(switchover))
}

function lagText(move: readonly GroupReport[]): string {
  const known = move.flatMap((position) => (position.lagRecords === null ? [] : [position.lagRecords]))
  return known.length === 0 ? 'not known' : `${known.length < move.length ? 'at least ' : ''}${count(known.reduce((sum, records) => sum + records, 0))}`
}

function verdicts(move: readonly GroupReport[]): Html {
  const counts = [...Map.groupBy(move, (position) => position.verdict)].map(([verdict, found]) =>
    found.length === move.length ? verdict : `${count(found.length)} ${verdict}`,
  )
  const sound = move.every((position) => position.verdict !== 'not provable')
  return html`<span class="verdicts ${sound ? 'good' : 'bad'}">${sound ? '✓' : '✗'} ${listed(counts)}</span>`
}

function positions(groups: readonly GroupReport[], numbered: boolean): Html {
  return html`<details class="long"><summary>All ${count(groups.length)} positions</summary>
${tableHtml({
  id: 'positions-numbers',
  caption: 'Every position of every group: the committed offset on the source, and what it became on the target',
  phone: 'stack',
  columns: [
    { heading: 'group' },
    ...(numbered ? [{ heading: moveHeading(groups) }] : []),
    { heading: 'partition' },
    { heading: 'source offset', numeric: true },
    { heading: 'target offset', numeric: true },
    { heading: 'records behind', numeric: true },
    { heading: 'method' },
    { heading: 'verdict' },
    { heading: 'why' },
  ],
  rows: groups.map((position) => [
    position.group,
    ...(numbered ? [moveText(position)] : []),
    `${position.topic}-${position.partition}`,
    position.sourceOffset ?? '–',
    position.targetOffset ?? '–',
    position.lagRecords === null ? 'not known' : count(position.lagRecords),
    position.method,
    position.verdict,
    position.reason,
  ]),
})}
</details>`
}
