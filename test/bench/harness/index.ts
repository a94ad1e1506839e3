/** The bench harness: statistics, warm-up, rows with goals, the machine's noise, and the result's file and table. */
export { type BenchPlan, type ConductedBench, conductBench, exitCodeOf, type Findings } from './conduct.ts'
export { decoded, histogramOfMs, type NamedHistogram } from './histogram.ts'
export { interleaved, interleavedOrder, roundOrder } from './interleave.ts'
export { durationNoise, latencyNoise, type MachineNoise, type NoiseRule } from './noise.ts'
export { type ArmSamples, armSamples, BenchResult, methodOf } from './result.ts'
export { type Goal, type Measured, maximumOf, medianOf, Row, type RowInput, rowOf, single } from './row.ts'
export { leastSquares, maximum, median, quantile, ratioInterval } from './statistics.ts'
export { afterWarmUp, type WarmUpRule } from './warm-up.ts'
