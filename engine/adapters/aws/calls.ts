/** AWS's errors in this project's words, and its calls under a deadline. */
import { KbgError } from '../../model/error.ts'
import type { Deadline } from '../../ports/clock.ts'

/** Between a connection refused and the next try of the SDK's own; the deadline bounds them all. */
export const awsTransport = { maxAttempts: 2 } as const

/**
 * One call of AWS's SDK, bounded by the deadline.
 *
 * @throws KbgError `publication-missing` for the errors named in `missing`, `publication-unreachable` for all others; `deadline`
 */
export async function ask<T>(place: string, deadline: Deadline, missing: readonly string[], call: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
  const over = new AbortController()
  try {
    return await deadline.race(call(over.signal))
  } catch (cause) {
    if (cause instanceof KbgError || deadline.cancelled?.aborted) throw cause
    const name = errorName(cause)
    if (missing.includes(name)) {
      throw new KbgError('publication-missing', `There is no such place: ${place}.`, {
        facts: { said: name },
        remedy: 'pulumi up on the traffic stack makes it.',
        cause,
      })
    }
    throw new KbgError('publication-unreachable', `AWS didn't take or tell the route at ${place}.`, {
      retriable: true,
      facts: { said: name },
      remedy: 'It is tried again. Credentials come from the AWS chain of whoever writes: environment, ~/.aws, or the role of the machine.',
      cause,
    })
  } finally {
    over.abort()
  }
}

/** The name of what AWS's SDK has thrown. */
export function errorName(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : String(thrown)
}
