import * as pulumi from '@pulumi/pulumi'
import { Parity } from '../components/catalog/parity.ts'
import { Traffic, type TrafficArgs } from '../components/traffic/traffic.ts'
import type { Catalog } from '../engine/model/catalog.ts'
import { ClusterAccess } from '../engine/model/cluster-access.ts'
import type { Colour } from '../engine/model/colour.ts'
import { KbgError } from '../engine/model/error.ts'
import { stackName } from '../engine/model/fleet.ts'
import type { ColourInventory } from '../engine/model/inventory.ts'
import { requirePair } from '../engine/model/pair.ts'
import type { RouteNamesZone, RouteParameter } from '../engine/model/route-publication.ts'
import { projectDir } from '../tools/paths.ts'
import type { TrafficConfig } from './config.ts'
import { deployedInventory } from './deployed.ts'
import { standsElsewhere } from './elsewhere.ts'
import { bothInventories } from './inventories.ts'

/** What the traffic stack tells people, the CLI and applications. */
export type TrafficOutputs = Pick<Traffic, 'route' | 'gate' | 'wiring' | 'limits'> & { readonly clients: Traffic['clients'] & Published }

/** Where clients that don't reach the route store are told the route. */
interface Published {
  readonly routeParameter?: pulumi.Output<RouteParameter>
  /** The zone of `producers.<zone>` and of a name for each wave. */
  readonly zone?: string
}

/** What connects the two colours, as their own stacks say; and where the route is published. */
export async function trafficProgram(config: TrafficConfig, catalog: Catalog): Promise<TrafficOutputs> {
  const { fleet, tls } = config
  const [{ cluster: blue, inventory: onBlue }, { cluster: green, inventory: onGreen }] = await Promise.all([colourOf(fleet, 'blue'), colourOf(fleet, 'green')])
  const clusters = requirePair(fleet, tls, { blue, green }) // asked here already: before anything is made
  new Parity('parity', { ...bothInventories(projectDir, pulumi.getProject(), fleet, catalog), own: null, deployed: { blue: onBlue, green: onGreen } })
  return await declareTraffic({ ...config, clusters, catalog }, { transformations: [formerNames] })
}

/** What moves traffic, and where the route is published: under the same names in every traffic stack. */
export async function declareTraffic(args: PublishedTraffic, opts: pulumi.ComponentResourceOptions): Promise<TrafficOutputs> {
  const { publications, told } = await publicationsOf(args)
  const { route, gate, wiring, limits, clients } = new Traffic('traffic', { ...args, publications }, opts)
  return { route, gate, wiring, limits, clients: { ...clients, ...told } }
}

type PublishedTraffic = Omit<TrafficArgs, 'publications'> & Pick<TrafficConfig, 'dns' | 'routeParameter'>

/** Where the route is published, and what clients are told of it. AWS's SDK is no part of other previews. */
async function publicationsOf({ fleet, dns, routeParameter: spec }: PublishedTraffic) {
  const publications: { parameter?: pulumi.Output<RouteParameter>; names?: pulumi.Output<RouteNamesZone> } = {}
  if (spec !== undefined) publications.parameter = new (await import('../components/route/ssm.ts')).PublishedParameter('route', { fleet, spec }).parameter
  if (dns !== undefined) publications.names = new (await import('../components/route/route53.ts')).RouteNames('names', { fleet, spec: dns }).zone
  const { parameter } = publications
  const told: Published = { ...(parameter === undefined ? {} : { routeParameter: parameter }), ...(dns === undefined ? {} : { zone: dns.zone }) }
  return { publications, told }
}

/** Stacks that were made when these stood at the top of the program, without `traffic-` before their names, keep them. */
const formerNames: pulumi.ResourceTransformation = ({ name, props, opts }) => {
  const former = { name: name.replace(/^traffic-/, ''), parent: pulumi.rootStackResource }
  return former.name === name ? undefined : { props, opts: pulumi.mergeOptions(opts, { aliases: [former] }) }
}

/** How to reach a colour, as its own stack says. A stack that isn't there fails the preview. */
async function colourOf(fleet: string, colour: Colour): Promise<{ readonly cluster: ClusterAccess; readonly inventory: ColourInventory | null }> {
  const stack = stackName({ fleet, role: colour })
  const reference = new pulumi.StackReference(`${pulumi.getOrganization()}/${pulumi.getProject()}/${stack}`)
  const output: unknown = await reference.getOutputValue('cluster')
  const elsewhere = await standsElsewhere(reference)
  if (elsewhere !== undefined) {
    throw new KbgError(
      'no-switchover',
      `The stack ${stack} stands on ${elsewhere.called}, and this traffic stack moves traffic between colours on local and external only.`,
      {
        remedy: `docs/platforms.md says what is missing. Set platform to ${elsewhere.platform} on this stack for what lies between two colours there.`,
      },
    )
  }
  if (output === undefined) {
    throw new KbgError('colour-missing', `The stack ${stack} says nothing of its cluster yet.`, {
      remedy: `Run \`pulumi up -s ${stack}\` first; the traffic stack connects two colours that stand.`,
    })
  }
  const access = ClusterAccess.safeParse(output)
  if (access.success && access.data.colour === colour) return { cluster: access.data, inventory: await deployedInventory(reference) }
  throw new KbgError('colour-outputs', `The stack ${stack} describes its cluster in another form than this version reads.`, {
    remedy: `Run \`pulumi up -s ${stack}\` with this checkout.`,
  })
}
