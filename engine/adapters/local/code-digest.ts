import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectDir } from '../../../tools/paths.ts'

/** Over every source that a process of the engine may run, and the versions of what it depends on: another digest, other sources. */
export function codeDigest(): string {
  const hash = createHash('sha256')
  const sources = readdirSync(join(projectDir, 'engine'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts')).sort() // biome-ignore format: one line
  for (const file of ['package.json', ...sources.map((source) => join('engine', source))]) hash.update(`${file}\n`).update(readFileSync(join(projectDir, file)))
  return hash.digest('hex')
}
