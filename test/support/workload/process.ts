import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, openSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Colour } from '../../../engine/model/colour.ts'
import { KbgError } from '../../../engine/model/error.ts'
import { type Clock, Deadline } from '../../../engine/ports/clock.ts'
import { type WorkloadCommand, type WorkloadConfig, WorkloadReport, type WorkloadStatus } from './config.ts'
import type { MovedClients } from './factory.ts'

export interface WorkloadProcessOptions {
  /** The Node 24 to run it with. */
  readonly node: string
  readonly clock: Clock
  /** Where its configuration and its log go. */
  readonly dir: string
  readonly onStatus?: (status: WorkloadStatus) => void
  readonly onProblem?: (message: string) => void
}

/** Generous: what stops and starts clients is measured at their histories, not here. */
const moveMs = 90_000

type Waiter = { readonly type: WorkloadReport['type']; readonly resolve: (report: WorkloadReport) => void; readonly reject: (error: unknown) => void }

/**
 * A workload in a process of its own, so that nothing that the orchestrator does delays a send, and the other way round.
 *
 * It is in a process group of its own (a ^C for the caller is not one for the load) and ends by itself when the caller's end of its stdin closes.
 */
export class WorkloadProcess {
  readonly #child: ChildProcess
  readonly #clock: Clock
  readonly #exited: Promise<number | null>
  readonly #problems: string[] = []
  readonly #log: string
  #waiters: Waiter[] = []
  #lastStatus: WorkloadStatus | undefined

  private constructor(child: ChildProcess, options: WorkloadProcessOptions) {
    this.#child = child
    this.#clock = options.clock
    this.#log = join(options.dir, 'workload.log')
    // `close`, not `exit`: what it said last has then been read.
    this.#exited = new Promise((resolve) => child.once('close', resolve))
    if (!child.stdout) throw new KbgError('workload-process', 'The workload has no output.')
    createInterface({ input: child.stdout }).on('line', (line) => this.#heard(WorkloadReport.parse(JSON.parse(line)), options))
    child.stdin?.on('error', (error) => this.#problems.push(error.message)) // it exited; whoever waits for it is told by its exit
    void this.#exited.then(() => this.#failWaiters())
  }

  /**
   * Starts the process and waits until every client is connected.
   *
   * @throws KbgError `workload-process` when it exits instead, with what it said; `deadline` when it isn't ready in time: it has then been killed
   */
  static async start(config: WorkloadConfig, options: WorkloadProcessOptions): Promise<WorkloadProcess> {
    mkdirSync(options.dir, { recursive: true })
    const file = join(options.dir, 'workload.json')
    writeFileSync(file, `${JSON.stringify(config, null, 2)}\n`)
    const main = join(dirname(fileURLToPath(import.meta.url)), 'workload.ts')
    const log = openSync(join(options.dir, 'workload.log'), 'a')
    const env = { ...process.env, KAFKAJS_NO_PARTITIONER_WARNING: '1', NODE_NO_WARNINGS: '1' }
    const child = spawn(options.node, [main, file], { stdio: ['pipe', 'pipe', log], detached: true, env })
    const workload = new WorkloadProcess(child, options)
    try {
      await workload.#wait('ready', 60_000)
      return workload
    } catch (thrown) {
      workload.kill() // nobody else knows of it
      throw thrown
    }
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get lastStatus(): WorkloadStatus | undefined {
    return this.#lastStatus
  }

  /** Errors that clients were given so far. */
  get problems(): readonly string[] {
    return this.#problems
  }

  /** Starts the schedule. */
  startLoad(): void {
    this.#send({ command: 'start' })
  }

  /** @returns how many records were acknowledged */
  async stopProducers(): Promise<number> {
    this.#send({ command: 'stopProducers' })
    const report = await this.#wait('producersStopped', 90_000)
    return report.type === 'producersStopped' ? report.ackedRecords : 0
  }

  /** Movable clients only: stops producers or groups in good order. Their sends stay due. */
  async leave(which: MovedClients): Promise<void> {
    this.#send({ command: 'leave', which })
    await this.#wait('left', moveMs)
  }

  /** Movable clients only: starts producers or groups again on that colour, and waits until they are connected. */
  async join(which: MovedClients, colour: Colour): Promise<void> {
    this.#send({ command: 'join', which, colour })
    await this.#wait('joined', moveMs)
  }

  resumeGroups(): void {
    this.#send({ command: 'resumeGroups' })
  }

  /** @returns by group, how many acknowledged records it has not read when the deadline is over: all 0 if it read everything */
  async drain(deadlineSeconds: number): Promise<Readonly<Record<string, number>>> {
    this.#send({ command: 'drain', deadlineSeconds })
    const report = await this.#wait('drained', deadlineSeconds * 1_000 + 10_000)
    return report.type === 'drained' ? report.lagRecords : {}
  }

  /** Lets it leave its groups and close its histories, and waits for its end. */
  async end(): Promise<void> {
    this.#send({ command: 'end' })
    await this.#wait('ended', 150_000)
    await new Deadline(this.#clock, 10_000, 'the end of the workload process').race(this.#exited)
  }

  /** Ends it at once, for a run that has failed: its histories then have no end. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #send(command: WorkloadCommand): void {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`)
  }

  #wait(type: WorkloadReport['type'], timeoutMs: number): Promise<WorkloadReport> {
    const heard = new Promise<WorkloadReport>((resolve, reject) => this.#waiters.push({ type, resolve, reject }))
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) this.#failWaiters()
    return new Deadline(this.#clock, timeoutMs, `the workload to say ${type}`).race(heard)
  }

  #heard(report: WorkloadReport, options: WorkloadProcessOptions): void {
    if (report.type === 'status') {
      this.#lastStatus = report
      options.onStatus?.(report)
    } else if (report.type === 'problem') {
      this.#problems.push(report.message)
      options.onProblem?.(report.message)
    }
    const answered = this.#waiters.filter((waiter) => waiter.type === report.type)
    this.#waiters = this.#waiters.filter((waiter) => waiter.type !== report.type)
    for (const waiter of answered) waiter.resolve(report)
  }

  #failWaiters(): void {
    const error = new KbgError('workload-process', 'The workload process ended before it answered.', {
      facts: {
        exitCode: this.#child.exitCode ?? 'none',
        waitedFor: this.#waiters.map((waiter) => waiter.type),
        said: this.#problems.slice(-5),
        log: this.#log,
      },
    })
    for (const waiter of this.#waiters) waiter.reject(error)
    this.#waiters = []
  }
}
