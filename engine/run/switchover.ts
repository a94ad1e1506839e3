import { assess, boundsOf, type Verdict } from '../gate/assess.ts'
import { type Colour, otherColour } from '../model/colour.ts'
import { KbgError, messageOf } from '../model/error.ts'
import type { Limits } from '../model/limits.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { Waves } from '../model/wave.ts'
import type { Intent, Wiring } from '../model/wiring.ts'
import { Deadline } from '../ports/clock.ts'
import { drillLines } from '../switchover/drill-verdict.ts'
import type { OpenSwitch } from '../switchover/journal-reading.ts'
import { confirmLines, leftWordLines, planText, polledLines } from '../switchover/plan.ts'
import { type Course, chooseCourse } from '../switchover/resume.ts'
import { watchLines } from '../switchover/watch-reading.ts'
import { isForward, openWaves } from '../switchover/waves.ts'
import { type Actual, actualOf, EndStateError, type Execution } from './execution.ts'
import { decideForced, decideWithout } from './failover.ts'
import { abortReasons, afterRelease, closeUntouched, finishOpen } from './finish-open.ts'
import { type Judgement, purposeOfIntent } from './judge.ts'
import { mirrorAgain } from './mirror-again.ts'
import { letMirrorComeBack } from './mirrors.ts'
import { finishLeftOpen, moveWaves, refuseStaleVerdict } from './move-waves.ts'
import { type ObservedMove, observe } from './observe.ts'
import type { Ports } from './ports.ts'
import { fenceStill, fencesDiffer, reconcileFences } from './reconcile-fences.ts'
import { decideAbort, disarm, finishAbort } from './steps/abort.ts'
import { arm } from './steps/arm.ts'
import { confirm } from './steps/confirm.ts'
import { cut } from './steps/cut.ts'
import { type DrainProof, drain } from './steps/drain.ts'
import { fence } from './steps/fence.ts'
import { finalDiff } from './steps/final-diff.ts'
import { gate } from './steps/gate.ts'
import { producersHeld, publishHeld, transactionsEnded } from './steps/hold.ts'
import { open } from './steps/open.ts'
import { decide, liftAndPublish } from './steps/release.ts'
import { type RunRequest, underLock } from './under-lock.ts'
import { noteBaseline, takeBaseline } from './watch/baseline.ts'

const storeReadMs = 5_000

/** What a run is given besides its ports. */
export interface MoveRequest extends RunRequest {
  readonly intent: Intent
  /** The epoch that the gate's verdict was given for; another one is refused. null: it said that none was needed, so nothing moves that needs one. */
  readonly gateEpoch: number | null
}

/**
 * Brings the live colour and the waves to where the intent wants them: a whole switchover, the rest of one that was left open, or waves of groups.
 *
 * @throws KbgError when it was refused or aborted cleanly: traffic is where it was
 * @throws EndStateError when it ended in a known state that isn't the wanted one
 */
export async function moveLive(ports: Ports, request: MoveRequest): Promise<Actual> {
  return await underLock(ports, request, async (run) => {
    const course = chooseCourse(run.route, run.journal, request.intent, request.wiring.waves)
    return await follow(run, course, request)
  })
}

async function follow(run: Execution, course: Course, request: MoveRequest): Promise<Actual> {
  switch (course.kind) {
    case 'nothing':
      await finishLeftOpen(run, [])
      await reconcileFences(run)
      await mirrorAgain(run)
      return run.actual
    case 'switch':
      await finishLeftOpen(run, openWaves(run.journal))
      await reconcileFences(run) // a latched intent is refused for ever: a fence that landed late must not stay as long
      refuseStaleVerdict(run, request.gateEpoch)
      return await switchOver(run, course.source, course.target)
    case 'waves':
      await reconcileFences(run)
      await moveWaves(run, course.open, request.gateEpoch)
      return run.actual
    case 'close-untouched':
    case 'finish-switch':
      await finishOpen(run, course)
      return agreed(run, run.actual)
    case 'abort':
    case 'finish-abort':
      await finishOpen(run, course)
      return abortedEarlier(run, course.open, abortReasons[course.kind])
  }
}

/** What was left open is finished first, whatever the intent says now; a move beyond that needs a gate that looked at it, and so another update. */
function agreed(run: Execution, actual: Actual): Actual {
  if (actual.live === run.intent.live) return actual
  throw new EndStateError(
    'finished-earlier',
    `A switchover that was left open is finished or closed: ${actual.live} is live. The config wants ${run.intent.live}.`,
    actual,
    {
      remedy: 'Run pulumi up again: the gate then judges that move.',
    },
  )
}

function abortedEarlier(run: Execution, { source, target }: OpenSwitch, reason: string): Actual {
  if (run.intent.live === source) return run.actual
  throw new KbgError('aborted', `An earlier switchover ${source} -> ${target} was taken back: ${reason}. ${source} is live, nothing was lost.`, {
    facts: { epoch: run.route.epoch },
    remedy: `To switch now, set the config key attempt to ${run.route.attempt + 1}.`,
  })
}

/** Steps 2 to 12. Before the decision any failure aborts; after it everything is finished, or the end state is told. */
async function switchOver(run: Execution, source: 'blue' | 'green', target: 'blue' | 'green'): Promise<Actual> {
  const isByHand = run.automatic === null && run.lossy === null && run.sick !== null
  const offSick = !isByHand ? '' : `; ${source} has failed its watch (${run.sick}), so it is asked for no more than a fence, a drain and a copy need`
  run.tell({ step: 'gate', text: `observing both colours${offSick}` })
  const judged = await gate(run, { source, target })
  const { snapshot } = (await confirm(run, { source, target, wave: null })) ?? judged
  await open(run, source, target)
  let decidedCut: Awaited<ReturnType<typeof cut>>
  let graceful: boolean
  try {
    if (run.lossy === null) {
      run.tell({ step: 'arm', text: 'reverse connector STOPPED, canaries each way' })
      const [, baseline] = await Promise.all([arm(run, source, target), takeBaseline(run, source)])
      await noteBaseline(run, baseline)
    }
    ;({ decidedCut, graceful } = await (run.lossy === 'failover' ? decideWithout(run, source, target) : closeWindow(run, source, target, snapshot)))
  } catch (thrown) {
    return await takeBack(run, source, target, thrown)
  }
  run.tell({ step: 'release', text: `decided: ${target} takes over` })
  if (run.lossy === 'failover') await fenceStill(run, source)
  await liftAndPublish(run, target)
  run.tell({ step: 'release', text: `${target} is live at epoch ${run.route.epoch}` })
  return await afterRelease(run, source, target, decidedCut, graceful)
}

/** Hold, fence, drain, cut, decide: from here on clients wait, so nothing that isn't needed stands in between. */
async function closeWindow(run: Execution, source: 'blue' | 'green', target: 'blue' | 'green', atGate: Snapshot) {
  run.tell({ step: 'hold', text: `holding producers on ${source}` })
  await publishHeld(run, target)
  const allHeld = producersHeld(run)
  allHeld.catch(() => undefined) // it is awaited below; a fence that fails first must not leave it unhandled
  await transactionsEnded(run)
  await fence(run, source)
  const hold = await allHeld
  if (run.lossy === 'forced') {
    await finalDiff(run, atGate)
    const decidedCut = await decideForced(run, source, target, hold.graceful)
    return { decidedCut, graceful: hold.graceful }
  }
  const proof = await drainedUnchanged(run, source, target, atGate)
  const decidedCut = await cut(run, source, target, proof)
  run.cancelled.throwIfAborted()
  await decide(run, decidedCut, hold.graceful)
  return { decidedCut, graceful: hold.graceful }
}

/** Drain and final diff side by side: only when the drain has ended may an abort begin. A topic that is gone ends the drain as well, and the drift says why. */
async function drainedUnchanged(run: Execution, source: Colour, target: Colour, atGate: Snapshot): Promise<DrainProof> {
  let drift: unknown = null
  const unchanged = finalDiff(run, atGate)
  unchanged.catch((thrown: unknown) => {
    if (thrown instanceof KbgError && thrown.code === 'drift') drift = thrown
  })
  const proof = await drain(run, source, target).catch((thrown: unknown) => Promise.reject(drift ?? thrown))
  await unchanged
  return proof
}

/** A failure before the decision: everything as it was, and the reason. A lost lock is somebody else's to finish. */
async function takeBack(run: Execution, source: 'blue' | 'green', target: 'blue' | 'green', thrown: unknown): Promise<never> {
  if (run.lock.lost.aborted) throw lockLost(thrown)
  const reason = run.whyCancelled ?? messageOf(thrown)
  run.tell({ step: 'abort', text: reason })
  if (run.route.state === 'held') await decideAbort(run, reason).catch((second: unknown) => Promise.reject(isLostRace(second) ? lockLost(thrown) : second))
  if (run.route.state === 'deciding') throw thrown
  if (run.route.state === 'aborting') {
    await finishAbort(run, source, target, reason).catch((second: unknown) => {
      throw new KbgError(
        'unfinished',
        `The switchover ${source} -> ${target} could not be taken back as a whole: ${messageOf(second)}. It began with: ${reason}`,
        {
          cause: thrown,
          remedy: 'Run pulumi up again: it goes on where this ended.',
        },
      )
    })
    throw new KbgError('aborted', `The switchover ${source} -> ${target} was taken back: ${source} is live, nothing was lost. Cause: ${reason}`, {
      cause: thrown,
      facts: { epoch: run.route.epoch },
      remedy: `Mend the cause, then set the config key attempt to ${run.intent.attempt + 1}.`,
    })
  }
  await disarm(run, source, target)
  if (run.lossy === 'failover') await letMirrorComeBack(run, source)
  await closeUntouched(run, reason)
  throw new KbgError('refused', `The switchover ${source} -> ${target} ended before it touched traffic: ${reason}`, { cause: thrown, facts: { live: source } })
}

/** Nobody else writes beside a lock: who loses a comparison has lost that first, however late he learns of it. */
function isLostRace(thrown: unknown): boolean {
  return thrown instanceof KbgError && ['lost-race', 'lock-lost'].includes(thrown.code)
}

function lockLost(cause: unknown): KbgError {
  return new KbgError('lock-lost', 'The lock was lost, so this run stops at once; whoever holds it now finishes or takes back.', {
    cause,
    remedy: 'kbg status says what became of it. Then run pulumi up again.',
  })
}

/** The route as it is, and whether the fences follow it. @throws KbgError when the store can't be read: never an invented state */
export async function observeActual(ports: Ports, waves: Waves): Promise<Actual | null> {
  const reading = await ports.store.read(new Deadline(ports.clock, storeReadMs, 'the route store'))
  if (reading.route === null) return null
  return actualOf(reading.route, reading.journal, waves, await fencesDiffer(ports, reading.route))
}

/** The plan as text, for a preview: bounded, without effect, and without failure: what can't be observed is said. */
export async function describePlan(ports: Ports, wiring: Wiring, intent: Intent, limits: Limits, deadline: Deadline): Promise<string> {
  try {
    const reading = await ports.store.read(deadline)
    if (reading.route === null)
      return `No route yet: up creates it with ${intent.live} live and starts the mirror ${intent.live} -> ${otherColour(intent.live)}; nothing moves.`
    const course = chooseCourse(reading.route, reading.journal, intent, wiring.waves)
    const move = judgedMove(course, reading.route.live)
    const purpose = purposeOfIntent(reading.route, reading.journal, intent)
    const verdict = move === null ? null : await previewVerdict(ports, { wiring, limits, move, attempt: intent.attempt, purpose, lagSamples: 1 }, deadline)
    const asked = move === null ? [] : confirmLines(wiring.hooks)
    return [
      planText(course, limits, verdict, wiring.guardians),
      ...polledLines(course, limits, wiring.publications),
      ...leftWordLines(course, intent),
      ...asked,
      ...watchLines(reading.journal),
      ...drillLines(reading.journal),
    ].join('\n')
  } catch (thrown) {
    return `The plan can't be told now: ${messageOf(thrown)}`
  }
}

/** What a gate looks at before this course; null: it needs none. */
function judgedMove(course: Course, live: Colour): ObservedMove | null {
  if (course.kind === 'switch') return { source: course.source, target: course.target }
  const waveGroups = course.kind === 'waves' ? course.moves.flatMap((move) => (isForward(move, live) ? move.groups : [])) : []
  return waveGroups.length > 0 ? { source: live, target: otherColour(live), waveGroups } : null
}

/** One look, however it turns out: a preview waits for nothing. */
async function previewVerdict(ports: Ports, { wiring, limits, move, attempt, purpose, lagSamples }: Judgement, deadline: Deadline): Promise<Verdict> {
  const bounds = boundsOf(limits, purpose)
  const snapshot = await observe(ports, wiring, bounds, move, lagSamples, deadline, purpose)
  return assess(snapshot, bounds, attempt, lagSamples, purpose)
}
