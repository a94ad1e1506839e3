import * as pulumi from '@pulumi/pulumi'
import { Parity } from '../components/catalog/parity.ts'
import { Colour } from '../components/cluster/colour.ts'
import { awsSpecs, type MskColour } from '../engine/model/aws-colour.ts'
import type { Catalog } from '../engine/model/catalog.ts'
import { type ClusterAccess, platformUsers } from '../engine/model/cluster-access.ts'
import { type ColourInventory, inventoryOf } from '../engine/model/inventory.ts'
import { kubernetesSpecs } from '../engine/model/kubernetes-colour.ts'
import type { StrimziColour } from '../engine/model/strimzi-access.ts'
import type { RouteStoreAccess } from '../engine/model/wiring.ts'
import { projectDir } from '../tools/paths.ts'
import type { AwsColourConfig, ColourConfig, ExternalColourConfig, KubernetesColourConfig } from './config.ts'
import { bothInventories, brokersOf } from './inventories.ts'
import { fromProject } from './project.ts'

/** What other stacks read of a colour. */
export interface ColourOutputs {
  /** Addresses and where the credentials stand; no secret. None where nothing reaches the brokers from here: on Kubernetes, and on AWS without `access`. */
  readonly cluster?: pulumi.Output<ClusterAccess>
  /** On AWS: what lies between the colours needs it. */
  readonly msk?: pulumi.Output<MskColour>
  /** On Kubernetes: the same. */
  readonly strimzi?: pulumi.Output<StrimziColour>
  /** What it is declared to hold. */
  readonly inventory: ColourInventory
}

/** A colour: its cluster with what the catalog declares, and the guard before its end. Both inventories stand beside it, for the parity policy. */
export async function colourProgram(config: ColourConfig, catalog: Catalog): Promise<ColourOutputs> {
  new Parity('parity', { ...bothInventories(projectDir, pulumi.getProject(), config.fleet, catalog), own: config.colour, deployed: null })
  const inventory = inventoryOf(config.colour, catalog, brokersOf(config))
  switch (config.platform) {
    case 'local':
      return { cluster: new Colour(config.colour, { ...config, catalog }).access, inventory }
    case 'external':
      return { cluster: new Colour(config.colour, { ...config, external: fromProjectFiles(config.external), catalog }).access, inventory }
    case 'aws':
      return { ...(await awsColour(config, catalog)), inventory }
    case 'kubernetes':
      return { strimzi: await kubernetesColour(config, catalog), inventory }
  }
}

/** Its files as absolute paths: processes that run elsewhere read them too. */
function fromProjectFiles({ credentialsFile, caFile, ...others }: ExternalColourConfig['external']): ExternalColourConfig['external'] {
  return { ...others, credentialsFile: fromProject(credentialsFile), ...(caFile === undefined ? {} : { caFile: fromProject(caFile) }) }
}

/** The same for a store that somebody runs: a guard in `destroy` may be asked from another directory, and the traffic stack names the same files. */
function storeFromProject(store: RouteStoreAccess | undefined): RouteStoreAccess | null {
  if (store === undefined) return null
  const { credentialsFile, caFile, ...others } = store
  return { ...others, credentialsFile: fromProject(credentialsFile), ...(caFile === undefined ? {} : { caFile: fromProject(caFile) }) }
}

/** Loaded only here: AWS's SDK is no part of a local colour's preview. */
async function awsColour(config: AwsColourConfig, catalog: Catalog): Promise<Pick<ColourOutputs, 'msk' | 'cluster'>> {
  const { AwsColour } = await import('../components/cluster/aws.ts')
  const { fleet, colour, kafkaVersion, brokerConfig, aws, routeStore, retire, decommission } = config
  const { network, brokers } = awsSpecs(fleet, colour, kafkaVersion, brokerConfig, aws)
  const { account, region, clients, credentialsFile, alarmTopics, access } = aws
  const reached = access && {
    caFile: fromProject(access.caFile),
    catalog,
    routeStore: storeFromProject(routeStore),
    retire,
    decommission: decommission ?? null,
  }
  const made = new AwsColour(colour, {
    ...{ network, brokers, account, region, clients, alarmTopics, reached },
    // Processes that run elsewhere read it too, where there are any.
    credentialsFile: reached === undefined ? credentialsFile : fromProject(credentialsFile),
    users: [...catalog.users, platformUsers.operator, platformUsers.probe],
    protect: !retire && decommission === undefined,
  })
  return { msk: made.msk, ...(made.access === undefined ? {} : { cluster: made.access }) }
}

/** Loaded only here, for the same reason. */
async function kubernetesColour(config: KubernetesColourConfig, catalog: Catalog): Promise<pulumi.Output<StrimziColour>> {
  const { KubernetesColour } = await import('../components/cluster/kubernetes.ts')
  const { fleet, colour, kafkaVersion, brokerConfig, kubernetes, retire, decommission } = config
  const { context, image, credentialsFile } = kubernetes
  const { place, brokers } = kubernetesSpecs(fleet, colour, kafkaVersion, brokerConfig, kubernetes)
  return new KubernetesColour(colour, { place, brokers, catalog, context, image, credentialsFile, protect: !retire && decommission === undefined }).strimzi
}
