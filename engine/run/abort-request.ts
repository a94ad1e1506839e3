import type { Colour } from '../model/colour.ts'
import { KbgError } from '../model/error.ts'
import { Deadline } from '../ports/clock.ts'
import type { RouteReading } from '../ports/route-store.ts'
import { openSwitch } from '../switchover/journal-reading.ts'
import { leftOpen } from '../switchover/resume.ts'
import { longestStallMs } from '../switchover/stall.ts'
import type { OversightPorts } from './ports.ts'
import { bringToRest } from './repair.ts'
import { lockOnce, type RunRequest, withLock } from './under-lock.ts'

const storeMs = 5_000
const pauseMs = 100

/** What came of an order to take a running switchover back. */
export type AbortOutcome =
  /** Nobody moves anything, and nothing is left open. */
  | { readonly kind: 'nothing-open'; readonly live: Colour }
  /** It is taken back; `by` says who has done it. */
  | { readonly kind: 'taken-back'; readonly live: Colour; readonly by: string }
  /** The holder of the lock has ended, and nothing is open; but no switchover and no wave was taken back by it. */
  | { readonly kind: 'ended-otherwise'; readonly live: Colour; readonly by: string }
  /** It was decided before the order came: that is finished. */
  | { readonly kind: 'too-late'; readonly live: Colour; readonly isFinished: boolean }
  /** The holder of the lock has been told, and hasn't ended within the bound. */
  | { readonly kind: 'no-answer'; readonly holder: string }

/**
 * Takes a running switchover back, from anywhere. The orchestrator that holds the lock is asked to, and looks at that before the decision only; where nobody
 * holds the lock it is taken back here.
 *
 * @throws KbgError `no-route`; what store and brokers throw
 */
export async function abortRunning(ports: OversightPorts, request: Omit<RunRequest, 'intent'>): Promise<AbortOutcome> {
  const { limits, tell, holder: by, cancelled } = request
  const deadline = new Deadline(ports.clock, longestStallMs(limits), 'the switchover to be taken back', cancelled)
  let asked: Asked | null = null
  // Polled: this is no client of the route, and nobody else tells of a lock's end.
  for (;;) {
    const reading = await ports.store.read(new Deadline(ports.clock, storeMs, 'the route store', cancelled))
    if (reading.route === null) throw new KbgError('no-route', 'There is no route, so nothing can be taken back.', { remedy: 'kbg status says more.' })
    const { lock } = reading
    const outcome = (asked !== null && lock?.term !== asked.term ? ended(reading, asked) : null) ?? (lock === null ? await withoutHolder(ports, request) : null)
    if (outcome !== null) return outcome
    if (lock !== null && lock.term !== asked?.term) {
      const decided = isDecided(reading)
      if (decided !== null) return decided
      const isTold = await ports.store.requestAbort(lock.term, by, new Deadline(ports.clock, storeMs, 'the order', cancelled))
      asked = isTold ? { ...lock, journalHead: reading.journalHead } : null
      if (isTold) tell({ step: 'abort', text: `told ${lock.holder}` })
    }
    if (asked !== null && deadline.remainingMs() <= pauseMs) return { kind: 'no-answer', holder: asked.holder }
    await ports.clock.sleep(pauseMs, cancelled)
  }
}

/** Who was told, and up to where the journal went then. */
interface Asked {
  readonly term: string
  readonly holder: string
  readonly journalHead: number
}

/** A switchover whose outcome is decided for the target; null: there is still something to take back. */
function isDecided({ route, journal }: RouteReading): AbortOutcome | null {
  const open = openSwitch(journal)
  if (route === null || open?.decided?.outcome !== 'switch') return null
  return { kind: 'too-late', live: open.target, isFinished: false }
}

/** What has become of the switchover of a holder that was told and has let go; null: it is left open, and somebody has to act. */
function ended(reading: RouteReading, { holder, journalHead }: Asked): AbortOutcome | null {
  const { route, journal } = reading
  if (route === null || leftOpen(route, journal) !== null) return isDecided(reading)
  const isSwitched = journal.some((entry) => entry.kind === 'closed' && entry.outcome === 'switched' && entry.number > journalHead)
  if (isSwitched) return { kind: 'too-late', live: route.live, isFinished: true }
  const isTakenBack = journal.some(
    (entry) => entry.number > journalHead && ((entry.kind === 'closed' && entry.outcome === 'aborted') || (entry.kind === 'wave' && entry.what === 'returned')),
  )
  return { kind: isTakenBack ? 'taken-back' : 'ended-otherwise', live: route.live, by: holder }
}

/** null: somebody was faster to take the lock. */
async function withoutHolder(ports: OversightPorts, request: Omit<RunRequest, 'intent'>): Promise<AbortOutcome | null> {
  const lock = await lockOnce(ports, request).catch((thrown: unknown) => {
    if (thrown instanceof KbgError && thrown.code === 'locked') return null
    throw thrown
  })
  if (lock === null) return null
  return await withLock(ports, lock, { ...request, intent: null }, async (run) => {
    const left = leftOpen(run.route, run.journal)
    if (left === null) return { kind: 'nothing-open', live: run.route.live }
    if (left.kind === 'finish-switch') return { kind: 'too-late', live: left.open.target, isFinished: false }
    await bringToRest(run, left.kind === 'abort' ? `taken back by order of ${request.holder}` : null)
    return { kind: 'taken-back', live: run.route.live, by: request.holder }
  })
}
