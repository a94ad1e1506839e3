/** A seed's run for people: what was planned, what happened, and how to repeat it. */
import type { Run } from './random.ts'
import { runbook } from './trace.ts'

export function seedText(seed: number, { simulation, planned }: Run): string {
  const { world, trace } = simulation
  return [
    `seed ${seed}; again with: npm run simulate -- --seeds 1 --from ${seed}`,
    ...planned.map((line) => `  planned: ${line}`),
    ...runbook(trace, world),
    ...world.history.violations.map(({ invariant, text }) => `  broken: ${invariant}: ${text}`),
  ].join('\n')
}
