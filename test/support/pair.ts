/**
 * Two colours with store and mirror workers on this machine, as the three stacks provision them, without Pulumi: for tests and benches of what runs
 * between the colours. Everything in it is the product's own; only the stacks are left out.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { z } from 'zod'
import { openRouteStore } from '../../engine/adapters/etcd/route-store.ts'
import { createAcls, createTopics } from '../../engine/adapters/kafka/admin.ts'
import { destroyAudit, provisionAudit } from '../../engine/adapters/local/audit-process.ts'
import { destroyCluster, provisionCluster } from '../../engine/adapters/local/cluster.ts'
import { destroyWorker, provisionWorker } from '../../engine/adapters/local/connect-worker.ts'
import { destroyRouteStore, provisionRouteStore } from '../../engine/adapters/local/etcd-process.ts'
import { destroyGuardians, provisionGuardian } from '../../engine/adapters/local/guardian-process.ts'
import { destroyWriteBack, provisionWriteBack } from '../../engine/adapters/local/write-back-process.ts'
import type { AclSpec, Catalog } from '../../engine/model/catalog.ts'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { type Colour, colours, otherColour } from '../../engine/model/colour.ts'
import type { Hooks } from '../../engine/model/hook.ts'
import { Limits } from '../../engine/model/limits.ts'
import type { ClientRegistration } from '../../engine/model/route.ts'
import type { RoutePublications } from '../../engine/model/route-publication.ts'
import { wavesOf } from '../../engine/model/wave.ts'
import { type Intent, Wiring } from '../../engine/model/wiring.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import type { AclBinding } from '../../engine/ports/cluster.ts'
import { createRoute } from '../../engine/run/create-route.ts'
import type { Actual } from '../../engine/run/execution.ts'
import { guardianRegistration } from '../../engine/run/guardian/keeper.ts'
import { closePorts, connectPorts, type OversightPorts } from '../../engine/run/ports.ts'
import type { Progress } from '../../engine/run/progress.ts'
import { type MoveRequest, moveLive } from '../../engine/run/switchover.ts'
import { writeBackRegistration } from '../../engine/run/write-back/keeper.ts'
import { projectDir } from '../../tools/paths.ts'

export interface PairSpec {
  readonly fleet: string
  readonly versions: Readonly<Record<Colour, string>>
  readonly catalog: Catalog
  /** A cluster that was there before, instead of a provisioned blue: adopted with the pair's state directory. */
  readonly adopt?: (root: string) => Promise<ClusterAccess>
  /** What makes the mirror's connectors instead of a worker beside each colour. Whoever stands it up ends it, before the pair ends. */
  readonly mirror?: (clusters: Readonly<Record<Colour, ClusterAccess>>) => Promise<Wiring['workers']>
  /** Additions to every broker's `server.properties`. */
  readonly brokerConfig?: Readonly<Record<string, string>>
  /** Whether brokers, Connect's REST and the store speak TLS; false unless said otherwise. */
  readonly tls?: boolean
  /** Whether an audit compares both sides, and gate and cut ask it; false unless said otherwise. */
  readonly audit?: boolean
  /** Whether a process writes positions back that groups commit on the standby; false unless said otherwise. */
  readonly writeBack?: boolean
  /** The bounds of the guardians that stand beside both colours; none unless said otherwise. */
  readonly guardians?: Limits
  /** Who is asked and told of its switchovers; nobody unless said otherwise. */
  readonly hooks?: z.input<typeof Hooks>
  /** Where its route is published; nowhere unless said otherwise. */
  readonly publications?: RoutePublications
  readonly tell?: (line: string) => void
}

/** Two quick samples of the mirror's lag instead of five, each a second behind the other: every gate waits four seconds for these. The default is for tests of the whole (e2e). */
export const quickGate = { lagSamples: 2, lagSampleIntervalMs: 200 } as const

/** A pair that stands, with connections of its own. */
export interface Pair {
  readonly wiring: Wiring
  readonly ports: OversightPorts
  /** Where its processes keep their state and logs. */
  readonly root: string
  /** First route with blue live, and the mirror blue -> green. */
  createRoute(): Promise<Actual>
  /** One switchover as `pulumi up` runs it, the gate's verdict taken for given: the engine asks its own gate before it moves. */
  moveTo(
    live: Colour,
    more?: Partial<Pick<MoveRequest, 'limits' | 'tell' | 'cancelled' | 'gateEpoch'>> &
      Partial<Pick<Intent, 'attempt' | 'consumers' | 'acceptLoss' | 'failover'>>,
  ): Promise<Actual>
  /** Ends every process and removes every file. */
  end(): Promise<void>
}

/** Stands a pair up in a directory of its own; what stands already is ended when a part fails. */
export async function standPair(spec: PairSpec): Promise<Pair> {
  const root = mkdtempSync(join(tmpdir(), `kbg-${spec.fleet}-`))
  shareFormatted(root)
  try {
    const wiring = await provision(root, spec)
    if (spec.writeBack === true) await startWriteBack(root, wiring, spec.tell ?? (() => undefined))
    if (spec.guardians !== undefined) await startGuardians(root, wiring, spec.guardians)
    return await connected(root, spec, wiring)
  } catch (thrown) {
    await endProcesses(root, spec.fleet)
    throw thrown
  }
}

/** What Kafka's own `format` writes is the same for every pair of a version: made once for this checkout, by two JVMs less for each pair. */
function shareFormatted(root: string): void {
  const shared = join(projectDir, '.kbg', '.formatted')
  mkdirSync(shared, { recursive: true, mode: 0o700 })
  mkdirSync(join(root, '.kbg'), { mode: 0o700 })
  symlinkSync(shared, join(root, '.kbg', '.formatted'))
}

async function provision(root: string, spec: PairSpec): Promise<Wiring> {
  const { fleet, catalog, tls = false } = spec
  const tell = spec.tell ?? (() => undefined)
  const within = (seconds: number, what: string) => new Deadline(systemClock, seconds * 1_000, what)
  const stand = async (colour: Colour) => {
    const cluster = {
      fleet,
      colour,
      kafkaVersion: spec.versions[colour],
      nodes: 3,
      brokerConfig: spec.brokerConfig ?? {},
      applicationUsers: catalog.users,
      tls,
    }
    const access = await provisionCluster(root, cluster, tell, within(240, `${colour} to stand`))
    await declare(access, catalog, within(120, `the catalog on ${colour}`))
    return access
  }
  // An adopted colour comes first: it hands its applications' passwords over.
  const adopted = await spec.adopt?.(root)
  const storeSpec = { projectRoot: root, fleet, subnets: process.platform === 'linux', tls }
  const standStore = provisionRouteStore(storeSpec, systemClock, tell, within(60, 'the route store'))
  const [store, blue, green] = await allOf(standStore, adopted ?? stand('blue'), stand('green'))
  const clusters = { blue, green }
  const beside = (target: Colour) =>
    provisionWorker(root, { fleet, source: clusters[otherColour(target)], target: clusters[target] }, tell, within(180, `the worker beside ${target}`))
  const provisionWorkers = async () => {
    const [besideBlue, besideGreen] = await allOf(beside('blue'), beside('green'))
    return { blue: besideBlue, green: besideGreen }
  }
  const topics = Object.keys(catalog.topics)
  const standAudit = spec.audit === true ? provisionAudit(root, { fleet, clusters, topics }, tell, within(60, 'the audit')) : []
  const [workers, audit] = await allOf(spec.mirror?.(clusters) ?? provisionWorkers(), standAudit)
  return Wiring.parse({
    fleet,
    routeStore: store.operator,
    clusters,
    audit,
    workers,
    guardians: spec.guardians === undefined ? [] : colours,
    topics,
    groups: Object.keys(catalog.groups),
    waves: wavesOf(catalog),
    hooks: spec.hooks ?? [],
    publications: spec.publications ?? {},
  })
}

/** All results, or the first failure once everything has ended: what still starts could not be torn down. */
async function allOf<T extends readonly unknown[]>(...work: { readonly [Each in keyof T]: T[Each] | Promise<T[Each]> }): Promise<T> {
  const settled = await Promise.allSettled(work)
  const failed = settled.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
  return settled.map((result) => (result.status === 'fulfilled' ? result.value : undefined)) as unknown as T
}

async function declare(access: ClusterAccess, catalog: Catalog, deadline: Deadline): Promise<void> {
  const topics = Object.entries(catalog.topics).map(([topic, { partitions, replicationFactor, config }]) => ({ topic, partitions, replicationFactor, config }))
  await createTopics(access, topics, deadline)
  await createAcls(access, catalog.acls.map(binding), deadline)
}

const resourceTypes = { Topic: 'topic', Group: 'group', Cluster: 'cluster', TransactionalID: 'transactional-id' } as const

/** A catalog's binding as brokers take it. */
export function binding(acl: AclSpec): AclBinding {
  return {
    principal: acl.principal,
    host: acl.host,
    resourceType: resourceTypes[acl.resourceType],
    resourceName: acl.resourceName,
    patternType: acl.patternType === 'Literal' ? 'literal' : 'prefixed',
    operation: acl.operation,
    permission: acl.permission === 'Allow' ? 'allow' : 'deny',
  }
}

function startWriteBack(root: string, wiring: Wiring, tell: (line: string) => void): Promise<void> {
  return untilRegistered(wiring, writeBackRegistration, (isRegistered, deadline) => provisionWriteBack(root, wiring, isRegistered, tell, deadline))
}

/** Both, from nothing or again: whoever lives is left alone. */
export async function startGuardians(root: string, wiring: Wiring, limits: Limits): Promise<void> {
  const start = (colour: Colour) =>
    untilRegistered(wiring, guardianRegistration.bind(null, colour), (isRegistered, deadline) =>
      provisionGuardian(root, { wiring, limits, colour }, isRegistered, () => undefined, deadline),
    )
  await allOf(...colours.map(start))
}

/** Starts a process of the product's that follows the route, and waits until it does. */
async function untilRegistered(
  wiring: Wiring,
  registrationOf: (processId: number) => ClientRegistration,
  start: (isRegistered: (processId: number) => Promise<boolean>, deadline: Deadline) => Promise<void>,
): Promise<void> {
  const store = openRouteStore(wiring.routeStore, wiring.fleet, systemClock)
  const deadline = new Deadline(systemClock, 60_000, 'a process to follow the route')
  try {
    await start(async (processId) => {
      const [clients, { route }] = await Promise.all([store.clients(deadline), store.glance(deadline)])
      const isCurrent = ({ kind, ackedEpoch }: ClientRegistration) => kind !== 'guardian' || ackedEpoch >= (route?.epoch ?? 0)
      return clients.some((client) => client.instanceId === registrationOf(processId).instanceId && isCurrent(client))
    }, deadline)
  } finally {
    await store.close()
  }
}

async function connected(root: string, spec: PairSpec, wiring: Wiring): Promise<Pair> {
  const ports = await connectPorts(wiring, systemClock)
  const silent: Progress = () => undefined
  const base = { wiring, limits: Limits.parse(quickGate), holder: `test of ${spec.fleet}`, tell: silent, cancelled: new AbortController().signal }
  return {
    wiring,
    ports,
    root,
    createRoute: () => createRoute(ports, { ...base, intent: { live: 'blue', attempt: 0, consumers: {} } }),
    moveTo: async (live, more = {}) => {
      const { attempt = 0, consumers = {}, acceptLoss, failover, ...others } = more
      const reading = await ports.store.read(new Deadline(systemClock, 10_000, 'the route'))
      return await moveLive(ports, { ...base, gateEpoch: reading.route?.epoch ?? 0, ...others, intent: { live, attempt, consumers, acceptLoss, failover } })
    },
    end: async () => {
      await closePorts(ports)
      await endProcesses(root, spec.fleet)
    },
  }
}

/** Workers first: they delete their connectors while the colours still answer. */
async function endProcesses(root: string, fleet: string): Promise<void> {
  const within = () => new Deadline(systemClock, 60_000, `${fleet} to end`)
  const quiet = () => undefined
  await allOf(
    destroyGuardians({ projectRoot: root, fleet }, within()),
    destroyWriteBack({ projectRoot: root, fleet }, within()),
    destroyAudit({ projectRoot: root, fleet }, 'remove', within()),
    ...colours.map((colour) => destroyWorker({ projectRoot: root, fleet, colour }, quiet, within())),
  )
  await Promise.all(colours.map((colour) => destroyCluster(root, fleet, colour, quiet, within())))
  await destroyRouteStore({ projectRoot: root, fleet, subnets: process.platform === 'linux' }, 'remove', within())
  rmSync(root, { recursive: true, force: true })
}
