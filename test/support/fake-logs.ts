/** A cluster in memory that answers Metadata, Fetch (version 13, with sessions) and ListOffsets as Kafka does: what a reader of logs can be tried on, broken at will. */
import { protocolErrors } from '@platformatic/kafka'
import type { ReaderConnections } from '../../engine/adapters/kafka/audit-reader.ts'
import type { FetchByIdRequest, FetchByIdResponse, FetchedById, FetchTarget } from '../../engine/adapters/kafka/fetch-by-id.ts'
import { targetKey } from '../../engine/adapters/kafka/fetch-session.ts'
import type { AbortedTransaction } from '../../engine/adapters/kafka/record-batches.ts'
import { KbgError } from '../../engine/model/error.ts'
import { batchOf, marker, message } from './record-batches.ts'

/** Kafka's code of an error. */
export function codeOf(name: keyof typeof protocolErrors): number {
  return protocolErrors[name]?.code ?? -1
}

interface Batch {
  readonly base: bigint
  readonly end: bigint
  readonly bytes: Buffer
}

/** One partition's log, of topic `t` in its present incarnation. */
export class FakeLog {
  topicId: string
  leader = 1
  leaderEpoch = 0
  start = 0n
  end = 0n
  /** Set: nothing at or beyond it is stable. */
  unstableFrom: bigint | undefined
  diverged = false
  readonly batches: Batch[] = []
  readonly aborted: (AbortedTransaction & { readonly markerOffset: bigint })[] = []
  /** Offsets that a read_committed consumer sees, ever. */
  readonly visible: bigint[] = []

  constructor(topicId: string) {
    this.topicId = topicId
  }

  get lastStableOffset(): bigint {
    return this.unstableFrom ?? this.end
  }

  #add(bytes: Buffer, records: number): void {
    bytes.writeInt32BE(this.leaderEpoch, 12)
    this.batches.push({ base: this.end, end: this.end + BigInt(records), bytes })
    this.end += BigInt(records)
  }

  append(records: number, valueBytes = 10): void {
    for (let index = 0; index < records; index++) this.visible.push(this.end + BigInt(index))
    this.#add(
      batchOf(
        Array.from({ length: records }, (_, index) => message(`k${this.end}`, `${index}`.padEnd(valueBytes, 'x'))),
        this.end,
      ),
      records,
    )
  }

  abort(records: number, producerId = 9n): void {
    const firstOffset = this.end
    this.#add(
      batchOf(
        Array.from({ length: records }, () => message('k', 'aborted')),
        this.end,
        'none',
        { producerId },
      ),
      records,
    )
    this.aborted.push({ producerId, firstOffset, markerOffset: this.end })
    this.#add(marker('abort', producerId, this.end), 1)
  }

  /** A batch whose last record is no record any more. */
  spoil(): void {
    this.append(3)
    const bytes = this.batches.at(-1)?.bytes ?? Buffer.alloc(0)
    const header = 61
    bytes.fill(0x7e, header + ((bytes.length - header) / 3) * 2) // its length is now 63 bytes, more than there are
  }

  read(offset: bigint, maxBytes: number): Buffer {
    const parts: Buffer[] = []
    let size = 0
    for (const { bytes, end } of this.batches) {
      if (end <= offset) continue
      if (end > this.lastStableOffset || (size > 0 && size + bytes.length > maxBytes)) break
      parts.push(bytes)
      size += bytes.length
    }
    return Buffer.concat(parts)
  }
}

interface Session {
  epoch: number
  readonly targets: Map<string, FetchTarget>
  readonly told: Map<string, string>
}

/** Brokers 1 and 2, and the partitions of the topic `t`. */
export class FakeCluster {
  readonly logs = new Map<number, FakeLog>()
  readonly down = new Set<number>()
  readonly requests: FetchByIdRequest[] = []
  topicExists = true
  keepsSessions = true
  throttleMs = 0
  readonly #sessions = new Map<number, Session>()
  #nextSession = 1
  #topicId = uuid(1)

  constructor(partitions: number) {
    for (let index = 0; index < partitions; index++) this.logs.set(index, new FakeLog(this.#topicId))
  }

  log(index: number): FakeLog {
    const log = this.logs.get(index)
    if (!log) throw new Error(`no log ${index}`)
    return log
  }

  /** The topic is deleted and made again, with as many empty partitions. */
  recreate(): void {
    this.#topicId = uuid(2)
    for (const index of this.logs.keys()) this.logs.set(index, new FakeLog(this.#topicId))
  }

  forgetSessions(): void {
    this.#sessions.clear()
  }

  moveLeader(index: number): void {
    const log = this.log(index)
    log.leader = log.leader === 1 ? 2 : 1
    log.leaderEpoch++
  }

  connections(): ReaderConnections {
    return {
      metadata: async () => this.#metadata(),
      broker: async (brokerId) => {
        if (this.down.has(brokerId)) throw new KbgError('connection', 'down', { retriable: true })
        return { request: (what: string, _api: unknown, args: readonly unknown[]) => this.#answer(brokerId, what, args) as never }
      },
      close: () => undefined,
    }
  }

  #metadata(): never {
    const partitions = [...this.logs].map(([partitionIndex, log]) => ({ errorCode: 0, partitionIndex, leaderId: log.leader, leaderEpoch: log.leaderEpoch }))
    const errorCode = this.topicExists ? 0 : codeOf('UNKNOWN_TOPIC_OR_PARTITION')
    return { topics: [{ errorCode, name: 't', topicId: this.#topicId, partitions: this.topicExists ? partitions : [] }] } as never
  }

  async #answer(brokerId: number, what: string, args: readonly unknown[]): Promise<unknown> {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.down.has(brokerId)) throw new KbgError('connection', 'down', { retriable: true })
    const answer = what === 'ListOffsets' ? this.#listOffsets(args) : await this.#fetch(brokerId, args[0] as FetchByIdRequest)
    if (this.down.has(brokerId)) throw new KbgError('connection', 'down meanwhile', { retriable: true })
    return answer
  }

  #listOffsets(args: readonly unknown[]): unknown {
    const [topic] = args[2] as readonly { readonly partitions: readonly { readonly partitionIndex: number; readonly timestamp: bigint }[] }[]
    const earliest = -2n
    const partitions = (topic?.partitions ?? []).map(({ partitionIndex, timestamp }) => {
      const log = this.log(partitionIndex)
      return { partitionIndex, errorCode: 0, offset: timestamp === earliest ? log.start : log.end, leaderEpoch: log.leaderEpoch }
    })
    return { topics: [{ name: 't', partitions }] }
  }

  async #fetch(brokerId: number, request: FetchByIdRequest): Promise<FetchByIdResponse> {
    this.requests.push(request)
    const refuse = (name: keyof typeof protocolErrors): FetchByIdResponse => ({ throttleMs: 0, errorCode: codeOf(name), sessionId: 0, partitions: [] })
    const known = this.#sessions.get(request.sessionId)
    if (request.sessionEpoch > 0 && !known) return refuse('FETCH_SESSION_ID_NOT_FOUND')
    if (request.sessionEpoch > 0 && known?.epoch !== request.sessionEpoch) return refuse('INVALID_FETCH_SESSION_EPOCH')
    const session = request.sessionEpoch === 0 || !known ? { epoch: 0, targets: new Map(), told: new Map() } : known
    for (const target of request.targets) session.targets.set(targetKey(target), target)
    for (const one of request.forgotten) session.targets.delete(targetKey(one))
    for (const one of request.forgotten) session.told.delete(targetKey(one))
    session.epoch++
    const sessionId = !this.keepsSessions ? 0 : request.sessionId || this.#nextSession++
    if (sessionId !== 0) this.#sessions.set(sessionId, session)
    if (this.throttleMs > 0) return { throttleMs: this.throttleMs, errorCode: 0, sessionId: request.sessionEpoch === 0 ? 0 : sessionId, partitions: [] }
    const until = Date.now() + request.maxWaitMs
    let partitions = this.#read(brokerId, session, request.maxBytes)
    while (partitions.length === 0 && Date.now() < until && !this.down.has(brokerId)) {
      await new Promise((resolve) => setTimeout(resolve, 2))
      partitions = this.#read(brokerId, session, request.maxBytes)
    }
    return { throttleMs: 0, errorCode: 0, sessionId, partitions }
  }

  #read(brokerId: number, session: Session, maxBytes: number): readonly FetchedById[] {
    let left = maxBytes
    return [...session.targets].flatMap(([key, target]) => {
      const fetched = this.#readOne(brokerId, target, left)
      left -= fetched.records.length
      const told = fetched.errorCode === 0 ? `${this.log(target.index).end} ${fetched.logStartOffset}` : 'an error'
      const isNews = fetched.records.length > 0 || fetched.errorCode !== 0 || fetched.diverged || session.told.get(key) !== told
      session.told.set(key, told)
      return isNews ? [fetched] : []
    })
  }

  #readOne(brokerId: number, target: FetchTarget, maxBytes: number): FetchedById {
    const log = this.log(target.index)
    const none = { topicId: target.topicId, index: target.index, diverged: false, aborted: [], records: Buffer.alloc(0) }
    const refuse = (name: keyof typeof protocolErrors): FetchedById => ({ ...none, errorCode: codeOf(name), lastStableOffset: -1n, logStartOffset: -1n })
    if (!this.topicExists || log.topicId !== target.topicId) return refuse('UNKNOWN_TOPIC_ID')
    if (log.leader !== brokerId) return refuse('NOT_LEADER_OR_FOLLOWER')
    if (log.leaderEpoch !== target.leaderEpoch) return refuse('FENCED_LEADER_EPOCH')
    if (target.offset < log.start || target.offset > log.end) return refuse('OFFSET_OUT_OF_RANGE')
    const facts = { errorCode: 0, lastStableOffset: log.lastStableOffset, logStartOffset: log.start }
    if (log.diverged && target.lastFetchedEpoch >= 0) return { ...none, ...facts, diverged: true }
    const records = maxBytes <= 0 ? Buffer.alloc(0) : log.read(target.offset, Math.min(maxBytes, target.maxBytes))
    return { ...none, ...facts, records, aborted: log.aborted.filter((one) => one.markerOffset >= target.offset) }
  }
}

function uuid(number: number): string {
  return `00000000-0000-0000-0000-${String(number).padStart(12, '0')}`
}
