/**
 * Keeps one audit worker running: `node engine/run/audit/supervise.ts <config.json>`. A worker that had come up and ends without being asked to is started again, and goes on where it was; one that
 * never comes up ends this process too, with its exit code. SIGTERM and SIGINT end the worker, which saves, then this process. A worker whose supervisor is killed saves and ends by itself.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { argv, execPath, exit, stderr } from 'node:process'
import { messageOf } from '../../model/error.ts'
import { systemClock } from '../../ports/clock.ts'
import { restartAfterMs } from './restarts.ts'

/** A worker has this long to save; less than what this process is given. */
const saveWithinMs = 4_000

function tell(line: string): void {
  stderr.write(`${systemClock.wallClock().toISOString()} supervisor: ${line}\n`)
}

interface End {
  readonly hadComeUp: boolean
  readonly exitCode: number
  readonly how: string
}

const stopping = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort())

function startWorker(config: string): ChildProcess {
  const args = ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'main.ts'), config]
  return spawn(execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

function stopWorker(worker: ChildProcess): void {
  worker.kill('SIGTERM')
  const late = systemClock.sleep(saveWithinMs).then(() => worker.kill('SIGKILL'))
  late.catch(() => undefined) // it has ended meanwhile
}

/** One worker from its start to its end. */
function runWorker(config: string): Promise<End> {
  const worker = startWorker(config)
  const stop = () => stopWorker(worker)
  stopping.signal.addEventListener('abort', stop, { once: true })
  let hadComeUp = false
  worker.once('message', () => {
    hadComeUp = true
  })
  return new Promise((resolve) => {
    const end = (exitCode: number, how: string) => {
      stopping.signal.removeEventListener('abort', stop)
      resolve({ hadComeUp, exitCode, how })
    }
    worker.once('error', (thrown) => end(1, messageOf(thrown)))
    worker.once('exit', (code, signal) => end(code ?? 1, signal ?? `exit code ${code}`))
  })
}

/** @returns the exit code */
async function supervise(config: string): Promise<number> {
  const endsAtMs: number[] = []
  for (;;) {
    const { hadComeUp, exitCode, how } = await runWorker(config)
    if (stopping.signal.aborted) return exitCode
    if (!hadComeUp && endsAtMs.length === 0) return exitCode === 0 ? 1 : exitCode
    endsAtMs.push(systemClock.monotonicMs())
    const pauseMs = restartAfterMs(endsAtMs)
    if (pauseMs === null) {
      tell(`the worker has ended again (${how}), too often to start it once more: \`pulumi up\` on the traffic stack does`)
      return 1
    }
    tell(`the worker has ended (${how}), it is started again in ${pauseMs} ms`)
    await systemClock.sleep(pauseMs, stopping.signal).catch(() => undefined) // asked to end meanwhile
    if (stopping.signal.aborted) return 0
  }
}

exit(await supervise(argv[2] ?? ''))
