import { assess, type Verdict } from '../gate/assess.ts'
import { type Colour, otherColour } from '../model/colour.ts'
import { KbgError, messageOf } from '../model/error.ts'
import type { Limits } from '../model/limits.ts'
import type { Waves } from '../model/wave.ts'
import type { Intent, Wiring } from '../model/wiring.ts'
import { Deadline } from '../ports/clock.ts'
import type { RouteLock } from '../ports/route-store.ts'
import { planText } from '../switchover/plan.ts'
import { type Course, chooseCourse } from '../switchover/resume.ts'
import { isForward, openWaves } from '../switchover/waves.ts'
import { type Actual, actualOf, EndStateError, Execution } from './execution.ts'
import { finishLeftOpen, moveWaves, refuseStaleVerdict } from './move-waves.ts'
import { type ObservedMove, observe } from './observe.ts'
import type { Ports } from './ports.ts'
import type { Progress } from './progress.ts'
import { fenceStill, fencesDiffer, reconcileFences } from './reconcile-fences.ts'
import { decideAbort, disarm, finishAbort } from './steps/abort.ts'
import { arm } from './steps/arm.ts'
import { cut, sameTopics } from './steps/cut.ts'
import { drain } from './steps/drain.ts'
import { fence } from './steps/fence.ts'
import { finish } from './steps/finish.ts'
import { gate } from './steps/gate.ts'
import { groups } from './steps/groups.ts'
import { producersHeld, publishHeld, transactionsEnded } from './steps/hold.ts'
import { decide, liftAndPublish } from './steps/release.ts'
import { reverse } from './steps/reverse.ts'

const storeReadMs = 5_000

/** What a run is given besides its ports. */
export interface MoveRequest {
  readonly wiring: Wiring
  readonly intent: Intent
  readonly limits: Limits
  /** The epoch that the gate's verdict was given for; another one is refused. */
  readonly gateEpoch: number
  /** Who asks, for the lock: `pulumi up by user@host, pid`. */
  readonly holder: string
  readonly tell: Progress
  readonly cancelled: AbortSignal
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
      await reconcileFences(run)
      await disarm(run, course.open.source, course.open.target)
      await closeUntouched(run, 'the orchestrator ended before the hold')
      return agreed(run, run.actual)
    case 'abort':
      await decideAbort(run, 'the orchestrator ended while clients were held')
      return await abortedEarlier(run, course, 'it was left while clients were held')
    case 'finish-abort':
      return await abortedEarlier(run, course, 'its abort was left unfinished')
    case 'finish-switch':
      run.tell({ step: 'release', text: `finishing the decided switchover ${course.open.source} -> ${course.open.target}` })
      return agreed(run, await finishSwitch(run, course))
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

async function abortedEarlier(run: Execution, course: Extract<Course, { kind: 'abort' | 'finish-abort' }>, reason: string): Promise<Actual> {
  const { source, target } = course.open
  await finishAbort(run, source, target, reason)
  if (run.intent.live === source) return run.actual
  throw new KbgError('aborted', `An earlier switchover ${source} -> ${target} was taken back: ${reason}. ${source} is live, nothing was lost.`, {
    facts: { epoch: run.route.epoch },
    remedy: `To switch now, set the config key attempt to ${run.route.attempt + 1}.`,
  })
}

/** Steps 2 to 12. Before the decision any failure aborts; after it everything is finished, or the end state is told. */
async function switchOver(run: Execution, source: 'blue' | 'green', target: 'blue' | 'green'): Promise<Actual> {
  run.tell({ step: 'gate', text: 'observing both colours' })
  await gate(run, { source, target })
  await run.record({ kind: 'opened', source, target, attempt: run.intent.attempt, epoch: run.route.epoch })
  let decidedCut: Awaited<ReturnType<typeof cut>>
  let graceful: boolean
  try {
    run.tell({ step: 'arm', text: 'reverse connector STOPPED, canaries each way' })
    await arm(run, source, target)
    ;({ decidedCut, graceful } = await closeWindow(run, source, target))
  } catch (thrown) {
    return await takeBack(run, source, target, thrown)
  }
  run.tell({ step: 'release', text: `decided: ${target} takes over` })
  await liftAndPublish(run, target)
  run.tell({ step: 'release', text: `${target} is live at epoch ${run.route.epoch}` })
  return await afterRelease(run, source, target, decidedCut, graceful)
}

/** Hold, fence, drain, cut, decide: from here on clients wait, so nothing that isn't needed stands in between. */
async function closeWindow(run: Execution, source: 'blue' | 'green', target: 'blue' | 'green') {
  run.tell({ step: 'hold', text: `holding producers on ${source}` })
  await publishHeld(run, target)
  const allHeld = producersHeld(run)
  allHeld.catch(() => undefined) // it is awaited below; a fence that fails first must not leave it unhandled
  await transactionsEnded(run)
  await fence(run, source)
  const hold = await allHeld
  const topics = sameTopics(run, source, target)
  topics.catch(() => undefined) // it is awaited below: only when the drain has ended may an abort begin
  const proof = await drain(run, source, target)
  await topics
  const decidedCut = await cut(run, source, target, proof)
  run.cancelled.throwIfAborted()
  await decide(run, decidedCut, hold.graceful)
  return { decidedCut, graceful: hold.graceful }
}

/** A failure before the decision: everything as it was, and the reason. A lost lock is somebody else's to finish. */
async function takeBack(run: Execution, source: 'blue' | 'green', target: 'blue' | 'green', thrown: unknown): Promise<never> {
  if (run.lock.lost.aborted) {
    throw new KbgError('lock-lost', 'The lock was lost, so this run stops at once; whoever holds it now finishes or takes back.', {
      cause: thrown,
      remedy: 'Run pulumi up again.',
    })
  }
  const reason = run.cancelled.aborted ? 'cancelled' : messageOf(thrown)
  run.tell({ step: 'abort', text: reason })
  if (run.route.state === 'held') await decideAbort(run, reason)
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
  await closeUntouched(run, reason)
  throw new KbgError('refused', `The switchover ${source} -> ${target} ended before it touched traffic: ${reason}`, { cause: thrown, facts: { live: source } })
}

async function closeUntouched(run: Execution, reason: string): Promise<void> {
  await run.record({ kind: 'closed', outcome: 'aborted', live: run.route.live, epoch: run.route.epoch, graceful: false, reason, timeline: run.timeline })
}

async function finishSwitch(run: Execution, course: Extract<Course, { kind: 'finish-switch' }>): Promise<Actual> {
  const { source, target, decided } = course.open
  if (!decided?.cut) throw new KbgError('journal-mismatch', 'A decided switchover has no cut.', { facts: { source, target } })
  if (course.from === 'lift') {
    await fenceStill(run, source)
    await liftAndPublish(run, target)
  } else {
    await reconcileFences(run) // it may have been left for long
  }
  return await afterRelease(run, source, target, decided.cut, false)
}

/** Steps 9 to 12. The traffic has moved; what fails here leaves a known state that a rerun finishes. */
async function afterRelease(
  run: Execution,
  source: 'blue' | 'green',
  target: 'blue' | 'green',
  decidedCut: Awaited<ReturnType<typeof cut>>,
  graceful: boolean,
): Promise<Actual> {
  try {
    run.tell({ step: 'reverse', text: `turning the mirror round: ${target} -> ${source}` })
    await reverse(run, source, target, decidedCut)
    run.tell({ step: 'groups', text: 'moving consumer groups' })
    await groups(run, source, target, decidedCut)
    await finish(run, source, target, graceful)
    run.tell({ step: 'finish', text: `${target} live, ${source} standby, mirror ${target} -> ${source}` })
    return run.actual
  } catch (thrown) {
    throw new EndStateError('unfinished', `${target} is live, but the switchover is not finished: ${messageOf(thrown)}`, run.actual, {
      cause: thrown,
      remedy: 'Run pulumi up again: it goes on where this ended. Until then there is no way back without loss of the new records.',
    })
  }
}

/** Takes the lock, reads route and journal, and runs; the lock is released whatever happens. */
async function underLock<T>(ports: Ports, request: Omit<MoveRequest, 'gateEpoch'>, work: (run: Execution) => Promise<T>): Promise<T> {
  const lock = await takeLock(ports, request)
  try {
    const reading = await ports.store.read(new Deadline(ports.clock, storeReadMs, 'the route store'))
    if (reading.route === null) {
      throw new KbgError('no-route', 'There is no route to move.', {
        remedy: 'Create it first: pulumi up on the traffic stack with the colour that is live now.',
      })
    }
    return await work(
      new Execution({
        ...request,
        ports,
        lock,
        route: reading.route,
        journal: reading.journal,
        routeRevision: reading.routeRevision,
        journalHead: reading.journalHead,
      }),
    )
  } finally {
    await lock.release()
  }
}

export async function takeLock(ports: Ports, request: Pick<MoveRequest, 'holder' | 'limits'>): Promise<RouteLock> {
  return await ports.store.lock(request.holder, request.limits.lockLeaseSeconds, new Deadline(ports.clock, storeReadMs, 'the lock'))
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
    const verdict = move === null ? null : await previewVerdict(ports, wiring, intent, limits, move, deadline)
    return planText(course, limits, verdict)
  } catch (thrown) {
    return `The plan can't be told now: ${messageOf(thrown)}`
  }
}

/** What a gate looks at before this course; null: it needs none. */
function judgedMove(course: Course, live: Colour): ObservedMove | null {
  if (course.kind === 'switch') return { source: course.source, target: course.target }
  const forward = course.kind === 'waves' && course.moves.some((move) => isForward(move, live))
  return forward ? { source: live, target: otherColour(live) } : null
}

async function previewVerdict(ports: Ports, wiring: Wiring, intent: Intent, limits: Limits, move: ObservedMove, deadline: Deadline): Promise<Verdict> {
  const snapshot = await observe(ports, wiring, limits, move, 1, deadline)
  return assess(snapshot, limits, intent.attempt, 1)
}
