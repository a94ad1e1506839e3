/** The local platform as resources use it: where state lies, and how long things may take. */
import { projectDir } from '../../tools/paths.ts'
import { openRouteStore } from '../adapters/etcd/route-store.ts'
import { destroyAudit, type LocalAuditSpec, observeAudit, provisionAudit } from '../adapters/local/audit-process.ts'
import { certificatesEndingSoon } from '../adapters/local/certificate-ends.ts'
import { destroyCluster, observeCluster, provisionCluster } from '../adapters/local/cluster.ts'
import type { LocalClusterSpec } from '../adapters/local/cluster-spec.ts'
import { type ConnectWorkerSpec, destroyWorker, observeWorker, provisionWorker, type WorkerLocation } from '../adapters/local/connect-worker.ts'
import { destroyRouteStore, observeRouteStore, provisionRouteStore, type RouteStoreSpec, routeStoreUsers } from '../adapters/local/etcd-process.ts'
import { destroyGuardian, observeGuardian, provisionGuardian } from '../adapters/local/guardian-process.ts'
import { caFile, credentialsPath, localAddresses, removeFleetIfEmpty } from '../adapters/local/state.ts'
import { destroyWriteBack, observeWriteBack, provisionWriteBack } from '../adapters/local/write-back-process.ts'
import { endpointText } from '../model/addresses.ts'
import type { AuditWorkerAccess } from '../model/audit-worker.ts'
import type { ClusterAccess } from '../model/cluster-access.ts'
import { KbgError } from '../model/error.ts'
import type { GuardianConfig } from '../model/guardian.ts'
import type { ClientRegistration } from '../model/route.ts'
import type { RouteStoreAccess, Wiring, WorkerAccess } from '../model/wiring.ts'
import { type Clock, Deadline } from '../ports/clock.ts'
import type { RouteOversight } from '../ports/route-oversight.ts'
import { guardianRegistration } from './guardian/keeper.ts'
import type { Progress } from './progress.ts'
import { writeBackRegistration } from './write-back/keeper.ts'

/** Three JVMs and their first metadata take 8 s on two idle cores; a busy machine may take ten times as long. */
const clusterDeadlineMs = 180_000
/** REST is up 5 s after the start of an idle machine's worker. */
const workerDeadlineMs = 120_000
const storeDeadlineMs = 60_000
/** One Node process and its first look at both colours. */
const auditDeadlineMs = 60_000
/** One Node process and its registration. */
const followerDeadlineMs = 60_000
/** The graces before SIGKILL are far below this. */
const endDeadlineMs = 60_000

/** The surroundings of one operation: how it is told to stop, and where its progress goes. */
export interface PlatformCall {
  readonly clock: Clock
  readonly cancelled: AbortSignal
  readonly tell: Progress
}

/** A colour as processes of this machine. */
export const localClusters = {
  /** Makes a colour, or brings up what is missing of a provisioned one. When a first provisioning fails or is cancelled its processes are ended. */
  provision(spec: LocalClusterSpec, call: PlatformCall): Promise<ClusterAccess> {
    const deadline = new Deadline(call.clock, clusterDeadlineMs, `${spec.colour} of ${spec.fleet} to stand`, call.cancelled)
    return provisionCluster(projectDir, spec, lines(call, spec.colour), deadline)
  },
  /** How many of its brokers' processes live. */
  brokersAlive(spec: LocalClusterSpec): number {
    const facts = observeCluster(projectDir, spec.fleet, spec.colour)
    return facts?.brokers.filter(({ pid }) => pid !== null).length ?? 0
  },
  destroy(spec: LocalClusterSpec, call: PlatformCall): Promise<void> {
    return destroyCluster(projectDir, spec.fleet, spec.colour, lines(call, spec.colour), endDeadline(call, `${spec.colour} of ${spec.fleet}`))
  },
}

/** A fleet's etcd as a process of this machine. */
export const localRouteStores = {
  /** Starts it, or makes sure that it runs, with the data it had. */
  async provision(
    { fleet, tls }: { readonly fleet: string; readonly tls: boolean },
    call: PlatformCall,
  ): Promise<{ readonly access: RouteStoreAccess; readonly clientAccess: RouteStoreAccess }> {
    const deadline = new Deadline(call.clock, storeDeadlineMs, `the route store of ${fleet} to stand`, call.cancelled)
    const store = await provisionRouteStore({ ...storeSpec(fleet), tls }, call.clock, lines(call, 'route store'), deadline)
    return { access: store.operator, clientAccess: store.client }
  },
  /** What people have to hear of the fleet's certificates, those of its colours too. */
  expiring(fleet: string, { clock }: Pick<PlatformCall, 'clock'>): readonly string[] {
    return certificatesEndingSoon(projectDir, fleet, clock.wallClock().getTime())
  },
  isAlive(fleet: string): boolean {
    return observeRouteStore(storeSpec(fleet)).state === 'running'
  },
  async destroy(fleet: string, data: 'keep' | 'remove', call: PlatformCall): Promise<void> {
    await destroyRouteStore(storeSpec(fleet), data, endDeadline(call, `the route store of ${fleet}`))
    removeFleetIfEmpty(projectDir, fleet)
  },
}

/** Kafka Connect workers as processes of this machine. */
export const localMirrorWorkers = {
  provision(worker: ConnectWorkerSpec, call: PlatformCall): Promise<WorkerAccess> {
    const name = workerName(worker)
    const deadline = new Deadline(call.clock, workerDeadlineMs, `the ${name} of ${worker.fleet} to stand`, call.cancelled)
    return provisionWorker(projectDir, worker, lines(call, name), deadline)
  },
  isAlive(worker: ConnectWorkerSpec): boolean {
    return observeWorker(workerLocation(worker)).pid !== null
  },
  destroy(worker: ConnectWorkerSpec, call: PlatformCall): Promise<void> {
    const name = workerName(worker)
    return destroyWorker(workerLocation(worker), lines(call, name), endDeadline(call, `the ${name} of ${worker.fleet}`))
  },
}

/** The comparison of both colours as processes of this machine. */
export const localAudits = {
  async provision(audit: DeclaredAudit, call: PlatformCall): Promise<AuditWorkerAccess[]> {
    const deadline = new Deadline(call.clock, auditDeadlineMs, `the audit of ${audit.fleet} to stand`, call.cancelled)
    const { fleet, clusters, topics } = audit
    return [...(await provisionAudit(projectDir, { fleet, clusters, topics, workers: auditWorkers }, lines(call, 'audit'), deadline))]
  },
  /** Whether all of them are kept running, from the sources of this checkout. */
  isAlive({ fleet }: Pick<DeclaredAudit, 'fleet'>): boolean {
    const workers = observeAudit({ projectRoot: projectDir, fleet })
    return workers.length === auditWorkers && workers.every(({ supervisorPid, isCurrent }) => supervisorPid !== null && isCurrent)
  },
  destroy({ fleet }: Pick<DeclaredAudit, 'fleet'>, state: 'keep' | 'remove', call: PlatformCall): Promise<void> {
    return destroyAudit({ projectRoot: projectDir, fleet }, state, endDeadline(call, `the audit of ${fleet}`))
  },
}

/** What keeps the live side's copy of positions on the standby, as a process of this machine. */
export const localWriteBacks = {
  async provision(wiring: Wiring, call: PlatformCall): Promise<void> {
    await untilRegistered(wiring, 'the write-back', writeBackRegistration, call, (isRegistered, deadline) =>
      provisionWriteBack(projectDir, wiring, isRegistered, lines(call, 'write-back'), deadline),
    )
  },
  isAlive({ fleet }: Pick<Wiring, 'fleet'>): boolean {
    return observeWriteBack({ projectRoot: projectDir, fleet }) !== null
  },
  destroy({ fleet }: Pick<Wiring, 'fleet'>, call: PlatformCall): Promise<void> {
    return destroyWriteBack({ projectRoot: projectDir, fleet }, endDeadline(call, `the write-back of ${fleet}`))
  },
}

/** What finishes or takes back what an orchestrator leaves open, as a process of this machine beside each colour. */
export const localGuardians = {
  async provision(guardian: DeclaredGuardian, call: PlatformCall): Promise<void> {
    const { wiring, colour } = guardian
    const registration = (processId: number) => guardianRegistration(colour, processId)
    await untilRegistered(wiring, `the guardian beside ${colour}`, registration, call, (isRegistered, deadline) =>
      provisionGuardian(projectDir, guardian, isRegistered, lines(call, `guardian ${colour}`), deadline),
    )
  },
  /** Whether it runs, from the sources of this checkout. */
  isAlive({ wiring, colour }: Pick<DeclaredGuardian, 'wiring' | 'colour'>): boolean {
    return observeGuardian({ projectRoot: projectDir, fleet: wiring.fleet }, colour)?.isCurrent === true
  },
  destroy({ wiring, colour }: Pick<DeclaredGuardian, 'wiring' | 'colour'>, call: PlatformCall): Promise<void> {
    return destroyGuardian({ projectRoot: projectDir, fleet: wiring.fleet }, colour, endDeadline(call, `the guardian beside ${colour} of ${wiring.fleet}`))
  },
}

type DeclaredGuardian = Omit<GuardianConfig, 'code'>

/** Provisions a process that is ready once it is registered in the route store; a guardian also has to have seen the newest epoch, because a gate that comes next asks for that. */
async function untilRegistered(
  wiring: Wiring,
  what: string,
  registrationOf: (processId: number) => ClientRegistration,
  call: PlatformCall,
  provision: (isRegistered: (processId: number) => Promise<boolean>, deadline: Deadline) => Promise<void>,
): Promise<void> {
  const deadline = new Deadline(call.clock, followerDeadlineMs, `${what} of ${wiring.fleet} to follow the route`, call.cancelled)
  const store = openRouteStore(wiring.routeStore, wiring.fleet, call.clock)
  try {
    const isRegistered = async (processId: number) => {
      const { instanceId } = registrationOf(processId)
      const [clients, epoch] = await Promise.all([store.clients(deadline), newestEpoch(store, deadline)])
      return clients.some((client) => client.instanceId === instanceId && (client.kind !== 'guardian' || client.ackedEpoch >= epoch))
    }
    await provision(isRegistered, deadline)
  } finally {
    await store.close()
  }
}

/** 0: there is no route, or it is damaged: then a guardian only says so, and the gate that comes next refuses. */
async function newestEpoch(store: RouteOversight, deadline: Deadline): Promise<number> {
  try {
    return (await store.glance(deadline)).route?.epoch ?? 0
  } catch (thrown) {
    if (thrown instanceof KbgError && thrown.code === 'route-corrupt') return 0
    throw thrown
  }
}

type DeclaredAudit = Pick<LocalAuditSpec, 'fleet' | 'clusters' | 'topics'>

/** One process keeps up with what the other processes of one machine can write. */
const auditWorkers = 1

/**
 * Where a local fleet's route store is or will be: its address follows from the fleet's name, so a colour can know it before the store stands.
 *
 * @param colourCaFile whom the colour is trusted by; where there is one the store speaks TLS too, by the fleet's own authority
 */
export function localRouteStoreAccess(fleet: string, colourCaFile: string | undefined): RouteStoreAccess {
  const { etcd } = localAddresses(fleet)
  const login = { username: routeStoreUsers.operator, credentialsFile: credentialsPath(projectDir, fleet) }
  return { endpoints: [endpointText(etcd.client)], ...login, ...(colourCaFile === undefined ? {} : { caFile: caFile(projectDir, fleet) }) }
}

function storeSpec(fleet: string): RouteStoreSpec {
  return { projectRoot: projectDir, fleet, subnets: process.platform === 'linux' }
}

function workerLocation(worker: ConnectWorkerSpec): WorkerLocation {
  return { projectRoot: projectDir, fleet: worker.fleet, colour: worker.target.colour }
}

function workerName(worker: ConnectWorkerSpec): string {
  return `mirror worker beside ${worker.target.colour}`
}

/** Not cancellable: half an end helps nobody. */
function endDeadline(call: PlatformCall, what: string): Deadline {
  return new Deadline(call.clock, endDeadlineMs, `${what} to end`)
}

function lines(call: PlatformCall, step: string): (text: string) => void {
  return (text) => call.tell({ step, text })
}
