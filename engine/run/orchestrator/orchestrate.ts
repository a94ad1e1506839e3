import type { Colour } from '../../model/colour.ts'
import { KbgError } from '../../model/error.ts'
import type { JournalEntry } from '../../model/journal.ts'
import type { Intent } from '../../model/wiring.ts'
import { Deadline } from '../../ports/clock.ts'
import { mirrorRecord } from '../../switchover/journal-reading.ts'
import { createRoute } from '../create-route.ts'
import type { Actual } from '../execution.ts'
import { askGate } from '../gate.ts'
import type { Ports } from '../ports.ts'
import { type MoveRequest, moveLive } from '../switchover.ts'

const storeReadMs = 5_000

/**
 * Brings traffic to where the intent wants it, as one update of a traffic stack does by its resources: makes the first route where there is none, otherwise asks the gate and moves behind it. What was left open is finished
 * or taken back, and a move beyond that is left to the next run.
 *
 * @throws KbgError `gate` with every check that didn't pass; as `createRoute` and `moveLive`
 */
export async function orchestrate(ports: Ports, request: Omit<MoveRequest, 'gateEpoch'>): Promise<Actual> {
  const { intent, tell, cancelled } = request
  const { route, journal } = await ports.store.read(new Deadline(ports.clock, storeReadMs, 'the route store', cancelled))
  if (route === null || isMirrorless(journal, route.live)) {
    refuseWaves(intent)
    return await createRoute(ports, request)
  }
  tell({ step: 'gate', text: 'asked before anything is touched' })
  const { verdict, epoch, checks } = await askGate(ports, request)
  tell({ step: 'gate', text: verdict === 'pass' ? `pass: ${checks.length} checks at epoch ${epoch}` : 'not needed' })
  return await moveLive(ports, { ...request, gateEpoch: verdict === 'pass' ? epoch : null })
}

/** Whoever made the first route ended before its mirror ran. */
function isMirrorless(journal: readonly JournalEntry[], live: Colour): boolean {
  return mirrorRecord(journal, live)?.what !== 'running' && !journal.some(({ kind }) => kind === 'opened')
}

/** Making a route moves nothing: a wave that is wanted elsewhere would look as if it had been moved. */
function refuseWaves({ live, consumers }: Intent): void {
  const elsewhere = Object.entries(consumers).flatMap(([wave, colour]) => (colour === live ? [] : [wave]))
  if (elsewhere.length === 0) return
  throw new KbgError('first-route', 'A first route moves no waves.', {
    facts: { observed: elsewhere, required: `no wave off ${live}` },
    remedy: 'Leave consumers out of the config until the route is there and the mirror has caught up.',
  })
}
