import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { env } from 'node:process'
import { projectDir } from '../../../tools/paths.ts'
import { messageOf } from '../../model/error.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { HookAnswer } from '../../ports/hooks.ts'
import { oneLine, Said } from './said.ts'

/** Everything else of this process's environment stays here: Pulumi's passphrase is in it. */
const passedOn = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR']
/** After its end a program's output has arrived within this, unless somebody outside its group holds the pipe. */
const lastWordsMs = 200

/** Runs a program without a shell, in a process group of its own that is killed at the deadline and behind its end. Success is exit code 0. */
export async function runCommand(command: readonly string[], payload: string, deadline: Deadline): Promise<HookAnswer> {
  const said = new Said()
  let child: ChildProcessWithoutNullStreams | undefined
  try {
    child = start(command, payload, said)
    const how = await deadline.race(end(child, deadline))
    return { ok: how === 'exit code 0', said: oneLine(how === 'exit code 0' ? said.text : `${how}: ${said.text}`) }
  } catch (thrown) {
    deadline.cancelled?.throwIfAborted()
    return { ok: false, said: oneLine(`${messageOf(thrown)} ${said.text}`) }
  } finally {
    if (child !== undefined) killGroup(child)
  }
}

function start([program = '', ...args]: readonly string[], payload: string, said: Said): ChildProcessWithoutNullStreams {
  const environment = Object.fromEntries(passedOn.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))
  const child = spawn(program, args, { cwd: projectDir, env: environment, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Uint8Array) => said.add(chunk))
  child.stdin.on('error', () => undefined) // it needn't read what it is told
  child.stdin.end(payload)
  return child
}

/** How the program ended, once its output has arrived. */
async function end(child: ChildProcess, { clock }: Deadline): Promise<string> {
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const how = await new Promise<string>((resolve, reject) => {
    child.once('error', (error) => reject(error))
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `ended by ${signal}`))
  })
  killGroup(child) // what it has left running holds the pipes
  await Promise.race([closed, clock.sleep(lastWordsMs)])
  return how
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (thrown) {
    // EPERM: on macOS a group of which only zombies are left
    const isGone = thrown instanceof Error && 'code' in thrown && (thrown.code === 'ESRCH' || thrown.code === 'EPERM')
    if (!isGone) throw thrown
  }
}
