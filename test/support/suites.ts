/** Which of vitest's projects `npm test` runs, and in which order. */

export interface Suite {
  /** One of vitest's projects. */
  readonly name: string
  /** How long it may take, in minutes. */
  readonly deadlineMinutes: number
}

/** One after the other: the first of them use every processor by themselves, the last one judges how quick its clients are. */
export const alone: readonly Suite[] = [
  { name: 'unit', deadlineMinutes: 5 },
  { name: 'components', deadlineMinutes: 5 },
  { name: 'simulation', deadlineMinutes: 10 },
  { name: 'undisturbed', deadlineMinutes: 10 },
]

/**
 * Then two lanes beside each other, since real brokers and `pulumi` wait as much as they work: alone, a lane leaves about half of two processors idle. Every
 * fleet has addresses of its own, so nothing of one lane meets the other.
 */
export const lanes: readonly (readonly Suite[])[] = [
  [
    { name: 'integration', deadlineMinutes: 40 },
    { name: 'provider', deadlineMinutes: 10 },
    { name: 'policy', deadlineMinutes: 15 },
  ],
  [
    { name: 'e2e', deadlineMinutes: 35 },
    { name: 'chaos', deadlineMinutes: 20 },
    // The benches' smallest forms: that they run and what they write, nothing about speed.
    { name: 'bench', deadlineMinutes: 15 },
  ],
]
