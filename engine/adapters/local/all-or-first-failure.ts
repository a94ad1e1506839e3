import { Deadline } from '../../ports/clock.ts'

/** Works on all at once. A failure ends the others' waits, and is thrown when none is running on: what they started is then on record. */
export async function allOrFirstFailure(deadline: Deadline, works: readonly ((within: Deadline) => Promise<void>)[]): Promise<void> {
  const stop = new AbortController()
  const signals = deadline.cancelled ? [stop.signal, deadline.cancelled] : [stop.signal]
  const within = new Deadline(deadline.clock, deadline.remainingMs(), deadline.what, AbortSignal.any(signals))
  await Promise.allSettled(works.map((work) => work(within).catch((error: unknown) => stop.abort(error))))
  stop.signal.throwIfAborted()
}
