import { KbgError, messageOf } from '../../model/error.ts'
import { Deadline } from '../../ports/clock.ts'
import { guardianLookMs } from '../../switchover/stall.ts'
import { guardianHolder } from '../under-lock.ts'
import { Watcher } from '../watch/keep-watch.ts'
import type { GuardianParts } from './keeper.ts'

const storeMs = 3_000

/**
 * Keeps the watch behind a release, beside the rounds, until `over`: a sample of a sick colour may take seconds, and what is left open must not wait for it. The journal is read only when something
 * was written, and while a watch is on.
 */
export async function keepWatching({ ports, wiring, limits, colour, processId, tell }: GuardianParts, over: AbortSignal): Promise<void> {
  const holder = `${guardianHolder} beside ${colour}, pid ${processId}`
  const watcher = new Watcher(ports, { wiring, limits, holder, tell: ({ step, text }) => tell(`${step}: ${text}`), cancelled: over })
  let nothingAt: number | null = null
  let told = ''
  while (!over.aborted) {
    const startedMs = ports.clock.monotonicMs()
    let everyMs = guardianLookMs
    try {
      const { journalHead } = await ports.store.glance(new Deadline(ports.clock, storeMs, 'the route store', over))
      if (journalHead !== nothingAt) {
        const { kind } = await watcher.round()
        nothingAt = kind === 'watching' ? null : journalHead
        if (kind === 'watching') everyMs = limits.watchSampleIntervalMs
      }
      told = ''
    } catch (thrown) {
      if (over.aborted) return
      if (!(thrown instanceof KbgError)) throw thrown
      const line = `can't watch now: ${messageOf(thrown)}`
      if (line !== told) tell(line)
      told = line
    }
    const restMs = everyMs - (ports.clock.monotonicMs() - startedMs)
    await ports.clock.sleep(Math.max(0, restMs), over).catch(() => undefined) // woken by the end: the loop's condition ends it
  }
}
