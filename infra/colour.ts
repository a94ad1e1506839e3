import * as pulumi from '@pulumi/pulumi'
import { Parity } from '../components/catalog/parity.ts'
import { ExternalColour } from '../components/cluster/external.ts'
import { LocalColour } from '../components/cluster/local.ts'
import type { Catalog } from '../engine/model/catalog.ts'
import type { ClusterAccess } from '../engine/model/cluster-access.ts'
import { type ColourInventory, inventoryOf } from '../engine/model/inventory.ts'
import { Limits } from '../engine/model/limits.ts'
import { projectDir } from '../tools/paths.ts'
import type { ColourConfig, ExternalColourConfig, LocalColourConfig } from './config.ts'
import { bothInventories, brokersOf } from './inventories.ts'
import { fromProject } from './project.ts'

/** What other stacks read of a colour. */
export interface ColourOutputs {
  /** Addresses and where the credentials stand; no secret. */
  readonly cluster: pulumi.Output<ClusterAccess>
  /** What it is declared to hold. */
  readonly inventory: ColourInventory
}

/** A colour: its cluster with what the catalog declares, and the guard before its end. Both inventories stand beside it, for the parity policy. */
export function colourProgram(config: ColourConfig, catalog: Catalog): ColourOutputs {
  new Parity('parity', { ...bothInventories(projectDir, pulumi.getProject(), config.fleet, catalog), own: config.colour, deployed: null })
  const inventory = inventoryOf(config.colour, catalog, brokersOf(config))
  switch (config.platform) {
    case 'local':
      return { cluster: localColour(config, catalog).access, inventory }
    case 'external':
      return { cluster: externalColour(config, catalog).access, inventory }
  }
}

function localColour(config: LocalColourConfig, catalog: Catalog): LocalColour {
  const { fleet, colour, kafkaVersion, nodes, brokerConfig, tls, retire } = config
  return new LocalColour(colour, {
    ...{ fleet, colour, kafkaVersion, nodes, brokerConfig, tls, catalog, retire },
    routeStore: config.routeStore ?? null,
    decommission: config.decommission ?? null,
    quietSeconds: Limits.parse({}).quietSeconds,
  })
}

function externalColour(config: ExternalColourConfig, catalog: Catalog): ExternalColour {
  const { fleet, colour, kafkaVersion, nodes, retire } = config
  const { credentialsFile, caFile, ...others } = config.external
  // Processes that run elsewhere read them too.
  const files = { credentialsFile: fromProject(credentialsFile), ...(caFile === undefined ? {} : { caFile: fromProject(caFile) }) }
  return new ExternalColour(colour, {
    ...{ fleet, colour, kafkaVersion, nodes, external: { ...others, ...files }, catalog, retire },
    routeStore: config.routeStore ?? null,
    decommission: config.decommission ?? null,
    quietSeconds: Limits.parse({}).quietSeconds,
  })
}
