import { KbgError } from '../model/error.ts'
import type { Limits } from '../model/limits.ts'
import type { Intent, Wiring } from '../model/wiring.ts'
import { Deadline } from '../ports/clock.ts'
import type { RouteLock } from '../ports/route-store.ts'
import { leftIntent } from '../switchover/resume.ts'
import { Execution } from './execution.ts'
import type { Ports } from './ports.ts'
import type { Progress } from './progress.ts'

const storeReadMs = 5_000
/** A guardian that finishes a switchover, groups included, may take as long as its orchestrator would have. */
const guardianPatienceMs = 120_000
const retryPauseMs = 200

/** How the holder of a lock is named that a guardian has taken. */
export const guardianHolder = 'guardian'

/** What a run under the lock is given besides its ports. */
export interface RunRequest {
  readonly wiring: Wiring
  /** null: nobody wants anything new; what was left open is finished as its own run wanted it. */
  readonly intent: Intent | null
  readonly limits: Limits
  /** Who asks, for the lock: `pulumi up by user@host, pid`. */
  readonly holder: string
  readonly tell: Progress
  readonly cancelled: AbortSignal
  /** Why a guardian moves traffic back by itself, under the attempt that the route has; absent: the operator wants it. */
  readonly automatic?: string
}

/** Takes the lock, reads route and journal, and runs; the lock is released whatever happens. @throws KbgError `no-route`, `locked` */
export async function underLock<T>(ports: Ports, request: RunRequest, work: (run: Execution) => Promise<T>): Promise<T> {
  return await withLock(ports, await takeLock(ports, request), request, work)
}

/** {@link underLock} with a lock that is held already. */
export async function withLock<T>(ports: Ports, lock: RouteLock, request: RunRequest, work: (run: Execution) => Promise<T>): Promise<T> {
  let run: Execution | undefined
  try {
    const reading = await ports.store.read(new Deadline(ports.clock, storeReadMs, 'the route store'))
    const { route, journal } = reading
    if (route === null) {
      throw new KbgError('no-route', 'There is no route to move.', {
        remedy: 'Create it first: pulumi up on the traffic stack with the colour that is live now.',
      })
    }
    const intent = request.intent ?? leftIntent(route, journal)
    const { routeRevision, journalHead } = reading
    run = new Execution({ ...request, intent, ports, lock, route, journal, routeRevision, journalHead })
    run.publishAgain()
    try {
      return await work(run)
    } finally {
      await run.endNotices()
    }
  } finally {
    await lock.release()
    const told = Promise.all([run?.awaitLateNotices(), run?.endPublications()])
    if (!isGuardian(request.holder)) await told // a guardian lives on, and may be the only one: it has to look again
  }
}

/**
 * Takes the lock. A guardian's lock is waited for, because it ends by itself: what it was taken for is finished then, and this run sees that. Guardians don't wait for each other: the lock decides.
 *
 * @throws KbgError `locked` when anybody else holds it
 */
export async function takeLock(ports: Ports, request: Pick<RunRequest, 'holder' | 'limits' | 'tell' | 'cancelled'>): Promise<RouteLock> {
  const patience = new Deadline(ports.clock, guardianPatienceMs, 'a guardian to finish', request.cancelled)
  let told = false
  // Polled: a lock's end has nobody who tells of it.
  for (;;) {
    try {
      return await lockOnce(ports, request)
    } catch (thrown) {
      const mayWait = thrown instanceof KbgError && isGuardians(thrown) && !isGuardian(request.holder)
      if (!mayWait || patience.remainingMs() <= retryPauseMs) throw thrown
      if (!told) request.tell({ step: 'lock', text: `${thrown.facts.holder} is at work: waiting for it` })
      told = true
      await ports.clock.sleep(retryPauseMs, patience.cancelled)
    }
  }
}

/** {@link takeLock} without patience. */
export async function lockOnce(ports: Ports, { holder, limits }: Pick<RunRequest, 'holder' | 'limits'>): Promise<RouteLock> {
  return await ports.store.lock(holder, limits.lockLeaseSeconds, new Deadline(ports.clock, storeReadMs, 'the lock'))
}

function isGuardians({ code, facts }: KbgError): boolean {
  return code === 'locked' && typeof facts.holder === 'string' && isGuardian(facts.holder)
}

function isGuardian(holder: string): boolean {
  return holder.startsWith(`${guardianHolder} `)
}
