import { type AlignmentConfig, alignmentConfig, PartitionAlignment } from '../../audit/alignment.ts'
import type { PartitionFacts } from '../../audit/facts.ts'
import type { OffsetPair } from '../../audit/record.ts'
import { WatermarkAge } from '../../audit/watermark-age.ts'
import { type Colour, colours, otherColour } from '../../model/colour.ts'
import type { TopicPartition } from '../../model/partition.ts'
import { mapStateToJson } from '../../offsets/map-json.ts'
import { type BlockSource, type OffsetMap, openMap } from '../../offsets/offset-map.ts'
import { emptyMap, OffsetMapBuilder } from '../../offsets/offset-map-builder.ts'
import type { AuditRecord, LogFacts } from '../../ports/audit-reader.ts'
import { EpochTrail } from './epoch-trail.ts'
import { AheadOfBeginnings, isEmptied, lostRecords } from './lost-records.ts'
import { MapJoin } from './map-join.ts'
import type { PartitionModes, PartitionState, ReadEpochs, RestoredPartition, TopicIds, UntimedBelow } from './partition-state.ts'

/** Where the map's blocks are kept: see PartitionStore. */
export interface BlockKeeper {
  append(block: Buffer): void
  /** So many bytes at the front no longer count. */
  dropFront(bytes: number): void
  read(from: number, length: number): Buffer
}

/** What can be said of a pair of ends. `open`: not all below them has been read yet. */
export type Judgement =
  /** `isEmptied`: retention has emptied the source, and nothing was compared. */
  | { readonly kind: 'equal'; readonly alignedRecords: number; readonly isEmptied?: true }
  | { readonly kind: 'unproven'; readonly reason: string }
  | { readonly kind: 'open'; readonly reason: string }

/** One partition as the worker keeps it: the comparison, the offset map that grows with it, and how old its watermark is. */
export class PartitionAudit {
  readonly partition: TopicPartition
  readonly topicIds: TopicIds
  readonly modes: PartitionModes
  readonly #alignment: PartitionAlignment
  readonly #builder: OffsetMapBuilder
  readonly #join: MapJoin
  readonly #age: WatermarkAge
  readonly #epochs: Readonly<Record<Colour, EpochTrail>>
  readonly #untimedBelow: UntimedBelow
  readonly #ahead = new AheadOfBeginnings()
  readonly #blocks: BlockKeeper
  #opened: OffsetMap | null = null
  #facts: PartitionFacts | null = null
  #hasNews = true

  /** @param restored what was saved; null: the comparison begins at both logs' beginnings, and `blocks` is empty */
  constructor(
    identity: { readonly partition: TopicPartition; readonly topicIds: TopicIds; readonly modes: PartitionModes },
    restored: RestoredPartition | null,
    blocks: BlockKeeper,
    config: AlignmentConfig = alignmentConfig(identity.modes.compacted),
  ) {
    this.partition = identity.partition
    this.topicIds = identity.topicIds
    this.modes = identity.modes
    this.#alignment = new PartitionAlignment(config, restored?.alignment)
    this.#builder = new OffsetMapBuilder(restored?.map ?? emptyMap({ blue: 0n, green: 0n }))
    this.#epochs = { blue: new EpochTrail(restored?.epochs.blue ?? -1), green: new EpochTrail(restored?.epochs.green ?? -1) }
    this.#blocks = blocks
    const facts = this.#alignment.facts()
    this.#join = new MapJoin(this.#builder, facts)
    this.#age = new WatermarkAge(facts.watermark)
    this.#untimedBelow = untimedBelow(restored, identity.modes)
  }

  /** Where a reader has to begin. */
  restartFrom(colour: Colour): bigint {
    return this.#alignment.pending(colour).restartFrom
  }

  /** Leader epoch of what lies before {@link restartFrom}; -1: not known. */
  restartEpoch(colour: Colour): number {
    return this.#epochs[colour].before(this.restartFrom(colour))
  }

  /** Records of one side that wait for their counterparts. */
  pendingRecords(colour: Colour): number {
    return this.#alignment.pending(colour).records
  }

  /** The next visible records of one side. @throws KbgError as {@link MapJoin.carry}, and what the block keeper throws */
  take(colour: Colour, records: readonly AuditRecord[], facts: LogFacts): void {
    this.#epochs[colour].read(this.#alignment.pending(colour).readUpTo, facts.readEpoch)
    this.#alignment.feed(colour, records, facts.readUpTo)
    this.saw(colour, facts)
    this.#settle()
  }

  /** That side's log begins here now; what lies before wasn't read. @throws as {@link take} */
  retentionPassed(colour: Colour, logStart: bigint): void {
    this.#epochs[colour].read(this.#alignment.pending(colour).readUpTo, -1)
    this.#alignment.retentionPassed(colour, logStart)
    this.#join.retentionPassed(colour, logStart)
    this.#settle()
  }

  /** A look at one side's log, also where nothing came. */
  saw(colour: Colour, facts: LogFacts): void {
    this.#age.saw(colour, facts.lastStableOffset, facts.askedAtMs)
  }

  /** The two sides have nothing in common any more: reading on is of no use. */
  get isOver(): boolean {
    return this.#alignment.isOver
  }

  facts(): PartitionFacts {
    this.#facts ??= this.#alignment.facts()
    return this.#facts
  }

  watermarkAgeMs(nowMs: number): number | null {
    return this.#age.ageMs(nowMs)
  }

  /**
   * Records that each side lost to retention while the other one still holds them, at most.
   *
   * @throws what {@link map} and its blocks throw
   */
  lost(logs: Readonly<Record<Colour, LogFacts>>): Record<Colour, number> {
    const starts = { blue: logs.blue.logStartOffset, green: logs.green.logStartOffset }
    const facts = this.facts()
    const lost = lostRecords(
      facts,
      starts,
      this.#builder.state.coverage.auditedFrom,
      this.#ahead.of(starts, () => this.map(), facts.watermark),
    )
    const emptied = this.emptiedSide(logs)
    return emptied === null ? lost : { ...lost, [emptied]: Math.max(1, lost[emptied], this.pendingRecords(otherColour(emptied))) }
  }

  /** The side that retention has emptied before any record could be compared, while the other one still holds some: there is nothing to compare, and nothing of it can be missing there. */
  emptiedSide(logs: Readonly<Record<Colour, LogFacts>>): Colour | null {
    const { alignedRecords, state } = this.facts()
    if (alignedRecords > 0 || state.kind !== 'undecided') return null
    return colours.find((colour) => isEmptied(logs[colour]) && this.pendingRecords(otherColour(colour)) > 0) ?? null
  }

  /** What was left out of the comparison before the present modes. */
  get notes(): readonly string[] {
    const below = this.#untimedBelow
    return below === null ? [] : [`below blue ${below.blue}, green ${below.green} timestamps were left out: a side had LogAppendTime then`]
  }

  /** Runs of the map that are kept. */
  get runs(): number {
    const { anchors, openRuns } = this.#builder.state
    return anchors.reduce((sum, anchor) => sum + anchor.runs, openRuns.length)
  }

  /** The map as it is now. @throws KbgError `offset-map-incomplete` */
  map(): OffsetMap {
    this.#opened ??= openMap(this.#builder.state, this.#blockSource())
    return this.#opened
  }

  /**
   * Whether both sides hold the same below these ends, which needn't be where the comparison stands: it goes on as if nobody had asked.
   *
   * @throws what {@link map} and its blocks throw
   */
  judge(ends: OffsetPair): Judgement {
    const { state, differences, watermark, alignedRecords } = this.facts()
    if (state.kind !== 'equal' && (differences.total > 0 || this.isOver)) return { kind: 'unproven', reason: state.reason }
    const unread = colours.find((colour) => this.#alignment.pending(colour).readUpTo < ends[colour])
    if (unread !== undefined) return { kind: 'open', reason: `${unread} is read up to ${this.#alignment.pending(unread).readUpTo} of ${ends[unread]}` }
    const isAt = watermark.blue === ends.blue && watermark.green === ends.green
    if (isAt && state.kind === 'equal') return { kind: 'equal', alignedRecords }
    const isBehindBoth = watermark.blue >= ends.blue && watermark.green >= ends.green
    return isBehindBoth && state.kind === 'equal' ? this.#judgePassed(ends) : this.#judgeAtEnd(ends)
  }

  /** What is saved, with the blocks as they are now. Blocks before both logs' beginnings are dropped first. */
  state(logStarts: OffsetPair | null): PartitionState {
    if (logStarts !== null) this.#prune(logStarts)
    this.#hasNews = false
    const { topicIds, modes } = this
    const epochs: ReadEpochs = { blue: this.restartEpoch('blue'), green: this.restartEpoch('green') }
    return {
      version: 2,
      topicIds,
      epochs,
      modes,
      untimedBelow: this.#untimedBelow,
      alignment: this.#alignment.checkpoint(),
      map: mapStateToJson(this.#builder.state),
    }
  }

  /** Whether anything came since the last {@link state}. */
  get hasNews(): boolean {
    return this.#hasNews
  }

  /** The last {@link state} could not be saved. */
  stateWasLost(): void {
    this.#hasNews = true
  }

  #settle(): void {
    this.#alignment.advance()
    this.#facts = this.#alignment.facts()
    this.#join.carry(this.#alignment.drain(), this.#facts)
    for (const { bytes } of this.#builder.drainSealed()) this.#blocks.append(bytes)
    this.#age.reached(this.#facts.watermark)
    this.#opened = null
    this.#hasNews = true
  }

  #prune(logStarts: OffsetPair): void {
    const { anchors } = this.#builder.state
    const dropped = this.#builder.prune(logStarts)
    if (dropped === 0) return
    this.#blocks.dropFront(anchors.slice(0, dropped).reduce((sum, anchor) => sum + anchor.bytes, 0))
    this.#opened = null
  }

  /** The comparison has passed the ends: as many equal records must stand before each. */
  #judgePassed(ends: OffsetPair): Judgement {
    const [blue, green] = [this.map().place('blue', ends.blue).recordsBefore, this.map().place('green', ends.green).recordsBefore]
    if (blue === green) return { kind: 'equal', alignedRecords: Number(blue) }
    return { kind: 'unproven', reason: `${blue} equal records lie before ${ends.blue} of blue, ${green} before ${ends.green} of green` }
  }

  /** Everything below the ends is read, and the comparison hangs on what may come behind them: what if nothing came? */
  #judgeAtEnd(ends: OffsetPair): Judgement {
    const total = BigInt(this.facts().alignedRecords)
    const passed = colours.find((colour) => this.map().place(colour, ends[colour]).recordsBefore < total)
    if (passed !== undefined)
      return { kind: 'unproven', reason: `the comparison has passed ${ends[passed]} of ${passed}, and not yet reached the other side's end` }
    const atEnd = this.#alignment.factsAtEnd(ends.blue, ends.green)
    const { state, alignedRecords, differences, reachedEnd } = atEnd
    const unsure = colours.find((colour) => atEnd[colour].retention > this.facts()[colour].retention)
    if (unsure !== undefined && alignedRecords === this.facts().alignedRecords) {
      // With a record in common behind them it would be certain that they are old.
      return { kind: 'unproven', reason: `the last records of ${unsure} have no counterpart: retention took the other side's, or they aren't copied yet` }
    }
    if (state.kind !== 'equal') return { kind: 'unproven', reason: `${state.reason}${differences.total > 0 ? firstOf(differences.shown) : ''}` }
    const isReached = reachedEnd?.blue === ends.blue && reachedEnd.green === ends.green
    return isReached ? { kind: 'equal', alignedRecords } : { kind: 'unproven', reason: 'the records below the ends could not be settled' }
  }

  #blockSource(): BlockSource {
    const { anchors } = this.#builder.state
    const starts: number[] = []
    let at = 0
    for (const { bytes } of anchors) {
      starts.push(at)
      at += bytes
    }
    return { read: (index) => this.#blocks.read(starts[index] ?? at, anchors[index]?.bytes ?? 0) }
  }
}

/** What was saved without timestamps stays so when they are compared again. */
function untimedBelow(restored: RestoredPartition | null, { timestamps }: PartitionModes): UntimedBelow {
  if (restored === null || restored.modes.timestamps || !timestamps) return restored?.untimedBelow ?? null
  return { blue: restored.alignment.blue.next, green: restored.alignment.green.next }
}

function firstOf(shown: PartitionFacts['differences']['shown']): string {
  const [first] = shown
  return first === undefined ? '' : `; the first: ${first.kind} at blue ${first.blue ?? 'end'}, green ${first.green ?? 'end'}`
}
