import { KbgError, messageOf } from '../../../engine/model/error.ts'
import { type Clock, Deadline } from '../../../engine/ports/clock.ts'
import { HistoryWriter, nowNs, writeManifest } from '../history/index.ts'
import type { WorkloadCommand, WorkloadConfig, WorkloadReport } from './config.ts'
import { ConsumingMember } from './consuming.ts'
import type { ClientFactory, ClientMoves, WorkloadProducer } from './factory.ts'
import { ProducingLoop } from './producing.ts'
import { RunTally } from './tally.ts'

/** The first send is due so long after the start: everything is connected then, and the schedule is fixed. */
const startDelayMs = 100
/** After everything was read the groups go on for so long: what comes twice comes then. */
const quietMs = 1_000
const stopTimeoutMs = 60_000
const connectTimeoutMs = 60_000

/** A workload within its process: producers, groups and their histories. */
export class WorkloadRun {
  readonly #clock: Clock
  readonly #report: (report: WorkloadReport) => void
  readonly #tally: RunTally
  readonly #moves: ClientMoves | undefined
  readonly #histories: HistoryWriter[] = []
  readonly #producers: { readonly client: WorkloadProducer; readonly loop: ProducingLoop }[]
  readonly #members: readonly ConsumingMember[]
  #statusTimer: NodeJS.Timeout | undefined

  /** @throws KbgError `history-exists` when the directory has histories already */
  constructor(config: WorkloadConfig, clients: ClientFactory, clock: Clock, report: (report: WorkloadReport) => void) {
    this.#clock = clock
    this.#report = report
    this.#moves = clients.moves
    this.#tally = new RunTally(config.groups)
    writeManifest(config.historyDir, 'workload', [...config.producers.map((load) => load.id), ...config.groups.flatMap(memberNames)])
    const problem = (message: string) => report({ type: 'problem', message })
    this.#producers = config.producers.map((load) => {
      const { id, user } = load
      const client = clients.producer({ id, user, transactionalId: load.transactions?.transactionalId ?? null })
      const history = this.#open(config, id, { kind: 'producer', producer: id })
      const { topics, recordBytes, tickMs } = config
      return { client, loop: new ProducingLoop({ load, topics, recordBytes, tickMs, client, history, tally: this.#tally, report: problem }) }
    })
    this.#members = config.groups.flatMap((group) =>
      memberNames(group).map((instanceId) => {
        const client = clients.consumer({ groupId: group.groupId, instanceId, user: group.user })
        const history = this.#open(config, instanceId, { kind: 'consumer', group: group.groupId, topics: group.topics })
        return new ConsumingMember({ group, client, history, tally: this.#tally, report: problem })
      }),
    )
    this.#tally.countDue(() => this.#producers.reduce((sum, { loop }) => sum + loop.due(), 0))
  }

  /** Connects everybody: groups read from now on. */
  async connect(): Promise<void> {
    const deadline = new Deadline(this.#clock, connectTimeoutMs, 'the clients of the workload to connect')
    await deadline.race(Promise.all([...this.#producers.map(({ client }) => client.connect()), ...this.#members.map((member) => member.start())]))
    this.#report({ type: 'ready' })
  }

  async handle(command: WorkloadCommand): Promise<void> {
    switch (command.command) {
      case 'start':
        this.#start()
        return
      case 'stopProducers':
        await this.#stopProducers()
        this.#report({ type: 'producersStopped', ackedRecords: this.#tally.ackedRecords })
        return
      case 'resumeGroups':
        for (const member of this.#members) member.resume()
        return
      case 'leave':
        await this.#movable().leave(command.which)
        this.#report({ type: 'left' })
        return
      case 'join':
        await this.#movable().join(command.which, command.colour)
        this.#report({ type: 'joined' })
        return
      case 'drain':
        await this.#drain(command.deadlineSeconds)
        return
      case 'end':
        await this.end()
        return
    }
  }

  /** Stops everything and closes the histories. A history whose client could not be stopped in time stays open, and is refused by the checker. */
  async end(): Promise<void> {
    await this.#stopProducers()
    clearInterval(this.#statusTimer)
    await Promise.all(this.#members.map((member) => member.stop(this.#clock, stopTimeoutMs)))
    await Promise.all(this.#producers.map(({ client }) => client.disconnect()))
    for (const history of this.#histories) history.close()
    this.#report({ type: 'ended' })
  }

  #movable(): ClientMoves {
    if (this.#moves) return this.#moves
    throw new KbgError('not-movable', 'These clients are not moved from outside.', { remedy: "Start the workload with clients of kind 'movable'." })
  }

  #start(): void {
    const startNs = nowNs() + startDelayMs * 1e6
    for (const { loop } of this.#producers) loop.start(startNs)
    this.#statusTimer = setInterval(() => this.#report(this.#tally.status()), 1_000)
  }

  async #stopProducers(): Promise<void> {
    const deadline = new Deadline(this.#clock, stopTimeoutMs, 'the sends under way')
    await deadline.race(Promise.all(this.#producers.map(({ loop }) => loop.stop())))
  }

  async #drain(deadlineSeconds: number): Promise<void> {
    const deadline = new Deadline(this.#clock, deadlineSeconds * 1_000, 'the groups to read everything')
    const everythingRead = async () => (Object.values(this.#tally.lagRecords()).every((lag) => lag === 0) ? true : undefined)
    const complete = await deadline.poll(20, everythingRead).catch((error: unknown) => {
      this.#report({ type: 'problem', message: messageOf(error) })
      return false
    })
    await this.#clock.sleep(quietMs)
    this.#report({ type: 'drained', complete, lagRecords: this.#tally.lagRecords() })
  }

  #open(config: WorkloadConfig, instance: string, role: ConstructorParameters<typeof HistoryWriter>[2]): HistoryWriter {
    const history = new HistoryWriter(config.historyDir, instance, role)
    this.#histories.push(history)
    return history
  }
}

function memberNames(group: WorkloadConfig['groups'][number]): string[] {
  return Array.from({ length: group.members }, (_, index) => `${group.groupId}-${index}`)
}
