import { type ScaleLinear, scaleLinear } from 'd3-scale'
import { seconds } from '../format.ts'
import { type Html, html } from '../html.ts'
import type { RolloutReport, SwitchoverReport } from '../report.ts'
import { box, group, label, line, type Plot, textPx, ticksThatFit, timeAxis } from '../svg.ts'

/** The time axis that all pictures of a whole run share: seconds since the load began. */
export interface RunAxis {
  readonly x: ScaleLinear<number, number>
  readonly ticks: readonly { readonly x: number; readonly text: string }[]
}

export function runAxis(plot: Plot, totalSeconds: number): RunAxis {
  const x = scaleLinear([0, Math.max(1, totalSeconds)], [plot.left, plot.right])
  return { x, ticks: ticksThatFit((wanted) => x.ticks(wanted).map((at) => ({ x: x(at), text: tickSeconds(at) }))) }
}

function tickSeconds(at: number): string {
  return Number.isInteger(at) ? `${at}\u00a0s` : seconds(at)
}

/** Axis and grid below a plot of the whole run. */
export function drawRunAxis(plot: Plot, width: number, axis: RunAxis): Html {
  return timeAxis(plot, width, axis.ticks)
}

const badgeRadius = 8

/** Each switchover as a dashed line with its number above, each wave as one with `w` and its number; what would touch goes into a row of its own. `rows` of 18 px each are needed above. */
export function switchMarks(
  report: RolloutReport,
  plot: Plot,
  x: (seconds: number) => number,
): { readonly rows: number; readonly draw: (top: number) => Html } {
  const waves = report.waves.map(({ startedAtMs }, index) => ({ text: `w${index + 1}`, atSeconds: startedAtMs / 1_000 }))
  const switchovers = markedSwitchovers(report).map(({ number, atSeconds }) => ({ text: String(number), atSeconds }))
  const marks = [...waves, ...switchovers].map(({ text, atSeconds }) => ({ text, at: Math.min(Math.max(x(atSeconds), plot.left), plot.right) }))
  const ends: number[] = []
  const placed = marks.map(({ text, at }) => {
    const half = Math.max(badgeRadius, textPx(text) / 2 + 3)
    const free = ends.findIndex((end) => end < at - half)
    const row = free < 0 ? ends.length : free
    ends[row] = at + half + 2
    return { text, at, half, row }
  })
  const draw = (top: number) =>
    group(
      placed.map(({ text, at, half, row }) => {
        const y = top + row * 18 + badgeRadius
        return [
          line(at, y + badgeRadius, at, plot.bottom, 'mark'),
          html`<rect x="${at - half}" y="${y - badgeRadius}" width="${2 * half}" height="${2 * badgeRadius}" rx="${badgeRadius}" class="fill-ink"/>`,
          label(at, y + 4, text, 'middle', 'badge'),
        ]
      }),
    )
  return { rows: Math.max(1, ends.length), draw }
}

/** What the marked lines of a picture are. */
export function movesText({ waves }: RolloutReport): string {
  const before = waves.length === 0 ? '' : `; ${waves.length === 1 ? 'w1 is the wave' : `w1 to w${waves.length} are the waves`} before them`
  return `Numbered lines are the switchovers${before}.`
}

/** Switchovers whose moment is known, with their number. */
export function markedSwitchovers(report: RolloutReport): readonly { readonly number: number; readonly one: SwitchoverReport; readonly atSeconds: number }[] {
  return report.switchovers.flatMap((one, index) => (one.fromMs === null ? [] : [{ number: index + 1, one, atSeconds: one.fromMs / 1_000 }]))
}

/** Who acknowledges, as a lane below a plot: which colour, from when to when. */
export function liveLane(report: RolloutReport, plot: Plot, top: number, x: (seconds: number) => number, totalSeconds: number): Html {
  const marks = markedSwitchovers(report)
  if (marks.length === 0) return html``
  const bounds = [0, ...marks.map(({ atSeconds }) => atSeconds), totalSeconds]
  const colours = [marks[0]?.one.from ?? 'blue', ...marks.map(({ one }) => one.to)]
  return group(
    colours.map((colour, index) => {
      const [from, until] = [x(bounds[index] ?? 0), x(bounds[index + 1] ?? totalSeconds)]
      const name = until - from > textPx(colour) + 8 ? label((from + until) / 2, top + 12.5, colour, 'middle', `on-${colour}`) : html``
      return [box(Math.max(plot.left, from), top, until - from - 1, 17, `fill-${colour}`), name]
    }),
  )
}
