/** Two colours, their mirrors and a route store in memory, behind the ports: a whole switchover runs on them in virtual time, and each part can be made to fail. */
import { canaryTopic } from '../../engine/model/cluster-access.ts'
import { type Colour, colours, otherColour } from '../../engine/model/colour.ts'
import { KbgError } from '../../engine/model/error.ts'
import type { ConnectorFacts, PartitionEnd, RecordCopy } from '../../engine/model/facts.ts'
import type { JournalEntry, JournalFact } from '../../engine/model/journal.ts'
import { type PartitionOffsets, parseTopicPartition, topicPartition } from '../../engine/model/partition.ts'
import { firstProducerIds } from '../../engine/model/producer-ids.ts'
import type { ClientRegistration, RouteDocument } from '../../engine/model/route.ts'
import { Wiring } from '../../engine/model/wiring.ts'
import type { Deadline } from '../../engine/ports/clock.ts'
import type { RouteLock, RouteWrite } from '../../engine/ports/route-store.ts'
import { guardianRegistration } from '../../engine/run/guardian/keeper.ts'
import type { OversightPorts } from '../../engine/run/ports.ts'
import { wiringOf } from '../provider/fixtures.ts'
import { soundColour, soundRoute, topic } from './sample-snapshot.ts'
import { VirtualClock } from './virtual-clock.ts'

export const orders = topicPartition('orders', 0)
const everyMs = 100

function recordOf(value: string, offset: bigint): RecordCopy {
  return { offset, timestamp: 1n, digest: value, key: null, value: Buffer.from(value), headers: [] }
}

/** What a colour does to writers. */
export interface Health {
  /** Refuses application writes and canaries, though its fence is open; `all`: also what the operator appends and what the worker beside it keeps there. */
  refuses: boolean | 'all'
  /** Every append of the operator takes so long. */
  slowMs: number
}

/** A colour's brokers: logs, fence, health. */
class FakeColour {
  readonly logs = new Map<string, RecordCopy[]>()
  readonly health: Health = { refuses: false, slowMs: 0 }
  fenced = true

  append(partition: string, value: string): bigint {
    const log = this.logs.get(partition) ?? []
    this.logs.set(partition, log)
    log.push(recordOf(value, BigInt(log.length)))
    return BigInt(log.length - 1)
  }

  endOf(partition: string): PartitionEnd {
    const end = BigInt(this.logs.get(partition)?.length ?? 0)
    return { partition, leaderEpoch: 0, logStartOffset: 0n, logEndOffset: end, highWatermark: end, lastStableOffset: end }
  }

  values(partition = orders): readonly string[] {
    return (this.logs.get(partition) ?? []).map(({ digest }) => digest)
  }
}

interface Connector {
  readonly topics: readonly string[]
  state: ConnectorFacts['state']
  readonly next: Map<string, number>
}

/** A fleet in memory. `app` appends one record every 100 ms wherever the route has it, and keeps what was accepted. */
export class FakeFleet {
  readonly clock = new VirtualClock()
  readonly colours = { blue: new FakeColour(), green: new FakeColour() }
  readonly accepted: string[] = []
  readonly connectors = { blue: new Map<string, Connector>(), green: new Map<string, Connector>() }
  readonly journal: JournalEntry[] = []
  route: RouteDocument = { ...soundRoute, live: 'blue', defaultConsumerColour: 'blue' }
  lockHolder: string | null = null
  #lost = new AbortController()
  readonly wiring: Wiring = Wiring.parse({ ...wiringOf('main'), audit: [], waves: {}, groups: [], guardians: ['blue', 'green'] })
  /** A producer that is registered in the route store. */
  hasProducer = true
  #revision = 1
  #term = 100

  constructor() {
    this.colours.blue.fenced = false
    this.connectors.blue.set('kbg-mirror-blue-green-1', { topics: ['orders'], state: 'RUNNING', next: new Map() })
    this.note({ kind: 'mirror', connector: 'kbg-mirror-blue-green-1', source: 'blue', target: 'green', what: 'running' })
  }

  /** An entry that some run has written before. */
  note(fact: JournalFact): void {
    const head = { number: this.journal.length + 1, term: '99', atWallClock: this.clock.wallClock().toISOString(), atMonotonicMs: this.clock.monotonicMs() }
    this.journal.push({ ...fact, ...head } as JournalEntry)
  }

  /** Whoever holds the lock ends here, as one that was killed does for everybody else. */
  kill(): KbgError {
    const killed = new KbgError('lock-lost', 'Killed.')
    this.#lost.abort(killed)
    this.lockHolder = null
    return killed
  }

  /** Runs something with an application beside it. */
  async withApp<T>(work: () => Promise<T>): Promise<T> {
    const done = new AbortController()
    const app = this.#app(done.signal)
    try {
      return await work()
    } finally {
      done.abort()
      await app
    }
  }

  async #app(done: AbortSignal): Promise<void> {
    for (let number = 0; !done.aborted; number += 1) {
      const { state, live } = this.route
      const colour = this.colours[live]
      if (state === 'open' && !colour.fenced && !colour.health.refuses) {
        const value = `r${number}`
        colour.append(orders, value)
        this.accepted.push(value)
        this.copy()
      }
      await this.clock.sleep(everyMs)
    }
  }

  /** What running connectors do, at once. */
  copy(): void {
    for (const source of ['blue', 'green'] as const) {
      for (const { state, topics, next } of this.connectors[source].values()) {
        if (state !== 'RUNNING') continue
        for (const partition of [...this.colours[source].logs.keys()].filter((one) => topics.includes(parseTopicPartition(one).topic))) {
          const values = this.colours[source].values(partition)
          for (let at = next.get(partition) ?? 0; at < values.length; at += 1) {
            next.set(partition, at + 1)
            this.colours[otherColour(source)].append(partition, values[at] ?? '')
          }
        }
      }
    }
  }

  get ports(): OversightPorts {
    return {
      clock: this.clock,
      clusters: { blue: this.#cluster('blue'), green: this.#cluster('green') },
      mirrors: { blue: this.#mirror('blue'), green: this.#mirror('green') },
      store: this.#store(),
      audit: null,
      publications: [],
    } as unknown as OversightPorts
  }

  #cluster(name: Colour) {
    const colour = this.colours[name]
    const refused = () => new KbgError('kafka', `${name} doesn't accept it.`, { facts: { error: 'NOT_ENOUGH_REPLICAS' } })
    const visible = (partition: string, from: bigint, to: bigint) => (colour.logs.get(partition) ?? []).slice(Number(from), Number(to))
    const sound = soundColour(name)
    const seen = <T>(reading: { readonly seen: boolean; readonly value?: T }) => Promise.resolve(reading.value)
    return {
      colour: name,
      warmUp: async () => undefined,
      inventory: {
        cluster: async () => ({ clusterId: this.wiring.clusters[name].clusterId, controllerId: 1, brokers: [] }),
        topics: async () => [topic('orders', { topicId: `${name}-orders`, partitions: topic('orders').partitions.slice(0, 1) })],
        acls: async () => [],
        quotas: async () => [],
        scramUsers: async () => [],
        authorizers: () => seen(sound.authorizers),
        quorum: () => seen(sound.quorum),
      },
      fence: {
        bindings: [],
        raise: async () => void Object.assign(colour, { fenced: true }),
        lift: async () => void Object.assign(colour, { fenced: false }),
        probe: async () => [{ brokerId: 1, answer: colour.fenced ? 'fenced' : 'open', detail: '' }],
        canary: async () => {
          if (colour.fenced || colour.health.refuses) throw refused()
          await this.clock.sleep(5)
          colour.append(topicPartition(canaryTopic(name), 0), 'canary')
        },
      },
      logs: {
        ends: async (topics: readonly string[]) => topics.map((one) => colour.endOf(topicPartition(one, 0))),
        visible: async (partition: string, from: bigint, to: bigint) => visible(partition, from, to),
        copies: async (partition: string, from: bigint, to: bigint) => visible(partition, from, to),
        lastVisibleOfAll: async (ends: PartitionOffsets, count: number) => new Map([...ends].map(([one, end]) => [one, visible(one, 0n, end).slice(-count)])),
        lastVisible: async (partition: string, end: bigint, count: number) => visible(partition, 0n, end).slice(-count),
        append: async (partition: string, value: string) => {
          await this.clock.sleep(5 + colour.health.slowMs)
          if (colour.health.refuses === 'all') throw refused()
          const offset = colour.append(partition, value)
          this.copy()
          return offset
        },
        appendCopies: async (partition: string, records: readonly RecordCopy[]) => {
          const offsets = records.map(({ digest }) => colour.append(partition, digest))
          this.copy()
          return offsets[0] ?? -1n
        },
      },
      groups: { list: async () => [], committedOfAll: async () => new Map(), staticMembers: async () => [] },
      transactions: { open: async () => [], holding: async () => [], fenceIds: async () => undefined },
      producers: { ids: async () => ({ active: [], next: firstProducerIds[name] }) },
    }
  }

  #mirror(source: Colour) {
    const connectors = this.connectors[source]
    const beside = this.colours[otherColour(source)].health
    const set = (state: ConnectorFacts['state']) => async (name: string) => {
      const connector = connectors.get(name)
      if (connector === undefined) throw new KbgError('connector-unknown', `There is no ${name}.`)
      connector.state = state
      this.copy()
    }
    return {
      changeMs: 30_000,
      connectors: async () => [...connectors.keys()],
      facts: async (name: string) => {
        const state = connectors.get(name)?.state ?? 'absent'
        return { name, state, tasks: state === 'RUNNING' ? [{ id: 0, state, trace: '' }] : [], config: {} }
      },
      createStopped: async (name: string, topics: readonly string[]) => {
        if (beside.refuses === 'all') throw new KbgError('connect', `Can't create connector ${name}.`)
        connectors.set(name, { topics, state: 'STOPPED', next: new Map() })
      },
      copiedOffsets: async (name: string) => new Map([...(connectors.get(name)?.next ?? [])].map(([one, next]) => [one, BigInt(next - 1)])),
      seed: async (name: string, last: PartitionOffsets) => {
        for (const [partition, offset] of last) connectors.get(name)?.next.set(partition, Number(offset) + 1)
      },
      resume: set('RUNNING'),
      stop: set('STOPPED'),
      restartTasks: set('RUNNING'),
      delete: async (name: string) => void connectors.delete(name),
      transactionalIds: async () => [],
    }
  }

  #clients(): readonly ClientRegistration[] {
    const { state, live, epoch } = this.route
    const guardians = colours.map((colour, index) => ({ ...guardianRegistration(colour, index + 1), ackedEpoch: epoch }))
    if (!this.hasProducer) return guardians
    const own = { state: state === 'open' ? 'running' : 'held', colour: state === 'open' ? live : null, ackedEpoch: epoch } as const
    const ids = { clientId: 'app', instanceId: 'app-1', groupId: null, transactionalId: null, software: 'x' }
    return [...guardians, { version: 1, kind: 'producer', ...ids, ...own }]
  }

  #store() {
    /** As the store does: the newest switchover, and what is carried of the time before it. */
    const newest = () => {
      const start = Math.max(
        0,
        this.journal.findLastIndex(({ kind }) => kind === 'opened'),
      )
      const carried = this.journal.slice(0, start).filter(({ kind }) => kind === 'mirror' || kind === 'late')
      return [...carried, ...this.journal.slice(start)]
    }
    const glance = async () => ({
      ...{ route: this.route, routeRevision: String(this.#revision), journalHead: this.journal.length },
      lock: this.lockHolder === null ? null : { holder: this.lockHolder, term: String(this.#term) },
    })
    return {
      glance,
      read: async () => ({ ...(await glance()), journal: newest(), highestClientEpoch: 0 }),
      history: async () => [...this.journal],
      clients: async () => this.#clients(),
      drillMark: async () => null,
      waitForClients: async () => ({ satisfied: true, clients: this.#clients() }),
      lock: async (holder: string): Promise<RouteLock> => {
        if (this.lockHolder !== null) throw new KbgError('locked', 'Somebody else has it.', { retriable: true, facts: { holder: this.lockHolder } })
        this.lockHolder = holder
        this.#term += 1
        this.#lost = new AbortController()
        const { signal } = this.#lost
        const release = async () => {
          if (!signal.aborted) this.lockHolder = null
        }
        return { term: String(this.#term), lost: signal, release }
      },
      write: async (lock: RouteLock, { route, entry, expectedJournalHead, expectedRouteRevision }: RouteWrite, _deadline: Deadline) => {
        const isAsExpected = expectedJournalHead === this.journal.length && expectedRouteRevision === String(this.#revision)
        if (!isAsExpected || lock.term !== String(this.#term)) throw new KbgError('lost-race', 'Somebody else has written.')
        if (route !== null) {
          this.route = route
          this.#revision += 1
        }
        this.journal.push(entry)
        return { routeRevision: String(this.#revision), journalHead: this.journal.length }
      },
    }
  }
}
