import type { FetchByIdRequest, FetchByIdResponse, FetchedById, FetchTarget } from './fetch-by-id.ts'

/** Ends of a log as its leader answered them. */
export interface LogBounds {
  readonly lastStableOffset: bigint
  readonly logStartOffset: bigint
}

/** How long a broker may wait for how much. */
export interface FetchSize {
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytesPerFetch: number
}

interface Entry {
  target: FetchTarget
  bounds: LogBounds | undefined
}

/** A partition's name inside a session. */
export function targetKey(target: { readonly topicId: string; readonly index: number }): string {
  return `${target.topicId}:${target.index}`
}

/**
 * An incremental fetch session with one broker (KIP-227): after the first Fetch only what changed goes either way, so that a thousand idle partitions cost nothing, and the broker takes turns
 * with partitions when not all of them fit into an answer. A partition that an answer leaves out is as it was. Without a session (the broker's cache is full) every Fetch names all of them.
 *
 * One Fetch at a time: {@link request}, then {@link accept} its answer, or {@link reset} when there is none.
 */
export class FetchSession {
  #id = 0
  #epoch = 0
  #entries = new Map<string, Entry>()

  /** The Fetch that asks for exactly these targets. */
  request(targets: readonly FetchTarget[], limits: FetchSize): FetchByIdRequest {
    const wanted = new Map(targets.map((target) => [targetKey(target), target]))
    const forgotten = this.#epoch === 0 ? [] : [...this.#entries].filter(([key]) => !wanted.has(key)).map(([, { target }]) => target)
    const changed = this.#epoch === 0 ? targets : targets.filter((target) => !isSame(this.#entries.get(targetKey(target))?.target, target))
    const entries = new Map<string, Entry>()
    for (const [key, target] of wanted) entries.set(key, { target, bounds: this.#entries.get(key)?.bounds })
    this.#entries = entries
    return {
      maxWaitMs: limits.maxWaitMs,
      minBytes: limits.minBytes,
      maxBytes: limits.maxBytesPerFetch,
      sessionId: this.#id,
      sessionEpoch: this.#epoch,
      targets: changed,
      forgotten,
    }
  }

  /** Takes over an answer without an error of its own. */
  accept(answer: FetchByIdResponse): void {
    for (const fetched of answer.partitions) {
      const entry = this.#entries.get(targetKey(fetched))
      if (entry) entry.bounds = boundsOf(fetched)
    }
    this.#id = answer.sessionId
    this.#epoch = answer.sessionId === 0 ? 0 : this.#epoch === maxEpoch ? 1 : this.#epoch + 1
  }

  /** The bounds of a partition as last answered, in whichever Fetch of this session that was. */
  known(key: string): LogBounds | undefined {
    return this.#entries.get(key)?.bounds
  }

  /** The next Fetch begins a new session: the broker forgot this one, or an answer got lost. */
  reset(): void {
    this.#id = 0
    this.#epoch = 0
    this.#entries.clear()
  }
}

const maxEpoch = 2 ** 31 - 1

/** An answer's bounds; undefined when it speaks of no log or of another one. */
export function boundsOf(fetched: FetchedById): LogBounds | undefined {
  return fetched.errorCode === 0 && !fetched.diverged ? { lastStableOffset: fetched.lastStableOffset, logStartOffset: fetched.logStartOffset } : undefined
}

function isSame(known: FetchTarget | undefined, wanted: FetchTarget): boolean {
  return (
    known !== undefined &&
    known.offset === wanted.offset &&
    known.leaderEpoch === wanted.leaderEpoch &&
    known.lastFetchedEpoch === wanted.lastFetchedEpoch &&
    known.maxBytes === wanted.maxBytes
  )
}
