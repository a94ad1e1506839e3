/**
 * Stamps: how set-up knows that a tool is there, whole, and made from today's pins.
 *
 * A stamp lies beside what it vouches for and holds a key (a hash over everything that the tool was made from) and
 * the size of every file. It is written last, so an interrupted installation has none and is repeated.
 */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'

const stampSchema = z.strictObject({ key: z.string(), files: z.record(z.string(), z.number()) })

/** A hash over texts and files: the pins that a tool is made from. Order matters. */
export function keyOf(parts: readonly ({ readonly text: string } | { readonly file: string })[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update('text' in part ? part.text : readFileSync(part.file)).update('\0')
  return hash.digest('hex')
}

/** Whether `dir` holds everything that its stamp names, made from exactly this key. An unreadable stamp counts as none. */
export function isStamped(dir: string, name: string, key: string): boolean {
  const file = stampFile(dir, name)
  if (!existsSync(file)) return false
  const stamp = stampSchema.safeParse(parseJson(readFileSync(file, 'utf8')))
  if (!stamp.success || stamp.data.key !== key) return false
  return Object.entries(stamp.data.files).every(([each, size]) => statSync(join(dir, each), { throwIfNoEntry: false })?.size === size)
}

/** Vouches for the files (names relative to `dir`) as they are now. */
export function writeStamp(dir: string, name: string, key: string, files: readonly string[]): void {
  const sizes = Object.fromEntries(files.map((file) => [file, statSync(join(dir, file)).size]))
  writeFileSync(stampFile(dir, name), `${JSON.stringify({ key, files: sizes }, null, 1)}\n`)
}

/** The file's SHA-256 in hexadecimal. */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

function stampFile(dir: string, name: string): string {
  return join(dir, `.${name}.stamp.json`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // a torn stamp vouches for nothing; the schema refuses undefined
  }
}
