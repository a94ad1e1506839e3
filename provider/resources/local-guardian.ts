import { z } from 'zod'
import { Colour } from '../../engine/model/colour.ts'
import { Limits } from '../../engine/model/limits.ts'
import { Wiring } from '../../engine/model/wiring.ts'
import { actualDifference, inputDifference, joinDifferences } from '../difference.ts'
import { unknownValue } from '../properties.ts'
import type { Call, ResourceDefinition } from '../resource-definition.ts'

const LocalGuardianInputs = z.strictObject({ wiring: Wiring, limits: Limits, colour: Colour })
export type LocalGuardianInputs = z.infer<typeof LocalGuardianInputs>

const LocalGuardianOutputs = z.object({ alive: z.boolean() })
export type LocalGuardianOutputs = z.infer<typeof LocalGuardianOutputs>

/** What runs the guardians' processes on this machine. */
export interface LocalGuardianPlatform {
  /** Starts it, or makes sure that it runs as declared. */
  provision(guardian: LocalGuardianInputs, call: Call): Promise<void>
  /** Whether it runs, in the version of this checkout. */
  isAlive(guardian: LocalGuardianInputs): boolean
  destroy(guardian: LocalGuardianInputs, call: Call): Promise<void>
}

/** `kbg:index:LocalGuardian`: finishes or takes back what an orchestrator leaves open, as a process of this machine beside a colour. */
export function localGuardian(platform: LocalGuardianPlatform): ResourceDefinition<LocalGuardianInputs, LocalGuardianOutputs> {
  return {
    type: 'kbg:index:LocalGuardian',
    description:
      'Stands beside a colour: finishes or takes back a switchover whose orchestrator ended or hangs, and puts fences back that a late request has moved.',
    inputs: LocalGuardianInputs,
    outputs: LocalGuardianOutputs,
    refreshBeforeUpdate: true,
    refuseChange: (old, wanted) => [
      ...(wanted.wiring !== unknownValue && wanted.wiring.fleet !== old.wiring.fleet
        ? [{ property: 'wiring.fleet', reason: `It belongs to fleet ${old.wiring.fleet} and can't be given to ${wanted.wiring.fleet}; create another one.` }]
        : []),
      ...(wanted.colour !== unknownValue && wanted.colour !== old.colour
        ? [{ property: 'colour', reason: `It stands beside ${old.colour} and can't be moved; create another one.` }]
        : []),
    ],
    diff: (old, wanted) => joinDifferences(inputDifference(old.inputs, wanted), old.outputs.alive ? new Map() : actualDifference('alive')),
    previewCreate: async () => ({ alive: true }),
    previewUpdate: async () => ({ alive: true }),
    create: async (guardian, call) => {
      await platform.provision(guardian, call)
      return { id: `${guardian.wiring.fleet}/guardian-${guardian.colour}`, outputs: { alive: true } }
    },
    update: async (_old, guardian, call) => {
      await platform.provision(guardian, call)
      return { alive: true }
    },
    read: async (old, call) => {
      const alive = platform.isAlive(old.inputs)
      if (!alive) {
        const { colour } = old.inputs
        call.warn(`The guardian beside ${colour} has ended, or is of an older version. \`pulumi up\` starts it. While one is missing, the gate refuses.`)
      }
      return { inputs: old.inputs, outputs: { alive } }
    },
    delete: (old, call) => platform.destroy(old.inputs, call),
  }
}
