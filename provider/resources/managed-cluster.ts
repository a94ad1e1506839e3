import { z } from 'zod'
import { wayToChange } from '../../engine/adapters/local/cluster-spec.ts'
import { Colour } from '../../engine/model/colour.ts'
import { KbgError } from '../../engine/model/error.ts'
import { FleetName } from '../../engine/model/fleet.ts'
import { inputDifference } from '../difference.ts'
import { unknownValue } from '../properties.ts'
import type { Known, Refusal, ResourceDefinition } from '../resource-definition.ts'

const ManagedClusterInputs = z.strictObject({
  fleet: FleetName,
  colour: Colour,
  /** What it is made as, by name: version, instance size, properties. */
  make: z.record(z.string(), z.string()),
})
export type ManagedClusterInputs = z.infer<typeof ManagedClusterInputs>

/** `kbg:index:ManagedCluster`: remembers what a cloud's cluster was made as, and refuses to let it become another one. It touches nothing. */
export const managedCluster: ResourceDefinition<ManagedClusterInputs, Record<string, never>> = {
  type: 'kbg:index:ManagedCluster',
  description: 'What a cluster of a cloud was made as; it refuses another version, size or configuration, which belong on the other colour.',
  inputs: ManagedClusterInputs,
  outputs: z.object({}),
  refreshBeforeUpdate: false,
  refuseChange,
  diff: (old, wanted) => inputDifference(old.inputs, wanted),
  previewCreate: async () => ({}),
  previewUpdate: async () => ({}),
  create: async ({ fleet, colour }) => ({ id: `${fleet}/${colour}`, outputs: {} }),
  update: async (old, wanted) => {
    const refused = refuseChange(old.inputs, wanted)
    if (refused.length > 0) throw new KbgError('cluster-change', refused.map(({ reason }) => reason).join(' '))
    return {}
  },
  read: async (old) => ({ inputs: old.inputs, outputs: {} }),
  delete: async () => undefined,
}

function refuseChange(old: ManagedClusterInputs, wanted: Known<ManagedClusterInputs>): readonly Refusal[] {
  if (wanted.make === unknownValue) return [] // the update itself asks again
  const make = wanted.make
  const names = [...new Set([...Object.keys(old.make), ...Object.keys(make)])].sort()
  return names.flatMap((name): Refusal[] => {
    const [made, asked] = [old.make[name] ?? '(default)', make[name] ?? '(default)']
    if (made === asked) return []
    return [
      {
        property: `make[${JSON.stringify(name)}]`,
        reason: `${old.colour} is made with ${name} ${made} and doesn't change under its clients (wanted: ${asked}). ${wayToChange(name, old.colour)}`,
      },
    ]
  })
}
