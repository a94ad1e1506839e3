import type { Measured, WatchSample } from '../../analysis/samples.ts'
import { canaryTopic } from '../../model/cluster-access.ts'
import type { Colour } from '../../model/colour.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import { parseTopicPartition, topicPartition } from '../../model/partition.ts'
import { type ClientRegistration, mustHold } from '../../model/route.ts'
import type { Clock, Deadline } from '../../ports/clock.ts'
import type { Cluster } from '../../ports/cluster.ts'
import { groupLooks } from '../group-looks.ts'
import type { Ports } from '../ports.ts'

const pauseMs = 5

/** Whose samples are taken, and of what. */
export interface Sampled {
  readonly colour: Colour
  readonly topics: readonly string[]
  /** Whether the audit is asked how much groups have still to read. */
  readonly lag: boolean
}

/** Takes samples of one colour, one after the other: what came into its topics is told since the sample before. */
export class ColourSampler {
  readonly #ports: Ports
  readonly #sampled: Sampled
  #before: { readonly atMs: number; readonly ends: ReadonlyMap<string, bigint> } | null = null

  constructor(ports: Ports, sampled: Sampled) {
    this.#ports = ports
    this.#sampled = sampled
  }

  /**
   * One sample. What is refused or doesn't come within the deadline is a part of it; only a cancellation ends it.
   *
   * @param groupIds groups to look at; null: none this time
   */
  async take(groupIds: readonly string[] | null, deadline: Deadline): Promise<WatchSample> {
    const { colour, lag } = this.#sampled
    const { clock, clusters, store, audit } = this.#ports
    const cluster = clusters[colour]
    const [append, endToEnd, flows, groups, clients] = await Promise.all([
      timed(clock, deadline, () => cluster.fence.canary(deadline)),
      seenAfter(clock, cluster, deadline),
      orNull(deadline, () => this.#flows(cluster, deadline)),
      groupIds === null ? null : orNull(deadline, () => groupLooks({ clusters, clock, audit: lag ? audit : null }, colour, groupIds, deadline)),
      orNull(deadline, async () => (await store.clients(deadline)).filter((client) => client.colour === colour)),
    ])
    const producers = clients?.filter(mustHold).length ?? null
    return { atMs: clock.monotonicMs(), append, endToEnd, flows, groups, producers, consumers: clients === null ? null : consumersByGroup(clients) }
  }

  async #flows(cluster: Cluster, deadline: Deadline): Promise<ReadonlyMap<string, number> | null> {
    const read = await cluster.logs.ends(this.#sampled.topics, deadline)
    const atMs = this.#ports.clock.monotonicMs()
    const ends = new Map<string, bigint>()
    for (const { partition, logEndOffset } of read) {
      const { topic } = parseTopicPartition(partition)
      ends.set(topic, (ends.get(topic) ?? 0n) + logEndOffset)
    }
    const before = this.#before
    this.#before = { atMs, ends }
    const seconds = before === null ? 0 : (atMs - before.atMs) / 1_000
    if (before === null || seconds <= 0) return null
    return new Map([...ends].flatMap(([topic, end]) => perSecond(topic, before.ends.get(topic), end, seconds)))
  }
}

function consumersByGroup(clients: readonly ClientRegistration[]): ReadonlyMap<string, number> {
  const groups = Map.groupBy(
    clients.filter(({ kind }) => kind === 'consumer'),
    ({ groupId }) => groupId ?? '',
  )
  return new Map([...groups].map(([groupId, own]) => [groupId, own.length]))
}

function perSecond(topic: string, before: bigint | undefined, end: bigint, seconds: number): readonly (readonly [string, number])[] {
  return before === undefined ? [] : [[topic, Number(end - before) / seconds]]
}

/** How long it takes from an append, as the operator, until a committed reader of the same colour sees the record. */
export function seenAfter(clock: Clock, { colour, logs }: Cluster, deadline: Deadline): Promise<Measured> {
  const partition = topicPartition(canaryTopic(colour), 0)
  return timed(clock, deadline, async () => {
    const offset = await logs.append(partition, `watch ${clock.wallClock().toISOString()}`, deadline)
    await deadline.poll(pauseMs, async () => ((await logs.visible(partition, offset, offset + 1n, deadline)).length > 0 ? true : undefined))
  })
}

async function timed(clock: Clock, deadline: Deadline, work: () => Promise<unknown>): Promise<Measured> {
  const fromMs = clock.monotonicMs()
  try {
    await work()
    return clock.monotonicMs() - fromMs
  } catch (thrown) {
    const error = ofEngine(thrown, deadline)
    return error.code === 'connection' ? null : { refused: messageOf(error) }
  }
}

/** null: it could not be seen. */
async function orNull<T>(deadline: Deadline, look: () => Promise<T>): Promise<T | null> {
  try {
    return await look()
  } catch (thrown) {
    ofEngine(thrown, deadline)
    return null
  }
}

/** A refusal is what is measured; a cancellation, or an error of the program itself, is none. */
function ofEngine(thrown: unknown, deadline: Deadline): KbgError {
  deadline.cancelled?.throwIfAborted()
  if (thrown instanceof KbgError) return thrown
  throw thrown
}
