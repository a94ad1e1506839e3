import { scaleLinear } from 'd3-scale'
import type { Figure } from '../figure.ts'
import { seconds } from '../format.ts'
import type { RolloutReport } from '../report.ts'
import { type Drawing, textPx } from '../svg.ts'
import { type BarRow, barRows, rowHeight } from './rows.ts'

/** What each phase does, by its name. */
const doings: Readonly<Record<string, string>> = {
  validate: 'configuration and parity of both colours, before anything is started',
  seed: 'both colours, route and mirror are made; the load begins on blue',
  shadow: 'green carries the data without clients, until the gate would pass',
  migrate: 'consumer groups wave by wave (none here: groups move with the producers)',
  switch: 'the switchovers, records flowing all the time',
  verify: 'every group reads everything; both colours are read whole; the histories are judged',
}

/** The phases of the run below each other, on one time axis. */
export function phasesFigure(report: RolloutReport): Figure {
  let begins = 0
  const phases = report.phases.map(({ phase, seconds: length }) => {
    const row = { phase, from: begins, until: begins + length, length }
    begins += length
    return row
  })
  const rows = phases.map(({ phase, from, until, length }): BarRow => ({ name: phase, from, until, value: seconds(length), className: 'fill-part' }))
  return {
    id: 'phases-figure',
    title: 'The phases of the rollout.',
    description: `Together ${seconds(begins)} of ${seconds(report.durationSeconds)}.`,
    legend: null,
    draw: (width): Drawing => {
      const columns = { width, left: 84, right: width - Math.max(60, ...rows.map((row) => textPx(row.value) + 10)) }
      const x = scaleLinear([0, Math.max(1, begins)], [columns.left, columns.right])
      return { height: rows.length * rowHeight + 4, body: barRows(rows, columns, 0, x) }
    },
    table: {
      id: 'phases-numbers',
      caption: 'Phases with their durations',
      phone: 'stack',
      columns: [{ heading: 'phase' }, { heading: 'what it does' }, { heading: 'began after', numeric: true }, { heading: 'took', numeric: true }],
      rows: phases.map(({ phase, from, length }) => [phase, doings[phase] ?? '', seconds(from), seconds(length)]),
    },
  }
}
