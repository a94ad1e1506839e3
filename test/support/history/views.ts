import { type Colour, colours } from '../../../engine/model/colour.ts'
import { topicPartition } from '../../../engine/model/partition.ts'
import { IntColumn, OffsetColumn } from './columns.ts'
import type { EventOf } from './events.ts'
import type { Ledger } from './ledger.ts'

/** A batch that a reader was given: rows `first` to `end` (exclusive) of the columns. */
export interface ReadBatch {
  readonly kind: 'batch'
  readonly atNs: number
  readonly colour: Colour
  readonly first: number
  readonly end: number
}

/** A commit that was answered with success. */
export interface ReadCommit {
  readonly kind: 'commit'
  readonly atNs: number
  readonly colour: Colour
  readonly offset: number
}

/** What one reader did with one partition, in the order of time. */
export type PartitionStory = (ReadBatch | ReadCommit)[]

/** A reader: a consumer group, with all its members, or an independent read of a whole cluster. */
export interface View {
  readonly kind: 'group' | 'fullRead'
  /** Name of the group, or `all of <colour>`. */
  readonly name: string
  /** The cluster that a full read read. */
  readonly colour: Colour | null
  /** What it has to read. */
  readonly topics: Set<string>
  /** By topic partition number. */
  readonly stories: Map<number, PartitionStory>
}

/** Everything that was read, by reader and partition. */
export class Views {
  readonly #ledger: Ledger
  readonly #views = new Map<string, View>()
  readonly #partitionNumbers = new Map<string, number>()
  readonly #partitionNames: string[] = []
  readonly #partitionTopics: string[] = []
  readonly values = new IntColumn()
  readonly offsets = new OffsetColumn()
  readonly commitErrors = new Map<string, number>()

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  /** Full reads first (they order the truth), then groups; each by name. */
  all(): View[] {
    const place = (view: View) => `${view.kind === 'fullRead' ? 0 : 1} ${view.name}`
    return [...this.#views.values()].sort((a, b) => (place(a) < place(b) ? -1 : 1))
  }

  /** Numbers of all partitions that anything was read from. */
  get partitions(): number {
    return this.#partitionNames.length
  }

  partitionName(partition: number): string {
    return this.#partitionNames[partition] ?? '?'
  }

  topicOfPartition(partition: number): string {
    return this.#partitionTopics[partition] ?? '?'
  }

  /** A reader's first word: what it has to read, even if it never got anything. */
  start(event: EventOf<'start'>): void {
    const role = event.role
    switch (role.kind) {
      case 'producer':
        return
      case 'consumer':
        for (const topic of role.topics) this.#group(role.group).topics.add(topic)
        return
      case 'fullReader':
        for (const topic of role.topics) this.#fullRead(role.colour).topics.add(topic)
        return
    }
  }

  poll(event: EventOf<'poll'>): void {
    this.#batch(this.#group(event.group), event, event.atNs)
  }

  finalRead(event: EventOf<'finalRead'>): void {
    this.#batch(this.#fullRead(event.colour), event, 0)
  }

  commit(event: EventOf<'commit'>): void {
    if (event.result !== 'ok') {
      const text = `${event.group}: ${event.result}: ${event.error ?? 'no reason'}`
      this.commitErrors.set(text, (this.commitErrors.get(text) ?? 0) + 1)
      return
    }
    const group = this.#group(event.group)
    for (const { topic, partition, offset } of event.offsets) {
      this.#story(group, topic, partition).push({ kind: 'commit', atNs: event.atNs, colour: event.colour, offset: Number(offset) })
    }
  }

  /** Puts every story in the order of time: members of a group write histories of their own. To be called when every event has been added. */
  settle(): void {
    for (const view of this.#views.values()) for (const story of view.stories.values()) story.sort((a, b) => a.atNs - b.atNs)
  }

  #batch(view: View, event: EventOf<'poll'> | EventOf<'finalRead'>, atNs: number): void {
    const first = this.values.length
    const base = Number(event.firstOffset)
    event.values.forEach((id, index) => {
      this.values.push(this.#ledger.number(id))
      this.offsets.push(base + (event.offsetDeltas[index] ?? Number.NaN))
    })
    this.#story(view, event.topic, event.partition).push({ kind: 'batch', atNs, colour: event.colour, first, end: this.values.length })
  }

  #story(view: View, topic: string, partition: number): PartitionStory {
    const number = this.#partitionNumber(topic, partition)
    const known = view.stories.get(number)
    if (known) return known
    const story: PartitionStory = []
    view.stories.set(number, story)
    return story
  }

  #partitionNumber(topic: string, partition: number): number {
    const name = topicPartition(topic, partition)
    const known = this.#partitionNumbers.get(name)
    if (known !== undefined) return known
    this.#partitionNumbers.set(name, this.#partitionNames.length)
    this.#partitionTopics.push(topic)
    return this.#partitionNames.push(name) - 1
  }

  #group(name: string): View {
    return this.#view({ kind: 'group', name, colour: null, topics: new Set(), stories: new Map() })
  }

  #fullRead(colour: Colour): View {
    return this.#view({ kind: 'fullRead', name: `all of ${colour}`, colour, topics: new Set(), stories: new Map() })
  }

  #view(view: View): View {
    const key = `${view.kind} ${view.name}`
    const known = this.#views.get(key)
    if (known) return known
    this.#views.set(key, view)
    return view
  }
}

/** Whether a colour was read as a whole. */
export function coloursReadWhole(views: readonly View[]): Colour[] {
  return colours.filter((colour) => views.some((view) => view.colour === colour))
}
