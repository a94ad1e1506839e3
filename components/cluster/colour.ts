import * as pulumi from '@pulumi/pulumi'
import type { BrokerInventory } from '../../engine/model/broker-inventory.ts'
import type { Catalog as CatalogSpec } from '../../engine/model/catalog.ts'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import type { Colour as ColourName } from '../../engine/model/colour.ts'
import { type ExternalAccess, externalBrokers } from '../../engine/model/external-cluster.ts'
import { type ColourInventory, inventoryOf } from '../../engine/model/inventory.ts'
import { Limits } from '../../engine/model/limits.ts'
import { localBrokers } from '../../engine/model/local-brokers.ts'
import type { RouteStoreAccess } from '../../engine/model/wiring.ts'
import { Catalog } from '../catalog/catalog.ts'
import { RetirementGuard } from '../retirement/retirement-guard.ts'
import { ExternalCluster } from './external-cluster.ts'
import { LocalCluster } from './local-cluster.ts'

/** What a colour is told, whatever it stands on. */
interface OfColour {
  /** Whose colour it is: 1 to 31 lower-case letters, digits and dashes. Both colours and the traffic of a pair say the same. */
  readonly fleet: string
  readonly colour: ColourName
  /** What it has to hold, the same on both colours. */
  readonly catalog: CatalogSpec
  /** How many brokers it has; 3 unless said otherwise. */
  readonly nodes?: number
  /** Server properties that both colours' brokers have beside the platform's own. */
  readonly brokerConfig?: Readonly<Record<string, string>>
  /** Where the fleet's route is; left out: where the local platform puts it for this fleet. */
  readonly routeStore?: RouteStoreAccess | undefined
  /** Lifts the protection of what holds data, in an update of its own; the retirement guard still decides. */
  readonly retire?: boolean
  /** The fleet's name repeated, when its last live colour may go. */
  readonly decommission?: string | undefined
}

/** A colour that is provisioned on this machine: brokers as processes that outlive an update. */
export interface LocalColourArgs extends OfColour {
  readonly platform: 'local'
  /** `3.9.2` or `4.3.1`; decided when it is made. */
  readonly kafkaVersion: string
  /** Whether every listener speaks TLS only; decided when the fleet is made, the same on both colours and the traffic. */
  readonly tls?: boolean
}

/** A colour that was there before, with its own users and listeners; `kbg adopt` writes its catalog. */
export interface ExternalColourArgs extends OfColour {
  readonly platform: 'external'
  /** As it is declared: a broker tells what it speaks, not which release it is. */
  readonly kafkaVersion: string
  readonly external: ExternalAccess
}

/** A colour on a platform on which traffic moves. */
export type ColourArgs = LocalColourArgs | ExternalColourArgs

/** Each platform under a type of its own, so that a preview and a policy say which. */
const typeOf = { local: 'kbg:cluster:LocalColour', external: 'kbg:cluster:ExternalColour' } as const

/**
 * One colour of a pair: its cluster, what the catalog declares on it, and last the guard that is asked before any of it is deleted. It is born fenced: nobody but the platform's own users
 * writes there before a {@link Traffic} opens it.
 *
 * An adopted cluster's topics, bindings and users are no resources: what this project didn't make it doesn't delete, and that they are as the catalog says is asked of the cluster.
 *
 * What is wrong in the arguments is told by the preview, all of it at once. The update fails when an address of the fleet is taken, when what an existing colour was made with is changed
 * (version, nodes, configuration: change the other colour), and when an adopted cluster isn't as the catalog says; a `destroy` while the colour is needed.
 */
export class Colour extends pulumi.ComponentResource {
  /** How this project's own processes reach it: addresses, and where the credentials stand; no secret. */
  readonly access: pulumi.Output<ClusterAccess>
  /** What it is declared to hold; known before anything is made. */
  readonly inventory: ColourInventory

  constructor(name: string, args: ColourArgs, opts?: pulumi.ComponentResourceOptions) {
    super(typeOf[args.platform], name, {}, opts)
    const { fleet, colour, catalog, retire = false, decommission = null, routeStore = null } = args
    const protect = !retire && decommission === null
    const { cluster, declared = [] } = args.platform === 'local' ? this.#provisioned(name, args, protect) : this.#adopted(name, args, protect)
    new RetirementGuard(
      `${name}-guard`,
      { fleet, cluster: cluster.access, routeStore, retire, decommission, quietSeconds: Limits.parse({}).quietSeconds },
      { parent: this, dependsOn: [cluster, ...declared] },
    )
    // Behind what it has to hold: traffic between two colours in one stack waits for topics and users.
    this.access = pulumi.all([cluster.access, pulumi.all(declared.map(({ made }) => made))]).apply(([access]) => access)
    this.inventory = inventoryOf(colour, catalog, brokersOfColour(args))
    this.registerOutputs({ fleet, colour, access: this.access }) // whose it is, for policies
  }

  #provisioned(name: string, args: LocalColourArgs, protect: boolean): Made {
    const { fleet, colour, kafkaVersion, nodes = defaultNodes, brokerConfig = {}, tls = false, catalog } = args
    const cluster = new LocalCluster(
      `${name}-cluster`,
      { fleet, colour, kafkaVersion, nodes, brokerConfig, tls, applicationUsers: catalog.users },
      { parent: this, protect },
    )
    const declared = new Catalog(`${name}-catalog`, { catalog, access: cluster.access, protectTopics: protect, cluster }, { parent: this })
    return { cluster, declared: [declared] }
  }

  #adopted(name: string, args: ExternalColourArgs, protect: boolean): Made {
    const { fleet, colour, kafkaVersion, nodes = defaultNodes, external, catalog } = args
    return { cluster: new ExternalCluster(`${name}-cluster`, { fleet, colour, kafkaVersion, nodes, external, catalog }, { parent: this, protect }) }
  }
}

/** The cluster, and what stands on it as resources; an adopted one's topics and users are none. */
interface Made {
  readonly cluster: LocalCluster | ExternalCluster
  readonly declared?: readonly Catalog[]
}

const defaultNodes = 3

/** What its brokers are declared to be, as the parity policies compare them. */
export function brokersOfColour(args: Omit<LocalColourArgs, 'catalog'> | Omit<ExternalColourArgs, 'catalog'>): BrokerInventory {
  const { fleet, colour, kafkaVersion, nodes = defaultNodes, brokerConfig = {} } = args
  return args.platform === 'external'
    ? externalBrokers({ kafkaVersion, nodes, brokerConfig })
    : localBrokers(colour, { fleet, kafkaVersion, nodes, brokerConfig, tls: args.tls ?? false }, process.platform === 'linux')
}
