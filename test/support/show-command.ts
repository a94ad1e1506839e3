/** Runs a program whose output goes straight to the terminal or log. */
import { spawn } from 'node:child_process'

/** How a program ended. */
export interface CommandEnd {
  /** Exit code; undefined when a signal or the deadline ended it. */
  readonly exitCode: number | undefined
  /** The same in words. */
  readonly description: string
}

/** Runs a program to its end, without input; at the deadline or at ^C it is killed with everything in its process group. */
export function showCommand(
  command: string,
  args: readonly string[],
  options: { readonly env: NodeJS.ProcessEnv; readonly deadlineSeconds: number },
): Promise<CommandEnd> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env: options.env, stdio: ['ignore', 'inherit', 'inherit'], detached: true })
    let timedOut = false
    const kill = (signal: NodeJS.Signals): void => {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, signal)
    }
    const onInterrupt = (): void => kill('SIGTERM')
    process.once('SIGINT', onInterrupt)
    process.once('SIGTERM', onInterrupt)
    const timer = setTimeout(() => {
      timedOut = true
      kill('SIGKILL')
    }, options.deadlineSeconds * 1000)
    const finish = (end: CommandEnd): void => {
      clearTimeout(timer)
      process.removeListener('SIGINT', onInterrupt)
      process.removeListener('SIGTERM', onInterrupt)
      resolve(end)
    }
    child.once('error', (error) => finish({ exitCode: undefined, description: `could not be started: ${error.message}` }))
    child.once('close', (exitCode, signal) => {
      if (timedOut) finish({ exitCode: undefined, description: `did not end within ${options.deadlineSeconds} s` })
      else finish({ exitCode: exitCode ?? undefined, description: exitCode === null ? `ended by ${signal}` : `exit code ${exitCode}` })
    })
  })
}
