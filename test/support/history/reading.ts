import type { Ledger, ValueNumber } from './ledger.ts'
import type { ColourLogs, TruthOrder } from './order.ts'
import type { Faults } from './verdict.ts'
import type { PartitionStory, ReadBatch, View, Views } from './views.ts'

/** What every check of a reader works on. */
export interface CheckParts {
  readonly ledger: Ledger
  readonly views: Views
  readonly order: TruthOrder
  readonly faults: Faults
}

/** A delivery of a value that the group had got before. */
export interface Redelivery {
  readonly value: ValueNumber
  readonly batch: ReadBatch
  readonly partition: number
}

/** Checks what one reader saw: duplicates, order, phantoms of its topics, damage. */
export class ViewCheck {
  readonly view: View
  readonly redeliveries: Redelivery[] = []
  /** How many positions it was given. */
  rows = 0
  readonly #parts: CheckParts
  /** The first row of each value, plus one; 0 while it has none. */
  readonly #firstRow: Int32Array
  readonly #firstPartition: Int32Array
  /** 1 where the first row was on green. */
  readonly #firstGreen: Uint8Array
  /** The latest place of each order so far, plus one. */
  readonly #latest: Int32Array

  constructor(view: View, parts: CheckParts) {
    this.view = view
    this.#parts = parts
    this.#firstRow = new Int32Array(parts.ledger.size)
    this.#firstPartition = new Int32Array(parts.ledger.size)
    this.#firstGreen = new Uint8Array(parts.ledger.size)
    this.#latest = new Int32Array(parts.ledger.orders)
  }

  /** Whether the reader got the value at all. */
  saw(value: ValueNumber): boolean {
    return (this.#firstRow[value] as number) > 0
  }

  /** `counted` holds the faults that count once for each value, over all readers. */
  run(counted: Set<string>): void {
    for (const [partition, story] of this.view.stories) {
      let highest = -1
      for (const entry of story) {
        if (entry.kind === 'commit') continue
        for (let row = entry.first; row < entry.end; row++) highest = this.#row(row, entry, partition, highest, counted)
      }
    }
  }

  /** Checks one position; returns the highest rank of the partition so far. */
  #row(row: number, batch: ReadBatch, partition: number, highest: number, counted: Set<string>): number {
    const { ledger, views, order, faults } = this.#parts
    const value = views.values.at(row)
    this.rows++
    const at = () => `${ledger.id(value)} at ${batch.colour} ${views.partitionName(partition)} offset ${views.offsets.at(row)}, ${this.view.name}`
    if (ledger.id(value).startsWith('!')) {
      faults.add('corrupted', at)
      return highest
    }
    if (this.saw(value)) {
      this.#again(row, value, batch, partition, counted, at)
      return highest
    }
    this.#firstRow[value] = row + 1
    this.#firstPartition[value] = partition
    this.#firstGreen[value] = batch.colour === 'green' ? 1 : 0
    const expectedTopic = ledger.topicOf(value)
    if (expectedTopic >= 0 && ledger.topics.name(expectedTopic) !== views.topicOfPartition(partition))
      faults.add('phantom', () => `${at()}, sent to ${ledger.topics.name(expectedTopic)}`)
    return this.#order(value, order.rankOf(value), highest, counted, at)
  }

  #order(value: ValueNumber, rank: number, highest: number, counted: Set<string>, at: () => string): number {
    const { ledger } = this.#parts
    const place = ledger.placeOf(value) + 1
    const latest = place > 0 ? (this.#latest[ledger.orderOf(value)] as number) : 0
    const behindKey = latest > place
    if (behindKey) this.#once('reorderedInKey', value, counted, () => `${at()}, behind ${ledger.id(ledger.valueAt(latest - 1))} of its key`)
    else if (place > 0) this.#latest[ledger.orderOf(value)] = place
    if (rank < highest && !behindKey) this.#once('reorderedInPartition', value, counted, at)
    return Math.max(rank, highest)
  }

  /** A value that the reader has already: a second copy if it is elsewhere on the same cluster, else a second delivery. */
  #again(row: number, value: ValueNumber, batch: ReadBatch, partition: number, counted: Set<string>, at: () => string): void {
    const { views } = this.#parts
    const firstOffset = views.offsets.at((this.#firstRow[value] as number) - 1)
    const samePartition = this.#firstPartition[value] === partition
    const sameColour = (this.#firstGreen[value] === 1 ? 'green' : 'blue') === batch.colour
    const copied = !samePartition || (sameColour && firstOffset !== views.offsets.at(row))
    if (copied) this.#once('duplicated', value, counted, () => `${at()}, and at offset ${firstOffset}`)
    else if (this.view.kind === 'group') this.redeliveries.push({ value, batch, partition })
  }

  #once(kind: 'duplicated' | 'reorderedInKey' | 'reorderedInPartition', value: ValueNumber, counted: Set<string>, describe: () => string): void {
    const key = `${kind} ${value}`
    if (counted.has(key)) return
    counted.add(key)
    this.#parts.faults.add(kind, describe)
  }
}

/** Checks what only a group can do: get something again, or go past something that it never got. */
export class GroupCheck {
  readonly #reading: ViewCheck
  readonly #logs: ColourLogs
  readonly #parts: CheckParts

  constructor(reading: ViewCheck, logs: ColourLogs, parts: CheckParts) {
    this.#reading = reading
    this.#logs = logs
    this.#parts = parts
  }

  /** @returns how many deliveries came again although the group had committed past them */
  run(mayBeBehind: boolean): number {
    let afterCommit = 0
    const { views } = this.#parts
    for (let partition = 0; partition < views.partitions; partition++) {
      const story = this.#reading.view.stories.get(partition)
      if (!story && !this.#reading.view.topics.has(views.topicOfPartition(partition))) continue
      const commits = this.#committedRanks(partition, story ?? [])
      afterCommit += this.#redelivered(partition, commits)
      this.#passed(partition, story ?? [], commits.at(-1)?.highest ?? 0, mayBeBehind)
    }
    return afterCommit
  }

  /** The group's commits of a partition in time, each with the highest number of values committed up to it. */
  #committedRanks(partition: number, story: PartitionStory): readonly { atNs: number; highest: number }[] {
    let highest = 0
    return story.flatMap((entry) => {
      if (entry.kind !== 'commit') return []
      highest = Math.max(highest, this.#logs.log(entry.colour, partition).ranksBefore(entry.offset))
      return [{ atNs: entry.atNs, highest }]
    })
  }

  #redelivered(partition: number, commits: readonly { atNs: number; highest: number }[]): number {
    const { ledger, views, order, faults } = this.#parts
    let afterCommit = 0
    for (const again of this.#reading.redeliveries) {
      if (again.partition !== partition) continue
      const before = commits.findLast((commit) => commit.atNs < again.batch.atNs)
      const committed = before !== undefined && order.rankOf(again.value) < before.highest
      if (committed) afterCommit++
      faults.add('redelivered', () => {
        const name = `${ledger.id(again.value)} of ${views.partitionName(partition)} on ${again.batch.colour}`
        return `${name}, ${this.#reading.view.name}${committed ? ', which had committed past it' : ''}`
      })
    }
    return afterCommit
  }

  /** Everything of the partition that the group never got: skipped if it went on or committed past it, else unseen. */
  #passed(partition: number, story: PartitionStory, committed: number, mayBeBehind: boolean): void {
    const { ledger, views, order, faults } = this.#parts
    const passed = Math.max(committed, this.#highestRank(partition, story) + 1)
    order.sequences[partition]?.forEach((value, rank) => {
      const fate = ledger.fateOf(value)
      if (this.#reading.saw(value) || (fate !== 'acked' && fate !== 'unknown')) return
      const name = () => `${ledger.id(value)} of ${views.partitionName(partition)}, ${this.#reading.view.name}`
      if (rank < passed) faults.add('skipped', name)
      else if (!mayBeBehind) faults.add('unseen', name)
    })
  }

  #highestRank(partition: number, story: PartitionStory): number {
    const { views, order } = this.#parts
    let highest = -1
    for (const entry of story) {
      if (entry.kind === 'commit') continue
      for (let row = entry.first; row < entry.end; row++) {
        const value = views.values.at(row)
        if (order.partitionOf(value) === partition) highest = Math.max(highest, order.rankOf(value))
      }
    }
    return highest
  }
}
