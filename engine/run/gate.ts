import { boundsOf, isWayBack } from '../gate/assess.ts'
import type { Check } from '../gate/check.ts'
import { otherColour } from '../model/colour.ts'
import { KbgError } from '../model/error.ts'
import type { JournalEntry } from '../model/journal.ts'
import { Limits } from '../model/limits.ts'
import type { RouteDocument } from '../model/route.ts'
import { Intent, Wiring } from '../model/wiring.ts'
import { Deadline, systemClock } from '../ports/clock.ts'
import { openSwitch } from '../switchover/journal-reading.ts'
import { gateDeadlineMs } from '../switchover/steps.ts'
import { forwardGroups, isLeftOpen } from '../switchover/waves.ts'
import { judge, purposeOfIntent } from './judge.ts'
import { type Ports, withPorts } from './ports.ts'
import { refused } from './steps/gate.ts'

/** The gate's answer as outputs of its resource. */
export interface GateOutcome {
  readonly verdict: 'pass' | 'not needed'
  /** The epoch that was judged; a switchover under another one refuses it. */
  readonly epoch: number
  readonly checks: readonly Check[]
}

/**
 * Observes and assesses; throws unless every check passes. With nothing to move, or with a switch that was left open (which the Switchover finishes or
 * takes back), it is `not needed`.
 *
 * @throws KbgError `gate` with every check that didn't pass
 */
export async function runGate(wiringJson: unknown, intentJson: unknown, limitsJson: unknown): Promise<GateOutcome> {
  const wanted = { wiring: Wiring.parse(wiringJson), intent: Intent.parse(intentJson), limits: Limits.parse(limitsJson) }
  return await withPorts(wanted.wiring, systemClock, (ports) => askGate(ports, wanted))
}

/** What a gate is asked for. */
export interface GateQuestion {
  readonly wiring: Wiring
  readonly intent: Intent
  readonly limits: Limits
  readonly cancelled?: AbortSignal
}

/** {@link runGate} over ports that are there. @throws KbgError as that; what it was cancelled with */
export async function askGate(ports: Ports, { wiring, intent, limits, cancelled }: GateQuestion): Promise<GateOutcome> {
  const { route, journal } = await ports.store.read(new Deadline(ports.clock, 5_000, 'the route store', cancelled))
  if (route === null) return { verdict: 'not needed', epoch: 0, checks: [] }
  if (!isNeeded(route, journal, intent, wiring)) return { verdict: 'not needed', epoch: route.epoch, checks: [] }
  const lagSamples = limits.lagSamples
  const purpose = purposeOfIntent(route, journal, intent)
  const lookMs = isWayBack(purpose) ? gateDeadlineMs(limits, true) : 15_000
  const totalMs = lookMs + lagSamples * (limits.lagSampleIntervalMs + 2 * boundsOf(limits, purpose).maxMirrorLagMs)
  const deadline = new Deadline(ports.clock, totalMs, 'the gate to observe both colours', cancelled)
  const move = { source: route.live, target: otherColour(route.live), waveGroups: forwardGroups(route, wiring.waves, intent) }
  const verdict = await judge(ports, { wiring, limits, move, attempt: intent.attempt, purpose, lagSamples }, deadline)
  cancelled?.throwIfAborted() // what wasn't seen for that is no refusal
  if (verdict.verdict !== 'pass') throw refused(verdict)
  return { verdict: 'pass', epoch: route.epoch, checks: verdict.checks }
}

/** A gate judges a switchover, and waves that go to the standby; what was left open is finished first, and the way back to the live colour is free. */
function isNeeded(route: RouteDocument, journal: readonly JournalEntry[], intent: Intent, wiring: Wiring): boolean {
  if (route.state !== 'open' || openSwitch(journal) !== null || isLeftOpen(route, journal)) return false
  return route.live !== intent.live || forwardGroups(route, wiring.waves, intent).length > 0
}

/**
 * Whether the gate has to be asked again, for its resource's diff: the route isn't as wanted, a switch is open, or it can't be read. Stored inputs
 * prove nothing: after a failed update they are old.
 */
export async function gateIsDue(wiringJson: unknown, intentJson: unknown): Promise<boolean> {
  const wiring = Wiring.parse(wiringJson)
  const intent = Intent.parse(intentJson)
  try {
    return await withPorts(wiring, systemClock, async (ports) => {
      const { route, journal } = await ports.store.read(new Deadline(ports.clock, 3_000, 'the route store'))
      return route === null || route.state !== 'open' || openSwitch(journal) !== null || isLeftOpen(route, journal) || isNeeded(route, journal, intent, wiring)
    })
  } catch (thrown) {
    if (thrown instanceof KbgError) return true // unreadable: asked again, and the update refuses with the reason
    throw thrown
  }
}
