import * as pulumi from '@pulumi/pulumi'
import { LocalAudit } from '../components/audit/local-audit.ts'
import { Parity } from '../components/catalog/parity.ts'
import { Gate } from '../components/gate/gate.ts'
import { LocalGuardian } from '../components/guardian/local-guardian.ts'
import { LocalMirror } from '../components/mirror/mirror.ts'
import { LocalRouteStore } from '../components/route/route-store.ts'
import { Switchover } from '../components/switchover/switchover.ts'
import { LocalWriteBack } from '../components/write-back/local-write-back.ts'
import type { Catalog } from '../engine/model/catalog.ts'
import { ClusterAccess } from '../engine/model/cluster-access.ts'
import { type Colour, colours } from '../engine/model/colour.ts'
import { firstFive, KbgError } from '../engine/model/error.ts'
import { stackName } from '../engine/model/fleet.ts'
import { ColourInventory } from '../engine/model/inventory.ts'
import type { Limits } from '../engine/model/limits.ts'
import { type Waves, wavesOf } from '../engine/model/wave.ts'
import type { RouteStoreAccess, Wiring } from '../engine/model/wiring.ts'
import { connectVersion, projectDir } from '../tools/paths.ts'
import type { TrafficConfig } from './config.ts'
import { standsElsewhere } from './elsewhere.ts'
import { bothInventories } from './inventories.ts'

/** What the traffic stack tells people, the CLI and applications. */
export interface TrafficOutputs {
  /** Who is live: what is, not what was asked for. */
  readonly route: {
    readonly epoch: pulumi.Output<number>
    readonly live: pulumi.Output<Colour>
    readonly state: pulumi.Output<string>
    readonly consumers: pulumi.Output<Readonly<Record<string, string>>>
  }
  /** The gate's last answer. */
  readonly gate: { readonly verdict: pulumi.Output<string>; readonly epoch: pulumi.Output<number> }
  /** What gate and switchover are wired to. */
  readonly wiring: pulumi.Output<Wiring>
  /** Within which bounds gate, switchover and guardians work. */
  readonly limits: Limits
  /** What a routed application is configured with. */
  readonly clients: { readonly fleet: string; readonly routeStore: pulumi.Output<RouteStoreAccess> }
}

/**
 * Everything that connects the two colours: where the route is kept, the mirror between them, the audit that compares them, the guardians, the gate, and the switchover that
 * asks it.
 */
export async function trafficProgram(config: TrafficConfig, catalog: Catalog): Promise<TrafficOutputs> {
  const { fleet, live, attempt, consumers, acceptLoss, failover, limits, unprovenGroups, hooks, tls } = config
  const loss = { ...(acceptLoss === undefined ? {} : { acceptLoss }), ...(failover === undefined ? {} : { failover }) }
  const staying = Object.entries(unprovenGroups).flatMap(([groupId, what]) => (what === 'stay' ? [groupId] : []))
  const waves = wavesOf(catalog, staying)
  refuseUnknownWaves(consumers, waves)
  const decommission = config.decommission ?? null
  const [{ cluster: blue, inventory: onBlue }, { cluster: green, inventory: onGreen }] = await Promise.all([colourOf(fleet, 'blue'), colourOf(fleet, 'green')])
  const deployed = { blue: onBlue, green: onGreen }
  refuseOneCluster(blue, green)
  refuseTlsInPart(fleet, tls, { blue, green })
  const clusters = { blue, green }
  new Parity('parity', { ...bothInventories(projectDir, pulumi.getProject(), fleet, catalog), own: null, deployed })

  const store = new LocalRouteStore('route-store', { fleet, tls, decommission })
  const mirror = new LocalMirror('mirror', { fleet, clusters, version: connectVersion })
  const topics = Object.keys(catalog.topics)
  const audit = new LocalAudit('audit', { fleet, clusters, topics, decommission })
  const wiring: pulumi.Output<Wiring> = pulumi.output({
    fleet,
    routeStore: store.access,
    clusters,
    workers: mirror.workers,
    audit: audit.access,
    guardians: [...colours],
    topics,
    groups: Object.keys(catalog.groups),
    waves,
    unprovenGroups,
    hooks: [...hooks],
  })
  const writeBack = new LocalWriteBack('write-back', { wiring })
  // One after the other, so that an update that restarts both leaves one at its place.
  const besideBlue = new LocalGuardian('guardian-blue', { wiring, limits, colour: 'blue' })
  const besideGreen = new LocalGuardian('guardian-green', { wiring, limits, colour: 'green' }, { dependsOn: [besideBlue] })
  // One that is just starting would be on an old epoch to the gate, and late to a move.
  const behind = { dependsOn: [writeBack, besideBlue, besideGreen] }
  const gate = new Gate('gate', { wiring, intent: { live, attempt, consumers, ...loss }, limits }, behind)
  const switchover = new Switchover(
    'switchover',
    {
      wiring,
      live,
      attempt,
      consumers,
      ...loss,
      limits,
      gate: { verdict: gate.verdict, epoch: gate.epoch },
      decommission,
    },
    behind,
  )

  if (config.dns !== undefined) {
    const { RouteNames } = await import('../components/route/route53.ts') // AWS's SDK is no part of other previews
    new RouteNames('names', { fleet, spec: config.dns, live: switchover.live, consumers: switchover.consumers, waves: Object.keys(waves), clusters })
  }

  return {
    route: { epoch: switchover.epoch, live: switchover.live, state: switchover.state, consumers: switchover.consumers },
    gate: { verdict: gate.verdict, epoch: gate.epoch },
    wiring,
    limits,
    clients: { fleet, routeStore: store.clientAccess },
  }
}

/** How to reach a colour, as its own stack says. A stack that isn't there fails the preview. */
async function colourOf(fleet: string, colour: Colour): Promise<{ readonly cluster: ClusterAccess; readonly inventory: ColourInventory | null }> {
  const stack = stackName({ fleet, role: colour })
  const reference = new pulumi.StackReference(`${pulumi.getOrganization()}/${pulumi.getProject()}/${stack}`)
  const [output, said]: unknown[] = [await reference.getOutputValue('cluster'), await reference.getOutputValue('inventory')]
  const elsewhere = output === undefined ? await standsElsewhere(reference) : undefined
  if (elsewhere !== undefined) {
    throw new KbgError('no-switchover', `The stack ${stack} stands on ${elsewhere.called}, and no switchover runs there yet.`, {
      remedy: `docs/platforms.md says what is missing. Set platform to ${elsewhere.platform} on this stack for what lies between two colours there.`,
    })
  }
  if (output === undefined) {
    throw new KbgError('colour-missing', `The stack ${stack} says nothing of its cluster yet.`, {
      remedy: `Run \`pulumi up -s ${stack}\` first; the traffic stack connects two colours that stand.`,
    })
  }
  const access = ClusterAccess.safeParse(output)
  // An inventory in an older form is nothing to compare with; the next update of that colour writes it anew.
  if (access.success && access.data.colour === colour) return { cluster: access.data, inventory: ColourInventory.safeParse(said).data ?? null }
  throw new KbgError('colour-outputs', `The stack ${stack} describes its cluster in another form than this version reads.`, {
    remedy: `Run \`pulumi up -s ${stack}\` with this checkout.`,
  })
}

function refuseUnknownWaves(consumers: TrafficConfig['consumers'], waves: Waves): void {
  const unknown = Object.keys(consumers).filter((wave) => waves[wave] === undefined)
  if (unknown.length === 0) return
  throw new KbgError('unknown-wave', `The config key consumers names waves that the catalog doesn't have: ${firstFive(unknown)}.`, {
    facts: { allowed: Object.keys(waves) },
    remedy: 'A group gets a wave in catalog.yaml: groups.<name>.wave.',
  })
}

function refuseOneCluster(blue: ClusterAccess, green: ClusterAccess): void {
  if (blue.clusterId !== green.clusterId) return
  throw new KbgError('same-cluster', 'Both colours are the same cluster; there is nothing to switch between.', {
    facts: { clusterId: blue.clusterId, bootstrapServers: blue.internalBootstrapServers },
  })
}

/** Applications have one configuration for both colours and the store: they couldn't follow a route between them. */
function refuseTlsInPart(fleet: string, tls: boolean, clusters: Readonly<Record<Colour, ClusterAccess>>): void {
  const differing = colours.filter((colour) => (clusters[colour].caFile !== undefined) !== tls)
  if (differing.length === 0) return
  const said = (on: boolean) => (on ? 'true' : 'false')
  const stacks = differing.map((colour) => stackName({ fleet, role: colour }))
  throw new KbgError('tls-in-part', "The fleet's stacks don't agree on `tls`.", {
    facts: { [stackName({ fleet, role: 'traffic' })]: said(tls), ...Object.fromEntries(stacks.map((stack) => [stack, said(!tls)])) },
    remedy: `It is decided when a fleet is made: say the same in all three stack files. A colour that stands keeps to what it was made with; to change it, make a new fleet.`,
  })
}
