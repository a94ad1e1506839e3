/** A copy of this checkout in which a test types shell commands as a person does, while the real tree stays as it is. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { projectDir, toolsDir } from '../../tools/paths.ts'

/** How a command ended. */
export interface Ended {
  /** null: a signal ended it. */
  readonly exitCode: number | null
  /** Standard output and error, in the order in which they came. */
  readonly output: string
  /** Standard output alone. */
  readonly stdout: string
  readonly seconds: number
}

/** A command that runs: it and all that it starts are one process group, as in a terminal. */
export interface RunningCommand {
  readonly ended: Promise<Ended>
  /** What it has said so far. */
  output(): string
  /** Signals the whole group: SIGINT is what ^C does. */
  signal(name: 'SIGINT' | 'SIGKILL'): void
}

/** A checkout of its own, with the real one's packages and tools linked. */
export class Checkout {
  readonly root: string
  /** Every command that was started, in order, and what it said. */
  readonly commands: { readonly command: string; seconds: number | undefined; output: string }[] = []
  readonly #running = new Set<ChildProcess>()

  constructor(name: string) {
    this.root = mkdtempSync(join(tmpdir(), `kbg-${name}-`))
    copyFiles(this.root)
    linkPackages(this.root)
    mkdirSync(join(this.root, '.kbg'))
    symlinkSync(toolsDir, join(this.root, '.kbg', '.tools'))
  }

  /** Starts a line as a shell would. Pulumi asks nothing: its question is answered with yes by its own variable. */
  start(command: string, deadlineSeconds: number): RunningCommand {
    const entry: Checkout['commands'][number] = { command, seconds: undefined, output: '' }
    this.commands.push(entry)
    const startedMs = systemClock.monotonicMs()
    const child = spawn('sh', ['-c', command], { cwd: this.root, env: plainEnvironment(this.root), stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    this.#running.add(child)
    let output = ''
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    const timer = setTimeout(() => {
      output += `\n(killed: it ran for more than ${deadlineSeconds} s)`
      killTree(child)
    }, deadlineSeconds * 1_000)
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once('error', reject)
      // 'close' comes when the last process of the group has let go of the output, not just the shell
      child.once('close', (exitCode) => {
        clearTimeout(timer)
        this.#running.delete(child)
        entry.seconds = (systemClock.monotonicMs() - startedMs) / 1_000
        entry.output = output
        resolve({ exitCode, output, stdout, seconds: entry.seconds })
      })
    })
    return { ended, output: () => output, signal: (name) => signalGroup(child, name) }
  }

  /** Runs a line that must end well. @throws Error with all that it said */
  async run(command: string, deadlineSeconds = 120): Promise<Ended> {
    const ended = await this.start(command, deadlineSeconds).ended
    if (ended.exitCode !== 0) throw new Error(`${command}: exit code ${ended.exitCode}\n${ended.output}`)
    return ended
  }

  /** Runs a line that must be refused. @throws Error with all that it said when it wasn't */
  async refused(command: string, deadlineSeconds = 120): Promise<Ended> {
    const ended = await this.start(command, deadlineSeconds).ended
    if (ended.exitCode === 0 || ended.exitCode === null) throw new Error(`${command}: exit code ${ended.exitCode}, but it should be refused\n${ended.output}`)
    return ended
  }

  /** Whether Pulumi holds the lock of a stack of this checkout's own backend. */
  hasPulumiLock(stack: string): boolean {
    const locks = join(this.root, '.kbg', '.pulumi', '.pulumi', 'locks')
    return existsSync(locks) && readdirSync(locks, { recursive: true, encoding: 'utf8' }).some((name) => name.includes(`${stack}/`) && name.endsWith('.json'))
  }

  /** Ends what still runs and removes the copy. */
  async remove(): Promise<void> {
    for (const child of this.#running) killTree(child)
    await new Deadline(systemClock, 10_000, 'the commands of the copy to end').poll(50, async () => (this.#running.size === 0 ? true : undefined))
    rmSync(this.root, { recursive: true, force: true })
  }
}

function signalGroup(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid !== undefined) signal(-child.pid, name)
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // gone already is what was wanted
  }
}

/** Ends a command and all below it: Pulumi gives the processes that it starts groups of their own. */
function killTree(child: ChildProcess): void {
  const pairs = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')
  const parents = new Map(pairs.map((pair) => pair.trim().split(/\s+/).map(Number) as [number, number]))
  const isBelow = (pid: number | undefined): boolean => pid !== undefined && pid > 1 && (pid === child.pid || isBelow(parents.get(pid)))
  for (const pid of [...parents.keys()].filter(isBelow)) signal(pid, 'SIGKILL')
}

/** Every file that git knows or would add, as it is now; the stack files as they were committed, whatever somebody's own tour made of them. */
function copyFiles(root: string): void {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: projectDir, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  const files = git('ls-files', '-z', '--cached', '--others', '--exclude-standard').split('\0')
  for (const file of new Set(files.filter((name) => name !== '' && existsSync(join(projectDir, name))))) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    cpSync(join(projectDir, file), join(root, file), { preserveTimestamps: true })
  }
  const stackFiles = ['blue', 'green', 'traffic'].map((role) => `Pulumi.${role}.yaml`)
  execFileSync('sh', ['-c', `git archive HEAD ${stackFiles.join(' ')} | tar -x -C "$1"`, 'sh', root], { cwd: projectDir })
}

/** Each package is linked, but `.bin` is copied: its links are relative, so that `npx pulumi` and `npx kbg` are the copy's own. */
function linkPackages(root: string): void {
  const [from, to] = [join(projectDir, 'node_modules'), join(root, 'node_modules')]
  mkdirSync(to)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const copied = entry.name === '.bin' || entry.isFile()
    if (copied) cpSync(join(from, entry.name), join(to, entry.name), { recursive: true, verbatimSymlinks: true, preserveTimestamps: true })
    else if (!entry.name.startsWith('.')) symlinkSync(join(from, entry.name), join(to, entry.name))
  }
}

/** A shell's environment without this project's own: no executables of the real tree, no Pulumi login, backend or passphrase, nothing of npm's or vitest's. */
function plainEnvironment(root: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|VITEST|PULUMI_|KBG_|INIT_CWD$|TEST$|MODE$|DEV$|PROD$|SSR$|BASE_URL$)/.test(name))
  const path = (process.env.PATH ?? '').split(delimiter).filter((dir) => !dir.startsWith(projectDir))
  return {
    ...Object.fromEntries(kept),
    PATH: path.join(delimiter),
    ...(process.env.NODE_EXTRA_CA_CERTS === undefined ? {} : { NODE_EXTRA_CA_CERTS: process.env.NODE_EXTRA_CA_CERTS }),
    PULUMI_HOME: join(root, '.kbg', '.pulumi-home'),
    npm_config_cache: join(root, '.kbg', '.npm'), // npx keeps a link to each project whose own command it ran
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    PULUMI_SKIP_CONFIRMATIONS: 'true',
  }
}
