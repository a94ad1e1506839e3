import type { PolicyResource } from '@pulumi/policy'
import { z } from 'zod'
import { type Colour, colours } from '../engine/model/colour.ts'
import { firstFive } from '../engine/model/error.ts'
import type { ColourInventory } from '../engine/model/inventory.ts'
import { retainedBytes } from '../engine/model/retained-bytes.ts'
import { readInventories } from './inventories.ts'
import { type Judgement, rule, together } from './judging/rule.ts'

/** While both colours are full there are two of everything: each has to hold all of it by itself. */

const Settings = {
  /** Of a broker's storage; what is beyond is for what retention has not deleted yet, and for indexes. */
  maxFillPercent: z.number().min(1).max(100).default(80),
  /** Bytes of one replica of all partitions, by topic, as they were measured: for topics that are kept by time or by key. */
  measuredBytes: z.record(z.string(), z.number().nonnegative()).default({}),
}
type Settings = z.infer<z.ZodObject<typeof Settings>>

export const capacityStorage = rule({
  name: 'capacity-storage',
  displayName: 'Each colour has room for everything',
  description:
    'The mirror copies all that the live colour keeps: each colour’s brokers have storage for every topic at its full retention (`retention.bytes` and a segment, for each partition and replica). Colours on `local` share the machine’s disk and are not judged.',
  severity: 'high',
  level: 'mandatory',
  remedy:
    'Give the brokers more storage, or keep less: `retention.bytes` in catalog.yaml. What is kept by time or by key is named with its measured size in this policy’s configuration (`measuredBytes`).',
  settings: Settings,
  judge: (resources: readonly PolicyResource[], settings) => {
    const inventories = readInventories(resources)
    if (inventories.kind !== 'read') return { findings: [], unknown: inventories.kind === 'unknown' ? [inventories.why] : [] }
    return together(colours.map((colour) => roomOf(colour, inventories[colour], inventories.urn, settings as Settings)))
  },
})

function roomOf(colour: Colour, inventory: ColourInventory, urn: string, { maxFillPercent, measuredBytes }: Settings): Judgement {
  const { platform, count, storageBytes } = inventory.brokers
  if (platform === 'local') return { findings: [], unknown: [] }
  if (storageBytes === null) return { findings: [], unknown: [`storage of ${colour}: its stack doesn't declare it`] }
  const { bytes, unbounded } = retainedBytes(inventory, measuredBytes)
  const room = (count * storageBytes * maxFillPercent) / 100
  const required = `at most ${gibText(room)}, ${maxFillPercent} % of ${count} brokers' storage`
  // Too much already by what is known: the rest can only add to it.
  if (bytes > room) return { findings: [{ where: `storage of ${colour}`, property: 'retainedBytes', observed: gibText(bytes), required, urn }], unknown: [] }
  return { findings: [], unknown: unbounded.length === 0 ? [] : [`storage of ${colour}: no number of bytes bounds ${firstFive(unbounded)}`] }
}

function gibText(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 3)} GiB`
}
