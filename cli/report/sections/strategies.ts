import { count, counted } from '../format.ts'
import { type Html, type HtmlValue, html } from '../html.ts'
import type { RolloutReport } from '../report.ts'
import { type GroupStrategies, type StrategiesReport, StrategyName, type StrategyOutcome } from '../strategy-evidence.ts'
import { tableHtml } from '../table.ts'

/** What each strategy is called, and what it is in a few words. */
const strategies = {
  moved: ['as moved', 'what was really written, by the offset map, or counted back where the map could not prove it'],
  'count-back': ['counting back', 'as many records before the target’s end as the group had left to read before the source’s'],
  timestamp: ['timestamps', 'the record of the same timestamp, content and neighbours'],
  snapshot: ['snapshot', 'the last noted place of both sides that the group had passed'],
  checkpoint: ['MirrorMaker', 'its checkpoint, which is the place of the last offset sync before the group’s position'],
} as const satisfies Readonly<Record<StrategyName, readonly [string, string]>>

/** For every group in every move what each strategy would have re-delivered and skipped, and what was. */
export function strategiesSection({ strategies: report }: RolloutReport): Html {
  if (report === null || report.groups.length === 0) {
    return html`<p>Not looked at: this report was written by an earlier version, the run ended too early, or no group was moved.</p>`
  }
  const shown = StrategyName.options.filter((name) => report.groups.some(({ outcomes }) => outcomes.some(({ strategy }) => strategy === name)))
  return html`<p>${inOneSentence(report)}</p>
${tableHtml({
  id: 'strategies-numbers',
  caption: 'Records that would have been delivered again, and records that would have been skipped, by strategy; 0: neither. The first column is what happened',
  phone: 'stack',
  columns: [{ heading: 'group' }, ...shown.map((name) => ({ heading: strategies[name][0] }))],
  rows: [...report.groups.map((group) => [groupName(group), ...shown.map((name) => outcomeText(group.outcomes, name))]), sums(report, shown)],
})}
<h3>How these were found</h3>
<p>When nobody wrote any more, both colours were read whole. Every record of the load has an id of its own, so the place on the target of the first record that a group had not
read is known for each position without the tool's own translation, which is judged by it like all others. A position without an answer leaves the group to its own <code>auto.offset.reset</code>: from the
beginning it reads everything again, from the end it skips what it had not read. Such positions are in no sum.</p>
<ul class="ways">${shown.map((name) => html`<li>${strategies[name][0]}: ${strategies[name][1]}${evidenceOf(name, report)}</li>`)}
${report.notLookedAt.map(({ strategy, reason }) => html`<li>${strategies[strategy][0]}: not looked at, because ${reason}</li>`)}</ul>
${unknownHtml(report)}`
}

/** What would have happened with plain MirrorMaker, and what happened. */
function inOneSentence({ groups }: StrategiesReport): string {
  const plain = sumOf(groups, 'checkpoint')
  const moved = sumOf(groups, 'moved')
  const ours = `as they were moved it was ${counted(moved.redeliveredRecords, 'record')} again and ${count(moved.skippedRecords)} skipped`
  const unanswered = plain.unansweredPositions === 0 ? '' : `, and ${counted(plain.unansweredPositions, 'position')} would have had no checkpoint at all`
  return `With plain MirrorMaker the groups would have been given ${counted(plain.redeliveredRecords, 'record')} again over these moves, by a simulation${unanswered}; ${ours}.`
}

function sumOf(groups: readonly GroupStrategies[], name: StrategyName): StrategyOutcome {
  const none = { strategy: name, redeliveredRecords: 0, skippedRecords: 0, unansweredPositions: 0 }
  return groups
    .flatMap(({ outcomes }) => outcomes.filter(({ strategy }) => strategy === name))
    .reduce(
      (total, one) => ({
        strategy: name,
        redeliveredRecords: total.redeliveredRecords + one.redeliveredRecords,
        skippedRecords: total.skippedRecords + one.skippedRecords,
        unansweredPositions: total.unansweredPositions + one.unansweredPositions,
      }),
      none,
    )
}

function groupName({ group, switchover, wave, positions }: GroupStrategies): Html {
  const move = wave === null ? `switchover ${switchover ?? '–'}` : wave
  return html`${group} <small>${move}, ${counted(positions, 'position')}</small>`
}

function sums({ groups }: StrategiesReport, shown: readonly StrategyName[]): readonly HtmlValue[] {
  const positions = groups.reduce((total, one) => total + one.positions, 0)
  return [html`all moves <small>${counted(positions, 'position')}</small>`, ...shown.map((name) => outcomeHtml(sumOf(groups, name)))]
}

function outcomeText(outcomes: readonly StrategyOutcome[], name: StrategyName): HtmlValue {
  const found = outcomes.find(({ strategy }) => strategy === name)
  return found === undefined ? 'not looked at' : outcomeHtml(found)
}

function outcomeHtml({ redeliveredRecords, skippedRecords, unansweredPositions }: StrategyOutcome): Html {
  const told = [...(redeliveredRecords > 0 ? [`${count(redeliveredRecords)} again`] : []), ...(skippedRecords > 0 ? [`${count(skippedRecords)} skipped`] : [])]
  const unanswered = unansweredPositions === 0 ? null : html`<small>${counted(unansweredPositions, 'position')} without an answer</small>`
  return html`${told.length === 0 ? '0' : told.join(', ')}${unanswered}`
}

function evidenceOf(name: StrategyName, { offsetLagMax, snapshotSeconds }: StrategiesReport): string {
  switch (name) {
    case 'checkpoint':
      return `; simulated, as a task with MirrorMaker's defaults (offset.lag.max ${count(offsetLagMax)}) would have written its syncs while it copied these records, and as if a checkpoint had been taken at the moment of the move: by default it is up to 60 seconds older, so a real one delivers more again`
    case 'snapshot':
      return `; the places were the audit's watermarks, noted once in ${count(snapshotSeconds)} seconds`
    case 'moved':
    case 'count-back':
    case 'timestamp':
      return ''
  }
}

function unknownHtml({ groups }: StrategiesReport): Html {
  const unknown = groups.reduce((total, one) => total + one.unknownPositions, 0)
  if (unknown === 0) return html``
  return html`<p class="note">Of ${counted(unknown, 'position')} the true place could not be told from the whole reads; no strategy was judged by them.</p>`
}
