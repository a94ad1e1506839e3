import type { Catalog } from '../model/catalog.ts'
import { catalogInventory, type InventoryDifference, inventoryDifferences } from '../model/inventory.ts'

/** One thing that the cluster has otherwise than the catalog that was written before. */
export interface CatalogChange {
  readonly area: InventoryDifference['area']
  readonly name: string
  /** What of it: `partitions`, a config, or `declared` when only one of them has it. */
  readonly property: string
  readonly inCatalog: string
  readonly onCluster: string
}

/** What a cluster has become since its catalog was written (pure). Waves are a person's decision, and no change. */
export function catalogChanges(written: Catalog, adopted: Catalog): readonly CatalogChange[] {
  return inventoryDifferences(catalogInventory(written), catalogInventory(adopted)).map(({ area, name, property, blue, green }) => ({
    ...{ area, name, property },
    ...{ inCatalog: blue, onCluster: green },
  }))
}
