import type { Colour } from '../../engine/model/colour.ts'
import type { DemoLoadSpec } from './demo-load.ts'

/** What the demo runs, and what it has to show. */
export const aims = {
  versions: { blue: '3.9.2', green: '4.3.1' },
  load: { ratePerSecond: 1_100, preloadRecords: 0 } satisfies DemoLoadSpec,
  /** The group that is to be behind, and how far. */
  laggingGroup: 'archive',
  lagRecords: 20_000,
  ackedRecords: 100_000,
  /** How long the load flows undisturbed before the first move, and between moves. */
  settleSeconds: 5,
  /** The catalog's waves, which move before the producers do. */
  waves: ['wave-1', 'wave-2', 'wave-3'],
  /** Forward, back, and forward again. */
  moves: ['green', 'blue', 'green'] satisfies readonly Colour[],
  /** How often an update is tried that the gate refused: on a machine this small the load and Pulumi themselves make the mirror lag now and then. */
  gateTries: 5,
} as const
