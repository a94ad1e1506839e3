import { afterReleaseFigure, orchestratorFigure } from './charts/orchestrator.ts'
import { type Page, type Section, tilesHtml, unseenHtml } from './document.ts'
import { figureHtml } from './figure.ts'
import { count, dateAndTime, milliseconds, seconds } from './format.ts'
import { type Html, html } from './html.ts'
import type { JournaledSwitchover } from './journaled.ts'
import { gateHtml } from './sections/checks.ts'
import { limitsHtml } from './sections/configuration.ts'
import { cutSection } from './sections/cut.ts'
import { groupTables } from './sections/groups.ts'
import { mirrorSection } from './sections/mirror.ts'
import { stayedHtml } from './sections/stayed.ts'
import { unobservedTruth } from './sections/truth.ts'
import { watchSection } from './sections/watch.ts'
import { switchoverStory } from './switchover-story.ts'

const endings = {
  switched: { text: '✓ SWITCHED', tone: 'good' },
  aborted: { text: '✗ TAKEN BACK', tone: 'bad' },
  unfinished: { text: '? UNFINISHED', tone: '' },
} as const satisfies Readonly<Record<JournaledSwitchover['outcome'], Page['verdict']>>

/** The page of one switchover as its journal tells it (pure). */
export function switchoverPage(report: JournaledSwitchover): Page {
  const { fleet, source, target, outcome, openedEpoch } = report
  return {
    title: `Kafka blue-green: switchover ${source} to ${target}, ${outcome === 'aborted' ? 'taken back' : outcome}`,
    heading: 'Kafka blue-green: switchover report',
    facts: `${dateAndTime(report.openedAt)} · fleet ${fleet} · ${source} → ${target} · opened at epoch ${count(openedEpoch)}${tookText(report)}`,
    verdict: endings[outcome],
    sections: sectionsOf(report),
    footer: html`Made from switchover-${openedEpoch}.json alone, by <code>kbg report</code>, and that from the fleet's journal.`,
  }
}

function tookText({ openedAt, closedAt }: JournaledSwitchover): string {
  return closedAt === null ? '' : ` · ${seconds((Date.parse(closedAt) - Date.parse(openedAt)) / 1_000)}`
}

function sectionsOf(report: JournaledSwitchover): readonly Section[] {
  const name = `The switchover ${report.source} to ${report.target}`
  const evidence = report.gate === null ? null : html`\n${limitsHtml(report.limits)}`
  return [
    { id: 'happened', heading: 'What happened', body: happened(report) },
    { id: 'truth', heading: 'What the clients saw', body: unobservedTruth() },
    { id: 'orchestrator', heading: "The orchestrator's window", body: orchestrator(report) },
    { id: 'groups', heading: 'Consumer groups', body: groups(report) },
    { id: 'cut', heading: 'The cut', body: cutSection(report) },
    { id: 'mirror', heading: 'Mirror and fences', body: mirrorSection(report) },
    { id: 'watch', heading: 'The watch behind the release', body: watchSection(report) },
    { id: 'checks', heading: 'Checks with evidence', body: html`${gateHtml(report.gate, name, 0)}${evidence}` },
    { id: 'unseen', heading: 'What was not observed', body: unseenHtml(report.notObserved) },
  ]
}

function happened(report: JournaledSwitchover): Html {
  const { outcome, reason, window, groups, moved, stayed } = report
  const heading = outcome === 'aborted' ? 'Why it was taken back' : 'How far it has come'
  const why = reason === '' ? null : html`<h3>${heading}</h3><ol class="reasons"><li>${reason}</li></ol>`
  return html`<p class="story">${switchoverStory(report).join(' ')}</p>
${why}
${tilesHtml([
  [milliseconds(window?.heldMs ?? null), "the orchestrator's window"],
  ['?', 'what the clients saw: not observed'],
  [count(moved.length), 'groups moved'],
  [count(stayed.length), 'groups stayed on the source'],
  [count(groups.filter(({ verdict }) => verdict === 'not provable').length), 'positions not provable'],
])}`
}

function orchestrator(report: JournaledSwitchover): Html {
  const { window, heldAt, releasedAt } = report
  const after = afterReleaseFigure(report)
  return html`<p>From the hold to the release as the orchestrator counts it. A client's pause begins and ends at other moments: it was not observed.</p>
${window?.parts ? figureHtml(orchestratorFigure(report, window.heldMs, window.parts)) : html`<p>${withoutParts(window, heldAt, releasedAt)}</p>`}
${after === null ? null : figureHtml(after)}`
}

function withoutParts(window: JournaledSwitchover['window'], heldAt: string | null, releasedAt: string | null): string {
  if (heldAt === null) return 'Nothing was held.'
  if (window === null || releasedAt === null) return `Held at ${heldAt}; the journal knows of no release.`
  const clocks = window.runs === 'one' ? "the orchestrator's clock" : 'the wall clocks of two runs'
  return `Held at ${heldAt}, released at ${releasedAt}: ${milliseconds(window.heldMs)} by ${clocks}. Its parts are not known: their marks ended with the run.`
}

function groups({ groups, stayed, source, batches }: JournaledSwitchover): Html {
  if (batches === 0) return html`<p>No group was moved.</p>`
  return html`${groupTables(groups, 'one')}${stayedHtml(stayed.map((one) => ({ ...one, source, switchover: null })))}`
}
