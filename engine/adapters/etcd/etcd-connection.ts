/** The config store's connection: credentials from a file, no hidden retries, and etcd's errors in this project's words. */
import { readFileSync } from 'node:fs'
import { Etcd3, EtcdAuthenticationFailedError, EtcdPermissionDeniedError, type IOptions } from 'etcd3'
import { CredentialsFile } from '../../model/cluster-access.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import { tlsRefusal } from '../../model/tls-refusal.ts'
import type { RouteStoreAccess } from '../../model/wiring.ts'
import type { Deadline } from '../../ports/clock.ts'
import { trustIn } from '../trust.ts'

/** Between two tries of a call that can be repeated, and before a lost watch is opened again. */
export const retryPauseMs = 100

/** The largest answer that is taken: gRPC's own 4 MiB are less than the positions of one switchover may need. */
const maxAnswerBytes = 64 * 1_024 * 1_024

type Policy = ReturnType<NonNullable<NonNullable<IOptions['faultHandling']>['host']>>

/** etcd3's own policies repeat calls (a transaction too) and refuse all calls for 5 s after three failures; here the caller decides. */
const onceOnly = { execute: async (call: (context: { signal: AbortSignal }) => unknown) => call({ signal: new AbortController().signal }) }
const watchBackoff = { duration: retryPauseMs, next: () => watchBackoff }

/** Settings that any etcd client of this project shares: quick reconnects, and a ping that notices a silent server. */
export const etcdTransport = {
  grpcOptions: {
    'grpc.max_receive_message_length': maxAnswerBytes,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.min_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
  },
  faultHandling: { host: () => onceOnly as unknown as Policy, global: onceOnly as unknown as Policy, watchBackoff },
} satisfies Partial<IOptions>

/** The password of `access.username`. @throws KbgError `route-store-credentials`: names the file, never its content */
export function readPassword(access: RouteStoreAccess): string {
  const refuse = (refused: string, cause?: unknown): KbgError =>
    new KbgError('route-store-credentials', refused, {
      facts: { credentialsFile: access.credentialsFile, user: access.username },
      remedy: 'The file is written when the route store is provisioned; restore it, or provision the store again.',
      ...(cause === undefined ? {} : { cause }),
    })
  let text: string
  try {
    text = readFileSync(access.credentialsFile, 'utf8')
  } catch (cause) {
    throw refuse(`The route store's credentials can't be read.`, cause)
  }
  const parsed = CredentialsFile.safeParse(parseJson(text))
  if (!parsed.success) throw refuse(`The route store's credentials have the wrong form.`)
  const password = parsed.data.passwords[access.username]
  if (password === undefined) throw refuse(`The credentials don't hold the route store's user.`)
  return password
}

/** The value of a JSON text; undefined when it isn't JSON (no schema of this project accepts that). */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // told by the schema that refuses it; JSON's own message would quote the text, which may hold a secret
  }
}

function opener(access: RouteStoreAccess): () => Etcd3 {
  const auth = { username: access.username, password: readPassword(access) }
  return () => new Etcd3({ ...etcdTransport, ...etcdTrust(access.caFile), hosts: [...access.endpoints], auth })
}

/** The client's side of TLS, if the store speaks it; gRPC speaks nothing older than TLS 1.2. @throws KbgError as {@link trustIn} */
export function etcdTrust(caFile: string | undefined): Pick<IOptions, 'credentials'> {
  const trust = trustIn(caFile)
  return trust === undefined ? {} : { credentials: { rootCertificate: trust.ca } }
}

/**
 * An authenticated connection to etcd that survives changes of etcd's users: tokens that they outdate are renewed.
 */
export class EtcdConnection {
  readonly access: RouteStoreAccess
  readonly #open: () => Etcd3
  #etcd: Etcd3

  /** @param open makes a client; a simulation has one of its own */
  constructor(access: RouteStoreAccess, open = opener(access)) {
    this.access = access
    this.#open = open
    this.#etcd = open()
  }

  /** The client of now; ask for it before each use. */
  get etcd(): Etcd3 {
    return this.#etcd
  }

  /**
   * One try of a call, bounded by the deadline.
   *
   * @throws KbgError `route-store-login`, `route-store-permission`, the codes of {@link tlsRefusal} (nothing happened), `deadline` or `route-store-unreachable` (a write's outcome is unknown)
   */
  async once<T>(what: string, deadline: Deadline, call: (etcd: Etcd3) => Promise<T>): Promise<T> {
    try {
      return await deadline.race(call(this.#etcd))
    } catch (cause) {
      if (cause instanceof KbgError || deadline.cancelled?.aborted) throw cause
      throw this.#translate(what, cause)
    }
  }

  /** {@link once}, repeated until the deadline while the store can't be reached: for calls that may run twice. */
  async repeatedly<T>(what: string, deadline: Deadline, call: (etcd: Etcd3) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await this.once(what, deadline, call)
      } catch (error) {
        if (!(error instanceof KbgError) || error.code !== 'route-store-unreachable' || deadline.remainingMs() <= retryPauseMs) throw error
        await deadline.clock.sleep(retryPauseMs, deadline.cancelled) // a refused connection answers at once: without a pause this would spin
      }
    }
  }

  #translate(what: string, cause: unknown): KbgError {
    const facts = { endpoints: this.access.endpoints, user: this.access.username }
    if (cause instanceof EtcdAuthenticationFailedError || /authentication is not enabled/.test(messageOf(cause))) {
      return new KbgError('route-store-login', `The route store refused the login (${what}).`, {
        facts,
        remedy: `Compare the password in the credentials file with the store's; is this the store of the same fleet?`,
        cause,
      })
    }
    if (cause instanceof EtcdPermissionDeniedError) {
      return new KbgError('route-store-permission', `The route store doesn't allow this user to ${what}.`, { facts, cause })
    }
    if (/revision of auth store is old|user name is empty/.test(messageOf(cause))) {
      this.#etcd.close() // users or roles were changed: the token of this connection is outdated, a new one isn't
      this.#etcd = this.#open()
    }
    const refused = tlsRefusal(`the route store at ${this.access.endpoints.join(', ')}`, cause)
    if (refused !== undefined) return refused
    return new KbgError('route-store-unreachable', `The route store didn't ${what}.`, {
      retriable: true,
      facts,
      remedy: `Nothing is decided without it. Is it running, and can this machine reach it?${this.access.caFile === undefined ? ' It is asked in plaintext: one that speaks TLS needs a caFile.' : ''}`,
      cause,
    })
  }

  close(): void {
    this.#etcd.close()
  }
}
