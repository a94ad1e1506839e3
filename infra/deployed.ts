import type * as pulumi from '@pulumi/pulumi'
import { ColourInventory } from '../engine/model/inventory.ts'

/** What a colour's own stack says that it holds, as it was brought up last. One in an older form is nothing to compare with, and null; the next update of that colour writes it anew. */
export async function deployedInventory(reference: pulumi.StackReference): Promise<ColourInventory | null> {
  return ColourInventory.safeParse(await reference.getOutputValue('inventory')).data ?? null
}
