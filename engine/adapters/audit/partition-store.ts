/**
 * What one partition's comparison keeps on disk: `<root>/<topic>-<partition>/<generation>/` with the map's blocks (`map`) and `checkpoint.json`.
 *
 * Whoever opens it makes a generation of its own, by a directory that only one can make, and takes over what the newest one before had saved. So a paused process that goes on later writes
 * where nobody reads, and learns that it was superseded.
 */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { KbgError, messageOf } from '../../model/error.ts'
import type { TopicPartition } from '../../model/partition.ts'
import { crc32 } from '../../offsets/crc32.ts'

const Checkpoint = z.strictObject({
  /** CRC-32 of `body` as JSON text, so that a flipped digit is no other offset. */
  crc: z.int().nonnegative(),
  body: z.strictObject({
    generation: z.int().positive(),
    /** The blocks that count lie in the file from here on, */
    mapFrom: z.int().nonnegative(),
    /** and are so many bytes; what lies behind was written after the checkpoint. */
    mapBytes: z.int().nonnegative(),
    state: z.unknown(),
  }),
})
type CheckpointBody = z.infer<typeof Checkpoint>['body']

/** What an earlier generation has saved. */
export interface SavedPartition {
  /** What was given to {@link PartitionStore.save}; its reader has to check it. */
  readonly state: unknown
  /** The map's blocks. */
  readonly map: Buffer
}

/** A store that was opened. `refused`: why what was there can't be used; null when it can, or when nothing was there. */
export interface OpenedStore {
  readonly store: PartitionStore
  readonly saved: SavedPartition | null
  readonly refused: string | null
}

const privateDirectory = { recursive: true, mode: 0o700 } as const
const privateFile = 0o600
/** Pruned blocks stay at the file's front until they are so many bytes and half of it. */
const sweepBytes = 4 * 1024 * 1024

/** One generation's own files. Appending is at once, saving is for good. */
export class PartitionStore {
  readonly #partitionDirectory: string
  #generation: number
  #mapFrom = 0
  #mapEnd = 0
  #unsynced = false
  #lastSave: Promise<void> = Promise.resolve()

  private constructor(partitionDirectory: string, generation: number) {
    this.#partitionDirectory = partitionDirectory
    this.#generation = generation
  }

  /** Makes a generation and takes over what was saved. Nothing is removed before this one has saved something itself. @throws what the file system throws */
  static open(root: string, partition: TopicPartition): OpenedStore {
    const directory = join(root, partition)
    mkdirSync(directory, privateDirectory)
    const { saved, refused } = readNewest(directory)
    const store = new PartitionStore(directory, claimGeneration(directory))
    writeFileSync(store.#mapFile, saved?.map ?? Buffer.alloc(0), { mode: privateFile })
    store.#mapEnd = saved?.map.length ?? 0
    store.#unsynced = store.#mapEnd > 0
    return { store, saved, refused }
  }

  /** Bytes of the blocks that count. */
  get mapBytes(): number {
    return this.#mapEnd - this.#mapFrom
  }

  /** Forgets all blocks: the comparison begins afresh. */
  clearMap(): void {
    writeFileSync(this.#mapFile, Buffer.alloc(0), { mode: privateFile })
    this.#mapFrom = 0
    this.#mapEnd = 0
  }

  /** Adds a block behind the others. */
  append(block: Buffer): void {
    withFile(this.#mapFile, 'r+', (fd) => {
      if (writeSync(fd, block, 0, block.length, this.#mapEnd) !== block.length)
        throw new KbgError('audit-state', 'A block of an offset map was written in part.')
    })
    this.#mapEnd += block.length
    this.#unsynced = true
  }

  /** Bytes of the blocks that count, from `from` on. */
  read(from: number, length: number): Buffer {
    const bytes = Buffer.alloc(length)
    const read = withFile(this.#mapFile, 'r', (fd) => readSync(fd, bytes, 0, length, this.#mapFrom + from))
    return bytes.subarray(0, read)
  }

  /** So many bytes at the front no longer count; the next checkpoint says so. */
  dropFront(bytes: number): void {
    this.#mapFrom += bytes
  }

  /** Moves what counts into a generation of its own, when the file is mostly pruned blocks. The next {@link save} is the first of that one; until then the older counts. */
  sweep(leastBytes: number = sweepBytes): void {
    if (this.#mapFrom < leastBytes || this.#mapFrom * 2 < this.#mapEnd) return
    const kept = this.read(0, this.mapBytes)
    this.#generation = claimGeneration(this.#partitionDirectory)
    writeFileSync(this.#mapFile, kept, { mode: privateFile })
    this.#mapFrom = 0
    this.#mapEnd = kept.length
    this.#unsynced = true
  }

  /**
   * Saves the state with the blocks as they are now, and removes older generations. Calls are carried out one after the other.
   *
   * @throws KbgError `audit-superseded` when there is a newer generation: this one's owner has to stop
   */
  save(state: unknown): Promise<void> {
    const body: CheckpointBody = { generation: this.#generation, mapFrom: this.#mapFrom, mapBytes: this.mapBytes, state }
    const text = JSON.stringify({ crc: crcOf(body), body })
    const saving = this.#lastSave.then(() => this.#write(text))
    this.#lastSave = saving.catch(() => undefined) // its caller is told
    return saving
  }

  async #write(text: string): Promise<void> {
    this.#requireNewest()
    const mustSyncMap = this.#unsynced
    this.#unsynced = false
    try {
      if (mustSyncMap) await synced(this.#mapFile, 'r+')
      await synced(`${this.#checkpointFile}.new`, 'w', text)
      await rename(`${this.#checkpointFile}.new`, this.#checkpointFile)
    } catch (thrown) {
      this.#unsynced ||= mustSyncMap
      this.#requireNewest()
      throw thrown
    }
    for (const older of generationsIn(this.#partitionDirectory)) {
      if (older < this.#generation) rmSync(join(this.#partitionDirectory, `${older}`), { recursive: true, force: true })
    }
  }

  #requireNewest(): void {
    const newest = Math.max(...generationsIn(this.#partitionDirectory), 0)
    if (newest === this.#generation) return
    throw new KbgError('audit-superseded', 'Another process has taken over the comparison of this partition.', {
      facts: { directory: this.#partitionDirectory, observed: newest, required: this.#generation },
    })
  }

  get #mapFile(): string {
    return join(this.#partitionDirectory, `${this.#generation}`, 'map')
  }

  get #checkpointFile(): string {
    return join(this.#partitionDirectory, `${this.#generation}`, 'checkpoint.json')
  }
}

function readNewest(directory: string): Omit<OpenedStore, 'store'> {
  const newest = generationsIn(directory).findLast((generation) => existsSync(join(directory, `${generation}`, 'checkpoint.json')))
  if (newest === undefined) return { saved: null, refused: null }
  try {
    return { saved: readGeneration(join(directory, `${newest}`), newest), refused: null }
  } catch (thrown) {
    return { saved: null, refused: messageOf(thrown) }
  }
}

function readGeneration(directory: string, generation: number): SavedPartition {
  const { crc, body } = Checkpoint.parse(JSON.parse(readFileSync(join(directory, 'checkpoint.json'), 'utf8')))
  if (crc !== crcOf(body) || body.generation !== generation)
    throw new KbgError('audit-state', 'The checkpoint of an audit is damaged.', { facts: { directory } })
  const file = readFileSync(join(directory, 'map'))
  if (file.length < body.mapFrom + body.mapBytes) {
    const facts = { directory, observed: file.length, required: body.mapFrom + body.mapBytes }
    throw new KbgError('audit-state', 'The offset map of an audit is shorter than its checkpoint says.', { facts })
  }
  return { state: body.state, map: file.subarray(body.mapFrom, body.mapFrom + body.mapBytes) }
}

/** The key order of JSON text survives a parse, so the text of what was read is the one that was written. */
function crcOf({ generation, mapFrom, mapBytes, state }: CheckpointBody): number {
  return crc32(Buffer.from(JSON.stringify({ generation, mapFrom, mapBytes, state })))
}

/** Makes the directory of the next generation; whoever is a moment late takes the one behind. */
function claimGeneration(directory: string): number {
  for (let generation = Math.max(...generationsIn(directory), 0) + 1; ; generation++) {
    try {
      mkdirSync(join(directory, `${generation}`), { mode: privateDirectory.mode })
      return generation
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
    }
  }
}

/** Ascending. */
function generationsIn(directory: string): readonly number[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory)
    .filter((name) => /^[1-9]\d*$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

async function synced(file: string, flags: string, text?: string): Promise<void> {
  const handle = await open(file, flags, privateFile)
  try {
    if (text !== undefined) await handle.writeFile(text)
    await handle.datasync()
  } finally {
    await handle.close()
  }
}

function withFile<T>(file: string, flags: string, use: (fd: number) => T): T {
  const fd = openSync(file, flags)
  try {
    return use(fd)
  } finally {
    closeSync(fd)
  }
}
