import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { KbgError } from '../../../engine/model/error.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'
import { toolPaths } from '../../../tools/paths.ts'
import { MachineNoise } from './noise.ts'

/** The probe beside a running bench. */
export interface RunningNoiseProbe {
  /** Ends the probe. @throws KbgError `noise-probe` when it has ended by itself: then nobody knows how noisy the machine was */
  stop(): Promise<MachineNoise>
}

/** Starts measuring the machine's noise (`stall-probe.ts`) in a process of its own; what this process starts from now on counts as the bench's. */
export async function startNoiseProbe(): Promise<RunningNoiseProbe> {
  const child = spawn(toolPaths().node, [join(import.meta.dirname, 'stall-probe.ts'), String(process.pid)], { stdio: ['pipe', 'pipe', 'inherit'] })
  if (!child.stdout) throw new KbgError('noise-probe', 'The noise probe has no output.')
  const lines = createInterface({ input: child.stdout })
  await nextLine(child, lines)
  return {
    stop: async () => {
      const answer = nextLine(child, lines)
      child.stdin?.end()
      return MachineNoise.parse(JSON.parse(await answer))
    },
  }
}

function nextLine(child: ChildProcess, lines: Interface): Promise<string> {
  const line = new Promise<string>((resolve, reject) => {
    lines.once('line', resolve)
    lines.once('close', () =>
      reject(new KbgError('noise-probe', 'The noise probe ended before it answered.', { facts: { exitCode: child.exitCode ?? 'none' } })),
    )
    child.once('error', (cause) => reject(new KbgError('noise-probe', 'The noise probe could not be started.', { cause })))
    if (child.exitCode !== null || child.signalCode !== null) {
      reject(new KbgError('noise-probe', 'The noise probe has ended.', { facts: { exitCode: child.exitCode ?? 'none', signal: child.signalCode ?? 'none' } }))
    }
  })
  return new Deadline(systemClock, 10_000, 'the noise probe to answer').race(line)
}
