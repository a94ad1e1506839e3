import type { StepName } from '../model/journal.ts'
import type { Limits } from '../model/limits.ts'

/** One step of a switchover as data: preview, execution and report all interpret this list. */
export interface Step {
  readonly number: number
  readonly name: StepName
  /** What it does, for people; S and T are the source and the target colour. */
  readonly effect: string
  /** What an abort restores once this step has begun. */
  readonly abort:
    | 'nothing was touched'
    | 'release'
    | 'lift the fence, release'
    | 'lift the fence, let the mirror run again, release'
    | 'none: switch back instead'
  /** @param isOffSick whether the source has failed its watch */
  readonly deadlineMs: (limits: Limits, isOffSick: boolean) => number
}

/**
 * An observation takes about a second; a mirror that lags for a moment may be looked at again. Off a sick colour each answer may take seconds, and its mirror may be behind by as much as that gate allows: nobody is held
 * meanwhile, and while it isn't judged nobody is helped.
 */
export function gateDeadlineMs(limits: Limits, isOffSick: boolean): number {
  return isOffSick ? 40_000 + 5 * Math.max(limits.maxMirrorLagMs, limits.drainDeadlineMs / 2) : 10_000 + 5 * limits.maxMirrorLagMs
}

/** The twelve steps, source S -> target T, in their only legal order. */
export const steps: readonly Step[] = [
  {
    number: 1,
    name: 'lock',
    effect: 'take the lock; its revision is the term that every later write is bound to',
    abort: 'nothing was touched',
    deadlineMs: () => 5_000,
  },
  {
    number: 2,
    name: 'gate',
    effect: 'observe both colours and assess; anything but pass refuses',
    abort: 'nothing was touched',
    deadlineMs: gateDeadlineMs,
  },
  {
    number: 3,
    name: 'arm',
    effect: 'create the reverse connector STOPPED; copy a canary each way; take the baseline of S',
    abort: 'nothing was touched',
    deadlineMs: () => 30_000,
  },
  {
    number: 4,
    name: 'hold',
    effect: 'publish held; routed producers flush, stop and acknowledge',
    abort: 'release',
    deadlineMs: (limits) => limits.holdDeadlineMs,
  },
  {
    number: 5,
    name: 'fence',
    effect: 'fence S; every broker must refuse the probe',
    abort: 'lift the fence, release',
    deadlineMs: (limits) => limits.fenceDeadlineMs,
  },
  {
    number: 6,
    name: 'drain',
    effect: 'nothing visible on S that T lacks, no open transaction; then the mirror may not write to T any more',
    abort: 'lift the fence, let the mirror run again, release',
    deadlineMs: (limits) => limits.drainDeadlineMs,
  },
  {
    number: 7,
    name: 'cut',
    effect: 're-read all ends; unchanged since the proof; per partition (S end, T end)',
    abort: 'lift the fence, let the mirror run again, release',
    deadlineMs: (limits) => limits.drainDeadlineMs,
  },
  {
    number: 8,
    name: 'release',
    effect: "decide (point of no return), lift T's fence, canary accepted, publish T",
    abort: 'none: switch back instead',
    deadlineMs: (limits) => limits.windowDeadlineMs,
  },
  {
    number: 9,
    name: 'reverse',
    effect: 'stop the forward mirror; seed the reverse connector with the cut, compare; carry over what came late on S; resume',
    abort: 'none: switch back instead',
    deadlineMs: () => 60_000,
  },
  {
    number: 10,
    name: 'groups',
    effect: 'members leave S, positions are translated, written to T, read back; a whole group or not at all',
    abort: 'none: switch back instead',
    deadlineMs: (limits) => limits.groupMoveDeadlineMs,
  },
  {
    number: 11,
    name: 'watch',
    effect: 'guardians compare T with the baseline of S; when it fails they switch back by themselves, and latch',
    abort: 'none: switch back instead',
    deadlineMs: (limits) => limits.watchWindowMs,
  },
  {
    number: 12,
    name: 'finish',
    effect: 'delete the former connector; S stays fenced as standby; report; unlock',
    abort: 'none: switch back instead',
    deadlineMs: () => 30_000,
  },
]

/** The step of that name. */
export function step(name: StepName): Step {
  const found = steps.find((candidate) => candidate.name === name)
  if (!found) throw new Error(`no step ${name}`)
  return found
}
