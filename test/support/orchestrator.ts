/** An orchestrator in a process of its own, so that a test can kill it, stop it, or let it do that to itself at one line of its progress. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { Limits } from '../../engine/model/limits.ts'
import { Intent, Wiring } from '../../engine/model/wiring.ts'
import { projectDir, toolPaths } from '../../tools/paths.ts'
import { Moment } from './moments.ts'

/** What an orchestrator is started with. */
export const OrchestratorConfig = z.strictObject({
  wiring: Wiring,
  intent: Intent,
  limits: Limits,
  /** Which signal it sends itself at the first line of progress that holds this text; null: none. */
  signalAt: z.strictObject({ text: z.string().min(1), signal: z.enum(['SIGKILL', 'SIGSTOP']) }).nullable(),
  /** At which moment it stands still until it is told to go on, so that what is done to it or to others happens exactly there; null: at none. */
  pauseAt: Moment.nullable().default(null),
})
export type OrchestratorConfig = z.infer<typeof OrchestratorConfig>

/** What it says, a line of JSON each. */
export const OrchestratorLine = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('progress'), step: z.string(), text: z.string() }),
  z.strictObject({ kind: z.literal('moment'), ...Moment.shape, isPaused: z.boolean() }),
  z.strictObject({ kind: z.literal('moved'), live: z.string() }),
  z.strictObject({ kind: z.literal('failed'), code: z.string(), message: z.string() }),
])
export type OrchestratorLine = z.infer<typeof OrchestratorLine>

/** One that was started. */
export class Orchestrator {
  readonly lines: OrchestratorLine[] = []
  readonly ended: Promise<NodeJS.Signals | number | null>
  readonly #child: ChildProcess
  readonly #directory: string
  #waiters: (() => void)[] = []
  #isClosed = false

  constructor(config: z.input<typeof OrchestratorConfig>) {
    this.#directory = mkdtempSync(join(tmpdir(), 'kbg-orchestrator-'))
    const file = join(this.#directory, 'orchestrator.json')
    writeFileSync(file, JSON.stringify(OrchestratorConfig.parse(config)))
    const args = ['--disable-warning=ExperimentalWarning', join(projectDir, 'test', 'support', 'orchestrator-main.ts'), file]
    this.#child = spawn(toolPaths().node, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    if (this.#child.stdout === null) throw new Error('the orchestrator has no output')
    this.#child.stdin?.on('error', () => undefined) // it has ended: whoever waits for it is told by that
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.lines.push(OrchestratorLine.parse(JSON.parse(line)))
      this.#wake()
    })
    this.ended = new Promise((resolve) => {
      // 'close', not 'exit': what it said last has then been read
      this.#child.once('close', (code, signal) => {
        rmSync(this.#directory, { recursive: true, force: true })
        this.#isClosed = true
        resolve(signal ?? code)
        this.#wake()
      })
    })
  }

  /** Waits for a line. The test's own deadline bounds it. @throws Error when it ends without having said that */
  async said(is: (line: OrchestratorLine) => boolean): Promise<OrchestratorLine> {
    for (;;) {
      const line = this.lines.find(is)
      if (line !== undefined) return line
      if (this.hasEnded) throw new Error(`the orchestrator ended without saying that: ${JSON.stringify(this.lines)}`)
      await new Promise<void>((resolve) => this.#waiters.push(resolve))
    }
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Whether it stands still at its moment (true), or has ended without coming there (false). */
  async paused(): Promise<boolean> {
    for (;;) {
      if (this.lines.some((line) => line.kind === 'moment' && line.isPaused)) return true
      if (this.#isClosed) return false
      await new Promise<void>((resolve) => this.#waiters.push(resolve))
    }
  }

  /** Lets it go on from its moment. */
  goOn(): void {
    this.#child.stdin?.write('\n')
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  #wake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve()
  }
}
