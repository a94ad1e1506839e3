import { type LeftOpen, leftOpen } from '../switchover/resume.ts'
import type { Actual, Execution } from './execution.ts'
import { finishOpen } from './finish-open.ts'
import type { Ports } from './ports.ts'
import { reconcileFences } from './reconcile-fences.ts'
import { type RunRequest, underLock } from './under-lock.ts'

/** What was found, and what there is now. */
export interface Repaired {
  /** null: nothing was left open. */
  readonly left: LeftOpen['kind'] | null
  readonly actual: Actual
}

/**
 * Brings a fleet to rest, under the lock: what was left open is finished or taken back, and fences follow the route again. What a guardian does when it is its turn.
 *
 * @param why see {@link finishOpen}
 */
export async function bringToRest(run: Execution, why: string | null = null): Promise<Repaired> {
  const left = leftOpen(run.route, run.journal)
  if (left !== null) await finishOpen(run, left, why)
  await reconcileFences(run)
  return { left: left?.kind ?? null, actual: run.actual }
}

/** {@link bringToRest} once, now: `kbg repair`. @throws KbgError `locked` while an orchestrator holds the lock */
export async function repair(ports: Ports, request: Omit<RunRequest, 'intent'>): Promise<Repaired> {
  return await underLock(ports, { ...request, intent: null }, (run) => bringToRest(run))
}
