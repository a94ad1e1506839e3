/** One pair of clusters with mirror and audit on which many faults are tried, each on topics and groups of its own. */
import { type Admin, type Consumer, Kafka, logLevel, type Message, type Producer } from 'kafkajs'
import { z } from 'zod'
import { ConnectRest } from '../../../engine/adapters/connect/connect-rest.ts'
import { seedBody } from '../../../engine/adapters/connect/offsets-body.ts'
import { readCredentials } from '../../../engine/adapters/local/credentials.ts'
import type { Catalog } from '../../../engine/model/catalog.ts'
import { platformUsers } from '../../../engine/model/cluster-access.ts'
import { type Colour, colours, otherColour } from '../../../engine/model/colour.ts'
import { KbgError } from '../../../engine/model/error.ts'
import { Limits } from '../../../engine/model/limits.ts'
import type { PartitionOffsets, TopicPartition } from '../../../engine/model/partition.ts'
import type { Audit, AuditedPartition } from '../../../engine/ports/audit.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'
import type { Cluster } from '../../../engine/ports/cluster.ts'
import type { Actual } from '../../../engine/run/execution.ts'
import { sampleLag } from '../../../engine/run/lag.ts'
import type { Ports } from '../../../engine/run/ports.ts'
import type { Progress } from '../../../engine/run/progress.ts'
import { moveLive } from '../../../engine/run/switchover.ts'
import { mirrorRecord } from '../../../engine/switchover/journal-reading.ts'
import { type Pair, quickGate, standPair } from '../../support/pair.ts'
import { restWorker } from '../../support/rest-worker.ts'
import { type Contents, readContents } from './contents.ts'

export const within = (seconds: number): Deadline => new Deadline(systemClock, seconds * 1_000, 'the test')

export const versions = { blue: '3.9.2', green: '4.3.1' } as const

/** How one switchover is tried. */
export interface Move {
  readonly attempt?: number
  readonly limits?: Partial<Limits>
  /** The real ports, with something added to one of their calls. */
  readonly through?: Ports
  readonly tell?: Progress
}

/** An object whose methods are another's, but for those given here. */
export function overriding<T extends object>(original: T, over: Partial<T>): T {
  return new Proxy(original, {
    get: (target, name) => {
      const own = Reflect.get(name in over ? over : target, name)
      return typeof own === 'function' && !(name in over) ? own.bind(target) : own
    },
  })
}

export class ChaosPair {
  readonly pair: Pair
  readonly clients: Readonly<Record<Colour, Kafka>>
  readonly producers: Readonly<Record<Colour, Producer>>
  readonly admins: Readonly<Record<Colour, Admin>>
  readonly #ends: (() => Promise<unknown>)[] = []

  private constructor(pair: Pair) {
    this.pair = pair
    const client = (colour: Colour) => new Kafka({ ...loginOf(pair, colour), logLevel: logLevel.NOTHING, retry: { retries: 12 } })
    this.clients = { blue: client('blue'), green: client('green') }
    const producer = (colour: Colour) => this.clients[colour].producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false })
    this.producers = { blue: producer('blue'), green: producer('green') }
    this.admins = { blue: this.clients.blue.admin(), green: this.clients.green.admin() }
  }

  static async stand(fleet: string, catalog: Catalog, brokerConfig: Readonly<Record<string, string>> = {}): Promise<ChaosPair> {
    const pair = await standPair({ fleet, versions, catalog, brokerConfig, audit: true })
    const chaos = new ChaosPair(pair)
    try {
      await pair.createRoute()
      for (const colour of colours) await Promise.all([chaos.producers[colour].connect(), chaos.admins[colour].connect()])
      return chaos
    } catch (thrown) {
      await chaos.end()
      throw thrown
    }
  }

  get ports(): Ports {
    return this.pair.ports
  }

  get audit(): Audit {
    if (this.ports.audit === null) throw new Error('this pair has no audit')
    return this.ports.audit
  }

  /** Called at the end, the last one first. */
  onEnd(end: () => Promise<unknown>): void {
    this.#ends.unshift(end)
  }

  async end(): Promise<void> {
    for (const end of this.#ends) await end().catch((thrown: unknown) => console.error(thrown))
    for (const colour of colours) await Promise.all([this.producers[colour].disconnect(), this.admins[colour].disconnect()])
    await this.pair.end()
  }

  send(colour: Colour, topic: string, messages: readonly Message[], partition = 0): Promise<unknown> {
    return this.producers[colour].send({ topic, acks: -1, messages: messages.map((message) => ({ partition, ...message })) })
  }

  /** A consumer of this colour, in a group of its own name, that is closed with the pair. */
  async consumer(colour: Colour, groupId: string): Promise<Consumer> {
    const consumer = this.clients[colour].consumer({ groupId, allowAutoTopicCreation: false, maxWaitTimeInMs: 100 })
    await consumer.connect()
    this.onEnd(() => consumer.disconnect())
    return consumer
  }

  contents(colour: Colour, topics: readonly string[], uncommitted = false): Promise<Contents> {
    return readContents(this.clients[colour], topics, uncommitted)
  }

  async both(topics: readonly string[]): Promise<Readonly<Record<Colour, Contents>>> {
    const [blue, green] = await Promise.all(colours.map((colour) => this.contents(colour, topics)))
    if (!blue || !green) throw new Error('nothing was read')
    return { blue, green }
  }

  async connector(source: Colour = 'blue'): Promise<string> {
    const { journal } = await this.ports.store.read(within(10))
    return mirrorRecord(journal, source)?.connector ?? ''
  }

  async stopMirror(source: Colour = 'blue'): Promise<void> {
    await this.ports.mirrors[source].stop(await this.connector(source), within(60))
  }

  async startMirror(source: Colour = 'blue'): Promise<void> {
    await this.ports.mirrors[source].resume(await this.connector(source), within(60))
  }

  /** Connect's REST interface of the worker that copies from `source`. */
  async rest(source: Colour, method: 'GET' | 'PUT' | 'PATCH', path: string, body?: string): Promise<unknown> {
    const rest = new ConnectRest(restWorker(this.pair.wiring, otherColour(source)))
    const request = {
      method,
      path: `/connectors/${await this.connector(source)}${path}`,
      refusal: `${method} ${path}`,
      ...(body === undefined ? {} : { body }),
    }
    return await rest.ask(request, z.unknown(), within(30))
  }

  /** Makes a stopped mirror take records for copied that it never copies. */
  async skip(lastCopied: PartitionOffsets, source: Colour = 'blue'): Promise<void> {
    await this.rest(source, 'PATCH', '/offsets', seedBody(source, lastCopied))
  }

  /** Waits until everything that is visible on the mirror's source stands on its target, by the logs. */
  async copied(topics: readonly string[], source: Colour = 'blue', seconds = 60): Promise<void> {
    const target = otherColour(source)
    const { clusters, mirrors, clock } = this.ports
    const connector = await this.connector(source)
    const subject = { clock, source: clusters[source], target: clusters[target], mirror: mirrors[source], connector, topics, isAudited: true }
    const sample = await sampleLag(subject, seconds * 1_000)
    if (sample.kind !== 'caught-up') throw new Error(`the mirror has not caught up: ${JSON.stringify(sample)}`)
  }

  async ends(topics: readonly string[]): Promise<Readonly<Record<Colour, PartitionOffsets>>> {
    const of = async (colour: Colour) =>
      new Map((await this.ports.clusters[colour].logs.ends(topics, within(20))).map((end) => [end.partition, end.logEndOffset]))
    const [blue, green] = await Promise.all([of('blue'), of('green')])
    return { blue, green }
  }

  /** Waits until the audit proves these topics equal up to both ends. */
  async proven(topics: readonly string[], seconds = 60): Promise<bigint> {
    return await within(seconds).poll(100, async () => {
      const proof = await this.audit.prove(await this.ends(topics), within(20)).catch(() => undefined) // it may be restarting
      return proof?.kind === 'equal' ? proof.alignedRecords : undefined
    })
  }

  async told(partition: TopicPartition): Promise<AuditedPartition | undefined> {
    return (await this.audit.facts(within(10))).partitions.find((each) => each.partition === partition)
  }

  /** What the audit says of a partition, as soon as it says what is waited for. */
  async toldUntil(partition: TopicPartition, isIt: (told: AuditedPartition) => boolean, seconds = 60): Promise<AuditedPartition> {
    let last: AuditedPartition | undefined
    try {
      return await within(seconds).poll(100, async () => {
        last = await this.told(partition).catch(() => undefined) // it may be restarting
        return last !== undefined && isIt(last) ? last : undefined
      })
    } catch (thrown) {
      throw new Error(`the audit said of ${partition}: ${JSON.stringify(last)}`, { cause: thrown })
    }
  }

  async route() {
    const { route } = await this.ports.store.read(within(10))
    if (route === null) throw new Error('no route')
    return route
  }

  /** The ports, with something added to one colour's cluster. */
  through(colour: Colour, over: Partial<Cluster>): Ports {
    const { ports } = this
    return { ...ports, clusters: { ...ports.clusters, [colour]: overriding(ports.clusters[colour], over) } }
  }

  /** One switchover as `pulumi up` runs it. */
  async attempt(live: Colour, how: Move = {}): Promise<Actual> {
    const { wiring } = this.pair
    const request = {
      wiring,
      intent: { live, attempt: how.attempt ?? 0, consumers: {} },
      limits: Limits.parse({ ...quickGate, ...how.limits }),
      holder: 'the chaos suite',
    }
    const { epoch } = await this.route()
    return await moveLive(how.through ?? this.ports, {
      ...request,
      gateEpoch: epoch,
      tell: how.tell ?? (() => undefined),
      cancelled: new AbortController().signal,
    })
  }

  /** A switchover that has to succeed; a gate that refuses only because a busy machine is behind has touched nothing and is asked again. */
  async move(live: Colour, how: Move = {}): Promise<Actual> {
    return await within(120).poll(500, async () => {
      try {
        return await this.attempt(live, how)
      } catch (thrown) {
        const lines = thrown instanceof KbgError && thrown.code === 'gate' ? thrown.message.split('\n  ').slice(1) : ['another error']
        if (lines.every((line) => /^(mirror lag|audit watermark|audit: inconclusive)/.test(line))) return undefined
        throw thrown
      }
    })
  }

  /** The lines of a refusal, one for each check that didn't pass. Fails when the gate lets it through, and when the refusal isn't the gate's. */
  async gateLines(live: Colour, how: Move = {}): Promise<readonly string[]> {
    const thrown = await this.refusal(live, how)
    if (thrown.code !== 'gate') throw thrown
    return thrown.message.split('\n  ').slice(1)
  }

  async refusal(live: Colour, how: Move = {}): Promise<KbgError> {
    const thrown: unknown = await this.attempt(live, how).then(
      () => 'it was moved',
      (error: unknown) => error,
    )
    if (thrown instanceof KbgError) return thrown
    throw new Error(`expected a refusal, got ${thrown}`)
  }

  /** Fails unless this colour is live and every one of its brokers accepts applications' writes. */
  async untouched(live: Colour): Promise<void> {
    const answers = new Set((await this.ports.clusters[live].fence.probe(within(10))).map(({ answer }) => answer))
    const { live: actual, state } = await this.route()
    const observed = `${actual} ${state} ${[...answers].join()}`
    if (observed !== `${live} open open`) throw new Error(`expected ${live} to be live and open, observed ${observed}`)
  }
}

/** The operator, a super user that no fence stops. */
function loginOf(pair: Pair, colour: Colour) {
  const { internalBootstrapServers, credentialsFile } = pair.wiring.clusters[colour]
  const password = readCredentials(credentialsFile).passwords[platformUsers.operator] ?? ''
  return { brokers: [...internalBootstrapServers], sasl: { mechanism: 'scram-sha-512', username: platformUsers.operator, password } as const }
}
