/** Which of vitest's projects `npm test` runs, one after the other: each uses every processor by itself, or judges how quick what it tests is. */
export interface Suite {
  /** One of vitest's projects. */
  readonly name: string
  /** How long it may take, in minutes. */
  readonly deadlineMinutes: number
}

export const suites: readonly Suite[] = [
  { name: 'unit', deadlineMinutes: 5 },
  { name: 'components', deadlineMinutes: 5 },
  { name: 'simulation', deadlineMinutes: 10 },
  { name: 'policy', deadlineMinutes: 15 },
  { name: 'provider', deadlineMinutes: 10 },
  { name: 'integration', deadlineMinutes: 20 },
  { name: 'alone', deadlineMinutes: 25 },
  { name: 'chaos', deadlineMinutes: 20 },
  { name: 'e2e', deadlineMinutes: 30 },
  // The benches' smallest forms: that they run and what they write, nothing about speed.
  { name: 'bench', deadlineMinutes: 15 },
]
