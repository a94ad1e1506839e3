import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BenchResult } from './result.ts'

function refusedFileOf(dir: string, bench: string): string {
  return join(dir, `${bench}.refused.json`)
}

/** How many runs of this bench were refused one after the other until now: what the refused file says, and the run that it is of. */
export function refusalsBefore(dir: string, bench: string): number {
  const file = refusedFileOf(dir, bench)
  if (!existsSync(file)) return 0
  try {
    return BenchResult.parse(JSON.parse(readFileSync(file, 'utf8'))).refusedBefore + 1
  } catch {
    return 1 // cut off, or of another version: that it is there is one refusal, and no reason to lose the run that has just ended
  }
}

/**
 * Writes a result to `NAME.json`, or to `NAME.refused.json` when it was refused, and takes an earlier refused one away.
 *
 * @returns the file
 */
export function writeResult(dir: string, result: BenchResult): string {
  mkdirSync(dir, { recursive: true })
  const refusedFile = refusedFileOf(dir, result.bench)
  const file = result.refused.length > 0 ? refusedFile : join(dir, `${result.bench}.json`)
  rmSync(refusedFile, { force: true })
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`)
  return file
}
