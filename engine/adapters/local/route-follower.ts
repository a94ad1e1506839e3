/** A detached Node process beside a local fleet that follows the route: its files in a directory of their own (0700), started, observed and ended. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { projectDir, toolPaths } from '../../../tools/paths.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { OnProgress } from './cluster.ts'
import { writePrivately } from './credentials.ts'
import { otherUpdateMs, withFileLock } from './file-lock.ts'
import { findProcess, startProcess, stopProcess, waitUntilReady } from './process.ts'
import { removeFleetIfEmpty, trafficDirectory } from './state.ts'

/** Which fleet of which checkout. */
export interface FollowerLocation {
  readonly projectRoot: string
  readonly fleet: string
}

/** What kind of process: one of each runs beside a fleet. */
export interface FollowerKind {
  /** Names its directory and its files. */
  readonly name: string
  /** For people: `the write-back`. */
  readonly title: string
  /** Path of its main file below `engine/run/`. */
  readonly main: readonly string[]
  /** The name of its configuration's file. */
  readonly config: string
  /** How long SIGTERM gets before SIGKILL. */
  readonly stopGraceMs: number
}

/**
 * Starts it, or makes sure that it runs with this configuration.
 *
 * @param isRegistered whether the process of that id follows the route: then it is ready
 * @throws KbgError `busy`, `process-ended` with its last log lines, `not-ready`
 */
export async function provisionFollower(
  kind: FollowerKind,
  at: FollowerLocation,
  configuration: unknown,
  isRegistered: (processId: number) => Promise<boolean>,
  onProgress: OnProgress,
  deadline: Deadline,
): Promise<void> {
  const { directory, config, log, pid } = filesOf(kind, at)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  await withFileLock(`${directory}.lock`, `${kind.title} of ${at.fleet}`, deadline.within(otherUpdateMs, 'another update'), async () => {
    const text = `${JSON.stringify(configuration, null, 2)}\n`
    const running = findProcess(pid)
    const isUnchanged = running !== undefined && existsSync(config) && readFileSync(config, 'utf8') === text
    if (isUnchanged && (await isRegistered(running.pid))) return // one that lives and doesn't follow the route hangs
    await stopProcess(pid, kind.stopGraceMs, deadline)
    onProgress('starting')
    writePrivately(config, text)
    const started = await startProcess(
      {
        name: `${kind.title} of ${at.fleet}`,
        command: toolPaths().node,
        args: ['--disable-warning=ExperimentalWarning', join(projectDir, 'engine', 'run', ...kind.main), config],
        directory,
        logFile: log,
        pidFile: pid,
      },
      deadline.clock,
    )
    await waitUntilReady(started, () => isRegistered(started.identity.pid), deadline, 200)
  })
}

/** Process id and the configuration's text; null when it doesn't run. Asks nobody but the operating system. */
export function observeFollower(kind: FollowerKind, at: FollowerLocation): { readonly pid: number; readonly configuration: string } | null {
  const { config, pid } = filesOf(kind, at)
  const running = findProcess(pid)
  return running === undefined ? null : { pid: running.pid, configuration: existsSync(config) ? readFileSync(config, 'utf8') : '' }
}

/** Ends it and removes its files. */
export async function destroyFollower(kind: FollowerKind, at: FollowerLocation, deadline: Deadline): Promise<void> {
  const { directory, pid } = filesOf(kind, at)
  if (existsSync(directory)) {
    await withFileLock(`${directory}.lock`, `${kind.title} of ${at.fleet}`, 'none', async () => {
      await stopProcess(pid, kind.stopGraceMs, deadline)
      rmSync(directory, { recursive: true, force: true })
    })
  }
  removeFleetIfEmpty(at.projectRoot, at.fleet)
}

function filesOf({ name, config }: FollowerKind, { projectRoot, fleet }: FollowerLocation) {
  const directory = join(trafficDirectory(projectRoot, fleet), name)
  return { directory, config: join(directory, config), log: join(directory, `${name}.log`), pid: join(directory, `${name}.pid`) }
}
