import type { Figure } from '../figure.ts'
import { listed, seconds } from '../format.ts'
import type { RolloutReport } from '../report.ts'
import { type Stretch, stretchesFigure } from './stretches.ts'

/** What each phase does, by its name. */
const doings: Readonly<Record<string, string>> = {
  validate: 'configuration and parity of both colours, before anything is started',
  seed: 'both colours, route and mirror are made; the load begins on blue',
  shadow: 'green carries the data without clients, until the gate would pass',
  migrate: 'consumer groups wave by wave, before the producers',
  switch: 'the switchovers, records flowing all the time',
  verify: 'every group reads everything; both colours are read whole; the histories are judged',
}

/** What moved before the producers, and where to. */
function wavesText({ waves }: RolloutReport): string {
  if (waves.length === 0) return `${doings.migrate} (none here: groups move with the producers)`
  const told = waves.map(({ wave, source, target, returned }) => (returned ? `${wave} (back on ${source})` : `${wave} to ${target}`))
  return `${doings.migrate}: ${listed(told)}`
}

/** The phases of the run below each other, on one time axis. */
export function phasesFigure(report: RolloutReport): Figure {
  let begins = 0
  const phases = report.phases.map(({ phase, seconds: length }): Stretch => {
    const from = begins
    begins += length
    return { name: phase, what: phase === 'migrate' ? wavesText(report) : (doings[phase] ?? ''), from, until: begins }
  })
  const description = `Together ${seconds(begins)} of ${seconds(report.durationSeconds)}.`
  const text = { id: 'phases', title: 'The phases of the rollout.', description, caption: 'Phases with their durations', heading: 'phase', format: seconds }
  return stretchesFigure(text, phases)
}
