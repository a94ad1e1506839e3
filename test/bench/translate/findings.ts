import { armSamples, type Findings, type Row, rowOf, single } from '../harness/index.ts'
import type { Consequence } from './ground-truth.ts'

/** Ours first. */
export const strategyNames = ['offset map', 'counting back', 'timestamps', 'snapshot', "MirrorMaker's checkpoints"] as const
export type StrategyName = (typeof strategyNames)[number]

/** What one strategy makes of one group, over all partitions; null: it has no position for one of them at least, so it can't move the group. */
export interface GroupOutcome {
  readonly groupId: string
  readonly consequence: Consequence | null
}

export type Outcomes = Readonly<Record<StrategyName, readonly GroupOutcome[]>>

const kinds = ['redelivered', 'skipped'] as const
const checkpoints = "MirrorMaker's checkpoints"
const judged = 'records below the cut, counted by reading both logs whole with a plain client and joining them by content'

/** Rows, samples and the matrix of all strategies (pure). */
export function findings(outcomes: Outcomes, notes: readonly string[]): Findings {
  const groups = outcomes['offset map'].map(({ groupId }) => groupId)
  return {
    rows: [...groups.flatMap((groupId) => groupRows(outcomes, groupId)), ...strategyNames.flatMap((name) => strategyRows(outcomes, name))],
    samples: strategyNames.flatMap((name) =>
      kinds.flatMap((kind) => {
        const values = outcomes[name].flatMap(({ consequence }) => (consequence === null ? [] : [consequence[kind]]))
        return values.length === 0 ? [] : [armSamples(`${kind}, ${name}`, 'each group that has positions, in the order of the rows', 'records', values, { counted: values, dropped: 0 })] // biome-ignore format: one line
      }),
    ),
    notes: ['redelivered/skipped by group:', ...strategyNames.map((name) => `  ${name}: ${outcomes[name].map(matrixCell).join('; ')}`), ...notes],
  }
}

function matrixCell({ groupId, consequence }: GroupOutcome): string {
  return `${groupId} ${consequence === null ? 'not moved' : `${consequence.redelivered}/${consequence.skipped}`}`
}

function groupRows(outcomes: Outcomes, groupId: string): readonly Row[] {
  const of = (name: StrategyName) => outcomes[name].find((outcome) => outcome.groupId === groupId)?.consequence ?? null
  const [ours, theirs] = [of('offset map'), of(checkpoints)]
  return kinds.flatMap((kind) => {
    if (ours === null) return []
    const baseline = theirs === null ? {} : { baseline: single(`${judged}, by ${checkpoints}`, theirs[kind]) }
    const goal = { of: 'ours', atMost: 0 } as const
    return [rowOf({ measure: `${kind}, ${groupId}`, unit: 'records', ours: single(`${judged}, by the offset map`, ours[kind]), ...baseline, goal })]
  })
}

/** All groups together, ours beside one of the others. */
function strategyRows(outcomes: Outcomes, name: StrategyName): readonly Row[] {
  const notMoved = (of: StrategyName) => outcomes[of].filter(({ consequence }) => consequence === null).length
  const what = 'groups without a position on every partition'
  const left = single(`${what}, by the offset map`, notMoved('offset map'))
  if (name === 'offset map') return [rowOf({ measure: 'groups not moved', unit: 'groups', ours: left, goal: { of: 'ours', atMost: 0 } })]
  const total = (of: StrategyName, kind: keyof Consequence) => outcomes[of].reduce((sum, { consequence }) => sum + (consequence?.[kind] ?? 0), 0)
  return [
    ...kinds.map((kind) =>
      rowOf({
        ...{ measure: `${kind}, all groups, beside ${name}`, unit: 'records' },
        ...{ ours: single(`${judged}, by the offset map`, total('offset map', kind)), baseline: single(`${judged}, by ${name}`, total(name, kind)) },
      }),
    ),
    rowOf({ measure: `groups not moved, beside ${name}`, unit: 'groups', ours: left, baseline: single(`${what}, by ${name}`, notMoved(name)) }),
  ]
}
