import type { Limits } from '../model/limits.ts'
import type { RouteDocument } from '../model/route.ts'
import { guardianLookMs, overdueMs } from './stall.ts'

/** While clients are held a guardian looks more often. */
const heldLookMs = 250
/** Guardians that see a free lock at the same moment take their turns within this. */
const jitterSpreadMs = 400
const firstRestMs = 1_000
/** What fails while clients are held is tried again sooner than what fails while they write. */
const longestRestMs = { held: 5_000, open: 900_000 } as const

/** What a guardian sees at one moment; durations on its own monotonic clock. */
export type Sight =
  /** The store can't be read. */
  | { readonly kind: 'blind'; readonly why: string }
  | {
      readonly kind: 'seen'
      readonly route: RouteDocument | null
      readonly lock: { readonly holder: string; readonly term: string } | null
      /** Whether route and journal say that something was left between two states; asked only while nobody holds the lock. */
      readonly isLeftOpen: boolean
      /** For how long it has seen producers held under this very lock. */
      readonly heldMs: number
      /** For how long it has seen the lock free. */
      readonly freeMs: number
      /** Whether a fence stands otherwise than the open route says; null: not looked at, or not known. */
      readonly fencesDiffer: boolean | null
      /** How long it still rests after something that failed. */
      readonly restMs: number
    }

/** What a guardian does about it. */
export type GuardianAction =
  /** Nothing; `why` is told when it is new. */
  | { readonly kind: 'watch'; readonly why: string; readonly againMs: number }
  /** Take the free lock and bring to its end what was left open. */
  | { readonly kind: 'finish'; readonly why: string }
  /** Take the lock away from a holder that is overdue, then the same. */
  | { readonly kind: 'overrule'; readonly term: string; readonly why: string }
  /** Take the free lock and put the fences back to what the route says. */
  | { readonly kind: 'mend-fences'; readonly why: string }

/**
 * What a guardian does (pure). Nothing while it can't read the store. What is left open is finished once its lock is free; producers that are held past the
 * window's deadline are not left to a holder that hangs. The lock decides between two guardians; the jitter only keeps them from asking for it together.
 *
 * @param jitterMs how long this guardian lets a free lock be, see {@link jitterOf}
 */
export function decide(sight: Sight, limits: Limits, jitterMs: number): GuardianAction {
  if (sight.kind === 'blind') return watch(`the route store can't be read, so nothing is done: ${sight.why}`)
  const { route, lock } = sight
  if (route === null) return watch('there is no route')
  return lock === null ? withFreeLock(sight, route, jitterMs) : besideHolder(sight, route, lock, limits)
}

type Seen = Extract<Sight, { readonly kind: 'seen' }>

function besideHolder({ heldMs, restMs }: Seen, route: RouteDocument, { holder, term }: NonNullable<Seen['lock']>, limits: Limits): GuardianAction {
  if (route.state === 'open') return watch(`${holder} is at work`)
  const remainingMs = Math.max(overdueMs(limits) - heldMs, restMs)
  if (remainingMs > 0) return watch(`${holder} is at work, producers are held (${route.state})`, Math.min(heldLookMs, remainingMs))
  return {
    kind: 'overrule',
    term,
    why: `producers are held (${route.state}) past the window's deadline of ${limits.windowDeadlineMs} ms, and ${holder} has not come to an end`,
  }
}

function withFreeLock({ isLeftOpen, freeMs, fencesDiffer, restMs }: Seen, route: RouteDocument, jitterMs: number): GuardianAction {
  const isHeld = route.state !== 'open'
  const reason = isHeld || isLeftOpen ? `its orchestrator has gone (route ${route.state})` : fencesDiffer === true ? "a fence doesn't follow the route" : null
  if (reason === null) return watch('nothing is left open')
  const waitMs = Math.max(jitterMs - freeMs, restMs)
  if (waitMs > 0) return watch(reason, Math.min(waitMs, isHeld ? heldLookMs : guardianLookMs))
  return isHeld || isLeftOpen ? { kind: 'finish', why: reason } : { kind: 'mend-fences', why: reason }
}

function watch(why: string, againMs: number = guardianLookMs): GuardianAction {
  return { kind: 'watch', why, againMs }
}

/** How long a guardian lets a free lock be, from its process id: two processes of one machine rarely share it. */
export function jitterOf(processId: number): number {
  return (Math.imul(processId, 0x9e37_79b1) >>> 0) % jitterSpreadMs
}

/** How long a guardian rests after so many failures in a row (pure). */
export function restAfterMs(failures: number, route: Pick<RouteDocument, 'state'> | null): number {
  const longest = route !== null && route.state !== 'open' ? longestRestMs.held : longestRestMs.open
  return failures === 0 ? 0 : Math.min(longest, firstRestMs * 2 ** (failures - 1))
}
