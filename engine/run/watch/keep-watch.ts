import { latencyLimitMs } from '../../analysis/latency.ts'
import type { WatchSample } from '../../analysis/samples.ts'
import { judgeWatch, measureLine, type WatchVerdict } from '../../analysis/watch.ts'
import { messageOf } from '../../model/error.ts'
import type { Limits } from '../../model/limits.ts'
import type { Wiring } from '../../model/wiring.ts'
import { Deadline } from '../../ports/clock.ts'
import type { RouteReading } from '../../ports/route-store.ts'
import { movedGroups, openSwitch } from '../../switchover/journal-reading.ts'
import { isWatching, newestWatch, type Watch } from '../../switchover/watch-reading.ts'
import type { OversightPorts } from '../ports.ts'
import type { Progress } from '../progress.ts'
import { isForLater, writeWatch } from './journal-watch.ts'
import { ColourSampler } from './sampler.ts'
import { goBack } from './way-back.ts'

const storeReadMs = 5_000
/** Groups show progress with their commits, which come every few seconds. */
const groupsEveryMs = 2_000
/** Of a long window only the newest samples are kept: a run of failed ones was seen when it came. */
const mostSamples = 600

/** What who watches is given besides its ports. */
export interface WatchRequest {
  readonly wiring: Wiring
  readonly limits: Limits
  /** Who watches, for the lock: `guardian beside blue, pid`. */
  readonly holder: string
  readonly tell: Progress
  /** Ends the watching; a way back that has begun is finished. */
  readonly cancelled: AbortSignal
}

/** What a round of watching has come to. */
export type WatchOutcome =
  /** Nothing is to be watched (any more): a newer switchover may have been opened, or another guardian has ended the watch. */
  | { readonly kind: 'none' }
  /** `failing`: failed samples in a row, now. */
  | { readonly kind: 'watching'; readonly failing: number }
  | { readonly kind: 'ended'; readonly what: 'passed' | 'inconclusive' | 'halted' | 'moved back'; readonly reason: string }

/** What is known of the watch that is kept now. */
interface Kept {
  readonly number: number
  /** How long this process has watched, by its own monotonic clock: what another one has watched before doesn't count, and a gap in which it was stopped counts as one sample. */
  watchedMs: number
  readonly samples: WatchSample[]
  readonly sampler: ColourSampler
  groupsAtMs: number
  /** Samples in a row without a failed one, since it was seen to have failed. */
  goodInRow: number
  /** When it was first seen to have failed, and by what (null: by another guardian's word); null: it hasn't. */
  failed: { readonly atMs: number; readonly verdict: WatchVerdict | null } | null
}

/**
 * Keeps the watch that the journal tells of; several may, at once or one behind the other. Samples are only read; the lock is taken for the one entry that ends the watch and for the way back, each
 * under a look at the journal as it is then, so that one of several watchers ends it and the others see that. It remembers in between what it has seen, also of a journal that asks for no watch.
 */
export class Watcher {
  readonly #ports: OversightPorts
  readonly #request: WatchRequest
  /** What the store held when it was read last. */
  #reading: RouteReading | null = null
  #kept: Kept | null = null
  #told = ''

  constructor(ports: OversightPorts, request: WatchRequest) {
    this.#ports = ports
    this.#request = request
  }

  /**
   * One round after the other until there is nothing to watch (any more).
   *
   * @throws KbgError for what isn't over a moment later; called again, it goes on with what it has seen
   */
  async untilEnded(): Promise<Exclude<WatchOutcome, { readonly kind: 'watching' }>> {
    const { clock } = this.#ports
    const { limits, cancelled } = this.#request
    for (;;) {
      const startedMs = clock.monotonicMs()
      const outcome = await this.#round().catch((thrown: unknown) => this.#storeAway(thrown))
      if (outcome.kind !== 'watching') return outcome
      await clock.sleep(Math.max(0, limits.watchSampleIntervalMs - (clock.monotonicMs() - startedMs)), cancelled)
    }
  }

  /** Without the route store nothing is decided, and nothing is forgotten. */
  #storeAway(thrown: unknown): WatchOutcome {
    const { cancelled, tell } = this.#request
    cancelled.throwIfAborted()
    if (!isForLater(thrown)) throw thrown
    const text = `nothing can be decided now: ${messageOf(thrown)}`
    if (text !== this.#told) tell({ step: 'watch', text })
    this.#told = text
    return { kind: 'watching', failing: 0 }
  }

  /** The journal is read only when it or the route has changed: a switchover of thousands of groups is megabytes, and a watch looks each second. */
  async #read(): Promise<RouteReading> {
    const deadline = new Deadline(this.#ports.clock, storeReadMs, 'the route store', this.#request.cancelled)
    const { routeRevision, journalHead } = await this.#ports.store.glance(deadline)
    const known = this.#reading
    if (known?.routeRevision === routeRevision && known.journalHead === journalHead) return known
    this.#reading = await this.#ports.store.read(deadline)
    return this.#reading
  }

  /** One look: takes a sample, and ends the watch when there is something to say. @throws KbgError when the route store can't be read: without it nothing is decided */
  async #round(): Promise<WatchOutcome> {
    const reading = await this.#read()
    const watch = newestWatch(reading.journal)
    if (!isWatching(watch)) {
      this.#kept = null
      return { kind: 'none' }
    }
    if (this.#kept?.number !== watch.number && this.#isLongOver(watch)) return await this.#nobodyWatched(watch)
    const kept = this.#keptOf(watch)
    if (reading.route?.state !== 'open' || reading.route.live !== watch.colour) return { kind: 'watching', failing: 0 }
    await this.#sample(watch, kept, reading)
    const verdict = judgeWatch(watch.baseline, movedGroups(reading.journal), kept.samples, this.#request.limits)
    this.#tellRun(watch, verdict)
    if (kept.failed !== null || watch.what === 'failed') return await this.#afterFailure(watch, kept, reading, verdict)
    if (verdict.verdict === 'fail') return await this.#back(watch, kept, reading, verdict)
    return this.#isOver(kept, reading, verdict) ? await this.#end(watch, verdict) : { kind: 'watching', failing: verdict.failing }
  }

  /**
   * It has failed, and could not go back at once. It goes back while it fails still, by what this process sees itself: a link that was down for a moment, or another guardian's view, moves nothing.
   * What answers again for as many samples as a failure takes is left where it is.
   */
  async #afterFailure(watch: Watch, kept: Kept, reading: RouteReading, verdict: WatchVerdict): Promise<WatchOutcome> {
    const { watchFailures } = this.#request.limits
    kept.failed ??= { atMs: this.#ports.clock.monotonicMs(), verdict: null }
    if (verdict.failing >= watchFailures) {
      kept.goodInRow = 0
      return await this.#back(watch, kept, reading, null)
    }
    kept.goodInRow = verdict.failing === 0 ? kept.goodInRow + 1 : 0
    if (kept.goodInRow < watchFailures) return { kind: 'watching', failing: verdict.failing }
    const reason = `it failed${watch.reason === '' ? '' : ` (${watch.reason})`}, and answers again: nothing was moved`
    return await this.#say(watch, 'inconclusive', verdict.measures, reason)
  }

  /** Its window is over by more than its own length, and this process has seen nothing of it: what is true now says nothing of that switchover. The wall clock only ever keeps a move from being made. */
  #isLongOver({ untilWallClock }: Watch): boolean {
    if (untilWallClock === null) return false
    return this.#ports.clock.wallClock().getTime() > Date.parse(untilWallClock) + this.#request.limits.watchWindowMs
  }

  async #nobodyWatched(watch: Watch): Promise<WatchOutcome> {
    const reason = `nobody watched until its window was over (${watch.untilWallClock ?? ''})${watch.what === 'failed' ? `; it had failed before: ${watch.reason}` : ''}`
    return await this.#say(watch, watch.what === 'failed' ? 'halted' : 'inconclusive', watch.measures, reason)
  }

  #keptOf({ number, colour, baseline }: Watch): Kept {
    if (this.#kept?.number === number) return this.#kept
    const sampler = new ColourSampler(this.#ports, { colour, topics: Object.keys(baseline?.flows ?? {}), lag: true })
    this.#kept = { number, watchedMs: 0, samples: [], sampler, groupsAtMs: Number.NEGATIVE_INFINITY, goodInRow: 0, failed: null }
    return this.#kept
  }

  /** A sample waits as long as an append may take, and a little more: what is slower has failed. */
  async #sample(watch: Watch, kept: Kept, { journal }: RouteReading): Promise<void> {
    const { limits, cancelled } = this.#request
    const limitMs = Math.max(...[watch.baseline?.appendMs, watch.baseline?.endToEndMs].map((ms) => latencyLimitMs(ms ?? null, limits) ?? 0))
    const deadline = new Deadline(this.#ports.clock, Math.max(limitMs + 500, 2 * limits.latencyFloorMs), `a canary on ${watch.colour}`, cancelled)
    const moved = movedGroups(journal)
    const groupIds = Object.keys(watch.baseline?.groups ?? {}).filter((groupId) => moved.has(groupId))
    const nowMs = this.#ports.clock.monotonicMs()
    const isGroupsTurn = groupIds.length > 0 && nowMs - kept.groupsAtMs >= groupsEveryMs
    if (isGroupsTurn) kept.groupsAtMs = nowMs
    const sample = await kept.sampler.take(isGroupsTurn ? groupIds : null, deadline)
    const longestMs = limits.watchSampleIntervalMs + deadline.totalMs
    kept.watchedMs += Math.min(longestMs, sample.atMs - (kept.samples.at(-1)?.atMs ?? sample.atMs))
    kept.samples.push(sample)
    if (kept.samples.length > mostSamples) kept.samples.shift()
  }

  #tellRun({ colour }: Watch, { failing, measures }: WatchVerdict): void {
    const { limits, tell } = this.#request
    const text = failing === 0 ? `${colour} answers as before` : `${failing} of ${limits.watchFailures} failed samples in a row on ${colour}`
    if (failing === 0 && this.#told === '') return
    if (text !== this.#told) tell({ step: 'watch', text: `${text}${failing === 1 ? `: ${measures.map(measureLine).join('; ')}` : ''}` })
    this.#told = failing === 0 ? '' : text
  }

  /** A window is watched whole, behind the end of its switchover; a run of failed samples at its end is seen through, which takes so many samples more at most. */
  #isOver(kept: Kept, { journal }: RouteReading, { failing }: WatchVerdict): boolean {
    const { watchWindowMs } = this.#request.limits
    return openSwitch(journal) === null && kept.watchedMs >= watchWindowMs && failing === 0
  }

  async #end(watch: Watch, { verdict, measures }: WatchVerdict): Promise<WatchOutcome> {
    const reason = measures
      .filter((measure) => measure.verdict !== 'pass')
      .map(measureLine)
      .join('; ')
    return await this.#say(watch, verdict === 'pass' ? 'passed' : 'inconclusive', measures, reason)
  }

  /** Ends the watch. */
  async #say(watch: Watch, what: 'passed' | 'inconclusive' | 'halted', measures: WatchVerdict['measures'], reason: string): Promise<WatchOutcome> {
    const written = await writeWatch(this.#ports, this.#request, watch, { what, measures, reason })
    if (written === 'later') return { kind: 'watching', failing: 0 }
    if (written === 'over') return { kind: 'none' }
    this.#request.tell({
      step: 'watch',
      text: what === 'passed' ? `${watch.colour} has passed its watch` : `${watch.colour} stays where it is, ${what}: ${reason}`,
    })
    return { kind: 'ended', what, reason }
  }

  /**
   * Failed: traffic goes back, or the watch halts. What keeps it from going back may pass within a window's deadline, as an observation that fails does. That somebody else holds the lock is no
   * reason to halt: the other guardian may be trying the same, and whoever tries last says why it doesn't go.
   */
  async #back(watch: Watch, kept: Kept, reading: RouteReading, verdict: WatchVerdict | null): Promise<WatchOutcome> {
    const { clock } = this.#ports
    const { limits, tell } = this.#request
    kept.failed ??= { atMs: clock.monotonicMs(), verdict }
    const { atMs, verdict: failed } = kept.failed
    const outcome = await goBack(this.#ports, this.#request, watch, reading, failed)
    if (outcome.kind === 'moved back') return { kind: 'ended', what: 'moved back', reason: outcome.reason }
    const isOverdue = clock.monotonicMs() - atMs >= limits.windowDeadlineMs
    const isLast = outcome.kind === 'never' || (outcome.kind === 'not yet' && isOverdue)
    const text = `${watch.colour} has failed its watch, and traffic doesn't go back${isLast ? '' : ' yet'}: ${outcome.why}`
    if (text !== this.#told) tell({ step: 'watch', text })
    this.#told = text
    if (!isLast) return { kind: 'watching', failing: limits.watchFailures }
    const written = await writeWatch(this.#ports, this.#request, watch, { what: 'halted', measures: failed?.measures ?? watch.measures, reason: outcome.why })
    if (written === 'over') return { kind: 'none' }
    return written === 'later' ? { kind: 'watching', failing: limits.watchFailures } : { kind: 'ended', what: 'halted', reason: outcome.why }
  }
}
