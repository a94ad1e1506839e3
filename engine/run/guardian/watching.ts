import { KbgError, messageOf } from '../../model/error.ts'
import { guardianLookMs } from '../../switchover/stall.ts'
import { guardianHolder } from '../under-lock.ts'
import { Watcher } from '../watch/keep-watch.ts'
import type { GuardianParts } from './keeper.ts'

/**
 * Keeps the watch behind a release, beside the rounds, until `over`: a sample of a sick colour may take seconds, and what is left open must not wait for it. Where nothing is to be watched, it looks
 * again as often as the rounds do.
 */
export async function keepWatching({ ports, wiring, limits, colour, processId, tell }: GuardianParts, over: AbortSignal): Promise<void> {
  const holder = `${guardianHolder} beside ${colour}, pid ${processId}`
  const watcher = new Watcher(ports, { wiring, limits, holder, tell: ({ step, text }) => tell(`${step}: ${text}`), cancelled: over })
  let told = ''
  while (!over.aborted) {
    try {
      await watcher.untilEnded()
      told = ''
    } catch (thrown) {
      if (over.aborted) return
      if (!(thrown instanceof KbgError)) throw thrown
      const line = `can't watch now: ${messageOf(thrown)}`
      if (line !== told) tell(line)
      told = line
    }
    await ports.clock.sleep(guardianLookMs, over).catch(() => undefined) // woken by the end: the loop's condition ends it
  }
}
