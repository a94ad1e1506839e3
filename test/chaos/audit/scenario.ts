import type { ChaosPair } from '../support/chaos-pair.ts'

/** How much of each fault is tried. */
export interface Form {
  readonly isLong: boolean
  readonly seed: number
}

/** What a scenario tells of itself: one line of the script, one row of docs/faults.md. */
export interface Observation {
  readonly injected: string
  readonly observed: string
}

/** One fault, tried on a pair that stands; throws when what was seen isn't what must be. They run in order, on one pair. */
export interface Scenario {
  /** Numbers of docs/faults.md. */
  readonly faults: string
  run(chaos: ChaosPair, form: Form): Promise<Observation>
}

/** Topics of the scenarios. */
export const topics = { load: 'load', deep: 'deep', transactions: 'transactions', empty: 'empty' } as const
export const loadPartitions = 2
