import * as pulumi from '@pulumi/pulumi'
import type { Catalog } from '../../engine/model/catalog.ts'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { type Colour, colours, otherColour } from '../../engine/model/colour.ts'
import type { Hook } from '../../engine/model/hook.ts'
import { Limits } from '../../engine/model/limits.ts'
import type { FailoverWord } from '../../engine/model/loss.ts'
import type { MskConnectWorker } from '../../engine/model/msk-connect-worker.ts'
import { requirePair, requireWaves } from '../../engine/model/pair.ts'
import type { RouteNamesZone, RouteParameter } from '../../engine/model/route-publication.ts'
import { type Waves, wavesOf } from '../../engine/model/wave.ts'
import type { Intent, MirrorWorker, RouteStoreAccess, UnprovenGroups, Wiring } from '../../engine/model/wiring.ts'
import { connectVersion } from '../../tools/paths.ts'
import { LocalAudit } from '../audit/local-audit.ts'
import { Gate } from '../gate/gate.ts'
import { LocalGuardian } from '../guardian/local-guardian.ts'
import { ManagedMirror } from '../mirror/managed-mirror.ts'
import { LocalMirror } from '../mirror/mirror.ts'
import { LocalRouteStore, type LocalRouteStoreArgs } from '../route/route-store.ts'
import { Switchover } from '../switchover/switchover.ts'
import { LocalWriteBack } from '../write-back/local-write-back.ts'

/** What makes the mirror's connectors: workers of this machine, made here, or MSK Connect, by the colour that is copied into. */
export type TrafficMirror =
  | { readonly kind: 'local' }
  | { readonly kind: 'msk-connect'; readonly workers: Readonly<Record<Colour, pulumi.Input<MskConnectWorker>>> }

/** Where the route is kept: in a store of this machine, made here, or in one that somebody runs. */
export type TrafficRouteStore =
  | { readonly kind: 'local' }
  | {
      readonly kind: 'given'
      /** For what moves traffic. */
      readonly access: pulumi.Input<RouteStoreAccess>
      /** For routed applications. */
      readonly clientAccess: pulumi.Input<RouteStoreAccess>
    }

/** What traffic between two colours is told: the pair, and the intent. */
export interface TrafficArgs {
  /** The pair's name, as both its colours say. */
  readonly fleet: string
  readonly clusters: Readonly<Record<Colour, pulumi.Input<ClusterAccess>>>
  /** What both colours hold: its topics are mirrored and compared, its groups moved. */
  readonly catalog: Catalog
  /** `local` unless said otherwise. */
  readonly mirror?: TrafficMirror
  /** `local` unless said otherwise. */
  readonly routeStore?: TrafficRouteStore
  /** Who is to be live. Changing it is a switchover. */
  readonly live: Colour
  /** Counted up to move again after a refused or undone move; 0 unless said otherwise. */
  readonly attempt?: number
  /** Waves of groups that are to read elsewhere than on the live colour. */
  readonly consumers?: Intent['consumers']
  /** Records of the live colour that may stay behind at most when it is left. */
  readonly acceptLoss?: number | undefined
  /** The live colour is gone: the word that the preview shows, repeated. */
  readonly failover?: FailoverWord | undefined
  /** Bounds of gate, switchover and guardians that differ from the defaults; milliseconds, see `Limits`. */
  readonly limits?: Partial<Limits>
  /** Groups that stay where they are, or that may be moved to a proven place before their own. */
  readonly unprovenGroups?: UnprovenGroups
  /** Where the route is told to clients that can't reach the route store; nowhere unless said otherwise. */
  readonly publications?: { readonly parameter?: pulumi.Input<RouteParameter>; readonly names?: pulumi.Input<RouteNamesZone> }
  /** Told of every step, see docs/runbook.md. */
  readonly hooks?: readonly Hook[]
  /** Whether the route store speaks TLS only, as both colours do. */
  readonly tls?: boolean
  /** The fleet's name repeated, when it ends for good. */
  readonly decommission?: string | undefined
}

/**
 * Everything that connects the two colours of a fleet: where the route is kept, the mirror between them, the audit that compares them, the guardians, the gate, and the switchover that
 * asks it. It is the route's only writer: declare one for a fleet, in one stack.
 *
 * The update that makes it opens the colour that is to be live and moves nothing. An update that changes `live` or `consumers` is a move: it fails without having moved anything
 * when the gate doesn't pass, and comes back to where it was when a step can't be proven (docs/architecture.md).
 */
export class Traffic extends pulumi.ComponentResource {
  static readonly type = 'kbg:traffic:Traffic'
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
  /** The catalog's waves, without groups that stay. */
  readonly waves: Waves
  /** What a routed application is configured with. */
  readonly clients: { readonly fleet: string; readonly routeStore: pulumi.Output<RouteStoreAccess> }

  /** @throws KbgError `unknown-wave`; the update's, when the colours are known: `same-cluster`, `tls-in-part` */
  constructor(name: string, args: TrafficArgs, opts?: pulumi.ComponentResourceOptions) {
    super(Traffic.type, name, {}, opts)
    const { fleet, catalog } = args
    const { intent, limits, waves, unprovenGroups, hooks, tls, decommission } = planned(args)
    const pair = pulumi.output(args.clusters).apply((known) => requirePair(fleet, tls, known))
    const clusters = { blue: pair.blue, green: pair.green }
    const child = { parent: this }

    const store = storeOf(`${name}-route-store`, args.routeStore ?? { kind: 'local' }, { fleet, tls, decommission }, child)
    const workers = workersOf(`${name}-mirror`, args.mirror ?? { kind: 'local' }, { fleet, clusters, decommission }, child)
    const topics = Object.keys(catalog.topics)
    const audit = new LocalAudit(`${name}-audit`, { fleet, clusters, topics, decommission }, child)
    const wiring: pulumi.Output<Wiring> = pulumi.output({
      ...{ fleet, clusters, topics, waves, unprovenGroups },
      routeStore: store.access,
      workers,
      audit: audit.access,
      guardians: [...colours],
      groups: Object.keys(catalog.groups),
      hooks,
      publications: args.publications ?? {},
    })
    const writeBack = new LocalWriteBack(`${name}-write-back`, { wiring }, child)
    // One after the other, so that an update that restarts both leaves one at its place.
    const besideBlue = new LocalGuardian(`${name}-guardian-blue`, { wiring, limits, colour: 'blue' }, child)
    const besideGreen = new LocalGuardian(`${name}-guardian-green`, { wiring, limits, colour: 'green' }, { ...child, dependsOn: [besideBlue] })
    // One that is just starting would be on an old epoch to the gate, and late to a move.
    const behind = { ...child, dependsOn: [writeBack, besideBlue, besideGreen] }
    const gate = new Gate(`${name}-gate`, { wiring, intent, limits }, behind)
    const verdict = { verdict: gate.verdict, epoch: gate.epoch }
    const switchover = new Switchover(`${name}-switchover`, { wiring, ...intent, limits, gate: verdict, decommission }, behind)

    this.route = { epoch: switchover.epoch, live: switchover.live, state: switchover.state, consumers: switchover.consumers }
    this.gate = verdict
    this.wiring = wiring
    this.limits = limits
    this.waves = waves
    this.clients = { fleet, routeStore: store.clientAccess }
    this.registerOutputs({ fleet, route: this.route }) // whose it is, for policies
  }
}

type RouteStores = { readonly [Name in 'access' | 'clientAccess']: pulumi.Output<RouteStoreAccess> }

function storeOf(name: string, store: TrafficRouteStore, args: LocalRouteStoreArgs, child: pulumi.CustomResourceOptions): RouteStores {
  switch (store.kind) {
    case 'local':
      return new LocalRouteStore(name, args, child)
    case 'given':
      return { access: pulumi.output(store.access), clientAccess: pulumi.output(store.clientAccess) }
  }
}

interface MirrorOf {
  readonly fleet: string
  readonly clusters: Readonly<Record<Colour, pulumi.Output<ClusterAccess>>>
  readonly decommission: string | null
}

/** By the colour that is copied into. */
function workersOf(
  name: string,
  mirror: TrafficMirror,
  { fleet, clusters, decommission }: MirrorOf,
  child: pulumi.CustomResourceOptions,
): Readonly<Record<Colour, pulumi.Output<MirrorWorker>>> {
  switch (mirror.kind) {
    case 'local':
      return new LocalMirror(name, { fleet, clusters, version: connectVersion }, child).workers
    case 'msk-connect': {
      const into = (target: Colour) =>
        new ManagedMirror(
          `${name}-into-${target}`,
          { fleet, target: clusters[target], source: clusters[otherColour(target)], worker: mirror.workers[target], decommission },
          child,
        )
      return { blue: into('blue').access, green: into('green').access }
    }
  }
}

/** The arguments with what is left out filled in (pure). @throws KbgError `unknown-wave` */
function planned({ catalog, live, attempt = 0, consumers = {}, acceptLoss, failover, limits = {}, unprovenGroups = {}, hooks = [], ...rest }: TrafficArgs) {
  const staying = Object.entries(unprovenGroups).flatMap(([groupId, what]) => (what === 'stay' ? [groupId] : []))
  const waves = wavesOf(catalog, staying)
  requireWaves(consumers, waves)
  const loss = { ...(acceptLoss === undefined ? {} : { acceptLoss }), ...(failover === undefined ? {} : { failover }) }
  return {
    ...{ waves, unprovenGroups, hooks: [...hooks], limits: Limits.parse(limits) },
    intent: { live, attempt, consumers, ...loss },
    tls: rest.tls ?? false,
    decommission: rest.decommission ?? null,
  }
}
