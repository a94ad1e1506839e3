import type { Figure } from '../figure.ts'
import { milliseconds } from '../format.ts'
import type { JournaledSwitchover, OrchestratorParts } from '../journaled.ts'
import { type Stretch, stretchesFigure } from './stretches.ts'
import { partNames } from './window.ts'

const { beforeHoldMs: _, firstAckMs: _1, ...shared } = partNames
const orchestratorPartNames = {
  ...shared,
  takeBackMs: ['take back', 'until the source was published again'],
} as const satisfies Readonly<Record<keyof OrchestratorParts, readonly [string, string]>>

const partOrder = Object.keys(orchestratorPartNames) as (keyof OrchestratorParts)[]

/** The orchestrator's window in its parts; named as its own everywhere, so that nobody takes it for the clients'. */
export function orchestratorFigure(report: JournaledSwitchover, heldMs: number, parts: OrchestratorParts): Figure {
  let begins = 0
  const came = report.outcome === 'aborted' ? report.source : report.target
  const shown = partOrder.filter((part) => (part === 'takeBackMs') === (report.outcome === 'aborted') || parts[part] > 0)
  const stretches = shown.map((part): Stretch => {
    const from = begins
    begins += parts[part]
    const [name, what] = orchestratorPartNames[part]
    return { name, what, from, until: begins }
  })
  const text = {
    id: 'orchestrator',
    title: `The orchestrator's window: ${milliseconds(heldMs)}.`,
    description: `From the publication of the hold until ${came} was published as open, by the orchestrator's own clock. It is not what a client saw.`,
    caption: "The parts of the orchestrator's window",
    heading: 'part',
    format: milliseconds,
  }
  return stretchesFigure(text, stretches)
}

/** What came behind the release, from the marks of the run that closed the switchover; null when they show nothing of it. */
export function afterReleaseFigure({ marks, source, target }: JournaledSwitchover): Figure | null {
  const publishedMs = marks.find(({ mark }) => mark === 'published')?.atMs ?? 0
  let heldMs = publishedMs
  let batches = 0
  const stretches = marks.flatMap(({ mark, atMs }): Stretch[] => {
    const until = atMs - publishedMs
    if (mark === 'reversed') return [{ name: 'mirror', what: `until the mirror ran ${target} to ${source}`, from: 0, until }]
    if (mark === 'groups-held') heldMs = atMs
    if (mark !== 'groups-released') return []
    batches += 1
    return [{ name: `groups ${batches}`, what: `until batch ${batches} of the groups was released`, from: heldMs - publishedMs, until }]
  })
  if (stretches.length === 0) return null
  const text = {
    id: 'after',
    title: 'Behind the release.',
    description: `The mirror is turned round, then the groups move, those that are far behind last. Producers write to ${target} all the while.`,
    caption: 'What came behind the release, in milliseconds since then',
    heading: 'stretch',
    format: milliseconds,
  }
  return stretchesFigure(text, stretches)
}
