import { type Stretch, stretchesFigure } from '../charts/stretches.ts'
import { type Figure, figureHtml } from '../figure.ts'
import { counted, listed, milliseconds, seconds } from '../format.ts'
import { pauseOf } from '../group-pauses.ts'
import { type Html, html } from '../html.ts'
import type { RolloutReport, WaveReport } from '../report.ts'
import { tableHtml } from '../table.ts'

/** Which groups moved before the producers, wave by wave: how long each got nothing, which stayed, and which wave went back. */
export function wavesSection({ waves }: RolloutReport): Html {
  if (waves.length === 0) return html`<p>No wave was moved: all groups moved with the producers, or the report was written by an earlier version.</p>`
  return html`<p>A wave moves some groups while the others, and all producers, stay where they are: its members leave, their positions are translated and written, and they go on reading on the other colour.
How long a group got nothing is counted as at a switchover.</p>
${figureHtml(wavesFigure(waves))}
${tableHtml({
  id: 'waves-groups',
  caption: 'Each group of each wave',
  phone: 'stack',
  columns: [
    { heading: 'group' },
    { heading: 'wave' },
    { heading: 'outcome' },
    { heading: 'longest time without a delivery', numeric: true },
    { heading: 'why' },
  ],
  rows: waves.flatMap((wave) =>
    wave.groups.map((group) => [group, wave.wave, outcomeTag(wave, group), pauseOf(wave.groupPauses, group), reasonOf(wave, group)]),
  ),
})}`
}

function wavesFigure(waves: readonly WaveReport[]): Figure {
  const firstMs = Math.min(...waves.map(({ startedAtMs }) => startedAtMs))
  const stretches = waves.map((wave): Stretch => {
    const what = `${listed(wave.moved) || 'no group'} ${wave.source} to ${wave.target}${wave.returned ? ', and back' : ''}`
    return { name: wave.wave, what, from: wave.startedAtMs - firstMs, until: wave.endedAtMs - firstMs }
  })
  const returned = waves.filter((wave) => wave.returned).length
  const description = `Since the first one began, ${seconds(firstMs / 1_000)} after the load. ${returned === 0 ? 'None went back.' : `${counted(returned, 'wave')} went back.`}`
  const moved = waves.filter((wave) => !wave.returned).flatMap((wave) => wave.moved).length
  const text = {
    id: 'waves',
    title: `${counted(waves.length, 'wave')}, ${counted(moved, 'group')} moved.`,
    description,
    caption: 'Waves with their durations',
    heading: 'wave',
    format: milliseconds,
  }
  return stretchesFigure(text, stretches)
}

function outcomeTag({ source, target, moved, returned }: WaveReport, group: string): Html {
  if (!moved.includes(group)) return html`<span class="tag bad">✗ stayed on ${source}</span>`
  return returned ? html`<span class="tag bad">✗ back on ${source}</span>` : html`<span class="tag good">✓ moved to ${target}</span>`
}

function reasonOf({ moved, stayed, returned, reason }: WaveReport, group: string): string {
  if (!moved.includes(group)) return stayed.find((one) => one.group === group)?.reason || 'no reason was given'
  return returned ? reason || 'no reason was given' : ''
}
