import { firstFive } from '../model/error.ts'
import type { Limits } from '../model/limits.ts'
import type { LagSample } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

/** Was the mirror within its bound in N consecutive samples, measured at both logs? MirrorMaker's own metrics are not asked. */
export function checkMirrorLag(samples: readonly LagSample[], limits: Limits, wantedSamples: number): Check {
  const name = 'mirror lag'
  const required = `at most ${limits.maxMirrorLagMs} ms in ${wantedSamples} consecutive samples`
  const remedy = 'Let the mirror catch up; if the lag does not fall, see that the connector runs and that the target accepts its writes.'
  const unseen = samples.find((sample) => sample.kind === 'unseen')
  if (unseen?.kind === 'unseen') return judged(name, 'inconclusive', unseen.why, required, remedy)
  const behind = samples.find((sample) => sample.kind === 'behind')
  if (behind?.kind === 'behind') {
    const observed = `${behind.lagRecords} records behind after ${Math.round(behind.waitedMs)} ms (${firstFive(behind.where)})`
    return judged(name, 'fail', observed, required, remedy)
  }
  const lags = samples.flatMap((sample) => (sample.kind === 'caught-up' ? [sample.lagMs] : []))
  if (lags.length < wantedSamples) return judged(name, 'inconclusive', `${lags.length} samples`, required, remedy)
  const highest = Math.max(...lags)
  if (!Number.isFinite(highest)) return judged(name, 'inconclusive', 'a sample that is no number', required, remedy)
  return judged(name, highest <= limits.maxMirrorLagMs ? 'pass' : 'fail', `at most ${Math.round(highest)} ms in ${lags.length} samples`, required, remedy)
}
