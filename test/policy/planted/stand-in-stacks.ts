/** Colours that a traffic stack can be previewed beside, without brokers: their stacks hold outputs and nothing else. */
import { join } from 'node:path'
import type { ClusterAccess } from '../../../engine/model/cluster-access.ts'
import { type Colour, colours } from '../../../engine/model/colour.ts'
import type { ColourInventory } from '../../../engine/model/inventory.ts'
import { loadCatalog } from '../../../infra/catalog.ts'
import { projectName } from '../../../infra/config.ts'
import { bothInventories } from '../../../infra/inventories.ts'
import type { Checkout } from '../../support/checkout.ts'
import { importStack } from '../../support/recorded.ts'

/** Writes the outputs that `pulumi up` of each colour would have left, by what the copy declares now. */
export async function importColours(copy: Checkout): Promise<void> {
  const inventories = bothInventories(copy.root, projectName, 'main', loadCatalog(join(copy.root, 'catalog.yaml')))
  for (const colour of colours) {
    const inventory = inventories[colour]
    if (inventory === undefined) throw new Error(`${colour} has no stack file`)
    await importStack(copy, colour, { cluster: clusterOf(colour, inventory), inventory })
  }
}

function clusterOf(colour: Colour, inventory: ColourInventory): ClusterAccess {
  const servers = (port: number) => Array.from({ length: inventory.brokers.count }, (_, index) => `${colour}-${index}.invalid:${port}`)
  return {
    ...{ colour, clusterId: `cluster-of-${colour}`, kafkaVersion: inventory.brokers.kafkaVersion, credentialsFile: '/nowhere/credentials.json' },
    ...{ internalBootstrapServers: servers(9092), produceBootstrapServers: servers(9094), consumeBootstrapServers: servers(9095) },
  }
}
