/**
 * The moments before and after each of the switchover's twelve steps, seen from inside the run: a port whose calls are named as they are made and answered. What happens
 * at a moment happens in between, however fast the run is.
 */
import { z } from 'zod'
import { type Colour, otherColour } from '../../engine/model/colour.ts'
import { type JournalFact, StepName } from '../../engine/model/journal.ts'
import type { Cluster } from '../../engine/ports/cluster.ts'
import type { Mirror } from '../../engine/ports/mirror.ts'
import type { RouteStore, RouteWrite } from '../../engine/ports/route-store.ts'
import type { OversightPorts } from '../../engine/run/ports.ts'
import type { Progress } from '../../engine/run/progress.ts'

/** `before`: nothing of the step was asked for yet. `after`: its last effect is answered (see {@link momentMeanings}). */
export const Moment = z.strictObject({ step: StepName, side: z.enum(['before', 'after']) })
export type Moment = z.infer<typeof Moment>

export const moments: readonly Moment[] = StepName.options.flatMap((step) => (['before', 'after'] as const).map((side) => ({ step, side })))

export function momentText({ step, side }: Moment): string {
  return `${side} ${step}`
}

/** What stands at each moment, for people. S and T are source and target. */
export const momentMeanings: Readonly<Record<StepName, Readonly<Record<Moment['side'], string>>>> = {
  lock: { before: 'the lock is not asked for yet', after: 'the lock is held' },
  gate: { before: 'nothing is observed yet', after: 'passed, the switchover is not opened in the journal yet' },
  arm: { before: 'the switchover is opened', after: 'canaries have crossed, the baseline is journaled' },
  hold: { before: 'producers write', after: 'every routed producer has acknowledged, or its deadline is over' },
  fence: { before: 'producers are held, the fence is journaled, not sent', after: "the fence's request is answered, not proven" },
  drain: { before: 'S refuses, its ends are not read yet', after: 'the mirror may not write to T any more' },
  cut: { before: 'the ends are not read again yet', after: 'the cut is known, nothing is decided' },
  release: { before: 'decided, T is still fenced', after: 'T is published' },
  reverse: { before: 'the forward mirror still stands', after: 'the reverse mirror is journaled as running' },
  groups: { before: 'no group was told to leave', after: 'groups follow T' },
  watch: { before: 'the watch is not begun', after: 'it is begun' },
  finish: { before: 'the former connector is about to be deleted', after: 'the journal is closed, the lock is still held' },
}

/**
 * The ports with their moments named, each at most once and in whatever order they come.
 *
 * @param at called at each moment; what it does takes place in between
 */
export function withMoments(ports: OversightPorts, target: Colour, at: (moment: Moment) => void): { readonly ports: OversightPorts; readonly tell: Progress } {
  const once = onceEach(at)
  const source = otherColour(target)
  const forward = ports.mirrors[source]
  const deleting: Partial<Mirror> = {
    delete: (...args) => {
      once('finish', 'before')
      return forward.delete(...args)
    },
  }
  const mirrors = { ...ports.mirrors, [source]: overriding(forward, deleting) }
  const clusters = watchedClusters(ports.clusters, source, target, once)
  return { ports: { ...ports, clusters, mirrors, store: watchedStore(ports.store, once) }, tell: ({ step, text }) => told(step, text, once) }
}

function watchedClusters(clusters: OversightPorts['clusters'], source: Colour, target: Colour, once: Once): OversightPorts['clusters'] {
  const { fence, logs } = clusters[source]
  const { transactions } = clusters[target]
  const seen = { fenced: false, drained: false }
  const raising: Partial<Cluster['fence']> = {
    raise: async (deadline) => {
      once('fence', 'before')
      await fence.raise(deadline)
      seen.fenced = true
      once('fence', 'after')
    },
  }
  const ends: Partial<Cluster['logs']> = {
    ends: (...args) => {
      if (seen.fenced) once(seen.drained ? 'cut' : 'drain', 'before')
      return logs.ends(...args)
    },
  }
  const fencing: Partial<Cluster['transactions']> = {
    fenceIds: async (...args) => {
      await transactions.fenceIds(...args)
      seen.drained = true
      once('drain', 'after')
    },
  }
  return {
    ...clusters,
    [source]: overriding(clusters[source], { fence: overriding(fence, raising), logs: overriding(logs, ends) }),
    [target]: overriding(clusters[target], { transactions: overriding(transactions, fencing) }),
  }
}

type Once = (step: StepName, side: Moment['side']) => void

function onceEach(at: (moment: Moment) => void): Once {
  const seen = new Set<string>()
  return (step, side) => {
    if (seen.has(`${side} ${step}`)) return
    seen.add(`${side} ${step}`)
    at({ step, side })
  }
}

function told(step: string, text: string, once: Once): void {
  if (step === 'gate' && text.startsWith('observing')) once('gate', 'before')
  else if (step === 'hold' && text.startsWith('holding')) once('hold', 'before')
  else if (step === 'hold') once('hold', 'after')
  else if (step === 'reverse' && text.startsWith('turning')) once('reverse', 'before')
  else if (step === 'groups' && text.startsWith('moving')) once('groups', 'before')
}

function watchedStore(store: OversightPorts['store'], once: Once): OversightPorts['store'] {
  return overriding(store, {
    lock: async (...args: Parameters<RouteStore['lock']>) => {
      once('lock', 'before')
      const lock = await store.lock(...args)
      once('lock', 'after')
      return lock
    },
    write: async (...args: Parameters<RouteStore['write']>) => {
      const [, write] = args
      const around = aroundWrite(write)
      if (around.before !== undefined) once(...around.before)
      const written = await store.write(...args)
      if (around.after !== undefined) once(...around.after)
      return written
    },
  })
}

/** Which moment it is when this write is asked for, and which once it is answered. */
function aroundWrite({ entry }: RouteWrite): { readonly before?: Parameters<Once>; readonly after?: Parameters<Once> } {
  const fact: JournalFact = entry
  switch (fact.kind) {
    case 'opened':
      return { before: ['gate', 'after'], after: ['arm', 'before'] }
    case 'decided':
      return fact.outcome === 'switch' ? { before: ['cut', 'after'], after: ['release', 'before'] } : {}
    case 'mirror':
      return fact.what === 'running' ? { after: ['reverse', 'after'] } : {}
    case 'step':
      if (fact.what !== 'done') return {}
      return fact.step === 'release' || fact.step === 'groups' ? { after: [fact.step, 'after'] } : {}
    case 'watch':
      if (fact.what === 'baseline') return { after: ['arm', 'after'] }
      return fact.what === 'begun' ? { before: ['watch', 'before'], after: ['watch', 'after'] } : {}
    case 'closed':
      return fact.outcome === 'switched' ? { after: ['finish', 'after'] } : {}
    default:
      return {}
  }
}

/** An object whose methods are another's, but for those given here. */
function overriding<T extends object>(original: T, over: Partial<T>): T {
  return new Proxy(original, {
    get: (target, name) => {
      const own = Reflect.get(name in over ? over : target, name)
      return typeof own === 'function' && !(name in over) ? own.bind(target) : own
    },
  })
}
