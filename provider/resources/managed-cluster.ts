import { z } from 'zod'
import { wayToChange } from '../../engine/adapters/local/cluster-spec.ts'
import { Colour, otherColour } from '../../engine/model/colour.ts'
import { firstFive, KbgError } from '../../engine/model/error.ts'
import { FleetName } from '../../engine/model/fleet.ts'
import { inputDifference } from '../difference.ts'
import type { Known, Refusal, ResourceDefinition } from '../resource-definition.ts'

const ManagedClusterInputs = z.strictObject({
  fleet: FleetName,
  colour: Colour,
  /** What it is made as, by name: version, instance size, properties. */
  make: z.record(z.string(), z.string()),
  /** Server properties that the release which made it sets itself. */
  platformConfig: z.record(z.string(), z.string()),
})
/** What earlier versions stored says nothing of what they set: null. */
const StoredManagedClusterInputs = ManagedClusterInputs.extend({ platformConfig: ManagedClusterInputs.shape.platformConfig.nullable().default(null) })
export type ManagedClusterInputs = z.infer<typeof StoredManagedClusterInputs>

/** `kbg:index:ManagedCluster`: remembers what a cloud's cluster was made as, and refuses to let it become another one. It touches nothing. */
export const managedCluster: ResourceDefinition<ManagedClusterInputs, Record<string, never>> = {
  type: 'kbg:index:ManagedCluster',
  description: 'What a cluster of a cloud was made as; it refuses another version, size or configuration, which belong on the other colour.',
  inputs: ManagedClusterInputs,
  storedInputs: StoredManagedClusterInputs,
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

/** How {@link ManagedClusterInputs.make} names a server property. */
const serverProperty = 'brokerConfig.'

function refuseChange(old: ManagedClusterInputs, wanted: Known<ManagedClusterInputs>): readonly Refusal[] {
  const known = ManagedClusterInputs.safeParse(wanted)
  if (!known.success) return [] // unknown or wrong elsewhere: the update itself asks again
  const { make, platformConfig } = known.data
  const [made, asked] = old.platformConfig === null ? [{}, {}] : [asServerProperties(old.platformConfig), asServerProperties(platformConfig)]
  // Together, so that a property which the stack has set so far and this release sets now, to the same value, is no change.
  const changes = changesOf({ ...old.make, ...made }, { ...make, ...asked })
  const isOfRelease = ({ name }: Change) => Object.hasOwn(made, name) || Object.hasOwn(asked, name)
  return [
    ...changes.filter((change) => !isOfRelease(change)).map((change) => refuseStack(old.colour, change)),
    ...refuseRelease(old.colour, changes.filter(isOfRelease)),
  ]
}

/** One thing that a cluster was made with and would become. */
interface Change {
  readonly name: string
  readonly was: string
  readonly will: string
}

function changesOf(made: Readonly<Record<string, string>>, asked: Readonly<Record<string, string>>): readonly Change[] {
  const names = [...new Set([...Object.keys(made), ...Object.keys(asked)])].sort()
  return names.map((name) => ({ name, was: made[name] ?? '(default)', will: asked[name] ?? '(default)' })).filter(({ was, will }) => was !== will)
}

function asServerProperties(config: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [`${serverProperty}${key}`, value]))
}

function refuseStack(colour: Colour, { name, was, will }: Change): Refusal {
  return {
    property: `make[${JSON.stringify(name)}]`,
    reason: `${colour} is made with ${name} ${was} and doesn't change under its clients (wanted: ${will}). ${wayToChange(name, colour)}`,
  }
}

/** No stack can take back what a release sets: its former one goes on with this colour, and this one makes the other. */
function refuseRelease(colour: Colour, changes: readonly Change[]): readonly Refusal[] {
  if (changes.length === 0) return []
  const differing = firstFive(changes.map(({ name, was, will }) => `${name.slice(serverProperty.length)} ${was} (this release: ${will})`))
  const other = otherColour(colour)
  const reason = `${colour} is made with server properties that this release of the project sets otherwise, and doesn't change under its clients: ${differing}. Provision ${other} with this release and switch; until ${colour} is retired, update it with the release that it was last updated with.`
  return [{ property: 'platformConfig', reason }]
}
