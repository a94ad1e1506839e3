/** MirrorMaker alone, as its users run it: its own source and checkpoint connectors, group offsets synchronised to the target. */
import { z } from 'zod'
import { ConnectRest } from '../../../engine/adapters/connect/connect-rest.ts'
import { copiedOffsetsOf, OffsetsAnswer } from '../../../engine/adapters/connect/offsets-body.ts'
import { type Colour, otherColour } from '../../../engine/model/colour.ts'
import { KbgError } from '../../../engine/model/error.ts'
import { connectorConfig, type KafkaProperties } from '../../../engine/model/mirror-template.ts'
import { parseTopicPartition, type TopicPartition } from '../../../engine/model/partition.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'
import type { VisibleRecord } from '../../../engine/ports/cluster.ts'
import type { Pair } from '../../support/pair.ts'
import { restWorker } from '../../support/rest-worker.ts'
import type { GroupLoad } from '../../support/workload/config.ts'

/** How often checkpoints are made and group offsets written to the target, in seconds: the shortest that MirrorMaker takes (its defaults are 60). */
export const syncSeconds = 1

/** What is mirrored from which colour, for one repetition. */
export interface MirrorMakerSpec {
  /** Part of the connectors' names. */
  readonly name: string
  readonly source: Colour
  readonly topics: readonly string[]
  readonly groups: readonly GroupLoad[]
}

const pollMs = 50
/** The producers wait meanwhile. */
const lagPollMs = 10
const within = (seconds: number, what: string) => new Deadline(systemClock, seconds * 1_000, what)

/** A MirrorSource and a MirrorCheckpoint connector on the worker beside the target. The source connector is ours but for the offset syncs that checkpoints need. */
export class MirrorMaker {
  readonly #pair: Pair
  readonly #spec: MirrorMakerSpec
  readonly #rest: ConnectRest

  constructor(pair: Pair, spec: MirrorMakerSpec) {
    this.#pair = pair
    this.#spec = spec
    this.#rest = new ConnectRest(restWorker(pair.wiring, otherColour(spec.source)))
  }

  /** Starts to copy, from the first record on. */
  async startSource(): Promise<void> {
    await this.#start(this.#sourceName, {
      ...this.#template(),
      'emit.offset-syncs.enabled': 'true',
      'offset-syncs.topic.replication.factor': '3',
    })
  }

  /** Starts to translate groups, and waits until each has offsets on the target. The groups must have committed before: new ones are found late. */
  async startCheckpoints(): Promise<void> {
    const { source, groups } = this.#spec
    await this.#untilCommitted(source, 'every group to commit on the source')
    const connection = Object.entries(this.#template()).filter(([key]) => /^(source|target)\.cluster\.|^replication\.policy|^topics/.test(key))
    await this.#start(this.#checkpointName, {
      ...Object.fromEntries(connection),
      'connector.class': 'org.apache.kafka.connect.mirror.MirrorCheckpointConnector',
      'tasks.max': '1',
      groups: groups.map(({ groupId }) => groupId.replaceAll('.', '\\.')).join(','),
      'emit.checkpoints.interval.seconds': String(syncSeconds),
      'sync.group.offsets.enabled': 'true',
      'sync.group.offsets.interval.seconds': String(syncSeconds),
      'checkpoints.topic.replication.factor': '3',
    })
    await this.#untilCommitted(otherColour(source), 'MirrorMaker to write offsets for every group')
  }

  /** Waits until every partition's last record on the target is that of the source: lag 0, when nobody writes on either side. */
  async untilCaughtUp(): Promise<void> {
    const { source } = this.#spec
    const deadline = within(60, 'MirrorMaker to copy everything')
    const marks = await this.#lastRecords(source, deadline)
    await deadline.poll(lagPollMs, async () => {
      const copies = await this.#lastRecords(otherColour(source), deadline)
      return [...marks].every(([partition, mark]) => copies.get(partition)?.digest === mark.digest) ? true : undefined
    })
  }

  /**
   * Waits until the groups that keep up stand behind the last record on the target too: the synchronisation that a careful operator waits for.
   *
   * @returns false when they don't within ten intervals: then the operator goes on with what there is
   */
  async untilGroupsSynchronised(): Promise<boolean> {
    const { source, groups } = this.#spec
    const target = this.#pair.ports.clusters[otherColour(source)]
    const deadline = within(10 * syncSeconds, 'the groups to be synchronised')
    const last = await this.#lastRecords(target.colour, deadline)
    const keepUp = groups.filter(({ pauseAfterRecords }) => pauseAfterRecords === null)
    const atEnd = async (group: GroupLoad) => {
      const committed = await target.groups.committed(group.groupId, deadline)
      const read = [...last].filter(([partition]) => group.topics.includes(parseTopicPartition(partition).topic))
      return read.every(([partition, { offset }]) => (committed.get(partition) ?? 0n) > offset)
    }
    while (deadline.remainingMs() > pollMs) {
      if ((await Promise.all(keepUp.map(atEnd))).every(Boolean)) return true
      await systemClock.sleep(pollMs)
    }
    return false
  }

  /**
   * Waits until everything that the source will ever hold is on the target: what the clients left there after the operator had moved on. Asks Connect itself:
   * the mirror's own reader of Connect's offsets refuses those of a checkpoint connector, and nobody waits for this one.
   */
  async untilAllCopied(): Promise<void> {
    const { source } = this.#spec
    const deadline = within(60, 'MirrorMaker to copy what was left on the source')
    const last = await this.#lastRecords(source, deadline)
    const request = { method: 'GET', path: `/connectors/${this.#sourceName}/offsets`, refusal: "Can't read how far MirrorMaker has copied." } as const
    await deadline.poll(pollMs, async () => {
      const copied = copiedOffsetsOf(await this.#rest.ask(request, OffsetsAnswer, deadline), source)
      return [...last].every(([partition, { offset }]) => (copied.get(partition) ?? -1n) >= offset) ? true : undefined
    })
  }

  /** Deletes both connectors. */
  async end(): Promise<void> {
    const mirror = this.#pair.ports.mirrors[this.#spec.source]
    for (const name of [this.#checkpointName, this.#sourceName]) await mirror.delete(name, within(30, `connector ${name} to be deleted`))
  }

  get #sourceName(): string {
    return `${this.#spec.name}-source`
  }

  get #checkpointName(): string {
    return `${this.#spec.name}-checkpoints`
  }

  #template(): KafkaProperties {
    const { clusters, workers } = this.#pair.wiring
    const { source, topics } = this.#spec
    const target = otherColour(source)
    return connectorConfig({ source: clusters[source], target: clusters[target], worker: restWorker({ workers }, target), topics })
  }

  /** The last visible record of every partition that has one. */
  async #lastRecords(colour: Colour, deadline: Deadline): Promise<ReadonlyMap<TopicPartition, VisibleRecord>> {
    const { logs } = this.#pair.ports.clusters[colour]
    const ends = await logs.ends(this.#spec.topics, deadline)
    const last = await logs.lastVisibleOfAll(new Map(ends.map((end) => [end.partition, end.lastStableOffset])), 1, deadline)
    return new Map([...last].flatMap(([partition, [record]]) => (record ? [[partition, record] as const] : [])))
  }

  async #start(name: string, config: KafkaProperties): Promise<void> {
    const deadline = within(60, `connector ${name} to run`)
    const body = JSON.stringify({ name, config })
    await this.#rest.ask(
      { method: 'POST', path: '/connectors', body, refusal: `Can't create connector ${name}.` },
      z.object({ name: z.literal(name) }),
      deadline,
    )
    await deadline.poll(pollMs, async () => {
      const { state, tasks } = await this.#pair.ports.mirrors[this.#spec.source].facts(name, deadline)
      const failed = tasks.find((task) => task.state === 'FAILED')
      if (failed) throw new KbgError('bench', `Connector ${name} failed.`, { facts: { trace: failed.trace } })
      return state === 'RUNNING' && tasks.length > 0 && tasks.every((task) => task.state === 'RUNNING') ? true : undefined
    })
  }

  async #untilCommitted(colour: Colour, what: string): Promise<void> {
    const { groups } = this.#pair.ports.clusters[colour]
    const deadline = within(60, what)
    await deadline.poll(pollMs, async () => {
      const committed = await Promise.all(this.#spec.groups.map(({ groupId }) => groups.committed(groupId, deadline)))
      return committed.every((offsets) => offsets.size > 0) ? true : undefined
    })
  }
}
