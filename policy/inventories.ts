import type { PolicyResource } from '@pulumi/policy'
import type { Colour } from '../engine/model/colour.ts'
import { ColourInventory } from '../engine/model/inventory.ts'

/** What a stack says about both colours, or the reason why they can't be compared: that is a violation, for nothing was proven. */
export type ReadInventories =
  | { readonly kind: 'read'; readonly blue: ColourInventory; readonly green: ColourInventory }
  | { readonly kind: 'unreadable'; readonly why: string }
  | { readonly kind: 'no colour' }

/** Finds the inventories that a colour's program registers. */
export function readInventories(resources: readonly PolicyResource[]): ReadInventories {
  const parity = resources.find((resource) => resource.type === 'kbg:catalog:Parity')
  if (parity === undefined) {
    const hasTopics = resources.some((resource) => resource.type === 'kafka:index/topic:Topic')
    return hasTopics ? { kind: 'unreadable', why: 'the stack has topics, but no Parity component that says what both colours hold' } : { kind: 'no colour' }
  }
  const [blue, green] = [readInventory(parity, 'blue'), readInventory(parity, 'green')]
  if (typeof blue === 'string') return { kind: 'unreadable', why: blue }
  if (typeof green === 'string') return { kind: 'unreadable', why: green }
  return { kind: 'read', blue, green }
}

/** One side's inventory, or why there is none. */
function readInventory(parity: PolicyResource, colour: Colour): ColourInventory | string {
  let value: unknown
  try {
    // A copy: touching an unknown value throws, and thrown further that would turn a mandatory policy into a passing advisory.
    value = JSON.parse(JSON.stringify(parity.props[colour] ?? null))
  } catch (error) {
    return `the inventory of ${colour} is not known yet (${String(error)})`
  }
  if (value === null) return `${colour} has no stack file, so there is nothing to compare with`
  const parsed = ColourInventory.safeParse(value)
  return parsed.success ? parsed.data : `the inventory of ${colour} has another form than this policy reads`
}
