import { phasesFigure } from './charts/phases.ts'
import { throughputFigure } from './charts/throughput.ts'
import { documentHtml, type Page, type Section, tilesHtml, unseenHtml } from './document.ts'
import { figureHtml } from './figure.ts'
import { count, dateAndTime, milliseconds, seconds } from './format.ts'
import { longestGroupPause } from './group-pauses.ts'
import { type Html, html } from './html.ts'
import { isJournaled, type Report } from './journaled.ts'
import type { RolloutReport } from './report.ts'
import { auditSection } from './sections/audit.ts'
import { checksSection } from './sections/checks.ts'
import { configurationSection } from './sections/configuration.ts'
import { groupsSection } from './sections/groups.ts'
import { latencySection } from './sections/latency.ts'
import { strategiesSection } from './sections/strategies.ts'
import { truthSection } from './sections/truth.ts'
import { wavesSection } from './sections/waves.ts'
import { windowsSection } from './sections/windows.ts'
import { storyOf } from './story.ts'
import { switchoverPage } from './switchover-page.ts'

/**
 * A report as one page for people (pure), whichever kind it is; every picture has its numbers as a table.
 *
 * @param report parsed: `parseReport` is the door for what comes from a file
 */
export function reportHtml(report: Report): string {
  return documentHtml(isJournaled(report) ? switchoverPage(report) : rolloutPage(report))
}

function rolloutPage(report: RolloutReport): Page {
  const passed = report.verdict === 'pass'
  return {
    title: `Kafka blue-green: rollout ${passed ? 'passed' : 'failed'}`,
    heading: 'Kafka blue-green: rollout report',
    facts: facts(report),
    verdict: passed ? { text: '✓ PASS', tone: 'good' } : { text: '✗ FAIL', tone: 'bad' },
    sections: sectionsOf(report),
    footer: html`Made from report.json alone, by <code>kbg report</code>. Times in the pictures count from the moment when the load began.`,
  }
}

function facts({ startedAt, versions, durationSeconds }: RolloutReport): string {
  const when = startedAt === null ? '' : `${dateAndTime(startedAt)} · `
  return `${when}blue Kafka ${versions.blue} · green Kafka ${versions.green} · ${seconds(durationSeconds)}`
}

function sectionsOf(report: RolloutReport): readonly Section[] {
  return [
    { id: 'happened', heading: 'What happened', body: happened(report) },
    { id: 'truth', heading: 'What the clients saw', body: truthSection(report) },
    { id: 'throughput', heading: 'Throughput', body: throughput(report) },
    { id: 'windows', heading: 'Write windows', body: windowsSection(report) },
    { id: 'latency', heading: 'Latency', body: latencySection(report) },
    { id: 'groups', heading: 'Consumer groups', body: groupsSection(report) },
    { id: 'waves', heading: 'Waves', body: wavesSection(report) },
    { id: 'strategies', heading: 'Redeliveries by strategy', body: strategiesSection(report) },
    { id: 'audit', heading: 'Audit', body: auditSection(report) },
    { id: 'checks', heading: 'Checks with evidence', body: checksSection(report) },
    { id: 'phases', heading: 'Phases', body: report.phases.length === 0 ? html`<p>No phase was begun.</p>` : figureHtml(phasesFigure(report)) },
    { id: 'configuration', heading: 'Versions and configuration', body: configurationSection(report) },
    { id: 'unseen', heading: 'What was not observed', body: unseen(report) },
  ]
}

function happened(report: RolloutReport): Html {
  const { client, switchovers, clientJudged } = report
  const longest = switchovers.length === 0 ? '–' : milliseconds(Math.max(...switchovers.map((one) => one.writeWindowMs)))
  const faults = client.lost + client.duplicated + client.redelivered + client.reordered
  const tiles = [
    [longest, 'longest write window'],
    [pauseText(switchovers), 'longest time without a delivery to a group'],
    [count(client.acked), 'records acknowledged'],
    [clientJudged ? count(faults) : '?', 'lost, duplicated, redelivered or reordered'],
    [count(client.errors), 'errors given to clients'],
  ] as const
  const reasons =
    report.verdict === 'fail' ? html`<h3>Why it failed</h3><ol class="reasons">${report.reasons.map((reason) => html`<li>${reason}</li>`)}</ol>` : null
  return html`<p class="story">${storyOf(report).join(' ')}</p>
${reasons}
${tilesHtml(tiles)}`
}

function pauseText(switchovers: RolloutReport['switchovers']): string {
  if (switchovers.length === 0) return '–'
  const longest = longestGroupPause(switchovers)
  return longest.kind === 'longest' ? milliseconds(longest.pauseMs) : '?'
}

function throughput(report: RolloutReport): Html {
  if (report.perSecond === null || report.perSecond.acked.blue.length === 0) {
    return html`<p>This report holds no series: it was written by an earlier version, or the run ended too early.</p>`
  }
  return figureHtml(throughputFigure(report, report.perSecond))
}

function unseen({ notObserved }: RolloutReport): Html {
  if (notObserved.length === 0) return html`<p>This report doesn't say what was not observed: it was written by an earlier version.</p>`
  return unseenHtml(notObserved)
}
