import { stopSignals } from '../../../tools/process.ts'

const controller = new AbortController()

/** Aborted by ^C once {@link stopOnInterrupt} was called: a bench then ends what it started, and writes nothing. */
export const interrupted: AbortSignal = controller.signal

/** From now on ^C (or SIGTERM) doesn't end this process at once. */
export function stopOnInterrupt(): void {
  for (const signal of stopSignals) process.once(signal, () => controller.abort(new Error(`interrupted by ${signal}`)))
}
