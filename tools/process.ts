/** Runs other programs for set-up: always with a deadline, never with a terminal's input. */
import { type ChildProcess, spawn } from 'node:child_process'
import { KbgError } from '../engine/model/error.ts'

/** How {@link runCommand} runs a program. */
export interface CommandOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** After this the program and its children are killed. */
  readonly deadlineSeconds: number
}

/** What a program said. */
export interface CommandResult {
  /** Exit code; undefined when a signal or the deadline ended it. */
  readonly exitCode: number | undefined
  /** Standard output and error, in the order they came, the last 64 KiB. */
  readonly output: string
  readonly timedOut: boolean
}

const keptCharacters = 65_536

/** A program that set-up runs ends with set-up. */
export const stopSignals = ['SIGINT', 'SIGTERM'] as const

/**
 * Runs a program to its end and returns what it said, whatever its exit code.
 *
 * @throws KbgError `command-not-started` when there is no such program or directory
 */
export function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: options.cwd, env: options.env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    let output = ''
    let timedOut = false
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-keptCharacters)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const timer = setTimeout(() => {
      timedOut = true
      killGroup(child)
    }, options.deadlineSeconds * 1000)
    const onInterrupt = (): void => killGroup(child)
    for (const signal of stopSignals) process.once(signal, onInterrupt)
    const finish = (): void => {
      clearTimeout(timer)
      for (const signal of stopSignals) process.removeListener(signal, onInterrupt)
    }
    child.once('error', (cause) => {
      finish()
      reject(new KbgError('command-not-started', `Could not start ${command}.`, { cause }))
    })
    child.once('close', (exitCode) => {
      finish()
      resolve({ exitCode: timedOut ? undefined : (exitCode ?? undefined), output, timedOut })
    })
  })
}

/** Runs a program that must succeed; returns its output. @throws KbgError `command-failed` with the end of what it said */
export async function mustRun(command: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const result = await runCommand(command, args, options)
  if (result.exitCode === 0) return result.output
  const how = result.timedOut ? `did not end within ${options.deadlineSeconds} s` : `ended with exit code ${result.exitCode ?? 'none (a signal)'}`
  throw new KbgError('command-failed', `${[command, ...args.slice(0, 3)].join(' ')} ${how}. Its last words: ${result.output.trim().slice(-1500)}`)
}

/** Kills the program together with what it started (it leads a process group of its own). */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    // ESRCH: it ended by itself in the meantime, which is what was wanted
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
