/** A colour on this machine: three Kafka processes that outlive whoever started them, found again by what lies in `.kbg/<fleet>/<colour>/`. */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { brokerEndpoints } from '../../model/addresses.ts'
import type { ClusterAccess } from '../../model/cluster-access.ts'
import type { Colour } from '../../model/colour.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import { firstProducerIds } from '../../model/producer-ids.ts'
import { type Clock, Deadline } from '../../ports/clock.ts'
import { allOrFirstFailure } from './all-or-first-failure.ts'
import { bearCluster, knowsAllBrokers, platformLogins, refreshUsers } from './birth.ts'
import { findNode, nodeFiles, requireFreeAddresses, runNode, writeNodeConfig } from './broker-process.ts'
import { ensureAuthority, issueCertificate, writeKeystore } from './certificates.ts'
import { accessOf, type ClusterRecord, readClusterRecord, writeClusterRecord } from './cluster-record.ts'
import { changeOf, type LocalClusterSpec, parseClusterSpec, refuseChange } from './cluster-spec.ts'
import { ensureCredentials, passwordOf, readCredentials } from './credentials.ts'
import { withFileLock } from './file-lock.ts'
import { requireKafka } from './jvm.ts'
import { stopProcess, waitForPort, waitUntilReady } from './process.ts'
import { colourDirectory, fleetDirectory, localAddresses, removeFleetIfEmpty } from './state.ts'
import { formatNode, formattedCheckpoint, isFormatted, randomKafkaId } from './storage.ts'

/** One line for people about what is going on now. */
export type OnProgress = (line: string) => void

/** What stands of a colour, as seen from this machine's processes alone. */
export interface LocalClusterFacts {
  readonly spec: LocalClusterSpec
  readonly access: ClusterAccess
  /** False while its first provisioning hasn't finished: users, ACLs or the fence may be missing. */
  readonly complete: boolean
  readonly brokers: readonly { readonly nodeId: number; readonly address: string; readonly pid: number | null }[]
}

/**
 * Makes a colour stand: provisions it, continues an interrupted provisioning, or starts what is dead of it. A new colour is
 * born fenced: it has refused application writes since before the first application could log in.
 *
 * When a *first* provisioning fails or is cancelled, its processes are ended; what they logged stays for a look.
 *
 * @param input a {@link LocalClusterSpec}
 * @throws KbgError `cluster-spec`, `cluster-change`, `busy`, `java-missing`, `kafka-missing`, `address-taken`, `process-ended`, `not-ready`, `deadline`
 */
export async function provisionCluster(projectRoot: string, input: unknown, onProgress: OnProgress, deadline: Deadline): Promise<ClusterAccess> {
  const spec = parseClusterSpec(input)
  return locked(projectRoot, spec.fleet, spec.colour, async () => {
    const record = await prepare(projectRoot, spec, deadline)
    if (record.complete) return provisionAgain(projectRoot, record, spec, onProgress, deadline)
    try {
      const access = await bringUp(projectRoot, record, onProgress, deadline)
      await bearCluster(access, record.spec, onProgress, deadline)
      writeClusterRecord(projectRoot, { ...record, complete: true })
      return access
    } catch (cause) {
      await endProcesses(projectRoot, spec.fleet, spec.colour, deadline.clock).catch((second: unknown) => {
        throw new KbgError('still-running', `${spec.colour} could not be provisioned, nor its brokers be ended: ${messageOf(second)}.`, { cause })
      })
      throw cause
    }
  })
}

/** What stands of a colour; undefined when nothing was ever provisioned here. @throws KbgError `cluster-record`, `pid-file` */
export function observeCluster(projectRoot: string, fleet: string, colour: Colour): LocalClusterFacts | undefined {
  const record = readClusterRecord(projectRoot, fleet, colour)
  if (!record) return undefined
  const directory = colourDirectory(projectRoot, fleet, colour)
  const access = accessOf(projectRoot, record)
  const brokers = record.addresses.nodes.map((node, index) => ({
    nodeId: node.nodeId,
    address: access.internalBootstrapServers[index] ?? '',
    pid: findNode(directory, node.nodeId)?.pid ?? null,
  }))
  return { spec: record.spec, access, complete: record.complete, brokers }
}

/**
 * Starts the brokers of a provisioned colour that don't live, with their data.
 *
 * @throws KbgError `not-provisioned`, and as {@link provisionCluster}
 */
export async function startDeadBrokers(projectRoot: string, fleet: string, colour: Colour, onProgress: OnProgress, deadline: Deadline): Promise<ClusterAccess> {
  return locked(projectRoot, fleet, colour, async () => {
    const record = readClusterRecord(projectRoot, fleet, colour)
    if (!record?.complete) {
      throw new KbgError('not-provisioned', `${colour} of fleet ${fleet} has not been provisioned to its end.`, { remedy: 'Provision it.' })
    }
    return bringUp(projectRoot, record, onProgress, deadline)
  })
}

/** Ends exactly the processes that were started for this colour and removes its data, also when it stands only in part. Nothing there is success. */
export async function destroyCluster(projectRoot: string, fleet: string, colour: Colour, onProgress: OnProgress, deadline: Deadline): Promise<void> {
  const directory = colourDirectory(projectRoot, fleet, colour)
  if (!existsSync(directory)) return
  await locked(projectRoot, fleet, colour, async () => {
    onProgress(`ending the brokers of ${colour}`)
    await endProcesses(projectRoot, fleet, colour, deadline.clock, deadline)
    rmSync(directory, { recursive: true, force: true })
  })
  removeFleetIfEmpty(projectRoot, fleet)
}

function locked<T>(projectRoot: string, fleet: string, colour: Colour, work: () => Promise<T>): Promise<T> {
  return withFileLock(join(fleetDirectory(projectRoot, fleet), `${colour}.lock`), `${colour} of fleet ${fleet}`, 'none', work)
}

/** The record to go on with: the provisioned one, an interrupted one of the same spec, or a new one. Nothing is started here. */
async function prepare(projectRoot: string, spec: LocalClusterSpec, deadline: Deadline): Promise<ClusterRecord> {
  const existing = readClusterRecord(projectRoot, spec.fleet, spec.colour)
  if (existing?.complete) {
    refuseChange(existing.spec, spec)
    return existing
  }
  await requireKafka(spec.kafkaVersion)
  if (existing && changeOf(existing.spec, spec).length === 0) {
    const resumed = { ...existing, spec }
    writeClusterRecord(projectRoot, resumed)
    return resumed
  }
  // An unfinished colour of another spec has never served anybody: it is begun again.
  await endProcesses(projectRoot, spec.fleet, spec.colour, deadline.clock)
  rmSync(colourDirectory(projectRoot, spec.fleet, spec.colour), { recursive: true, force: true })
  mkdirSync(colourDirectory(projectRoot, spec.fleet, spec.colour), { recursive: true, mode: 0o700 })
  const record: ClusterRecord = {
    version: 1,
    spec,
    clusterId: randomKafkaId(),
    addresses: localAddresses(spec.fleet)[spec.colour],
    complete: false,
  }
  writeClusterRecord(projectRoot, record)
  return record
}

/** A colour that stands already: dead brokers are started, users brought up to date. The fence isn't touched: it belongs to the role. */
async function provisionAgain(
  projectRoot: string,
  record: ClusterRecord,
  spec: LocalClusterSpec,
  onProgress: OnProgress,
  deadline: Deadline,
): Promise<ClusterAccess> {
  const access = await bringUp(projectRoot, record, onProgress, deadline)
  const removed = record.spec.applicationUsers.filter((user) => !spec.applicationUsers.includes(user))
  const added = spec.applicationUsers.filter((user) => !record.spec.applicationUsers.includes(user))
  if (added.length + removed.length > 0) {
    await ensureCredentials(projectRoot, spec.fleet, added, deadline.clock)
    await refreshUsers(access, { added, removed }, deadline)
    writeClusterRecord(projectRoot, { ...record, spec: { ...record.spec, applicationUsers: spec.applicationUsers } })
  }
  return access
}

/** Starts every node that doesn't live, all at once, and waits until each of the colour's nodes knows all the others. */
async function bringUp(projectRoot: string, record: ClusterRecord, onProgress: OnProgress, deadline: Deadline): Promise<ClusterAccess> {
  const { spec, addresses } = record
  const directory = colourDirectory(projectRoot, spec.fleet, spec.colour)
  const dead = addresses.nodes.filter((node) => findNode(directory, node.nodeId) === undefined)
  const access = accessOf(projectRoot, record)
  if (dead.length > 0) {
    await requireKafka(spec.kafkaVersion)
    await requireFreeAddresses(spec.fleet, dead)
    onProgress(`starting ${dead.map((node) => `broker ${node.nodeId}`).join(', ')} of ${spec.colour} (Kafka ${spec.kafkaVersion})`)
  }
  if (spec.tls) await certify(projectRoot, record, dead, deadline.clock)
  if (!record.complete) await layOut(projectRoot, record, deadline)
  const nodeIds = addresses.nodes.map((node) => node.nodeId)
  const standUp = addresses.nodes.map((node) => async (within: Deadline) => {
    const running = await runNode(directory, `broker ${node.nodeId} of ${spec.colour}`, node.nodeId, spec.kafkaVersion, within.clock)
    await waitForPort(running, node.internal, within)
    await waitUntilReady(running, () => knowsAllBrokers(access, node, nodeIds, within), within)
  })
  await allOrFirstFailure(deadline, standUp)
  return access
}

/** A new certificate for every node that is about to be started. */
async function certify(projectRoot: string, { spec, addresses }: ClusterRecord, nodes: ClusterRecord['addresses']['nodes'], clock: Clock): Promise<void> {
  await ensureAuthority(projectRoot, spec.fleet, clock)
  const directory = colourDirectory(projectRoot, spec.fleet, spec.colour)
  await Promise.all(
    nodes.map(async (node) => {
      const hosts = brokerEndpoints({ ...addresses, nodes: [node] }).map(({ host }) => host)
      const issued = await issueCertificate(projectRoot, spec.fleet, `broker ${node.nodeId} of ${spec.colour}`, hosts, clock)
      writeKeystore(nodeFiles(directory, node.nodeId).keystore, issued)
    }),
  )
}

/** Passwords, configuration and formatted log directories of a colour that is being born. A file that is there already is kept or written alike. */
async function layOut(projectRoot: string, record: ClusterRecord, deadline: Deadline): Promise<void> {
  const { spec, addresses, clusterId } = record
  const directory = colourDirectory(projectRoot, spec.fleet, spec.colour)
  const [file, checkpoint] = await Promise.all([
    ensureCredentials(projectRoot, spec.fleet, [...platformLogins, ...spec.applicationUsers], deadline.clock),
    formattedCheckpoint(projectRoot, spec.kafkaVersion, deadline),
  ])
  const credentials = readCredentials(file)
  const passwords = { broker: passwordOf(credentials, 'broker'), admin: passwordOf(credentials, 'admin') }
  const { caFile } = accessOf(projectRoot, record)
  for (const node of addresses.nodes) {
    writeNodeConfig(directory, { node, colour: addresses, brokerConfig: spec.brokerConfig, passwords }, caFile)
    const { data } = nodeFiles(directory, node.nodeId)
    if (!isFormatted(data)) formatNode(data, { clusterId, nodeId: node.nodeId, firstProducerId: firstProducerIds[spec.colour] }, checkpoint)
  }
}

/** SIGKILL at once: the data goes with the process, and three nodes that stop together only wait for each other. */
async function endProcesses(
  projectRoot: string,
  fleet: string,
  colour: Colour,
  clock: Clock,
  deadline = new Deadline(clock, 10_000, `the end of ${colour}'s brokers`),
): Promise<void> {
  const directory = colourDirectory(projectRoot, fleet, colour)
  if (!existsSync(directory)) return
  const nodes = readdirSync(directory).filter((name) => name.startsWith('node-'))
  await Promise.all(nodes.map((name) => stopProcess(join(directory, name, 'pid'), 0, deadline)))
}
