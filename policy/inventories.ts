import type { PolicyResource } from '@pulumi/policy'
import { z } from 'zod'
import { Colour, type Colour as ColourName } from '../engine/model/colour.ts'
import { topicTypes } from '../engine/model/data-types.ts'
import { type ColourInventory, type InventoryDifference, InventoryText } from '../engine/model/inventory.ts'
import { read } from './judging/known.ts'

/** What a stack says about both colours, or why they can't be compared. */
export type ReadInventories =
  | {
      readonly kind: 'read'
      readonly blue: ColourInventory
      readonly green: ColourInventory
      /** The colour whose stack this is; null: the traffic stack. */
      readonly own: ColourName | null
      readonly urn: string
    }
  /** Not there, though the stack is a colour's: nothing was proven, and nothing will be before somebody mends it. */
  | { readonly kind: 'missing'; readonly why: string }
  | { readonly kind: 'unknown'; readonly why: string }
  | { readonly kind: 'no colour' }

const parityType = 'kbg:catalog:Parity'

const known = new Map<string, ColourInventory>()

/** Every policy is given the same few texts, one after the other: each is parsed once. */
const Inventory = z.string().transform((text, context): ColourInventory => {
  const parsed = known.get(text) ?? InventoryText.safeParse(text).data
  if (parsed === undefined) {
    context.issues.push({ code: 'custom', message: 'no inventory in the form that this version reads', input: text })
    return z.NEVER
  }
  known.set(text, parsed)
  return parsed
})

/** Finds the inventories that a program registers. */
export function readInventories(resources: readonly PolicyResource[]): ReadInventories {
  const parity = resources.find((resource) => resource.type === parityType)
  if (parity === undefined) {
    const hasTopics = resources.some((resource) => topicTypes.includes(resource.type))
    return hasTopics ? { kind: 'missing', why: 'the stack has topics, but no Parity component that says what both colours hold' } : { kind: 'no colour' }
  }
  const [blue, green] = [read(parity, 'blue', Inventory.nullable()), read(parity, 'green', Inventory.nullable())]
  const own = read(parity, 'own', Colour.nullable())
  if (blue.kind === 'unknown') return blue
  if (green.kind === 'unknown') return green
  if (own.kind === 'unknown') return own
  if (blue.value === null) return { kind: 'missing', why: 'blue has no stack file, so there is nothing to compare with' }
  if (green.value === null) return { kind: 'missing', why: 'green has no stack file, so there is nothing to compare with' }
  return { kind: 'read', blue: blue.value, green: green.value, own: own.value, urn: parity.urn }
}

/** What stands in the colours' own stacks, as the traffic stack reads it; null: not brought up yet. */
export const DeployedInventories = z.strictObject({ blue: Inventory.nullable(), green: Inventory.nullable() })

/** How a violation names what differs. */
export const nounOf: Readonly<Record<InventoryDifference['area'], string>> = {
  topics: 'topic',
  users: 'user',
  acls: 'acl',
  quotas: 'quota of',
  groups: 'group',
}
