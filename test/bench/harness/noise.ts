import { z } from 'zod'

/** What the machine did besides the bench, measured by a process of its own while the bench ran. */
export const MachineNoise = z.strictObject({
  seconds: z.number().nonnegative(),
  /** How much later than asked for a thread that slept was run again, in milliseconds. The bench's own load is part of it. */
  stalls: z.strictObject({
    count: z.int().nonnegative(),
    medianMs: z.number(),
    p99Ms: z.number(),
    maximumMs: z.number(),
    /** The whole histogram in microseconds: HdrHistogram V2, compressed, base64. */
    encoded: z.string(),
  }),
  /** Share of all cores' time that processes took which the bench didn't start; null where /proc doesn't tell. */
  foreignShare: z.number().nullable(),
  /** Share of all cores' time that the bench took, with all that it started and this measurement; null where /proc doesn't tell, and in older results. */
  ownShare: z.number().nullable().default(null),
  /** Share of all cores' time that the hypervisor gave to somebody else; null where /proc doesn't tell. */
  stealShare: z.number().nullable(),
})
export type MachineNoise = z.infer<typeof MachineNoise>

/** How much noise a run may have had. */
export const NoiseRule = z.strictObject({
  /** null for a bench whose own load takes all cores, so that its stalls are its own. */
  stallP99Ms: z.number().positive().nullable(),
  foreignShare: z.number().positive(),
  stealShare: z.number().positive(),
})
export type NoiseRule = z.infer<typeof NoiseRule>

/**
 * For benches of what takes some hundred milliseconds while their own load takes all cores. That load alone made a sleeping thread 35 ms late at the 99th
 * percentile (30 switchovers at 1,000 records/s on two cores); more than twice as much isn't the bench alone any more.
 */
export const saturatedNoise: NoiseRule = { stallP99Ms: 80, foreignShare: 0.05, stealShare: 0.02 }
/** For benches of what takes seconds and all cores. */
export const durationNoise: NoiseRule = { stallP99Ms: null, foreignShare: 0.05, stealShare: 0.02 }

/** Why nothing can be told from a run; empty: it can. What wasn't observed refuses nothing, and stands as null in the result. */
export function tooNoisy(noise: MachineNoise, rule: NoiseRule): string[] {
  const { stalls, foreignShare, stealShare } = noise
  const reasons: string[] = []
  if (rule.stallP99Ms !== null && stalls.p99Ms > rule.stallP99Ms)
    reasons.push(`a sleeping thread was run again ${stalls.p99Ms.toFixed(1)} ms late at the 99th percentile, allowed ${rule.stallP99Ms} ms`)
  if (foreignShare !== null && foreignShare > rule.foreignShare)
    reasons.push(`other processes took ${percent(foreignShare)} of the processors' time, allowed ${percent(rule.foreignShare)}`)
  if (stealShare !== null && stealShare > rule.stealShare)
    reasons.push(`the hypervisor took ${percent(stealShare)} of the processors' time, allowed ${percent(rule.stealShare)}`)
  return reasons
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
