import type { AroundWindow } from '../../report/evidence.ts'
import type { Stretch } from './latency.ts'
import type { Traces } from './traces.ts'

const besideMs = 1_000
const shortestBinMs = 20
const wantedBins = 160

/** Acknowledgements of all producers from a second before a write window to a second after it, counted in bins of 20 ms or, for a long window, more (pure). */
export function aroundWindow(traces: Traces, window: Stretch): AroundWindow {
  const lengthMs = window.untilMs - window.fromMs + 2 * besideMs
  const binMs = Math.max(1, Math.ceil(lengthMs / wantedBins / shortestBinMs)) * shortestBinMs
  const fromMs = window.fromMs - besideMs
  const bins = Math.ceil(lengthMs / binMs)
  const counted = { blue: Array.from({ length: bins }, () => 0), green: Array.from({ length: bins }, () => 0) }
  for (const trace of traces.producers) {
    trace.ackedAtNs.forEach((ackedNs, seq) => {
      const colour = trace.ackedBy[seq]
      const bin = Math.floor(((ackedNs - traces.originNs) / 1e6 - fromMs) / binMs)
      if (colour !== undefined && bin >= 0 && bin < bins) counted[colour][bin] = (counted[colour][bin] ?? 0) + 1
    })
  }
  return { fromMs, binMs, ...counted }
}
