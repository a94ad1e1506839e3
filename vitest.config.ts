import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Tests without processes of their own: quick, in parallel. */
const pure = ['unit', 'components', 'simulation'] as const
/** Tests that start the Pulumi CLI, or brokers and workers, and mind no neighbour: two files beside each other. */
const sociable = ['policy', 'integration'] as const
/** The others of these: one file after the other, since a cluster takes both cores. */
const heavy = ['provider', 'chaos', 'e2e', 'bench', 'bench-long', 'examples', 'msk-connect', 'kubernetes'] as const
/** Of the sociable ones' directories: what judges how soon something comes to pass, and so runs by itself. */
const alone = ['guardian', 'journal', 'kafka-adapter', 'mirror', 'route-store', 'routed-client', 'switchover-run', 'watch', 'waves'].map(
  (name) => `test/integration/${name}.test.ts`,
)
/** Of these, whole tables of cases whose kinds `npm test` has elsewhere, and second ways to do what its tour does: `npm run test:long`. */
const long = [
  'test/policy/fleet-example.test.ts',
  ...['adopt', 'failover', 'published-route', 'audited-switchover', 'workload-routed'].map((name) => `test/integration/${name}.test.ts`),
  ...['exact', 'refused'].map((name) => `test/chaos/${name}.test.ts`),
  ...['mishaps', 'switchover', 'tls-stacks'].map((name) => `test/e2e/${name}.test.ts`),
]

const patient = { testTimeout: 120_000, hookTimeout: 180_000, teardownTimeout: 60_000 }
const oneByOne = { ...patient, fileParallelism: false }

export default defineConfig({
  test: {
    // what a command said stands whole in the message of a test that it failed
    chaiConfig: { truncateThreshold: 0 },
    projects: [
      // every processor (vitest itself leaves one of them idle), and one file more, since some wait
      ...pure.map((name) => ({ test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: 20_000, maxWorkers: availableParallelism() + 1 } })),
      ...sociable.map((name) => ({ test: { name, include: [`test/${name}/**/*.test.ts`], exclude: [...alone, ...long], ...patient, maxWorkers: 2 } })),
      { test: { name: 'alone', include: alone, ...oneByOne } },
      ...heavy.map((name) => ({ test: { name, include: [`test/${name}/**/*.test.ts`], exclude: long, ...oneByOne } })),
      { test: { name: 'long', include: long, ...oneByOne } },
    ],
  },
})
