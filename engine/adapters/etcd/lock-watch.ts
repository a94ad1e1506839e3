/** What happens to a held lock from outside: it is taken away, or its holder is asked to take its switchover back. */
import { type Etcd3, type IKeyValue, Range, type Watcher } from 'etcd3'
import { z } from 'zod'
import { KbgError, messageOf } from '../../model/error.ts'
import { routeKeys } from '../../model/route.ts'
import { type Clock, Deadline } from '../../ports/clock.ts'
import { type EtcdConnection, parseJson, retryPauseMs } from './etcd-connection.ts'

const readMs = 5_000

/** The value of the abort request's key: for which term it is, and who asks. */
export const AbortRequest = z.strictObject({ term: z.string().regex(/^\d+$/), by: z.string().min(1) })
export type AbortRequest = z.infer<typeof AbortRequest>

/** Who is told. Each is called once at most. */
export interface LockListener {
  /** The key isn't there any more, or is another holder's. */
  readonly gone: () => void
  /** The store refuses to show the lock, and will again: its holder wouldn't see that it is gone. */
  readonly refused: (why: string) => void
  readonly abortRequested: (by: string) => void
}

/** Watches the keys of a held lock until it is closed. A watch that breaks is opened again behind a fresh read, so that nothing is missed; one that is refused ends. */
export class LockWatch {
  readonly #connection: EtcdConnection
  readonly #fleet: string
  readonly #term: string
  readonly #clock: Clock
  readonly #listener: LockListener
  readonly #closed = new AbortController()
  readonly #watching: Promise<void>
  #asked = false

  constructor(connection: EtcdConnection, fleet: string, term: string, clock: Clock, listener: LockListener) {
    this.#connection = connection
    this.#fleet = fleet
    this.#term = term
    this.#clock = clock
    this.#listener = listener
    this.#watching = this.#watch()
  }

  async close(): Promise<void> {
    this.#closed.abort()
    await this.#watching
  }

  async #watch(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      try {
        const revision = await this.#look()
        if (revision === null) return
        await this.#untilChanged(revision)
      } catch (thrown) {
        if (isRefusal(thrown)) return this.#listener.refused(messageOf(thrown))
        // Unreachable, or a watch that broke: the lease's own keep-alives tell when that lasts too long.
        await this.#clock.sleep(retryPauseMs, this.#closed.signal).catch(() => undefined) // woken by close: the loop's condition ends it
      }
    }
  }

  /** @returns the revision that was looked at; null: the lock is gone, and there is nothing left to watch */
  async #look(): Promise<bigint | null> {
    const keys = routeKeys(this.#fleet)
    const deadline = new Deadline(this.#clock, readMs, 'the lock', this.#closed.signal)
    const { revision, lock, request } = await this.#connection.repeatedly('tell the lock', deadline, (etcd) => readBoth(etcd, keys.lock, keys.abortRequest))
    if (lock?.create_revision !== this.#term) {
      this.#listener.gone()
      return null
    }
    const asked = request === undefined ? undefined : AbortRequest.safeParse(parseJson(request.value.toString('utf8'))).data
    if (asked?.term === this.#term && !this.#asked) {
      this.#asked = true
      this.#listener.abortRequested(asked.by)
    }
    return revision
  }

  /** Resolves with the next change of either key; rejects when the watch breaks. */
  async #untilChanged(revision: bigint): Promise<void> {
    const watcher: Watcher = this.#connection.etcd
      .watch()
      .prefix(routeKeys(this.#fleet).lock)
      .startRevision(String(revision + 1n))
      .watcher()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const end = () => resolve()
    watcher.on('put', end).on('delete', end).on('disconnected', reject).on('error', reject)
    this.#closed.signal.addEventListener('abort', end, { once: true })
    try {
      if (this.#closed.signal.aborted) return
      await promise
    } finally {
      this.#closed.signal.removeEventListener('abort', end)
      promise.catch(() => undefined) // nobody may be waiting any more
      watcher.cancel().catch(() => undefined) // a watch that is gone already is what was wanted
    }
  }
}

/** A right or a login that is missing doesn't come back by asking again. */
function isRefusal(thrown: unknown): boolean {
  return thrown instanceof KbgError && (thrown.code === 'route-store-permission' || thrown.code === 'route-store-login')
}

async function readBoth(etcd: Etcd3, lockKey: string, requestKey: string): Promise<{ revision: bigint; lock?: IKeyValue; request?: IKeyValue }> {
  const range = Range.prefix(lockKey)
  const answer = await etcd.kv.range({ key: range.start, range_end: range.end })
  const find = (key: string) => answer.kvs.find((pair) => pair.key.toString() === key)
  const [lock, request] = [find(lockKey), find(requestKey)]
  return { revision: BigInt(answer.header.revision), ...(lock ? { lock } : {}), ...(request ? { request } : {}) }
}
