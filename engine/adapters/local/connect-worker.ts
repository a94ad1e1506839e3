/**
 * The Kafka Connect worker beside a local colour: a detached JVM that copies into that colour.
 * State in `.kbg/<fleet>/traffic/connect-<colour>/` (0700); everything that holds a password is 0600.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { connectVersion } from '../../../tools/paths.ts'
import type { Endpoint } from '../../model/addresses.ts'
import { ClusterAccess, mirrorUserOf, platformUsers } from '../../model/cluster-access.ts'
import type { Colour } from '../../model/colour.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import { FleetName } from '../../model/fleet.ts'
import { jaasEntry, loginModules } from '../../model/jaas.ts'
import { type KafkaProperties, workerGroupId, workerProperties, workerTopics } from '../../model/mirror-template.ts'
import { propertiesText } from '../../model/properties.ts'
import { restUser, type WorkerAccess } from '../../model/wiring.ts'
import type { Clock, Deadline } from '../../ports/clock.ts'
import { ConnectRest } from '../connect/connect-rest.ts'
import { createTopics } from '../kafka/admin.ts'
import { ensureAuthority, issueCertificate, keystoreNames, writePkcs12 } from './certificates.ts'
import type { OnProgress } from './cluster.ts'
import { launchWorker, untilHealthy } from './connect-process.ts'
import { ensureCredentials, passwordOf, readCredentials, writePrivately } from './credentials.ts'
import { otherUpdateMs, withFileLock } from './file-lock.ts'
import { requireKafka } from './jvm.ts'
import { bindProblem, findProcess, stopProcess } from './process.ts'
import { caFile, credentialsPath, localAddresses, removeFleetIfEmpty, trafficDirectory } from './state.ts'

/** A worker is made for exactly one edge, `source -> target`, and stands beside the target. */
export const ConnectWorkerSpec = z
  .strictObject({ fleet: FleetName, source: ClusterAccess, target: ClusterAccess })
  .refine((spec) => spec.source.colour !== spec.target.colour, { error: 'source and target are the same colour', path: ['source'] })
export type ConnectWorkerSpec = z.infer<typeof ConnectWorkerSpec>

/** Which worker of which checkout. */
export interface WorkerLocation {
  readonly projectRoot: string
  readonly fleet: string
  /** The colour that it copies into. */
  readonly colour: Colour
}

/** What there is of a worker now. */
export interface WorkerObservation {
  readonly provisioned: boolean
  /** Process id; null when it doesn't run. */
  readonly pid: number | null
}

/** How long a worker gets to leave its group and commit before it is killed: its task has 5 s for that. */
const stopGraceMs = 10_000
/** Deleting connectors before a worker goes is bounded, since its colour may be gone already. */
const deleteConnectorsMs = 8_000

/**
 * Makes the worker's files and starts it. One that runs with the same spec is left alone; with another spec it is restarted.
 * Ready when its REST interface answers with credentials and it has joined its group.
 *
 * @throws KbgError `worker-spec`, `busy`, `java-missing`, `kafka-missing`, `address-taken`, `process-ended` with its last log lines, `not-ready`
 */
export async function provisionWorker(projectRoot: string, input: unknown, onProgress: OnProgress, deadline: Deadline): Promise<WorkerAccess> {
  const spec = parseSpec(input)
  const at: WorkerLocation = { projectRoot, fleet: spec.fleet, colour: spec.target.colour }
  await requireKafka(connectVersion)
  await ensureCredentials(projectRoot, spec.fleet, [restUser, platformUsers.mirror], deadline.clock)
  return withFileLock(`${directoryOf(at)}.lock`, `the Connect worker beside ${at.colour}`, deadline.within(otherUpdateMs, 'another update'), async () => {
    const unchanged = JSON.stringify(readSpec(at)) === JSON.stringify(spec)
    if (!unchanged || !findProcess(filesOf(at).pid)) {
      await stopProcess(filesOf(at).pid, stopGraceMs, deadline)
      const properties = await writeFiles(at, spec, deadline.clock)
      // A worker of the same spec has made or found them.
      if (!unchanged) await createTopics(spec.target, workerTopics(properties), deadline)
      await start(at, onProgress, deadline)
    }
    return accessOf(at)
  })
}

/** Whether the worker was made and whether its process lives. Asks nobody but the operating system. */
export function observeWorker(at: WorkerLocation): WorkerObservation {
  return { provisioned: existsSync(filesOf(at).spec), pid: findProcess(filesOf(at).pid)?.pid ?? null }
}

/** How to reach a provisioned worker: over TLS where it was made with it, or its spec can't be read; a keystore that was lost since is no reason to send its password in plaintext. */
export function accessOf(at: WorkerLocation): WorkerAccess {
  const rest = restOf(at)
  const spec = readSpec(at)
  const secure = spec === undefined ? existsSync(filesOf(at).restKeystore) : spec.target.caFile !== undefined
  return {
    colour: at.colour,
    restUrl: `${secure ? 'https' : 'http'}://${rest.host}:${rest.port}`,
    groupId: workerGroupId(at.fleet, at.colour),
    credentialsFile: credentialsPath(at.projectRoot, at.fleet),
    sourceLogin: secretReference(at, 'source'),
    targetLogin: secretReference(at, 'target'),
    ...(secure ? { caFile: caFile(at.projectRoot, at.fleet) } : {}),
  }
}

/** Starts a provisioned worker whose process has ended; its connectors go on where their last transaction ended. @throws KbgError as {@link provisionWorker} */
export async function startDeadWorker(at: WorkerLocation, onProgress: OnProgress, deadline: Deadline): Promise<void> {
  const spec = readSpec(at)
  if (!spec) throw new KbgError('worker-spec', `There is no Connect worker beside ${at.colour} to be started.`, { facts: { directory: directoryOf(at) } })
  await provisionWorker(at.projectRoot, spec, onProgress, deadline)
}

/**
 * Ends the worker and removes its files. Its connectors are deleted first, as far as it still answers: they are stored on the
 * colour, and a later worker of the same group would run them again.
 */
export async function destroyWorker(at: WorkerLocation, onProgress: OnProgress, deadline: Deadline): Promise<void> {
  if (existsSync(directoryOf(at))) {
    await withFileLock(`${directoryOf(at)}.lock`, `the Connect worker beside ${at.colour}`, 'none', async () => {
      if (findProcess(filesOf(at).pid)) await deleteConnectors(at, onProgress, deadline.within(deleteConnectorsMs, 'connectors to be deleted'))
      else onProgress(notDeleted(at, 'the worker has ended'))
      await stopProcess(filesOf(at).pid, stopGraceMs, deadline)
      rmSync(directoryOf(at), { recursive: true, force: true })
    })
  }
  removeFleetIfEmpty(at.projectRoot, at.fleet)
}

async function deleteConnectors(at: WorkerLocation, onProgress: OnProgress, deadline: Deadline): Promise<void> {
  const rest = new ConnectRest(accessOf(at))
  try {
    const refusal = "Can't list the connectors."
    const names = await rest.complete(refusal, () => rest.ask({ method: 'GET', path: '/connectors', refusal }, z.array(z.string()), deadline), deadline)
    for (const name of names) {
      await rest.find({ method: 'DELETE', path: `/connectors/${encodeURIComponent(name)}`, refusal: `Can't delete connector ${name}.` }, z.unknown(), deadline)
    }
  } catch (error) {
    onProgress(notDeleted(at, messageOf(error)))
  }
}

function notDeleted({ colour }: WorkerLocation, why: string): string {
  return `connectors beside ${colour} were not deleted; if ${colour} stays, a new worker would run them again: ${why}`
}

async function start(at: WorkerLocation, onProgress: OnProgress, deadline: Deadline): Promise<void> {
  const rest = restOf(at)
  const taken = await bindProblem(rest)
  if (taken !== undefined) {
    throw new KbgError('address-taken', `The Connect worker beside ${at.colour} can't listen on ${rest.host}:${rest.port} (${taken}).`, {
      remedy: 'End what listens there, or name the fleet otherwise: addresses come from its name.',
    })
  }
  onProgress(`starting the Connect worker beside ${at.colour}`)
  const startedAtMs = deadline.clock.monotonicMs()
  const started = await launchWorker(`the Connect worker beside ${at.colour}`, filesOf(at), deadline.clock)
  await untilHealthy(started, accessOf(at), deadline)
  onProgress(`the Connect worker beside ${at.colour} is ready after ${Math.round(deadline.clock.monotonicMs() - startedAtMs)} ms`)
}

/** @returns the worker's properties */
async function writeFiles(at: WorkerLocation, spec: ConnectWorkerSpec, clock: Clock): Promise<KafkaProperties> {
  const files = filesOf(at)
  const rest = restOf(at)
  mkdirSync(dirname(files.logins), { recursive: true, mode: 0o700 })
  const keystorePassword = await writeRestKeystore(at, spec, clock)
  const targetLogin = secretReference(at, 'target')
  const properties = workerProperties({
    fleet: at.fleet,
    target: spec.target,
    restHost: rest.host,
    restPort: rest.port,
    targetLogin,
    secretsDirectory: dirname(files.logins),
    restKeystore: keystorePassword === undefined ? undefined : { file: files.restKeystore, password: secretReference(at, 'keystore') },
  })
  const secrets = {
    source: mirrorLogin(spec.source),
    target: mirrorLogin(spec.target),
    ...(keystorePassword === undefined ? {} : { keystore: keystorePassword }),
  }
  writePrivately(files.logins, propertiesText(secrets))
  const restPassword = passwordOf(readCredentials(credentialsPath(at.projectRoot, at.fleet)), restUser)
  writePrivately(files.restUsers, propertiesText({ [restUser]: restPassword }))
  writePrivately(files.restLogin, `KafkaConnect {\n  ${jaasEntry(loginModules.propertyFile, { file: files.restUsers })}\n};\n`)
  writePrivately(files.properties, propertiesText(properties))
  // Last: what is complete is provisioned.
  writePrivately(files.spec, `${JSON.stringify(spec, null, 2)}\n`)
  return properties
}

/** Where the colour beside it speaks TLS the worker's REST does too. @returns the password of its keystore; undefined: plain HTTP */
async function writeRestKeystore(at: WorkerLocation, spec: ConnectWorkerSpec, clock: Clock): Promise<string | undefined> {
  const { restKeystore } = filesOf(at)
  rmSync(restKeystore, { force: true })
  if (spec.target.caFile === undefined) return undefined
  await ensureAuthority(at.projectRoot, at.fleet, clock)
  const issued = await issueCertificate(at.projectRoot, at.fleet, `connect ${at.colour}`, [restOf(at).host], clock)
  writePrivately(join(dirname(restKeystore), keystoreNames.restCertificate), issued.certificate)
  return writePkcs12(restKeystore, issued)
}

function mirrorLogin(access: ClusterAccess): string {
  const { username, mechanism } = mirrorUserOf(access)
  const module = mechanism === 'PLAIN' ? loginModules.plain : loginModules.scram
  return jaasEntry(module, { username, password: passwordOf(readCredentials(access.credentialsFile), username) })
}

/** `${file:<path>:<key>}`: neither part may hold what separates them (ConfigTransformer's pattern). */
function secretReference(at: WorkerLocation, key: 'source' | 'target' | 'keystore'): string {
  const path = filesOf(at).logins
  if (/[:{}$]/.test(path)) {
    throw new KbgError('bad-path', "Kafka Connect can't refer to a file under this path.", {
      facts: { path },
      remedy: 'Move the checkout to a path without colon, dollar sign and braces.',
    })
  }
  return `\${file:${path}:${key}}`
}

function restOf(at: WorkerLocation): Endpoint {
  return localAddresses(at.fleet)[at.colour].connectRest
}

function directoryOf(at: WorkerLocation): string {
  return join(trafficDirectory(at.projectRoot, at.fleet), `connect-${at.colour}`)
}

function filesOf(at: WorkerLocation) {
  const directory = directoryOf(at)
  return {
    spec: join(directory, 'worker.json'),
    properties: join(directory, 'worker.properties'),
    logins: join(directory, 'secrets', 'logins.properties'),
    restUsers: join(directory, 'rest-users.properties'),
    restLogin: join(directory, 'rest-login.conf'),
    restKeystore: join(directory, 'secrets', keystoreNames.pkcs12),
    log: join(directory, 'worker.log'),
    pid: join(directory, 'worker.pid'),
  }
}

/** The spec that the worker was made from; undefined if there is none or it is damaged, which makes it anew. */
function readSpec(at: WorkerLocation): ConnectWorkerSpec | undefined {
  const file = filesOf(at).spec
  return existsSync(file) ? ConnectWorkerSpec.safeParse(jsonOf(readFileSync(file, 'utf8'))).data : undefined
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // the schema refuses it
  }
}

function parseSpec(input: unknown): ConnectWorkerSpec {
  const parsed = ConnectWorkerSpec.safeParse(input)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => `\n  ${issue.path.map(String).join('.') || '(whole)'}: ${issue.message}`)
  throw new KbgError('worker-spec', `The Connect worker can't be made like this:${problems.join('')}`)
}
