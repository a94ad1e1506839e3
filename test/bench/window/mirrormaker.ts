/** MirrorMaker alone, as its users run it: its own source and checkpoint connectors, group offsets synchronised to the target. */
import { z } from 'zod'
import { ConnectRest } from '../../../engine/adapters/connect/connect-rest.ts'
import { type Colour, otherColour } from '../../../engine/model/colour.ts'
import { KbgError } from '../../../engine/model/error.ts'
import { connectorConfig, type KafkaProperties } from '../../../engine/model/mirror-template.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'
import { sampleLag } from '../../../engine/run/lag.ts'
import type { Pair } from '../../support/pair.ts'
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
const within = (seconds: number, what: string) => new Deadline(systemClock, seconds * 1_000, what)

/** A MirrorSource and a MirrorCheckpoint connector on the worker beside the target. The source connector is ours but for the offset syncs that checkpoints need. */
export class MirrorMaker {
  readonly #pair: Pair
  readonly #spec: MirrorMakerSpec
  readonly #rest: ConnectRest

  constructor(pair: Pair, spec: MirrorMakerSpec) {
    this.#pair = pair
    this.#spec = spec
    this.#rest = new ConnectRest(pair.wiring.workers[otherColour(spec.source)])
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
    const { clusters } = this.#pair.ports
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
    await this.#untilCommitted(clusters[otherColour(source)].colour, 'MirrorMaker to write offsets for every group')
  }

  /** Waits until the target holds what the source held when this was called. */
  async untilCaughtUp(): Promise<void> {
    const { source, topics } = this.#spec
    const { clusters, mirrors } = this.#pair.ports
    const subject = {
      clock: systemClock,
      source: clusters[source],
      target: clusters[otherColour(source)],
      mirror: mirrors[source],
      connector: this.#sourceName,
      topics,
    }
    const sample = await sampleLag(subject, 60_000)
    if (sample.kind === 'caught-up') return
    throw new KbgError('bench', 'MirrorMaker did not copy everything.', { facts: { observed: sample.kind === 'behind' ? [...sample.where] : sample.why } })
  }

  /**
   * Waits until the groups that keep up stand behind the last record on the target too: the synchronisation that a careful operator waits for.
   *
   * @returns false when they don't within ten intervals: then the operator goes on with what there is
   */
  async untilGroupsSynchronised(): Promise<boolean> {
    const { clusters } = this.#pair.ports
    const { source, topics, groups } = this.#spec
    const target = clusters[otherColour(source)]
    const deadline = within(10 * syncSeconds, 'the groups to be synchronised')
    const ends = await target.logs.ends(topics, deadline)
    const last = await target.logs.lastVisibleOfAll(new Map(ends.map((end) => [end.partition, end.lastStableOffset])), 1, deadline)
    const keepUp = groups.filter(({ pauseAfterRecords }) => pauseAfterRecords === null)
    const atEnd = async (group: GroupLoad) => {
      const committed = await target.groups.committed(group.groupId, deadline)
      return [...last].every(([partition, [record]]) => {
        const reads = group.topics.some((topic) => partition.replace(/-\d+$/, '') === topic)
        return !reads || record === undefined || (committed.get(partition) ?? 0n) > record.offset
      })
    }
    while (deadline.remainingMs() > pollMs) {
      if ((await Promise.all(keepUp.map(atEnd))).every(Boolean)) return true
      await systemClock.sleep(pollMs)
    }
    return false
  }

  /** Waits until everything that the source will ever hold is on the target: what the clients left there after the operator had moved on. */
  async untilAllCopied(): Promise<void> {
    const { clusters, mirrors } = this.#pair.ports
    const { source, topics } = this.#spec
    const deadline = within(60, 'MirrorMaker to copy what was left on the source')
    const ends = await clusters[source].logs.ends(topics, deadline)
    const last = await clusters[source].logs.lastVisibleOfAll(new Map(ends.map((end) => [end.partition, end.lastStableOffset])), 1, deadline)
    await deadline.poll(pollMs, async () => {
      const copied = await mirrors[source].copiedOffsets(this.#sourceName, deadline)
      return [...last].every(([partition, [record]]) => record === undefined || (copied.get(partition) ?? -1n) >= record.offset) ? true : undefined
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
    return connectorConfig({ source: clusters[source], target: clusters[target], worker: workers[target], topics })
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
