import { worseWayBack } from '../../analysis/baseline.ts'
import type { Measured } from '../../analysis/samples.ts'
import { measureLine, type WatchVerdict } from '../../analysis/watch.ts'
import { type Colour, otherColour } from '../../model/colour.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import { Deadline } from '../../ports/clock.ts'
import type { RouteReading } from '../../ports/route-store.ts'
import { openSwitch } from '../../switchover/journal-reading.ts'
import type { Watch } from '../../switchover/watch-reading.ts'
import { EndStateError } from '../execution.ts'
import type { Ports } from '../ports.ts'
import { moveLive } from '../switchover.ts'
import { isForLater, writeWatch } from './journal-watch.ts'
import type { WatchRequest } from './keep-watch.ts'
import { seenAfter } from './sampler.ts'

const historyMs = 10_000
const canaries = 3

/** What became of a way back. `busy`: somebody else holds the lock, who may be trying the same. `not yet`: what keeps traffic there may pass. `never`: it was tried and taken back, or may not be tried. */
export type WayBack =
  | { readonly kind: 'moved back'; readonly reason: string }
  | { readonly kind: 'busy'; readonly why: string }
  | { readonly kind: 'not yet'; readonly why: string }
  | { readonly kind: 'never'; readonly why: string }

/**
 * Moves traffic back from a colour that has failed its watch: the ordinary switchover in the other direction, with its own gate, if the other colour is sound and no such move was made under this
 * attempt. Latched before anything moves.
 *
 * @param verdict null: another guardian has decided that it failed, and this one goes on
 */
export async function goBack(ports: Ports, request: WatchRequest, watch: Watch, reading: RouteReading, verdict: WatchVerdict | null): Promise<WayBack> {
  const target = otherColour(watch.colour)
  const { route } = reading
  if (route === null || route.state !== 'open' || route.live !== watch.colour) return { kind: 'not yet', why: `the route isn't open with ${watch.colour} live` }
  const never = await whyNever(ports, request, watch)
  if (never !== null) return { kind: 'never', why: never }
  const notYet =
    openSwitch(reading.journal) !== null ? "the switchover isn't finished, so there is no way back yet" : await whyWorse(ports, request, watch, target)
  if (notYet !== null) return { kind: 'not yet', why: notYet }
  const reason = watch.what === 'failed' || verdict === null ? watch.reason : failures(verdict)
  if (watch.what === 'begun') {
    const written = await writeWatch(ports, request, watch, { what: 'failed', measures: verdict?.measures ?? [], reason })
    if (written !== 'written') return { kind: 'busy', why: 'somebody else holds the lock' }
  }
  request.tell({ step: 'watch', text: `${watch.colour} has failed its watch (${reason}): traffic goes back to ${target}` })
  return await moved(ports, request, watch, { target, gateEpoch: route.epoch, reason })
}

interface Back {
  readonly target: Colour
  readonly gateEpoch: number
  readonly reason: string
}

/** A stop of the guardian doesn't end it: half a way back is worse than a late end. */
async function moved(ports: Ports, request: WatchRequest, watch: Watch, { target, gateEpoch, reason }: Back): Promise<WayBack> {
  const intent = { live: target, attempt: watch.attempt, consumers: {} } // what reads on a sick colour goes with the others
  const automatic = `${watch.colour} failed its watch: ${reason}`
  try {
    await moveLive(ports, { ...request, cancelled: new AbortController().signal, intent, gateEpoch, automatic })
    return { kind: 'moved back', reason }
  } catch (thrown) {
    if (thrown instanceof EndStateError && thrown.actual.live === target) return { kind: 'moved back', reason: `${reason}; ${thrown.message}` }
    if (!(thrown instanceof KbgError)) throw thrown
    if (thrown.code === 'locked') return { kind: 'busy', why: messageOf(thrown) }
    const mayPass = thrown.code === 'gate' || isForLater(thrown)
    return { kind: mayPass ? 'not yet' : 'never', why: messageOf(thrown) }
  }
}

/** Why this attempt may not be moved by a watch (any more); null: it may. */
async function whyNever(ports: Ports, { limits }: WatchRequest, { attempt }: Watch): Promise<string | null> {
  if (limits.maxAutomaticRollbacks === 0) return 'limits.maxAutomaticRollbacks is 0'
  const history = await ports.store.history(new Deadline(ports.clock, historyMs, 'the history of this attempt'))
  const done = history.filter((entry) => entry.kind === 'opened' && entry.automatic !== undefined && entry.attempt === attempt).length
  return done < limits.maxAutomaticRollbacks ? null : `attempt ${attempt} was moved back by itself before`
}

/** Why the other colour is no better; null: its canaries pass. */
async function whyWorse(ports: Ports, { limits }: WatchRequest, { baseline }: Watch, target: Colour): Promise<string | null> {
  const measured: Measured[] = []
  while (measured.length < canaries) {
    measured.push(await seenAfter(ports.clock, ports.clusters[target], new Deadline(ports.clock, 2 * limits.latencyFloorMs, `a canary on ${target}`)))
  }
  const worse = worseWayBack(measured, baseline, limits)
  return worse === null ? null : `${target} is no better: ${worse}`
}

function failures({ measures }: WatchVerdict): string {
  return measures
    .filter(({ verdict }) => verdict === 'fail')
    .map(measureLine)
    .join('; ')
}
