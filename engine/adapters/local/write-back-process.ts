/**
 * The write-back beside a local fleet: a detached Node process that keeps the live side's copy of positions which groups commit on the standby.
 * Files in `.kbg/<fleet>/traffic/write-back/` (0700). It keeps no state: what it has written stands in the clusters.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { projectDir, toolPaths } from '../../../tools/paths.ts'
import type { Wiring } from '../../model/wiring.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { OnProgress } from './cluster.ts'
import { writePrivately } from './credentials.ts'
import { otherUpdateMs, withFileLock } from './file-lock.ts'
import { findProcess, startProcess, stopProcess, waitUntilReady } from './process.ts'
import { removeFleetIfEmpty, trafficDirectory } from './state.ts'

/** Which fleet of which checkout. */
export interface WriteBackLocation {
  readonly projectRoot: string
  readonly fleet: string
}

/** A commit under way ends within this. */
const stopGraceMs = 6_000

/**
 * Starts it, or makes sure that it runs with this wiring.
 *
 * @param isRegistered whether the process of that id follows the route: then it is ready
 * @throws KbgError `busy`, `process-ended` with its last log lines, `not-ready`
 */
export async function provisionWriteBack(
  projectRoot: string,
  wiring: Wiring,
  isRegistered: (processId: number) => Promise<boolean>,
  onProgress: OnProgress,
  deadline: Deadline,
): Promise<void> {
  const at = { projectRoot, fleet: wiring.fleet }
  const { directory, config, log, pid } = filesOf(at)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  await withFileLock(`${directory}.lock`, `the write-back of ${wiring.fleet}`, deadline.within(otherUpdateMs, 'another update'), async () => {
    const text = `${JSON.stringify(wiring, null, 2)}\n`
    const running = findProcess(pid)
    const isUnchanged = running !== undefined && existsSync(config) && readFileSync(config, 'utf8') === text
    if (isUnchanged && (await isRegistered(running.pid))) return // one that lives and doesn't follow the route hangs
    await stopProcess(pid, stopGraceMs, deadline)
    onProgress('starting')
    writePrivately(config, text)
    const started = await startProcess(
      {
        name: `write-back of ${wiring.fleet}`,
        command: toolPaths().node,
        args: ['--disable-warning=ExperimentalWarning', join(projectDir, 'engine', 'run', 'write-back', 'main.ts'), config],
        directory,
        logFile: log,
        pidFile: pid,
      },
      deadline.clock,
    )
    await waitUntilReady(started, () => isRegistered(started.identity.pid), deadline, 200)
  })
}

/** Process id; null when it doesn't run. Asks nobody but the operating system. */
export function observeWriteBack(at: WriteBackLocation): number | null {
  return findProcess(filesOf(at).pid)?.pid ?? null
}

/** Ends it and removes its files. */
export async function destroyWriteBack(at: WriteBackLocation, deadline: Deadline): Promise<void> {
  const { directory, pid } = filesOf(at)
  if (existsSync(directory)) {
    await withFileLock(`${directory}.lock`, `the write-back of ${at.fleet}`, 'none', async () => {
      await stopProcess(pid, stopGraceMs, deadline)
      rmSync(directory, { recursive: true, force: true })
    })
  }
  removeFleetIfEmpty(at.projectRoot, at.fleet)
}

function filesOf({ projectRoot, fleet }: WriteBackLocation) {
  const directory = join(trafficDirectory(projectRoot, fleet), 'write-back')
  return { directory, config: join(directory, 'wiring.json'), log: join(directory, 'write-back.log'), pid: join(directory, 'write-back.pid') }
}
