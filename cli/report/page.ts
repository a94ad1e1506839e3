import { phasesFigure } from './charts/phases.ts'
import { throughputFigure } from './charts/throughput.ts'
import { figureHtml } from './figure.ts'
import { count, dateAndTime, milliseconds, seconds } from './format.ts'
import { type Html, html } from './html.ts'
import type { RolloutReport } from './report.ts'
import { checksSection } from './sections/checks.ts'
import { configurationSection } from './sections/configuration.ts'
import { groupsSection } from './sections/groups.ts'
import { latencySection } from './sections/latency.ts'
import { truthSection } from './sections/truth.ts'
import { windowsSection } from './sections/windows.ts'
import { storyOf } from './story.ts'
import { style } from './style.ts'

interface Section {
  readonly id: string
  readonly heading: string
  readonly body: Html
}

/**
 * A report as one page for people (pure): it loads nothing, runs no script, and every value of the report is escaped. Light and dark, phone and print, with
 * the keyboard and with a screen reader; every picture has its numbers as a table.
 *
 * @param report parsed: `RolloutReport.parse` is the door for what comes from a file
 */
export function reportHtml(report: RolloutReport): string {
  const sections = sectionsOf(report)
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Kafka blue-green: rollout ${report.verdict === 'pass' ? 'passed' : 'failed'}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#happened">Skip to what happened</a>
<header>
<h1>Kafka blue-green: rollout report</h1>
<p class="facts">${facts(report)}</p>
<p class="verdict ${report.verdict === 'pass' ? 'good' : 'bad'}">${report.verdict === 'pass' ? '✓ PASS' : '✗ FAIL'}</p>
</header>
<nav aria-label="Sections"><ul>${sections.map(({ id, heading }) => html`<li><a href="#${id}">${heading}</a></li>`)}</ul></nav>
<main>
${sections.map(({ id, heading, body }) => html`<section id="${id}" aria-labelledby="${id}-heading"><h2 id="${id}-heading">${heading}</h2>\n${body}\n</section>\n`)}</main>
<footer><p>Made from report.json alone, by <code>kbg report</code>. Times in the pictures count from the moment when the load began.</p></footer>
</body>
</html>
`.text
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
    [count(client.acked), 'records acknowledged'],
    [clientJudged ? count(faults) : '?', 'lost, duplicated, redelivered or reordered'],
    [count(client.errors), 'errors given to clients'],
  ] as const
  const reasons =
    report.verdict === 'fail' ? html`<h3>Why it failed</h3><ol class="reasons">${report.reasons.map((reason) => html`<li>${reason}</li>`)}</ol>` : null
  return html`<p class="story">${storyOf(report).join(' ')}</p>
${reasons}
<ul class="tiles">${tiles.map(([value, name]) => html`<li><b>${value}</b><span>${name}</span></li>`)}</ul>`
}

function throughput(report: RolloutReport): Html {
  if (report.perSecond === null || report.perSecond.acked.blue.length === 0) {
    return html`<p>This report holds no series: it was written by an earlier version, or the run ended too early.</p>`
  }
  return figureHtml(throughputFigure(report, report.perSecond))
}

function unseen({ notObserved }: RolloutReport): Html {
  if (notObserved.length === 0) return html`<p>This report doesn't say what was not observed: it was written by an earlier version.</p>`
  return html`<p>No number on this page says anything about these.</p>\n<ul class="unseen">${notObserved.map((text) => html`<li>${text}</li>`)}</ul>`
}
