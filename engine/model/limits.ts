import { z } from 'zod'

/** The bounds that a gate and a switchover keep. Durations in milliseconds unless the name says otherwise. */
export const Limits = z.strictObject({
  maxMirrorLagMs: z.int().min(100).max(60_000).default(1_000),
  lagSamples: z.int().min(1).max(60).default(5),
  lagSampleIntervalMs: z.int().min(100).max(10_000).default(1_000),
  holdDeadlineMs: z.int().min(100).max(60_000).default(2_000),
  fenceDeadlineMs: z.int().min(500).max(60_000).default(5_000),
  drainDeadlineMs: z.int().min(500).max(120_000).default(10_000),
  windowDeadlineMs: z.int().min(1_000).max(300_000).default(30_000),
  lockLeaseSeconds: z.int().min(2).max(120).default(10),
  groupMoveDeadlineMs: z.int().min(1_000).max(600_000).default(30_000),
  /** A moved wave must read on at its former pace within this, or it goes back by itself. */
  waveAnalysisMs: z.int().min(1_000).max(600_000).default(30_000),
  /** How long a released target is watched. */
  watchWindowMs: z.int().min(1_000).max(3_600_000).default(60_000),
  watchSampleIntervalMs: z.int().min(100).max(60_000).default(1_000),
  /** So many failed samples in a row fail a watch. */
  watchFailures: z.int().min(2).max(60).default(5),
  /** A canary may take so many times as long as before the switchover, and always as long as the floor. */
  latencyFactor: z.number().min(1).max(100).default(5),
  latencyFloorMs: z.int().min(10).max(60_000).default(1_000),
  /** How often a failed watch may move traffic back by itself under one attempt; 0: it only halts. */
  maxAutomaticRollbacks: z.int().min(0).max(1).default(0),
  /** A move needs a drill (`kbg drill`) that passed within so many days; 0: none is asked for. */
  maxDrillAgeDays: z.int().min(0).max(365).default(0),
  quietSeconds: z.int().min(1).max(3_600).default(60),
  /** The audit's watermark was the end of both logs at most this long ago. */
  maxWatermarkAgeMs: z.int().min(200).max(120_000).default(5_000),
  /** Records that the target deleted while the source still holds them (see the gate's check `audit retention`): `accept` lets them go, as a rollback of an old fleet may have to. */
  expiredRecords: z.enum(['refuse', 'accept']).default('refuse'),
  /** Ids of idempotent producers that both colours may know (see the gate's check `producer ids`): `accept` where no client crosses by its address alone. */
  sharedProducerIds: z.enum(['refuse', 'accept']).default('refuse'),
  maxEvidenceAgeMs: z.int().min(1_000).max(120_000).default(10_000),
})
export type Limits = z.infer<typeof Limits>
