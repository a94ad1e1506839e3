import fc from 'fast-check'
import { type AlignmentConfig, alignmentConfig, PartitionAlignment } from '../../../engine/audit/alignment.ts'
import { AlignmentCheckpoint } from '../../../engine/audit/checkpoint.ts'
import type { PartitionFacts } from '../../../engine/audit/facts.ts'
import type { AlignedRun, AmbiguousRange, Difference, OffsetPair } from '../../../engine/audit/record.ts'
import { type Colour, colours } from '../../../engine/model/colour.ts'
import type { Logs } from './logs.ts'

/** One thing that happens to a comparison. `restart`: killed and begun anew from its last checkpoint. */
export type Happening =
  | { readonly kind: 'read'; readonly colour: Colour; readonly records: number }
  | { readonly kind: 'advance' }
  | { readonly kind: 'restart' }

/** Reads in any chunks and any order between the sides, with or without restarts. */
export const happenings = (withRestarts: boolean): fc.Arbitrary<readonly Happening[]> => {
  const read = fc.record({ kind: fc.constant('read' as const), colour: fc.constantFrom(...colours), records: fc.nat({ max: 7 }) })
  const others = [fc.constant({ kind: 'advance' as const }), ...(withRestarts ? [fc.constant({ kind: 'restart' as const })] : [])]
  return fc.array(fc.oneof({ weight: 4, arbitrary: read }, ...others), { maxLength: 60 })
}

/** What a comparison has come to. */
export interface Outcome {
  readonly runs: readonly AlignedRun[]
  readonly differences: readonly Difference[]
  readonly ambiguous: readonly AmbiguousRange[]
  readonly facts: PartitionFacts
}

/** Small limits, so that they are met. */
export const testConfig: AlignmentConfig = { ...alignmentConfig(false), lookaheadRecords: 256, recentRecords: 64 }

/** A comparison of two logs, read as it is told to. */
export class Drive {
  readonly #logs: Logs
  readonly #config: AlignmentConfig
  #alignment: PartitionAlignment
  #saved: string
  #position: Record<Colour, bigint> = { blue: 0n, green: 0n }
  #found: Omit<Outcome, 'facts'> = { runs: [], differences: [], ambiguous: [] }

  constructor(logs: Logs, config = testConfig, copiedFrom: Colour | null = null) {
    this.#logs = logs
    this.#config = config
    this.#alignment = new PartitionAlignment(config)
    this.#alignment.copiedFrom(copiedFrom)
    this.#saved = JSON.stringify(this.#alignment.checkpoint())
  }

  apply(happening: Happening): void {
    switch (happening.kind) {
      case 'read':
        this.#read(happening.colour, happening.records)
        break
      case 'advance':
        this.#advance()
        break
      case 'restart':
        this.#restart()
        break
    }
  }

  /** Reads both logs to their ends, back-pressure included, and compares them to there; `asEnd`: with nothing more to come. */
  finish(asEnd: boolean): Outcome {
    if (asEnd) this.#alignment.atEnd(this.#logs.blue.end, this.#logs.green.end)
    for (let rounds = 0; rounds < 10_000 && colours.some((colour) => this.#position[colour] < this.#logs[colour].end); rounds++) {
      for (const colour of colours) this.#read(colour, 16)
      this.#advance()
    }
    this.#advance()
    return { ...this.#found, runs: merged(this.#found.runs), ambiguous: longest(this.#found.ambiguous), facts: this.#alignment.facts() }
  }

  /** Asks for another end. */
  endAt({ blue, green }: OffsetPair): void {
    this.#alignment.atEnd(blue, green)
  }

  #read(colour: Colour, count: number): void {
    const log = this.#logs[colour]
    if (this.#alignment.pending(colour).records >= this.#config.lookaheadRecords) return
    if (this.#position[colour] < log.start) {
      this.#alignment.retentionPassed(colour, log.start)
      this.#position[colour] = log.start
    }
    const from = log.records.findIndex((record) => record.offset >= this.#position[colour])
    const records = from === -1 ? [] : log.records.slice(from, from + count)
    const readUpTo = from === -1 || from + count >= log.records.length ? log.end : (records.at(-1)?.offset ?? this.#position[colour] - 1n) + 1n
    // Now and then a reader gets a record for the second time.
    const again = from > 0 && count % 3 === 0 ? log.records.slice(from - 1, from) : []
    this.#alignment.feed(colour, [...again, ...records], readUpTo)
    this.#position[colour] = readUpTo
  }

  #advance(): void {
    this.#alignment.advance()
    const { runs, differences, ambiguous } = this.#alignment.drain()
    this.#found = {
      runs: [...this.#found.runs, ...runs],
      differences: [...this.#found.differences, ...differences],
      ambiguous: [...this.#found.ambiguous, ...ambiguous],
    }
    this.#saved = JSON.stringify(this.#alignment.checkpoint())
  }

  /** What happened since the last advance is forgotten, as by kill -9. */
  #restart(): void {
    this.#alignment = new PartitionAlignment(this.#config, AlignmentCheckpoint.parse(JSON.parse(this.#saved)))
    for (const colour of colours) this.#position[colour] = this.#alignment.pending(colour).restartFrom
  }
}

/** The outcome of a comparison that is read as told, and then to the ends. */
export function compare(logs: Logs, script: readonly Happening[], asEnd: boolean, config = testConfig, copiedFrom: Colour | null = null): Outcome {
  const drive = new Drive(logs, config, copiedFrom)
  for (const happening of script) drive.apply(happening)
  return drive.finish(asEnd)
}

/** Runs that continue each other as one, as the offset map keeps them. */
export function merged(runs: readonly AlignedRun[]): readonly AlignedRun[] {
  const result: AlignedRun[] = []
  for (const run of runs) {
    const last = result.at(-1)
    const continues = last !== undefined && last.blue + BigInt(last.records) === run.blue && last.green + BigInt(last.records) === run.green
    if (continues) result[result.length - 1] = { ...last, records: last.records + run.records }
    else result.push(run)
  }
  return result
}

/** Every pair that the runs say. */
export function pairsOf(runs: readonly AlignedRun[]): readonly OffsetPair[] {
  return runs.flatMap((run) => Array.from({ length: run.records }, (_, index) => ({ blue: run.blue + BigInt(index), green: run.green + BigInt(index) })))
}

/** Of ranges with the same beginning the last. */
function longest(ranges: readonly AmbiguousRange[]): readonly AmbiguousRange[] {
  return ranges.filter((range, index) => ranges[index + 1]?.from.blue !== range.from.blue)
}
