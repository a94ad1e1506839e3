import { otherColour } from '../model/colour.ts'
import { firstFive, KbgError } from '../model/error.ts'
import { heldGroupsReleased } from '../switchover/route-moves.ts'
import { isForward, isLeftOpen, type OpenWave, waveMoves } from '../switchover/waves.ts'
import { EndStateError, type Execution } from './execution.ts'
import { confirm } from './steps/confirm.ts'
import { gate } from './steps/gate.ts'
import { finishWave, moveWave } from './steps/wave.ts'

/** What was left open first; then the ways back, then the least critical wave. One that doesn't go well ends the run, so that the more critical ones stay. */
export async function moveWaves(run: Execution, open: readonly OpenWave[], gateEpoch: number | null): Promise<void> {
  await finishLeftOpen(run, open)
  const { live } = run.route
  const moves = waveMoves(run.route, run.wiring.waves, run.intent.consumers)
  if (moves.some((move) => isForward(move, live))) refuseStaleVerdict(run, gateEpoch)
  for (const move of moves) {
    run.cancelled.throwIfAborted()
    if (isForward(move, live)) {
      await gate(run, { source: live, target: otherColour(live), waveGroups: move.groups })
      await confirm(run, move)
    }
    await moveWave(run, move)
  }
}

/** Groups that were left held are released, and waves that were left unjudged are judged, or brought back, whatever a gate says: clients wait. */
export async function settleWaves(run: Execution, open: readonly OpenWave[]): Promise<void> {
  await releaseLeftHeld(run)
  for (const wave of open) await finishWave(run, wave)
}

/** {@link settleWaves} where it is needed. A move beyond that needs a gate that looked at the route as it is then, and so another update. @throws EndStateError `finished-earlier` */
export async function finishLeftOpen(run: Execution, open: readonly OpenWave[]): Promise<void> {
  if (!isLeftOpen(run.route, run.journal)) return
  await settleWaves(run, open)
  const { live } = run.route
  const isMore = run.intent.live !== live || waveMoves(run.route, run.wiring.waves, run.intent.consumers).some((move) => isForward(move, live))
  if (!isMore) return
  throw new EndStateError('finished-earlier', 'What an earlier run had left between two states is finished; the config wants a move beyond that.', run.actual, {
    remedy: 'Run pulumi up again: the gate then judges that move.',
  })
}

/** A run that ended between hold and release has published no other place for its groups: they read on where they were. */
async function releaseLeftHeld(run: Execution): Promise<void> {
  const left = Object.entries(run.route.groups).flatMap(([groupId, { state }]) => (state === 'held' ? [groupId] : []))
  if (left.length === 0) return
  const route = heldGroupsReleased(run.route, run.term)
  await run.record({ kind: 'step', step: 'groups', what: 'skipped', detail: `${firstFive(left)} were left held, epoch ${route.epoch}` }, route)
  // The gate that may follow wants every client on the newest epoch: joining again takes them a moment. A guardian may be who waits here.
  const follow = run.untilCancelled(run.limits.holdDeadlineMs, 'clients to read the route')
  await run.ports.store.waitForClients((clients) => clients.every((client) => client.kind === 'guardian' || client.ackedEpoch >= route.epoch), follow)
}

/** A verdict counts only for the route that it judged. @throws KbgError `stale-verdict` */
export function refuseStaleVerdict(run: Execution, gateEpoch: number | null): void {
  if (gateEpoch === run.route.epoch) return
  throw new KbgError('stale-verdict', "The gate's verdict is of another epoch.", {
    facts: { observed: gateEpoch ?? 'none was needed', required: run.route.epoch },
    remedy: 'Run pulumi up without --target, so that the gate judges the route as it is now.',
  })
}
