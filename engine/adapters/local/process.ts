/**
 * Detached processes: brokers, Connect workers and etcd outlive whoever started them, and are found again by a pid file.
 *
 * A pid alone is no identity, since systems reuse them: the file also holds when the process was started, and nothing
 * that differs in either is ever taken as alive or signalled.
 */
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readFileSync, readSync, rmSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { dirname } from 'node:path'
import { z } from 'zod'
import type { Endpoint } from '../../model/addresses.ts'
import { KbgError } from '../../model/error.ts'
import { isTlsRefusal } from '../../model/tls-refusal.ts'
import { type Clock, Deadline } from '../../ports/clock.ts'

/** What a pid file holds. `startTime` is opaque: the kernel's start tick on Linux, `ps -o lstart` elsewhere. */
const ProcessIdentity = z.strictObject({ pid: z.int().positive(), startTime: z.string().min(1) })
/** A process that can't be mistaken for a later one with the same pid. */
export type ProcessIdentity = z.infer<typeof ProcessIdentity>

/** A detached process to be started. Secrets belong into a 0600 file that an argument names, never here: everyone can read both with `ps`. */
export interface ProcessSpec {
  /** For messages, for example `broker 12 of green`. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** Working directory; it must exist. */
  readonly directory: string
  /** Additions to the small environment that every detached process gets (PATH, HOME, LANG, TMPDIR); the starter's own, with its secrets, isn't handed on. */
  readonly environment?: Readonly<Record<string, string>>
  /** Standard output and error are appended to it; mode 0600. */
  readonly logFile: string
  readonly pidFile: string
}

/** A started process, as far as its starter knows. */
export interface StartedProcess {
  readonly spec: ProcessSpec
  readonly identity: ProcessIdentity
  /** Size of the log when it started, in bytes: what it said is behind that. */
  readonly logStart: number
}

/**
 * Records pid and start time, then becomes the program: the identity is on disk before the program runs, so that
 * a starter that is killed at any moment leaves nothing that can't be found.
 */
const launcher = `umask 077
twentieth() { shift 19; echo "$1"; }
if [ -r /proc/$$/stat ]; then
  read -r stat < /proc/$$/stat
  set -f
  start=$(twentieth \${stat##*')'})
else
  start=$(LC_ALL=C ps -o lstart= -p $$)
fi
printf '{"pid":%s,"startTime":"%s"}\\n' "$$" "$start" > "$KBG_PID_FILE.new" && mv "$KBG_PID_FILE.new" "$KBG_PID_FILE" || exit 126
unset KBG_PID_FILE
exec "$@"`

/**
 * Starts a process in a session of its own. Resolves when its identity is on disk, not when it is ready.
 *
 * @throws KbgError `process-running` when the pid file's process lives; `process-not-started` when it can't be started
 */
export async function startProcess(spec: ProcessSpec, clock: Clock): Promise<StartedProcess> {
  const running = findProcess(spec.pidFile)
  if (running) throw new KbgError('process-running', `${spec.name} is running already.`, { facts: { pid: running.pid, pidFile: spec.pidFile } })
  rmSync(spec.pidFile, { force: true })
  for (const file of [spec.logFile, spec.pidFile]) mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const logFd = openSync(spec.logFile, 'a', 0o600)
  const logStart = fstatSync(logFd).size
  const child = spawn('/bin/sh', ['-c', launcher, 'sh', spec.command, ...spec.args], {
    cwd: spec.directory,
    env: { ...plainEnvironment(), ...spec.environment, KBG_PID_FILE: spec.pidFile },
    stdio: ['ignore', logFd, logFd],
    detached: true,
  })
  closeSync(logFd)
  child.unref()
  const stop = new AbortController()
  const ended = new Promise<ProcessIdentity>((resolve, reject) => {
    const refuse = (cause: unknown): void =>
      reject(new KbgError('process-not-started', `Could not start ${spec.name}.`, { facts: { lastLog: lastLog(spec.logFile, logStart) }, cause }))
    child.once('error', refuse)
    child.once('exit', (code, signal) => {
      const identity = readIdentity(spec.pidFile) // once recorded, it did start: waitUntilReady says how it ended
      if (identity) resolve(identity)
      else refuse(new Error(`it ended with ${signal ?? `exit code ${code}`}`))
    })
  })
  // A file's appearance has no portable notification; the shell takes a few milliseconds.
  const recorded = new Deadline(clock, 10_000, `the pid file of ${spec.name}`, stop.signal).poll(5, async () => readIdentity(spec.pidFile))
  try {
    return { spec, identity: await Promise.race([recorded, ended]), logStart }
  } finally {
    ended.catch(() => undefined) // later ends are for waitUntilReady
    recorded.catch(() => undefined) // once the other one has answered, nobody waits for this
    stop.abort()
  }
}

/** The pid file's process if it lives; undefined if it ended, never was, or its pid now belongs to another process. */
export function findProcess(pidFile: string): ProcessIdentity | undefined {
  const identity = readIdentity(pidFile)
  return identity && isAlive(identity) ? identity : undefined
}

/** Whether exactly this process lives. A zombie doesn't, unless some of its threads are left: else it holds no port and writes nothing any more. */
export function isAlive(identity: ProcessIdentity): boolean {
  return startTimeOf(identity.pid) === identity.startTime
}

/** Whether a process of that id lives now; which one it is nobody can tell by that. */
export function isPidAlive(pid: number): boolean {
  return startTimeOf(pid) !== undefined
}

/** This process. */
export function ownIdentity(): ProcessIdentity {
  const startTime = startTimeOf(process.pid)
  if (startTime === undefined) throw new KbgError('process-identity', "Neither /proc nor ps tells this process's start time.")
  return { pid: process.pid, startTime }
}

/**
 * Ends the pid file's process, waits until it is gone, and removes the file. Nothing to end is success.
 *
 * @param graceMs how long SIGTERM gets before SIGKILL; 0: SIGKILL at once (when its data is removed anyway)
 * @throws KbgError `deadline` when it lives even after SIGKILL (uninterruptible I/O): the file stays
 */
export async function stopProcess(pidFile: string, graceMs: number, deadline: Deadline): Promise<void> {
  const identity = readIdentity(pidFile)
  if (identity) {
    if (graceMs > 0 && signal(identity, 'SIGTERM')) await hasEnded(identity, deadline.within(graceMs, `pid ${identity.pid} to end`))
    if (signal(identity, 'SIGKILL') && !(await hasEnded(identity, deadline))) throw deadline.error()
  }
  rmSync(pidFile, { force: true })
}

/**
 * Waits until `probe` answers true, and fails at once when the process ends before, with the last lines of its log.
 *
 * @param probe may throw while the process isn't there yet: the last error goes into the refusal
 * @throws KbgError `process-ended`, a {@link isTlsRefusal}, or `not-ready` when the deadline is over
 */
export async function waitUntilReady(started: StartedProcess, probe: () => Promise<boolean>, deadline: Deadline, pauseMs = 50): Promise<void> {
  let lastError: unknown
  // Polled: readiness belongs to another process that notifies nobody.
  for (;;) {
    deadline.cancelled?.throwIfAborted()
    if (!isAlive(started.identity)) throw endedError(started)
    const remainingMs = deadline.remainingMs()
    if (remainingMs <= pauseMs) {
      const facts = { waitedMs: Math.round(deadline.totalMs), log: started.spec.logFile, lastLog: lastLog(started.spec.logFile, started.logStart) }
      throw new KbgError('not-ready', `${started.spec.name} runs but is not ready.`, { retriable: true, facts, cause: lastError })
    }
    try {
      if (await deadline.race(probe())) return
    } catch (error) {
      if (isTlsRefusal(error)) throw error // waiting mends no certificate
      lastError = error
    }
    await deadline.clock.sleep(pauseMs, deadline.cancelled)
  }
}

/** {@link waitUntilReady} for a port that accepts connections. */
export function waitForPort(started: StartedProcess, endpoint: Endpoint, deadline: Deadline): Promise<void> {
  return waitUntilReady(started, () => acceptsConnections(endpoint), deadline)
}

/** Whether somebody accepts TCP connections there, within a second. */
export function acceptsConnections(endpoint: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: endpoint.host, port: endpoint.port })
    const answer = (open: boolean): void => {
      socket.destroy()
      resolve(open)
    }
    socket.setTimeout(1_000, () => answer(false))
    socket.once('connect', () => answer(true))
    socket.once('error', () => answer(false)) // refused, unreachable, reset: nobody accepts, whatever the reason
  })
}

/** Why nobody could listen there now: undefined if one could, else the system's code, for example `EADDRINUSE`. */
export function bindProblem(endpoint: Endpoint): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host: endpoint.host, port: endpoint.port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}

/** The last lines of a log from byte `from` on, at most 2 KB; the newest say most. */
export function lastLog(logFile: string, from = 0): string {
  if (!existsSync(logFile)) return '(no log)'
  const size = statSync(logFile).size
  const start = Math.max(from, size - 2_000)
  if (size <= start) return '(the log is empty)'
  const fd = openSync(logFile, 'r')
  try {
    const bytes = Buffer.alloc(size - start)
    readSync(fd, bytes, 0, bytes.length, start)
    return bytes.toString('utf8').trim().split('\n').slice(-12).join('\n')
  } finally {
    closeSync(fd)
  }
}

function endedError(started: StartedProcess): KbgError {
  const { spec } = started
  return new KbgError('process-ended', `${spec.name} ended before it was ready.`, {
    facts: { pid: started.identity.pid, log: spec.logFile, lastLog: lastLog(spec.logFile, started.logStart) },
    remedy: 'Its last log lines say why; nothing of it runs any more.',
  })
}

/** @returns whether there was somebody to signal */
function signal(identity: ProcessIdentity, name: 'SIGTERM' | 'SIGKILL'): boolean {
  if (!isAlive(identity)) return false
  try {
    process.kill(identity.pid, name)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false // it ended in between, which is what was wanted
    throw error
  }
}

/** Polled: only a parent is told of a process's end, and the parent may be long gone. */
async function hasEnded(identity: ProcessIdentity, deadline: Deadline): Promise<boolean> {
  while (isAlive(identity)) {
    deadline.cancelled?.throwIfAborted()
    if (deadline.over) return false
    await deadline.clock.sleep(Math.min(20, deadline.remainingMs()), deadline.cancelled)
  }
  return true
}

function readIdentity(pidFile: string): ProcessIdentity | undefined {
  if (!existsSync(pidFile)) return undefined
  const parsed = ProcessIdentity.safeParse(parseJson(readFileSync(pidFile, 'utf8')))
  if (parsed.success) return parsed.data
  throw new KbgError('pid-file', 'A pid file is damaged, so nobody can tell whether its process lives.', {
    facts: { pidFile },
    remedy: 'Look with ps for a process that has this directory in its arguments, end it, and remove the file.',
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // the schema refuses it, and says which file
  }
}

/** When a process was started; undefined if there is none of that pid, or only its zombie. A killed process's first thread is a zombie while others still end, and hold its files and ports. */
function startTimeOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    const stat = readIfThere(`/proc/${pid}/stat`)
    return stat === undefined ? undefined : livingSince(stat)
  }
  const ps = spawnSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
  if (ps.error) throw new KbgError('process-identity', 'ps could not be run.', { cause: ps.error })
  const match = /^(\S+)\s+(.*\S)/.exec(ps.stdout.trim())
  return match?.[1]?.startsWith('Z') ? undefined : match?.[2]
}

/**
 * The start time in a Linux `/proc/<pid>/stat`; undefined when that process has ended.
 *
 * A zombie has, unless threads of it are left: a killed JVM's first thread is gone while the others still hold its ports (field 20 counts them).
 */
export function livingSince(stat: string): string | undefined {
  // The command in parentheses may hold anything, so what follows its last one counts: state is field 3, threads field 20, start time field 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const hasEnded = fields[0] === 'X' || (fields[0] === 'Z' && Number(fields[17]) <= 1)
  return hasEnded ? undefined : fields[19]
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    // ESRCH: it ended between open and read
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

/** What a program needs from its surroundings, and no more: a starter's environment holds pass phrases and cloud keys, and /proc shows it. */
function plainEnvironment(): Record<string, string> {
  const kept = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR']
  return Object.fromEntries(kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])))
}
