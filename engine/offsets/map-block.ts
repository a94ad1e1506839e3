import type { Colour } from '../model/colour.ts'
import { KbgError } from '../model/error.ts'
import { crc32 } from './crc32.ts'
import { maxVarintBytes, VarintReader, writeVarint } from './varint.ts'

/** One offset on either side. */
export type OffsetPair = Readonly<Record<Colour, bigint>>

/** Consecutive equal records of both sides without a hole on either: record i stands at `blue + i` and at `green + i`. The audit's AlignedRun. */
export interface MapRun extends OffsetPair {
  readonly records: number
}

/** What a block covers. */
export interface BlockSpan {
  readonly runs: number
  /** Records in all its runs. */
  readonly records: bigint
  /** Records in all runs before it, since the map's beginning: so a block that was lost or read twice is noticed. */
  readonly recordsBefore: bigint
  /** Its first record. */
  readonly first: OffsetPair
  /** Behind its last record. */
  readonly end: OffsetPair
}

/** What stays in memory of a block that is stored. */
export interface Anchor extends BlockSpan {
  /** Its encoded length. */
  readonly bytes: number
}

/** A decoded block, in columns: offsets relative to `span.first`, which a double holds exactly up to 2^53. */
export interface MapBlock {
  readonly span: BlockSpan
  /** Where run i begins on either side. */
  readonly starts: Readonly<Record<Colour, Float64Array>>
  /** Records of the runs before run i; one entry more than runs. */
  readonly recordsUpTo: Float64Array
}

/** Runs in a full block. */
export const runsPerBlock = 1_024
const format = 1
/** CRC-32 of all that follows, and the length of the payload. */
const frameBytes = 8
/** Format, number of runs, records before, and the first record's two offsets. */
const headBytes = 1 + 2 + 8 + 8 + 8

/**
 * Puts runs into columns.
 *
 * @param recordsBefore records of the map before these
 * @throws KbgError `offset-map-order` unless they are 1 to 1,024 runs of at least one record each, ascending on both sides, over less than 2^53 offsets
 */
export function blockOf(runs: readonly MapRun[], recordsBefore: bigint): MapBlock {
  const first = runs[0]
  if (first === undefined || runs.length > runsPerBlock) throw disordered('a block holds 1 to 1,024 runs', runs.length)
  const columns = emptyColumns(runs.length)
  let end: OffsetPair = { blue: first.blue, green: first.green }
  for (const [index, run] of runs.entries()) {
    if (!Number.isSafeInteger(run.records) || run.records < 1) throw disordered('a run holds at least one record', run.records)
    if (run.blue < end.blue || run.green < end.green) throw disordered('runs ascend on both sides', index)
    columns.blue[index] = Number(run.blue - first.blue)
    columns.green[index] = Number(run.green - first.green)
    columns.recordsUpTo[index + 1] = (columns.recordsUpTo[index] ?? 0) + run.records
    end = { blue: run.blue + BigInt(run.records), green: run.green + BigInt(run.records) }
  }
  if (!spansSafely(first, end)) throw disordered('a block spans less than 2^53 offsets', runs.length)
  return finished(columns, recordsBefore, { blue: first.blue, green: first.green }, end)
}

/** Whether offsets from `first` to `end` fit into a block on both sides. */
export function spansSafely(first: OffsetPair, end: OffsetPair): boolean {
  const most = BigInt(Number.MAX_SAFE_INTEGER)
  return end.blue - first.blue <= most && end.green - first.green <= most
}

/** Run `index` of a block. */
export function runOf(block: MapBlock, index: number): MapRun {
  return {
    blue: block.span.first.blue + BigInt(block.starts.blue[index] ?? 0),
    green: block.span.first.green + BigInt(block.starts.green[index] ?? 0),
    records: (block.recordsUpTo[index + 1] ?? 0) - (block.recordsUpTo[index] ?? 0),
  }
}

/**
 * The stored form: each run as three varints, how far behind the run before it begins on blue and on green, and its records less one. Three to five bytes
 * for a run of a mirror that commits every few hundred records, and 35 bytes for the block.
 */
export function encodeBlock(block: MapBlock): Buffer {
  const { span, starts, recordsUpTo } = block
  const bytes = Buffer.alloc(frameBytes + headBytes + span.runs * 3 * maxVarintBytes)
  let at = frameBytes
  at = bytes.writeUInt8(format, at)
  at = bytes.writeUInt16BE(span.runs, at)
  at = bytes.writeBigInt64BE(span.recordsBefore, at)
  at = bytes.writeBigInt64BE(span.first.blue, at)
  at = bytes.writeBigInt64BE(span.first.green, at)
  let end = { blue: 0, green: 0 }
  for (let index = 0; index < span.runs; index++) {
    const [blue, green] = [starts.blue[index] ?? 0, starts.green[index] ?? 0]
    const records = (recordsUpTo[index + 1] ?? 0) - (recordsUpTo[index] ?? 0)
    at = writeVarint(bytes, at, blue - end.blue)
    at = writeVarint(bytes, at, green - end.green)
    at = writeVarint(bytes, at, records - 1)
    end = { blue: blue + records, green: green + records }
  }
  bytes.writeUInt32BE(at - frameBytes, 4)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, at)), 0)
  return bytes.subarray(0, at)
}

/** Length of the block that begins at `at`, frame included, as its frame says it; null where the bytes end before the frame does. */
export function blockBytesAt(bytes: Buffer, at: number): number | null {
  return bytes.length - at < frameBytes ? null : frameBytes + bytes.readUInt32BE(at + 4)
}

/**
 * Reads one block.
 *
 * @param bytes exactly one block
 * @throws KbgError `offset-map-damaged` when it isn't what {@link encodeBlock} wrote
 */
export function decodeBlock(bytes: Buffer): MapBlock {
  if (blockBytesAt(bytes, 0) !== bytes.length || bytes.length < frameBytes + headBytes) throw damaged('its length', bytes.length)
  if (bytes.readUInt32BE(0) !== crc32(bytes.subarray(4))) throw damaged('its checksum', bytes.length)
  const runs = bytes.readUInt16BE(frameBytes + 1)
  if (bytes.readUInt8(frameBytes) !== format || runs < 1 || runs > runsPerBlock) throw damaged('its head', bytes.length)
  const first = { blue: bytes.readBigInt64BE(frameBytes + 11), green: bytes.readBigInt64BE(frameBytes + 19) }
  const columns = emptyColumns(runs)
  const reader = new VarintReader(bytes, frameBytes + headBytes)
  let [blue, green] = [0, 0]
  for (let index = 0; index < runs; index++) {
    blue += reader.next()
    green += reader.next()
    const records = reader.next() + 1
    columns.blue[index] = blue
    columns.green[index] = green
    columns.recordsUpTo[index + 1] = (columns.recordsUpTo[index] ?? 0) + records
    blue += records
    green += records
  }
  if (reader.at !== bytes.length || !Number.isSafeInteger(blue) || !Number.isSafeInteger(green)) throw damaged('its runs', bytes.length)
  const end = { blue: first.blue + BigInt(blue), green: first.green + BigInt(green) }
  return finished(columns, bytes.readBigInt64BE(frameBytes + 3), first, end)
}

interface Columns {
  readonly blue: Float64Array
  readonly green: Float64Array
  readonly recordsUpTo: Float64Array
}

function emptyColumns(runs: number): Columns {
  return { blue: new Float64Array(runs), green: new Float64Array(runs), recordsUpTo: new Float64Array(runs + 1) }
}

function finished({ blue, green, recordsUpTo }: Columns, recordsBefore: bigint, first: OffsetPair, end: OffsetPair): MapBlock {
  const span = { runs: blue.length, records: BigInt(recordsUpTo[blue.length] ?? 0), recordsBefore, first, end }
  return { span, starts: { blue, green }, recordsUpTo }
}

function disordered(required: string, observed: number): KbgError {
  return new KbgError('offset-map-order', 'These runs make no block of an offset map.', { facts: { required, observed } })
}

function damaged(what: string, bytes: number): KbgError {
  return new KbgError('offset-map-damaged', `A block of the offset map isn't as it was written: ${what} is wrong.`, {
    facts: { bytes },
    remedy: 'The audit has to compare this partition again from the last good block on; positions before that stay translatable.',
  })
}
