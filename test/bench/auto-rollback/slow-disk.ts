/** A disk that can be made slow: green's brokers run with `slow-disk.c` preloaded. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeFiles } from '../../../engine/adapters/local/broker-process.ts'
import { observeCluster, startDeadBrokers } from '../../../engine/adapters/local/cluster.ts'
import { startProcess, stopProcess } from '../../../engine/adapters/local/process.ts'
import { colourDirectory } from '../../../engine/adapters/local/state.ts'
import { messageOf } from '../../../engine/model/error.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'
import { mustRun } from '../../../tools/process.ts'
import type { Pair } from '../../support/pair.ts'
import { interrupted } from '../harness/index.ts'

export interface SlowDisk {
  slowDown(ms: number): void
  speedUp(): void
}

/** Compiles the library. @returns its file, or why there is none, in a sentence */
export async function compileSlowDisk(directory: string): Promise<{ readonly library: string } | { readonly missing: string }> {
  const library = join(directory, 'slow-disk.so')
  if (process.platform !== 'linux') return { missing: 'A slow disk is simulated by a preloaded library, on Linux only.' }
  try {
    await mustRun('cc', ['-O2', '-shared', '-fPIC', '-o', library, join(import.meta.dirname, 'slow-disk.c'), '-ldl'], { deadlineSeconds: 60 })
    return { library }
  } catch (thrown) {
    return { missing: `A slow disk is simulated by a library that the C compiler could not make: ${messageOf(thrown)}` }
  }
}

/** Ends green's brokers and starts each again by its own command line, with the library. Nobody may be using them yet. */
export async function preloadSlowDisk({ root, wiring: { fleet } }: Pair, library: string, directory: string): Promise<SlowDisk> {
  const control = join(directory, 'slow-disk')
  const deadline = new Deadline(systemClock, 120_000, 'the brokers of green to run with a slow disk', interrupted)
  const brokers = observeCluster(root, fleet, 'green')?.brokers ?? []
  await Promise.all(
    brokers.map(async ({ nodeId, pid }) => {
      const files = nodeFiles(colourDirectory(root, fleet, 'green'), nodeId)
      const [command = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
      await stopProcess(files.pid, 0, deadline)
      const environment = { LD_PRELOAD: library, KBG_SLOW_DISK_DIRECTORY: files.data, KBG_SLOW_DISK_CONTROL: control }
      await startProcess(
        { name: `broker ${nodeId} of green`, command, args, directory: files.directory, environment, logFile: files.log, pidFile: files.pid },
        systemClock,
      )
    }),
  )
  await startDeadBrokers(root, fleet, 'green', () => undefined, deadline) // none is dead: waits until each knows the others
  return { slowDown: (ms) => writeFileSync(control, String(ms)), speedUp: () => rmSync(control, { force: true }) }
}
