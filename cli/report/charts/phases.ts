import type { Figure } from '../figure.ts'
import { seconds } from '../format.ts'
import type { RolloutReport } from '../report.ts'
import { type Stretch, stretchesFigure } from './stretches.ts'

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
  const phases = report.phases.map(({ phase, seconds: length }): Stretch => {
    const from = begins
    begins += length
    return { name: phase, what: doings[phase] ?? '', from, until: begins }
  })
  const description = `Together ${seconds(begins)} of ${seconds(report.durationSeconds)}.`
  const text = { id: 'phases', title: 'The phases of the rollout.', description, caption: 'Phases with their durations', heading: 'phase', format: seconds }
  return stretchesFigure(text, phases)
}
