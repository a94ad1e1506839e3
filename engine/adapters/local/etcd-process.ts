/** The local route store: one etcd beside a fleet, with users, that outlives whoever provisioned it. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Etcd3, EtcdRoleExistsError, EtcdUserExistsError, Range, type Role } from 'etcd3'
import { z } from 'zod'
import { toolPaths } from '../../../tools/paths.ts'
import { type Endpoint, endpointText, planAddresses } from '../../model/addresses.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import { FleetName } from '../../model/fleet.ts'
import { routeKeys } from '../../model/route.ts'
import { tlsRefusal } from '../../model/tls-refusal.ts'
import { RouteStoreAccess } from '../../model/wiring.ts'
import type { Clock, Deadline } from '../../ports/clock.ts'
import { etcdTransport, etcdTrust, parseJson, readPassword } from '../etcd/etcd-connection.ts'
import { ensureAuthority, issueCertificate, keystoreNames, writeKeystore } from './certificates.ts'
import { ensureCredentials, writePrivately } from './credentials.ts'
import { bindProblem, findProcess, startProcess, stopProcess, waitForPort } from './process.ts'
import { caFile } from './state.ts'

/** Users of the store; their passwords stand under these names in the fleet's credentials file. */
export const routeStoreUsers = {
  /** Administers etcd's users; used by provisioning only. */
  root: 'etcd-root',
  /** Gates, switchovers and the CLI: reads and writes everything of the fleet. */
  operator: 'kbg',
  /** Routed applications: read the route, write only their own registrations. */
  client: 'client',
} as const

/** etcd insists on this name for its administrator. */
const etcdRootUser = 'root'

/** What a provisioned route store is: its addresses and how each kind of user reaches it. No secret. */
export const LocalRouteStore = z.strictObject({
  fleet: FleetName,
  endpoint: z.string().min(1),
  operator: RouteStoreAccess,
  client: RouteStoreAccess,
})
export type LocalRouteStore = z.infer<typeof LocalRouteStore>

/** Whose store, and where its state lives (`<projectRoot>/.kbg/<fleet>/traffic/etcd`). */
export interface RouteStoreSpec {
  readonly projectRoot: string
  readonly fleet: string
  /** Addresses on loopback subnets of their own (Linux), or ports of 127.0.0.1. */
  readonly subnets: boolean
  /** Whether it speaks TLS only, with a certificate of the fleet's own authority; false unless said otherwise. */
  readonly tls?: boolean
}

/** `absent`: never provisioned; `dead`: its process ended, its data is there. */
export type RouteStoreObservation = { readonly state: 'absent' } | { readonly state: 'dead' | 'running'; readonly store: LocalRouteStore }

/**
 * Starts the store if it doesn't run (with the data it had), makes its users and turns authentication on. Repeating it changes nothing.
 *
 * @throws KbgError `address-taken`, `process-ended`, `not-ready`, `route-store-users`, `route-store-change`
 */
export async function provisionRouteStore(
  spec: RouteStoreSpec,
  clock: Clock,
  onProgress: (line: string) => void,
  deadline: Deadline,
): Promise<LocalRouteStore> {
  const credentialsFile = await ensureCredentials(spec.projectRoot, spec.fleet, Object.values(routeStoreUsers))
  const addresses = planAddresses(spec.fleet, { subnets: spec.subnets }).etcd
  const endpoint = endpointText(addresses.client)
  const trust = spec.tls === true ? { caFile: await ensureAuthority(spec.projectRoot, spec.fleet, clock) } : {}
  const access = (username: string): RouteStoreAccess => ({ endpoints: [endpoint], username, credentialsFile, ...trust })
  const store: LocalRouteStore = {
    fleet: spec.fleet,
    endpoint,
    operator: access(routeStoreUsers.operator),
    client: access(routeStoreUsers.client),
  }
  const directory = stateDirectory(spec)
  refuseOtherProtocol(spec)
  if (!findProcess(pidFile(directory))) {
    onProgress(`starting etcd on ${endpoint}`)
    await startEtcd(spec, addresses, clock, deadline)
  }
  await ensureUsers(store, access(routeStoreUsers.root), deadline)
  writePrivately(join(directory, 'store.json'), `${JSON.stringify(store, null, 2)}\n`)
  onProgress(`route store ready on ${endpoint}`)
  return store
}

/** Whether the store runs. Reads the state directory and the process table, nothing else. */
export function observeRouteStore(spec: RouteStoreSpec): RouteStoreObservation {
  const directory = stateDirectory(spec)
  const file = join(directory, 'store.json')
  if (!existsSync(file)) return { state: 'absent' }
  const parsed = LocalRouteStore.safeParse(parseJson(readFileSync(file, 'utf8')))
  if (!parsed.success) {
    throw new KbgError('route-store-state', `The local route store's state file is damaged.`, {
      facts: { file },
      remedy: 'Remove the file and run `pulumi up` on the traffic stack again: the data beside it is kept.',
    })
  }
  return { state: findProcess(pidFile(directory)) ? 'running' : 'dead', store: parsed.data }
}

/**
 * Ends the store's process. `keep` leaves its data, so that a new one continues the epochs; `remove` forgets which colour is live, which is right only
 * when the fleet is decommissioned.
 */
export async function destroyRouteStore(spec: RouteStoreSpec, data: 'keep' | 'remove', deadline: Deadline): Promise<void> {
  const directory = stateDirectory(spec)
  await stopProcess(pidFile(directory), 5_000, deadline)
  if (data === 'remove') rmSync(directory, { recursive: true, force: true })
}

/** The store that a fleet has keeps to what it speaks: its applications couldn't follow a change. */
function refuseOtherProtocol(spec: RouteStoreSpec): void {
  const observed = observeRouteStore(spec)
  if (observed.state === 'absent') return
  const spoken = observed.store.operator.caFile !== undefined
  if (spoken === (spec.tls === true)) return
  throw new KbgError('route-store-change', `The route store of ${spec.fleet} speaks ${spoken ? 'TLS' : 'plaintext'} and keeps to it.`, {
    remedy: 'Take the change back; `tls` is decided when a fleet is made.',
  })
}

function stateDirectory(spec: RouteStoreSpec): string {
  return join(spec.projectRoot, '.kbg', FleetName.parse(spec.fleet), 'traffic', 'etcd')
}

function pidFile(directory: string): string {
  return join(directory, 'pid')
}

async function startEtcd(
  spec: RouteStoreSpec,
  addresses: { readonly client: Endpoint; readonly peer: Endpoint },
  clock: Clock,
  deadline: Deadline,
): Promise<void> {
  for (const address of [addresses.client, addresses.peer]) {
    const problem = await bindProblem(address)
    if (problem === undefined) continue
    throw new KbgError('address-taken', `The route store's address can't be used.`, {
      facts: { address: endpointText(address), problem },
      remedy: 'End the process that listens there, or give the fleet another name: its addresses come from it.',
    })
  }
  const directory = stateDirectory(spec)
  const dataDirectory = join(directory, 'data')
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 })
  const scheme = spec.tls === true ? 'https' : 'http'
  const [clientUrl, peerUrl] = [`${scheme}://${endpointText(addresses.client)}`, `${scheme}://${endpointText(addresses.peer)}`]
  const secured = spec.tls === true ? await tlsArguments(spec, addresses, clock) : []
  const started = await startProcess(
    {
      name: `route store of ${spec.fleet}`,
      command: toolPaths().etcd,
      args: [
        ...['--name', 'route-store', '--data-dir', dataDirectory, '--log-level', 'warn'],
        ...['--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl],
        ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl, '--initial-cluster', `route-store=${peerUrl}`],
        // Old versions of the few keys are of no use for an hour; passwords are random, so bcrypt needn't be slow.
        ...['--auto-compaction-mode', 'periodic', '--auto-compaction-retention', '1h', '--bcrypt-cost', '4'],
        ...secured,
      ],
      directory,
      logFile: join(directory, 'log'),
      pidFile: pidFile(directory),
    },
    clock,
  )
  await waitForPort(started, addresses.client, deadline)
}

/** A new certificate, shown to clients and peers; peers have to show one by the same authority. */
async function tlsArguments(spec: RouteStoreSpec, { client, peer }: { readonly client: Endpoint; readonly peer: Endpoint }, clock: Clock): Promise<string[]> {
  const file = join(stateDirectory(spec), keystoreNames.pem)
  const trusted = caFile(spec.projectRoot, spec.fleet)
  writeKeystore(file, await issueCertificate(spec.projectRoot, spec.fleet, `route store of ${spec.fleet}`, [client.host, peer.host], clock))
  return [
    ...['--cert-file', file, '--key-file', file, '--tls-min-version', 'TLS1.2'],
    ...['--peer-cert-file', file, '--peer-key-file', file, '--peer-trusted-ca-file', trusted, '--peer-client-cert-auth'],
  ]
}

/** Makes users and roles and turns authentication on, unless it is on and both users can log in. */
async function ensureUsers(store: LocalRouteStore, root: RouteStoreAccess, deadline: Deadline): Promise<void> {
  const rootPassword = readPassword(root)
  if (await canLogIn(store, etcdRootUser, rootPassword, deadline)) {
    const users = [store.operator, store.client]
    const known = await Promise.all(users.map((user) => canLogIn(store, user.username, readPassword(user), deadline)))
    if (known.every((each) => each)) return // nothing is touched: any change would outdate the tokens of running clients
    await withEtcd(store, { username: etcdRootUser, password: rootPassword }, deadline, (etcd) => makeUsers(etcd, store))
    return
  }
  await withEtcd(store, undefined, deadline, async (etcd) => {
    await makeUsers(etcd, store)
    await makeUser(etcd, etcdRootUser, rootPassword)
    await etcd.user(etcdRootUser).addRole('root')
    await etcd.auth.authEnable()
  })
}

async function makeUsers(etcd: Etcd3, store: LocalRouteStore): Promise<void> {
  const keys = routeKeys(store.fleet)
  const everything = Range.prefix(`/kbg/${store.fleet}/`)
  const operatorRole = await makeRole(etcd, `${store.fleet}-operator`)
  await operatorRole.grant({ permission: 'Readwrite', range: everything })
  const clientRole = await makeRole(etcd, `${store.fleet}-client`)
  await clientRole.grant([
    { permission: 'Read', key: keys.route },
    { permission: 'Readwrite', range: Range.prefix(keys.clientPrefix) },
  ])
  for (const [access, role] of [
    [store.operator, operatorRole],
    [store.client, clientRole],
  ] as const) {
    await makeUser(etcd, access.username, readPassword(access))
    await etcd.user(access.username).addRole(role)
  }
}

async function makeUser(etcd: Etcd3, name: string, password: string): Promise<void> {
  try {
    await etcd.user(name).create(password)
  } catch (error) {
    if (!(error instanceof EtcdUserExistsError)) throw error
    await etcd.user(name).setPassword(password) // left by a provisioning that was cut short
  }
}

async function makeRole(etcd: Etcd3, name: string): Promise<Role> {
  try {
    return await etcd.role(name).create()
  } catch (error) {
    if (!(error instanceof EtcdRoleExistsError)) throw error
    return etcd.role(name)
  }
}

/** False when authentication is off, or when the user or its password isn't known; anything else is an error. */
async function canLogIn(store: LocalRouteStore, username: string, password: string, deadline: Deadline): Promise<boolean> {
  try {
    await withEtcd(store, { username, password }, deadline, (etcd) => etcd.get(routeKeys(store.fleet).route).exec())
    return true
  } catch (error) {
    if (username === etcdRootUser && /invalid user ID or password/.test(messageOf(error))) throw wrongRoot(store, error)
    if (/authentication is not enabled|invalid user ID or password/.test(messageOf(error))) return false
    throw error
  }
}

function wrongRoot(store: LocalRouteStore, cause: unknown): KbgError {
  return new KbgError('route-store-users', `The store's administrator has another password than the fleet's credentials file.`, {
    facts: { endpoint: store.endpoint, credentialsFile: store.operator.credentialsFile },
    remedy: 'Was the credentials file replaced, or does another fleet listen there? Restore the file that this store was provisioned with.',
    cause,
  })
}

async function withEtcd<T>(
  store: LocalRouteStore,
  auth: { readonly username: string; readonly password: string } | undefined,
  deadline: Deadline,
  use: (etcd: Etcd3) => Promise<T>,
): Promise<T> {
  const etcd = new Etcd3({ ...etcdTransport, ...etcdTrust(store.operator.caFile), hosts: [store.endpoint], ...(auth === undefined ? {} : { auth }) })
  try {
    return await deadline.race(use(etcd))
  } catch (thrown) {
    throw tlsRefusal(`the route store at ${store.endpoint}`, thrown) ?? thrown
  } finally {
    etcd.close()
  }
}
