/**
 * The audit's workers beside a local fleet: Node processes that compare both colours, each below a detached one that starts it again when it ends.
 * State in `.kbg/<fleet>/traffic/audit/` (0700): a directory for each worker, and `partitions/` with what they have come to, which they share.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { projectDir, toolPaths } from '../../../tools/paths.ts'
import { endpointText, mostLocalAuditWorkers } from '../../model/addresses.ts'
import { FactsAnswer } from '../../model/audit-wire.ts'
import { type AuditWorkerAccess, AuditWorkerConfig, auditUser } from '../../model/audit-worker.ts'
import { ClusterAccess } from '../../model/cluster-access.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import { FleetName } from '../../model/fleet.ts'
import type { Clock, Deadline } from '../../ports/clock.ts'
import { AuditWorkerHttp } from '../audit/audit-worker-http.ts'
import { allOrFirstFailure } from './all-or-first-failure.ts'
import type { OnProgress } from './cluster.ts'
import { codeDigest } from './code-digest.ts'
import { ensureCredentials, writePrivately } from './credentials.ts'
import { otherUpdateMs, withFileLock } from './file-lock.ts'
import { bindProblem, findProcess, type StartedProcess, startProcess, stopProcess, waitUntilReady } from './process.ts'
import { credentialsPath, localAddresses, removeFleetIfEmpty, trafficDirectory } from './state.ts'

/** What a fleet's audit is made from. */
export const LocalAuditSpec = z.strictObject({
  fleet: FleetName,
  clusters: z.strictObject({ blue: ClusterAccess, green: ClusterAccess }),
  /** The catalog's topics; null: every application topic that both sides have. */
  topics: z.array(z.string().min(1)).nullable(),
  workers: z.int().min(1).max(mostLocalAuditWorkers).default(1),
})
export type LocalAuditSpec = z.infer<typeof LocalAuditSpec>

/** Which fleet of which checkout. */
export interface AuditLocation {
  readonly projectRoot: string
  readonly fleet: string
}

/** What there is of one worker now. */
export interface AuditWorkerObservation {
  readonly access: AuditWorkerAccess
  /** Process id of the worker itself; null when it doesn't run now. */
  readonly pid: number | null
  /** Process id of what starts it again; null when nobody does. */
  readonly supervisorPid: number | null
  /** Whether it was started from these sources. */
  readonly isCurrent: boolean
}

/** How long supervisor and worker get to save what it has come to before they are killed; then it goes on from its last checkpoint. */
const stopGraceMs = 5_000
/** One that doesn't answer in this time hangs, or isn't up. */
const answerWithinMs = 2_000

/**
 * Makes the workers' files and starts them. One that answers, with the same configuration and the same sources, is left alone; any other one is restarted, and goes on where it was. Workers beyond
 * the declared ones are ended. Ready when each answers with credentials.
 *
 * @returns how to reach each worker, for the wiring
 * @throws KbgError `audit-spec`, `busy`, `address-taken`, `process-ended` with its last log lines, `not-ready`
 */
export async function provisionAudit(projectRoot: string, input: unknown, onProgress: OnProgress, deadline: Deadline): Promise<readonly AuditWorkerAccess[]> {
  const spec = parseSpec(input)
  const at: AuditLocation = { projectRoot, fleet: spec.fleet }
  await ensureCredentials(projectRoot, spec.fleet, [auditUser], deadline.clock)
  mkdirSync(directoryOf(at), { recursive: true, mode: 0o700 })
  return withFileLock(`${directoryOf(at)}.lock`, `the audit of ${spec.fleet}`, deadline.within(otherUpdateMs, 'another update'), async () => {
    for (const index of provisionedWorkers(at)) {
      if (index < spec.workers) continue
      await stopWorker(at, index, deadline)
      rmSync(workerDirectory(at, index), { recursive: true, force: true })
    }
    const indexes = Array.from({ length: spec.workers }, (_, index) => index)
    await allOrFirstFailure(deadline, indexes.map((index) => (within: Deadline) => provisionOne(at, index, spec, onProgress, within))) // biome-ignore format: one line
    return indexes.map((index) => accessOf(at, index))
  })
}

/** The provisioned workers, in order. Asks nobody but the operating system. */
export function observeAudit(at: AuditLocation): readonly AuditWorkerObservation[] {
  const code = codeDigest()
  return provisionedWorkers(at).map((index) => {
    const { config, pid, supervisorPid } = filesOf(at, index)
    const isCurrent = existsSync(config) && readFileSync(config, 'utf8').includes(`"code": "${code}"`)
    return { access: accessOf(at, index), pid: findProcess(pid)?.pid ?? null, supervisorPid: findProcess(supervisorPid)?.pid ?? null, isCurrent }
  })
}

/** Ends the workers. `keep` leaves what they have come to, so that new ones go on there; `remove` forgets it, which is right only when the fleet is decommissioned. */
export async function destroyAudit(at: AuditLocation, state: 'keep' | 'remove', deadline: Deadline): Promise<void> {
  if (existsSync(directoryOf(at))) {
    await withFileLock(`${directoryOf(at)}.lock`, `the audit of ${at.fleet}`, 'none', async () => {
      await Promise.all(provisionedWorkers(at).map((index) => stopWorker(at, index, deadline)))
      for (const index of provisionedWorkers(at)) rmSync(workerDirectory(at, index), { recursive: true, force: true })
      if (state === 'remove') rmSync(directoryOf(at), { recursive: true, force: true })
    })
  }
  removeFleetIfEmpty(at.projectRoot, at.fleet)
}

async function provisionOne(at: AuditLocation, index: number, spec: LocalAuditSpec, onProgress: OnProgress, deadline: Deadline): Promise<void> {
  const files = filesOf(at, index)
  const text = `${JSON.stringify(configOf(at, index, spec), null, 2)}\n`
  const isUnchanged = existsSync(files.config) && readFileSync(files.config, 'utf8') === text
  if (isUnchanged && findProcess(files.supervisorPid)) {
    const silence = await whyNoAnswer(accessOf(at, index), deadline)
    if (silence === null) return
    onProgress(`audit worker ${index} is started afresh: ${silence}`)
  }
  await stopWorker(at, index, deadline)
  mkdirSync(workerDirectory(at, index), { recursive: true, mode: 0o700 })
  await start(at, index, text, onProgress, deadline)
}

/** The supervisor ends its worker; one whose supervisor was killed saves and ends by itself. */
async function stopWorker(at: AuditLocation, index: number, deadline: Deadline): Promise<void> {
  const { pid, supervisorPid } = filesOf(at, index)
  await stopProcess(supervisorPid, stopGraceMs, deadline)
  await stopProcess(pid, stopGraceMs, deadline)
}

async function start(at: AuditLocation, index: number, config: string, onProgress: OnProgress, deadline: Deadline): Promise<void> {
  const listen = endpointOf(at, index)
  const taken = await bindProblem(listen)
  if (taken !== undefined) {
    throw new KbgError('address-taken', `Audit worker ${index} of ${at.fleet} can't listen on ${endpointText(listen)} (${taken}).`, {
      remedy: 'End what listens there, or name the fleet otherwise: addresses come from its name.',
    })
  }
  onProgress(`starting audit worker ${index} on ${endpointText(listen)}`)
  writePrivately(filesOf(at, index).config, config)
  const started = await launch(at, index, deadline.clock)
  const http = new AuditWorkerHttp(accessOf(at, index))
  await waitUntilReady(started, () => answers(http, deadline), deadline)
}

/** @throws what asking throws */
async function answers(http: AuditWorkerHttp, deadline: Deadline): Promise<true> {
  await http.ask('GET', '/facts', undefined, FactsAnswer, deadline.within(answerWithinMs, 'one answer of the audit worker'))
  return true
}

/** A worker that hangs lives on, and its supervisor with it. null: it answers. */
async function whyNoAnswer(access: AuditWorkerAccess, deadline: Deadline): Promise<string | null> {
  try {
    await answers(new AuditWorkerHttp(access), deadline)
    return null
  } catch (thrown) {
    deadline.check()
    return messageOf(thrown)
  }
}

function launch(at: AuditLocation, index: number, clock: Clock): Promise<StartedProcess> {
  const { config, log, supervisorPid } = filesOf(at, index)
  return startProcess(
    {
      name: `audit worker ${index} of ${at.fleet}`,
      command: toolPaths().node,
      args: ['--disable-warning=ExperimentalWarning', join(projectDir, 'engine', 'run', 'audit', 'supervise.ts'), config],
      directory: workerDirectory(at, index),
      logFile: log,
      pidFile: supervisorPid,
    },
    clock,
  )
}

function configOf(at: AuditLocation, index: number, { fleet, clusters, topics, workers }: LocalAuditSpec): AuditWorkerConfig {
  const { host, port } = endpointOf(at, index)
  return AuditWorkerConfig.parse({
    fleet,
    clusters,
    topics,
    stateDirectory: join(directoryOf(at), 'partitions'),
    listen: { host, port },
    credentialsFile: credentialsPath(at.projectRoot, fleet),
    code: codeDigest(),
    workers,
  })
}

function accessOf(at: AuditLocation, index: number): AuditWorkerAccess {
  return { url: `http://${endpointText(endpointOf(at, index))}`, credentialsFile: credentialsPath(at.projectRoot, at.fleet) }
}

function endpointOf(at: AuditLocation, index: number) {
  const endpoint = localAddresses(at.fleet).audit[index]
  if (endpoint === undefined) throw new KbgError('audit-spec', `There is no address for audit worker ${index}.`, { facts: { most: mostLocalAuditWorkers } })
  return endpoint
}

function directoryOf(at: AuditLocation): string {
  return join(trafficDirectory(at.projectRoot, at.fleet), 'audit')
}

function workerDirectory(at: AuditLocation, index: number): string {
  return join(directoryOf(at), `worker-${index}`)
}

function provisionedWorkers(at: AuditLocation): readonly number[] {
  if (!existsSync(directoryOf(at))) return []
  return readdirSync(directoryOf(at))
    .flatMap((name) => /^worker-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .filter((index) => index < mostLocalAuditWorkers)
    .sort((a, b) => a - b)
}

function filesOf(at: AuditLocation, index: number) {
  const directory = workerDirectory(at, index)
  const file = (name: string) => join(directory, name)
  return { config: file('worker.json'), log: file('worker.log'), pid: file('worker.pid'), supervisorPid: file('supervisor.pid') }
}

function parseSpec(input: unknown): LocalAuditSpec {
  const parsed = LocalAuditSpec.safeParse(input)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => `\n  ${issue.path.map(String).join('.') || '(whole)'}: ${issue.message}`)
  throw new KbgError('audit-spec', `The audit can't be made like this:${problems.join('')}`)
}
