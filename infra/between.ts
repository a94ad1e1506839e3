import * as pulumi from '@pulumi/pulumi'
import type { z } from 'zod'
import { Parity } from '../components/catalog/parity.ts'
import type { TrafficRouteStore } from '../components/traffic/traffic.ts'
import { MskColour } from '../engine/model/aws-colour.ts'
import type { Catalog } from '../engine/model/catalog.ts'
import { ClusterAccess } from '../engine/model/cluster-access.ts'
import type { Colour } from '../engine/model/colour.ts'
import { KbgError } from '../engine/model/error.ts'
import { stackName } from '../engine/model/fleet.ts'
import { accessesOf, type GivenRouteStore } from '../engine/model/given-route-store.ts'
import { requirePair } from '../engine/model/pair.ts'
import { StrimziColour } from '../engine/model/strimzi-access.ts'
import { projectDir } from '../tools/paths.ts'
import type { AwsBetweenConfig, BetweenConfig, KubernetesBetweenConfig } from './config.ts'
import { deployedInventory } from './deployed.ts'
import { standsElsewhere } from './elsewhere.ts'
import { bothInventories } from './inventories.ts'
import { fromProject } from './project.ts'
import { declareTraffic, type TrafficOutputs } from './traffic.ts'

/** What lies between two colours, as people and the CLI read it; and, on AWS, what moves traffic there. */
export interface BetweenOutputs extends Partial<TrafficOutputs> {
  /** On AWS: what a switchover would ask MSK Connect for, by the colour that is copied into. */
  readonly mirror?: object
  /** On Kubernetes: the job that brought traffic to where it was wanted last. */
  readonly switchover?: { readonly namespace: string; readonly name: string }
}

/** Between two colours on one cloud: on Kubernetes what acts is a pod of its own, on AWS this update and processes of its host, in the operators' network (docs/platforms.md). */
export async function betweenProgram(config: BetweenConfig, catalog: Catalog): Promise<BetweenOutputs> {
  const stacks = { blue: colourStack(config.fleet, 'blue'), green: colourStack(config.fleet, 'green') }
  const deployed = { blue: await deployedInventory(stacks.blue.reference), green: await deployedInventory(stacks.green.reference) }
  new Parity('parity', { ...bothInventories(projectDir, pulumi.getProject(), config.fleet, catalog), own: null, deployed })
  switch (config.platform) {
    case 'aws':
      return await betweenOnAws(config, stacks, catalog)
    case 'kubernetes':
      return await betweenOnKubernetes(config, stacks, catalog)
  }
}

/** The networks' peering and the mirror's parts on MSK Connect; and behind them what moves traffic, where the stack says who is to be live. */
async function betweenOnAws({ fleet, platform, mirror, moves, ...config }: AwsBetweenConfig, stacks: ColourStacks, catalog: Catalog): Promise<BetweenOutputs> {
  const said = (colour: Colour) => saidBy(stacks[colour], platform, 'msk', MskColour)
  const [blue, green] = [await said('blue'), await said('green')]
  if (blue.account !== green.account || blue.region !== green.region) {
    throw new KbgError('colours-apart', 'The colours are not in one account and region.', {
      facts: { blue: `${blue.account} ${blue.region}`, green: `${green.account} ${green.region}` },
      remedy: 'Put both there: their networks are connected by a peering that this stack makes and accepts itself.',
    })
  }
  // Asked before anything is made.
  const clusters = moves === null ? null : requirePair(fleet, config.tls, { blue: await reachedColour(stacks.blue), green: await reachedColour(stacks.green) })
  const { AwsBetween } = await import('../components/network/aws-between.ts')
  const between = new AwsBetween('between', { fleet, colours: { blue, green }, topics: Object.keys(catalog.topics), plugin: mirror })
  if (moves === null || clusters === null) return { mirror: between.requests }
  const by = { mirror: { kind: 'msk-connect', workers: between.workers }, routeStore: givenStore(moves.routeStore) } as const
  return { mirror: between.requests, ...(await declareTraffic({ ...config, ...moves, ...by, fleet, clusters, catalog }, { dependsOn: between })) }
}

/** How a colour on MSK is reached from the operators' network, as its own stack says. */
async function reachedColour({ colour, stack, reference }: ColourStack): Promise<ClusterAccess> {
  const access = ClusterAccess.safeParse(await reference.getOutputValue('cluster'))
  if (access.success && access.data.colour === colour) return access.data
  throw new KbgError('colour-unreached', `The stack ${stack} doesn't say how its brokers are reached, so no traffic can be moved between the colours.`, {
    remedy: `Set aws.access on that stack and run \`pulumi up -s ${stack}\` on a host in the operators' network (docs/platforms.md); or leave live out here, for what lies between the colours alone.`,
  })
}

/** Its files as absolute paths: processes that run elsewhere read them too. */
function givenStore(routeStore: GivenRouteStore | undefined): TrafficRouteStore {
  if (routeStore === undefined) return { kind: 'local' }
  const { credentialsFile, caFile, ...rest } = routeStore
  return { kind: 'given', ...accessesOf({ ...rest, credentialsFile: fromProject(credentialsFile), caFile: fromProject(caFile) }) }
}

/** The fleet's own namespace, the mirror's workers, the audit, the guardians, and the job that moves traffic where the stack says who is to be live. */
async function betweenOnKubernetes({ fleet, platform, ...config }: KubernetesBetweenConfig, stacks: ColourStacks, catalog: Catalog): Promise<BetweenOutputs> {
  const said = (colour: Colour) => saidBy(stacks[colour], platform, 'strimzi', StrimziColour)
  const [blue, green] = [await said('blue'), await said('green')]
  if (blue.context !== green.context) {
    throw new KbgError('colours-apart', 'The colours are not in one Kubernetes cluster.', {
      facts: { blue: blue.context, green: green.context },
      remedy: 'Put both there: NetworkPolicies name the other colour’s pods, and can’t name those of another cluster.',
    })
  }
  const left = (['acceptLoss', 'failover'] as const).filter((word) => config.intent?.[word] !== undefined)
  // Nothing here sees whether the move that it is for is still to come (elsewhere the preview does: leftWordLines).
  if (left.length > 0)
    await pulumi.log.warn(`${left.join(' and ')} in the config lets the next move leave records behind: take it out once the one that it is for is made.`)
  const { KubernetesBetween } = await import('../components/network/kubernetes-between.ts')
  const { job } = new KubernetesBetween('between', { ...config, fleet, colours: { blue, green }, catalog })
  return job === null ? {} : { switchover: job }
}

/** A colour's own stack. */
interface ColourStack {
  readonly colour: Colour
  readonly stack: string
  readonly reference: pulumi.StackReference
}

type ColourStacks = Readonly<Record<Colour, ColourStack>>

function colourStack(fleet: string, colour: Colour): ColourStack {
  const stack = stackName({ fleet, role: colour })
  return { colour, stack, reference: new pulumi.StackReference(`${pulumi.getOrganization()}/${pulumi.getProject()}/${stack}`) }
}

/** What it says of its colour. */
async function saidBy<T extends { readonly colour: Colour }>(
  { colour, stack, reference }: ColourStack,
  platform: BetweenConfig['platform'],
  output: 'msk' | 'strimzi',
  schema: z.ZodType<T>,
): Promise<T> {
  const parsed = schema.safeParse(await reference.getOutputValue(output))
  if (parsed.success && parsed.data.colour === colour) return parsed.data
  const elsewhere = await standsElsewhere(reference)
  if (elsewhere !== undefined && elsewhere.platform !== platform) {
    throw new KbgError('colours-apart', `The stack ${stack} stands on ${elsewhere.called}: nothing is declared between colours on different platforms yet.`, {
      facts: { observed: elsewhere.platform, required: platform },
      remedy: 'docs/platforms.md says what is missing. Both colours can stand and be compared without this stack.',
    })
  }
  throw new KbgError('colour-missing', `The stack ${stack} says nothing of a cluster on ${platform} that this version reads.`, {
    remedy: `Run \`pulumi up -s ${stack}\` with platform ${platform} first: what lies between two colours needs both.`,
  })
}
