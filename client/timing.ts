/** Time as the client uses it, injected so that tests own it. Nothing depends on the wall clock. */
export interface Timing {
  /** Monotonic milliseconds. */
  monotonicMs(): number
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The machine's clock. */
export const systemTiming: Timing = {
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, ms)
      signal?.addEventListener('abort', onAbort, { once: true })
    }),
}

/** The work's result, or `late()` thrown when it takes longer than `ms`. The work itself isn't undone. */
export async function within<T>(timing: Timing, ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  const stop = new AbortController()
  try {
    return await Promise.race([
      work,
      timing.sleep(ms, stop.signal).then(() => {
        throw late()
      }),
    ])
  } finally {
    stop.abort()
    work.catch(() => undefined) // when it was late, the caller has been told so; its own failure has nobody to go to
  }
}
