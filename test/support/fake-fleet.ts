/** A route store with its lock and comparisons, two colours' fences and their mirrors in memory, behind the ports: for what a guardian or an order does to a fleet that a run left open. */
import { KbgError } from '../../engine/model/error.ts'
import type { ProbeAnswer } from '../../engine/model/facts.ts'
import type { JournalEntry, JournalFact } from '../../engine/model/journal.ts'
import type { RouteDocument } from '../../engine/model/route.ts'
import type { Clock } from '../../engine/ports/clock.ts'
import type { RouteLock, RouteWrite } from '../../engine/ports/route-store.ts'
import type { OversightPorts } from '../../engine/run/ports.ts'

type Side = 'blue' | 'green'

/** Held by whom, under which term; `asked` hears of an order to take the switchover back. */
interface FakeLock {
  readonly holder: string
  readonly term: string
  readonly lost: AbortController
  readonly asked: AbortController
}

/** A fleet in memory. Everything that is done to it stands in `done`, in order. */
export class FakeFleet {
  route: RouteDocument
  readonly journal: JournalEntry[]
  readonly done: string[] = []
  readonly fences: Record<Side, ProbeAnswer> = { blue: 'open', green: 'fenced' }
  lock: FakeLock | null = null
  /** The store doesn't answer. */
  isAway = false
  nowMs = 0
  /** Called before each write reaches the store. */
  beforeWrite: (entry: JournalEntry) => void = () => undefined
  /** Called with each sleep, once its time has passed. */
  afterSleep: () => void = () => undefined
  #routeRevision = 1
  #terms = 1_000

  constructor(route: RouteDocument, facts: readonly JournalFact[]) {
    this.route = route
    this.journal = facts.map(
      (fact, index) => ({ ...fact, number: index + 1, term: '100', atWallClock: '2026-01-01T00:00:00Z', atMonotonicMs: 0 }) as JournalEntry,
    )
  }

  readonly clock: Clock = {
    monotonicMs: () => this.nowMs,
    wallClock: () => new Date(0),
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      await new Promise((resolve) => setImmediate(resolve))
      signal?.throwIfAborted()
      this.nowMs += ms
      this.afterSleep()
    },
  }

  /** Somebody takes the lock. */
  take(holder: string): RouteLock {
    if (this.lock !== null) throw new KbgError('locked', 'Somebody else is moving the traffic.', { retriable: true, facts: { holder: this.lock.holder } })
    this.#terms += 1
    const lock: FakeLock = { holder, term: String(this.#terms), lost: new AbortController(), asked: new AbortController() }
    this.lock = lock
    const release = async () => {
      if (this.lock === lock) this.lock = null
    }
    return { term: lock.term, lost: lock.lost.signal, abortRequested: lock.asked.signal, release }
  }

  /** Somebody else moves the route. */
  publish(route: RouteDocument): void {
    this.route = route
    this.#routeRevision += 1
  }

  #answer(): void {
    if (this.isAway) throw new KbgError('route-store-unreachable', 'The route store is away.', { retriable: true })
  }

  #write(lock: RouteLock, { route, entry, expectedJournalHead, expectedRouteRevision }: RouteWrite) {
    this.beforeWrite(entry)
    const isCurrent = this.lock?.term === lock.term && expectedJournalHead === this.journal.length && expectedRouteRevision === String(this.#routeRevision)
    if (!isCurrent) throw new KbgError('lost-race', 'Somebody else changed the route or took the lock first.')
    this.journal.push(entry)
    this.done.push(`${entry.kind}${entry.kind === 'fence' ? ` ${entry.what} ${entry.colour}` : entry.kind === 'decided' ? ` ${entry.outcome}` : ''}`)
    if (route !== null) this.publish(route)
    return { routeRevision: String(this.#routeRevision), journalHead: this.journal.length }
  }

  get ports(): OversightPorts {
    const small = () => ({ route: this.route, routeRevision: String(this.#routeRevision), journalHead: this.journal.length, lock: this.lock })
    const answered = async <T>(answer: () => T): Promise<T> => {
      this.#answer()
      return answer()
    }
    const store = {
      glance: () => answered(small),
      read: () => answered(() => ({ ...small(), journal: [...this.journal], highestClientEpoch: 0 })),
      lock: (holder: string) => answered(() => this.take(holder)),
      write: (lock: RouteLock, write: RouteWrite) => answered(() => this.#write(lock, write)),
      waitForClients: () => answered(() => ({ satisfied: true, clients: [] })),
      breakLock: ({ term, routeRevision }: { term: string; routeRevision: string }) =>
        answered(() => {
          if (this.lock?.term !== term || routeRevision !== String(this.#routeRevision)) return false
          this.done.push(`broke the lock of ${this.lock.holder}`)
          this.lock = null
          return true
        }),
      requestAbort: (term: string, by: string) =>
        answered(() => {
          if (this.lock?.term !== term) return false
          this.lock.asked.abort(new KbgError('abort-requested', `Taken back by order of ${by}.`))
          return true
        }),
    }
    const both = <T>(of: (side: Side) => T): Record<Side, T> => ({ blue: of('blue'), green: of('green') })
    return {
      clock: this.clock,
      store,
      audit: null,
      clusters: both((side) => this.#cluster(side)),
      mirrors: both((side) => this.#mirror(side)),
      publications: [],
    } as unknown as OversightPorts
  }

  #cluster(side: Side) {
    return {
      colour: side,
      fence: {
        bindings: [],
        probe: async () => [{ brokerId: 1, answer: this.fences[side], detail: '' }],
        raise: async () => {
          this.done.push(`raise ${side}`)
          this.fences[side] = 'fenced'
        },
        lift: async () => {
          this.done.push(`lift ${side}`)
          this.fences[side] = 'open'
        },
        canary: async () => undefined,
      },
      inventory: { acls: async () => [] },
      logs: { ends: async () => [] },
      groups: { list: async () => [], committedOfAll: async () => new Map() },
    }
  }

  #mirror(source: Side) {
    const facts = async (name: string) => ({ name, state: 'STOPPED', tasks: [], config: {} })
    const noted = (what: string) => async () => void this.done.push(`${what} ${source}`)
    return {
      connectors: async () => [],
      facts,
      seed: noted('seed'),
      resume: noted('resume'),
      stop: noted('stop'),
      restartTasks: noted('restart'),
      delete: noted('delete'),
    }
  }
}
