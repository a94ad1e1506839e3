/** What is injected in which round: drawn from a seed alone, every kind as often as every other. Pure. */
import type { StepName } from '../../../engine/model/journal.ts'
import { type Moment, moments, momentText } from '../../support/moments.ts'
import { seeded } from '../support/seeded.ts'

/** Whom a kill -9 meets: each has a row of the table. */
export const killTargets = ['orchestrator', 'connect', 'broker', 'etcd', 'guardian'] as const
export type KillTarget = (typeof killTargets)[number]

/** Every kind of fault, and what it is, for people. */
export const faultKinds = {
  'kill-orchestrator': 'SIGKILL of the orchestrator (what the provider process does)',
  'kill-connect': 'SIGKILL of a Connect worker',
  'kill-broker': 'SIGKILL of a broker',
  'kill-etcd': 'SIGKILL of etcd',
  'kill-guardian': 'SIGKILL of a guardian',
  'stop-orchestrator': 'SIGSTOP of the orchestrator past its lease, then SIGCONT',
  'stop-broker': 'SIGSTOP of a broker, then SIGCONT',
  'stop-connect': 'SIGSTOP of a Connect worker, then SIGCONT',
  'stop-etcd': 'SIGSTOP of etcd, then SIGCONT',
  'stop-guardian': 'SIGSTOP of a guardian, then SIGCONT',
  'second-orchestrator': 'a second orchestrator at once',
  'late-fence': 'the requests of a fence land on the live colour',
  abort: '`kbg abort` in the middle',
  partition: 'every answer of a broker, a colour or etcd is lost',
  'slow-network': 'everything that a colour sends goes through 1 Mbit/s',
  'full-disk': "a broker's volume takes nothing more",
} as const
export type FaultKind = keyof typeof faultKinds

/** One round's fault. */
export interface PlannedFault {
  readonly kind: FaultKind
  readonly at: Moment
  /** Chooses among what the kind may meet: which colour, which broker, how long. */
  readonly draw: number
}

/** Fences are the orchestrator's own affair while producers are held: a fence request is late only where somebody is live. */
const stepsWithLiveColour: readonly StepName[] = ['gate', 'arm', 'reverse', 'groups', 'watch', 'finish']
/** An order to take back says something only while there is something to take back. */
const stepsToTakeBack: readonly StepName[] = ['arm', 'hold', 'fence', 'drain', 'cut', 'release']

/** A target's kills come more often than the other kinds: their moments are cells of a table that is walked without repeating any before all were there. */
const killsInABag = 4

/**
 * Faults without end. Each bag holds every kind at least once, in an order of its own; kills walk their cells.
 *
 * @param without kinds that this machine can't do
 */
export function* plannedFaults(seed: number, without: ReadonlySet<FaultKind>): Generator<PlannedFault> {
  const below = seeded(Math.imul(seed + 1, 0x9e37_79b1)) // neighbours draw nothing alike
  const walks = new Map<FaultKind, Moment[]>()
  const kinds = (Object.keys(faultKinds) as FaultKind[]).filter((kind) => !without.has(kind))
  if (kinds.length === 0) throw new Error('no kind of fault is left that this machine can do')
  const bag = kinds.flatMap((kind) => Array.from({ length: kind.startsWith('kill-') ? killsInABag : 1 }, () => kind))
  for (;;) {
    for (const kind of shuffled(bag, below)) {
      const left = walks.get(kind) ?? []
      const [at = momentFor(kind), ...rest] = left.length > 0 ? left : shuffled(momentsOf(kind), below)
      walks.set(kind, rest)
      yield { kind, at, draw: below(1 << 30) }
    }
  }
}

function momentFor(kind: FaultKind): never {
  throw new Error(`no moment for ${kind}`)
}

function momentsOf(kind: FaultKind): readonly Moment[] {
  if (kind === 'late-fence') return moments.filter(({ step }) => stepsWithLiveColour.includes(step))
  if (kind === 'abort') return moments.filter(({ step }) => stepsToTakeBack.includes(step))
  return moments
}

/** What a kill met, as the table has it; null: another kind of fault. */
export function cellOf({ kind, at }: PlannedFault): { readonly target: KillTarget; readonly moment: string } | null {
  const target = killTargets.find((each) => kind === `kill-${each}`)
  return target === undefined ? null : { target, moment: momentText(at) }
}

function shuffled<T>(items: readonly T[], below: (limit: number) => number): T[] {
  const result = [...items]
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = below(last + 1)
    ;[result[last], result[other]] = [result[other] as T, result[last] as T]
  }
  return result
}
