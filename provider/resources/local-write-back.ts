import { z } from 'zod'
import { Wiring } from '../../engine/model/wiring.ts'
import { actualDifference, inputDifference, joinDifferences } from '../difference.ts'
import { unknownValue } from '../properties.ts'
import type { Call, ResourceDefinition } from '../resource-definition.ts'

const LocalWriteBackInputs = z.strictObject({ wiring: Wiring })
export type LocalWriteBackInputs = z.infer<typeof LocalWriteBackInputs>

const LocalWriteBackOutputs = z.object({ alive: z.boolean() })
export type LocalWriteBackOutputs = z.infer<typeof LocalWriteBackOutputs>

/** What runs the write-back's process on this machine. */
export interface LocalWriteBackPlatform {
  /** Starts it, or makes sure that it runs as declared. */
  provision(wiring: Wiring, call: Call): Promise<void>
  isAlive(wiring: Wiring): boolean
  destroy(wiring: Wiring, call: Call): Promise<void>
}

/** `kbg:index:LocalWriteBack`: keeps the live side's copy of positions that groups commit on the standby, as a process of this machine. */
export function localWriteBack(platform: LocalWriteBackPlatform): ResourceDefinition<LocalWriteBackInputs, LocalWriteBackOutputs> {
  return {
    type: 'kbg:index:LocalWriteBack',
    description:
      'Writes the positions of groups that read on the standby back to the live side, every few seconds: losing the standby means seconds of records read again.',
    inputs: LocalWriteBackInputs,
    outputs: LocalWriteBackOutputs,
    refreshBeforeUpdate: true,
    refuseChange: (old, wanted) =>
      wanted.wiring !== unknownValue && wanted.wiring.fleet !== old.wiring.fleet
        ? [{ property: 'wiring.fleet', reason: `It belongs to fleet ${old.wiring.fleet} and can't be given to ${wanted.wiring.fleet}; create another one.` }]
        : [],
    diff: (old, wanted) => joinDifferences(inputDifference(old.inputs, wanted), old.outputs.alive ? new Map() : actualDifference('alive')),
    previewCreate: async () => ({ alive: true }),
    previewUpdate: async () => ({ alive: true }),
    create: async ({ wiring }, call) => {
      await platform.provision(wiring, call)
      return { id: `${wiring.fleet}/write-back`, outputs: { alive: true } }
    },
    update: async (_old, { wiring }, call) => {
      await platform.provision(wiring, call)
      return { alive: true }
    },
    read: async (old, call) => {
      const alive = platform.isAlive(old.inputs.wiring)
      if (!alive) call.warn("The write-back doesn't run. `pulumi up` starts it. Until then the live side's copy of positions on the standby grows old.")
      return { inputs: old.inputs, outputs: { alive } }
    },
    delete: (old, call) => platform.destroy(old.inputs.wiring, call),
  }
}
