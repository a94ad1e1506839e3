/** Set-up's steps: named, timed, idempotent. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { KbgError, messageOf } from '../engine/model/error.ts'
import { Deadline, systemClock } from '../engine/ports/clock.ts'

/** One thing that set-up sees to. */
export interface Step {
  /** What it provides, with its version. */
  readonly name: string
  /** Whether there is nothing to do; must be quick and change nothing. */
  done(): Promise<boolean> | boolean
  /** Does it; returns how, in a few words. Runs again after any failure. */
  run(): Promise<string>
}

/** What became of a step. */
export type StepResult =
  | { readonly name: string; readonly outcome: 'present' }
  | { readonly name: string; readonly outcome: 'made'; readonly how: string; readonly seconds: number }
  | { readonly name: string; readonly outcome: 'failed'; readonly why: string; readonly seconds: number }

/** Runs one step, and says so on one line if there was something to do. */
export async function runStep(step: Step, print: (line: string) => void): Promise<StepResult> {
  const startedMs = systemClock.monotonicMs()
  const seconds = (): number => (systemClock.monotonicMs() - startedMs) / 1000
  try {
    if (await step.done()) return { name: step.name, outcome: 'present' }
    const how = await step.run()
    print(`  ${step.name.padEnd(36)} ${seconds().toFixed(1).padStart(6)} s  ${how}`)
    return { name: step.name, outcome: 'made', how, seconds: seconds() }
  } catch (error) {
    const why = messageOf(error)
    print(`  ${step.name.padEnd(36)} ${seconds().toFixed(1).padStart(6)} s  FAILED: ${why}`)
    return { name: step.name, outcome: 'failed', why, seconds: seconds() }
  }
}

/** Runs steps one after the other; the first failure ends the lane, since later steps build on earlier ones, and so does a cancellation. */
export async function runLane(steps: readonly Step[], print: (line: string) => void, cancelled: AbortSignal): Promise<readonly StepResult[]> {
  const results: StepResult[] = []
  for (const step of steps) {
    if (cancelled.aborted) break
    const result = await runStep(step, print)
    results.push(result)
    if (result.outcome === 'failed') break
  }
  return results
}

/**
 * Holds a lock file while `work` runs, so that two set-ups in one checkout don't build over each other.
 * The lock of a process that no longer lives is taken over.
 *
 * @throws KbgError `set-up-running` when another one holds it for longer than `waitSeconds`
 */
export async function withSetupLock<T>(file: string, waitSeconds: number, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true })
  const deadline = new Deadline(systemClock, waitSeconds * 1000, 'another set-up in this checkout')
  // Polled: the holder is another process, and a file's removal has no portable notification.
  while (!tryLock(file)) {
    if (deadline.over)
      throw new KbgError('set-up-running', 'Another set-up is running in this checkout.', { remedy: `Wait for it, or remove ${file} if there is none.` })
    await systemClock.sleep(250)
  }
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

function tryLock(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const holder = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
  if (holder > 0 && !isAlive(holder)) rmSync(file, { force: true })
  return false
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // somebody else's process: alive, only not ours to signal
  }
}
