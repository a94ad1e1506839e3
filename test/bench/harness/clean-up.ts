import { messageOf } from '../../../engine/model/error.ts'

/**
 * Does the work, then cleans up: every step in its turn, also when the work or a step before it failed, so that one process that doesn't end keeps no
 * directory from being removed.
 *
 * @returns what the work returned
 * @throws the first error: the work's before a step's. Further ones are printed, because they would hide it.
 */
export async function cleaningUp<T>(work: () => Promise<T>, ...steps: readonly (() => unknown)[]): Promise<T> {
  const [settled] = await Promise.allSettled([work()])
  const errors: unknown[] = settled.status === 'rejected' ? [settled.reason] : []
  for (const step of steps) {
    try {
      await step()
    } catch (thrown) {
      errors.push(thrown)
    }
  }
  for (const later of errors.slice(1)) console.error(`Cleaning up failed too: ${messageOf(later)}`)
  if (settled.status === 'rejected' || errors.length > 0) throw errors[0]
  return settled.value
}
