/** What is left of a local fleet, looked for by nothing but its pid files: the product's own records may be what failed. */
import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { findProcess, stopProcess } from '../../engine/adapters/local/process.ts'
import { fleetDirectory } from '../../engine/adapters/local/state.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'

/** Ends every process of a fleet that still runs. @returns the pid files of those that did, relative to the fleet's directory; none: nothing was left */
export async function endLocalFleet(projectRoot: string, fleet: string): Promise<readonly string[]> {
  const directory = fleetDirectory(projectRoot, fleet)
  if (!existsSync(directory)) return []
  const pidFiles = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) => /^(pid|.*\.pid)$/.test(basename(file)))
  const left = pidFiles.filter((file) => findProcess(join(directory, file)) !== undefined)
  const deadline = new Deadline(systemClock, 20_000, `what is left of ${fleet} to end`)
  await Promise.all(left.map((file) => stopProcess(join(directory, file), 0, deadline)))
  return left
}
