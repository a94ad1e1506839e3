/** A route, two clusters' groups and an audit in memory, behind the ports: for what a run of waves does after a crash, where real brokers would show the same more slowly. */

import { KbgError } from '../../engine/model/error.ts'
import type { JournalEntry, JournalFact } from '../../engine/model/journal.ts'
import { Limits } from '../../engine/model/limits.ts'
import { beyondReason } from '../../engine/model/momentary-reason.ts'
import type { PartitionOffsets } from '../../engine/model/partition.ts'
import type { GroupRoute, RouteDocument } from '../../engine/model/route.ts'
import type { Wiring } from '../../engine/model/wiring.ts'
import type { Ports } from '../../engine/run/ports.ts'
import { moveLive } from '../../engine/run/switchover.ts'
import { soundRoute } from './sample-snapshot.ts'

const partition = 'orders-0'
type Side = 'blue' | 'green'

export interface FakeWaves {
  readonly groups: Record<string, GroupRoute>
  readonly journal?: readonly JournalFact[]
  /** Committed offset of `ledger` on each side; absent: none. */
  readonly committed: Partial<Record<Side, bigint>>
  readonly consumers?: Record<string, Side>
  /** A side whose brokers don't list the group, or can't be reached. */
  readonly unlisted?: Side
  readonly unreachable?: Side
  /** So many records the audit compares between two questions, from offset 0 on; absent: it has compared all. */
  readonly comparedPerQuestion?: bigint
  /** What it says until it has; absent: that the commit lies beyond. */
  readonly lateBecause?: string
}

/** One run of `moveLive` with wave-1 = ledger, blue live; offsets are the same on both sides. */
export async function runWaves({ groups, journal = [], committed, consumers = {}, unlisted, unreachable, comparedPerQuestion, lateBecause }: FakeWaves) {
  let nowMs = 0
  let route: RouteDocument = { ...soundRoute, live: 'blue', defaultConsumerColour: 'blue', groups, latch: null }
  const entries: JournalEntry[] = journal.map(
    (fact, index) => ({ ...fact, number: index + 1, term: '100', atWallClock: '2026-01-01T00:00:00Z', atMonotonicMs: 0 }) as JournalEntry,
  )
  const offsets: Record<Side, bigint | undefined> = { blue: committed.blue, green: committed.green }
  const never = new AbortController().signal
  const of = (side: Side): PartitionOffsets => new Map(offsets[side] === undefined ? [] : [[partition, offsets[side]]])
  const list = async (side: Side) => {
    if (side === unreachable) throw new KbgError('deadline', `${side} is gone`)
    return side === unlisted || offsets[side] === undefined ? [] : [{ groupId: 'ledger', state: 'Empty', type: 'classic', memberCount: 0 }]
  }
  const cluster = (side: Side) => ({
    fence: { bindings: [], probe: async () => [{ brokerId: 1, answer: side === 'blue' ? 'open' : 'fenced', detail: '' }] },
    inventory: { acls: async () => [] },
    groups: {
      list: () => list(side),
      committed: async () => of(side),
      committedOfAll: async (ids: readonly string[]) => new Map(ids.map((id) => [id, of(side)])),
      commit: async (_groupId: string, own: PartitionOffsets) => {
        offsets[side] = own.get(partition)
      },
    },
  })
  let questions = 0n
  const position = { topic: 'orders', partition: 0, lagRecords: 0, method: 'map', reason: '' } as const
  const translate = async (_from: Side, asked: ReadonlyMap<string, PartitionOffsets>) => {
    const upTo = comparedPerQuestion === undefined ? null : comparedPerQuestion * questions++
    return [...asked].flatMap(([groupId, own]) =>
      [...own.values()].map((at) => {
        const isCompared = upTo === null || at <= upTo
        const late = { verdict: 'not provable', targetOffset: null, reason: lateBecause ?? beyondReason(at, 'green', upTo ?? 0n) }
        return { groupId, ...position, sourceOffset: String(at), ...(isCompared ? { verdict: 'exact', targetOffset: String(at) } : late) }
      }),
    )
  }
  const sleep = async (ms: number) => {
    nowMs += ms
  }
  const ports = {
    publications: [],
    clock: { monotonicMs: () => nowMs, wallClock: () => new Date(0), sleep },
    clusters: { blue: cluster('blue'), green: cluster('green') },
    audit: { hurry: async () => undefined, facts: async () => ({ partitions: [], unreachable: [] }), translate },
    store: {
      lock: async () => ({ term: '200', lost: never, release: async () => undefined }),
      read: async () => ({ route, journal: entries, routeRevision: '1', journalHead: entries.length, highestClientEpoch: 0, lock: null }),
      waitForClients: async () => ({ satisfied: true, clients: [] }),
      write: async (_lock: unknown, write: { route: RouteDocument | null; entry: JournalEntry }) => {
        if (write.route !== null) route = write.route
        entries.push(write.entry)
        return { routeRevision: '1', journalHead: write.entry.number }
      },
    },
  } as unknown as Ports
  const wiring = { waves: { 'wave-1': ['ledger'] }, unprovenGroups: {}, hooks: [], groups: ['ledger'], topics: ['orders'] } as unknown as Wiring
  const request = { wiring, limits: Limits.parse({ waveAnalysisMs: 1_000 }), holder: 'a test', tell: () => undefined, cancelled: never }
  const outcome = await moveLive(ports, { ...request, intent: { live: 'blue', attempt: 3, consumers }, gateEpoch: route.epoch }).then(
    (actual) => ({ actual, thrown: null }),
    (thrown: unknown) => ({ actual: null, thrown }),
  )
  const waves = entries.slice(journal.length).flatMap((entry) => (entry.kind === 'wave' ? [entry.what] : []))
  return { ...outcome, route, offsets, waves }
}
