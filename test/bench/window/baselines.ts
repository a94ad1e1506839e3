/** What users do today, each beside ours in the same run: on the same pair, under the same load, by plain kafkajs clients, judged by the same checker. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { readTraces } from '../../../cli/rollout/measure/traces.ts'
import { createAcls, createTopics } from '../../../engine/adapters/kafka/admin.ts'
import { type Colour, colours, otherColour } from '../../../engine/model/colour.ts'
import { messageOf } from '../../../engine/model/error.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'
import type { AclBinding } from '../../../engine/ports/cluster.ts'
import { openColour } from '../../../engine/run/steps/fences.ts'
import { toolPaths } from '../../../tools/paths.ts'
import { type ClientStatistics, check, clientStatistics, readHistories, verdictLines } from '../../support/history/index.ts'
import type { Pair } from '../../support/pair.ts'
import { loginsOf } from '../../support/workload/clients.ts'
import { readWholeCluster } from '../../support/workload/full-read.ts'
import { WorkloadProcess } from '../../support/workload/process.ts'
import { demoLoad, type LoadProfile } from '../../support/workload/profile.ts'
import { cleaningUp, interleaved } from '../harness/index.ts'
import { MirrorMaker } from './mirrormaker.ts'
import { longestPauseMs } from './pauses.ts'
import { rollingRestart } from './rolling-restart.ts'
import { untilWhole } from './whole-cluster.ts'

/** `careful`: MirrorMaker alone, with both waits; `hasty`: the same without them; `restart`: a rolling restart of the three brokers. */
export type BaselineArm = 'careful' | 'hasty' | 'restart'

/** What the clients saw of one repetition. */
export interface BaselineRun {
  readonly pauseMs: number
  readonly statistics: ClientStatistics
  /** What the checker says, for people. */
  readonly lines: readonly string[]
}

export interface BaselineOptions {
  readonly arms: readonly BaselineArm[]
  readonly rounds: number
  readonly recordsPerSecond: number
  readonly settleSeconds: number
  /** Where histories lie while they are needed. */
  readonly dir: string
}

export interface Baselines {
  readonly runs: Readonly<Record<BaselineArm, readonly BaselineRun[]>>
  /** Repetitions that ended without a verdict, or that were left out; why stands in the notes. */
  readonly failed: number
  readonly notes: readonly string[]
}

/** How long both clusters may take to be whole again before a repetition. */
const wholeMs = 60_000
const within = (seconds: number, what: string) => new Deadline(systemClock, seconds * 1_000, what)
/** Every baseline's topics and groups begin so: one ACL for each right of the load's users, made once. */
const prefix = 'bench.'

/**
 * Measures the baselines, interleaved. All move from `source` to the other colour with topics and groups of their own for each repetition, so no direction is ever
 * reversed. The target's fence is lifted for good before: a cluster without our fence has none. To be called when no route's client runs any more. A repetition that
 * fails is counted as failed and no more: the others, and the switchovers before them, have taken too long to be thrown away. When a cluster isn't whole again
 * (a broker that didn't come back), no further repetition is begun: it would measure that, and not what it is called.
 */
export async function measureBaselines(pair: Pair, source: Colour, options: BaselineOptions): Promise<Baselines> {
  const runs: Record<BaselineArm, BaselineRun[]> = { careful: [], hasty: [], restart: [] }
  const notes: string[] = []
  if (options.rounds === 0 || options.arms.length === 0) return { runs, failed: 0, notes }
  await openColour(pair.ports.clusters[otherColour(source)], within(30, 'the target to be open as a cluster without a fence is'))
  for (const colour of colours) await createAcls(pair.wiring.clusters[colour], rights, within(30, `rights on ${colour}`))
  let broken = false
  await interleaved(options.arms, options.rounds, async (arm, round) => {
    broken ||= !(await areWhole(pair, `the baselines end before ${arm}, round ${round}`, notes))
    if (broken) return Number.NaN
    const run = await repeated(new Repetition(pair, source, options, arm, round), `${arm}, round ${round}`, notes)
    if (run) runs[arm].push(run)
    return run?.pauseMs ?? Number.NaN
  })
  const completed = Object.values(runs).reduce((total, ofArm) => total + ofArm.length, 0)
  return { runs, failed: options.arms.length * options.rounds - completed, notes }
}

async function areWhole(pair: Pair, before: string, notes: string[]): Promise<boolean> {
  try {
    for (const colour of colours) await untilWhole(pair, colour, wholeMs)
    return true
  } catch (thrown) {
    notes.push(`${before}: ${messageOf(thrown)}`)
    return false
  }
}

/** One repetition; what there is to say of it is added to the notes. */
async function repeated(repetition: Repetition, name: string, notes: string[]): Promise<BaselineRun | undefined> {
  try {
    return await repetition.run()
  } catch (thrown) {
    notes.push(`${name}: ${messageOf(thrown)}`)
    return undefined
  } finally {
    notes.push(...repetition.notes)
  }
}

const rights: readonly AclBinding[] = [
  right('orders-app', 'topic', 'Write'),
  right('orders-app', 'topic', 'Describe'),
  ...['billing-app', 'reporting-app'].flatMap((user) => [right(user, 'topic', 'Read'), right(user, 'group', 'Read')]),
]

function right(user: string, resourceType: 'topic' | 'group', operation: AclBinding['operation']): AclBinding {
  return { principal: `User:${user}`, host: '*', resourceType, resourceName: prefix, patternType: 'prefixed', operation, permission: 'allow' }
}

/** The demo's load on topics and groups of one repetition. */
function loadOf(name: string, recordsPerSecond: number): LoadProfile {
  const load = demoLoad(recordsPerSecond, 0)
  const named = (plain: string) => `${name}.${plain}`
  return {
    ...load,
    topics: load.topics.map((topic) => ({ ...topic, name: named(topic.name) })),
    producers: load.producers.map((producer) => ({ ...producer, topics: producer.topics.map(named) })),
    groups: load.groups.map((group) => ({ ...group, groupId: named(group.groupId), topics: group.topics.map(named) })),
  }
}

/** One repetition of one arm. */
class Repetition {
  readonly notes: string[] = []
  readonly #pair: Pair
  readonly #source: Colour
  readonly #options: BaselineOptions
  readonly #arm: BaselineArm
  readonly #name: string
  readonly #load: LoadProfile
  readonly #dir: string

  constructor(pair: Pair, source: Colour, options: BaselineOptions, arm: BaselineArm, round: number) {
    this.#pair = pair
    this.#source = source
    this.#options = options
    this.#arm = arm
    this.#name = `${prefix}${arm}${round}`
    this.#load = loadOf(this.#name, options.recordsPerSecond)
    this.#dir = join(options.dir, this.#name)
  }

  async run(): Promise<BaselineRun> {
    const mirrorMaker = this.#arm === 'restart' ? undefined : this.#mirrorMaker()
    return await cleaningUp(
      async () => {
        mkdirSync(this.#dir, { recursive: true })
        await this.#createTopics()
        await mirrorMaker?.startSource()
        return await this.#underLoad(mirrorMaker)
      },
      () => mirrorMaker?.end(),
      () => this.#deleteTopics(),
      () => rmSync(this.#dir, { recursive: true, force: true }),
    )
  }

  async #underLoad(mirrorMaker: MirrorMaker | undefined): Promise<BaselineRun> {
    const load = await this.#startLoad()
    try {
      load.startLoad()
      await mirrorMaker?.startCheckpoints()
      await systemClock.sleep(this.#options.settleSeconds * 1_000)
      const fromMs = systemClock.monotonicMs()
      if (mirrorMaker) await this.#moveByHand(load, mirrorMaker)
      else await rollingRestart(this.#pair, this.#source)
      await systemClock.sleep(this.#options.settleSeconds * 1_000)
      const toMs = systemClock.monotonicMs()
      await load.stopProducers()
      load.resumeGroups()
      await load.drain(20) // a group that something was lost for never gets there; the checker says what
      await load.end()
      await mirrorMaker?.untilAllCopied()
      return await this.#judge({ fromMs, toMs })
    } finally {
      load.kill()
    }
  }

  /** What an operator does with MirrorMaker alone; at a machine's speed, and without any process to start. */
  async #moveByHand(load: WorkloadProcess, mirrorMaker: MirrorMaker): Promise<void> {
    const target = otherColour(this.#source)
    await load.leave('producers')
    if (this.#arm === 'careful') {
      await mirrorMaker.untilCaughtUp()
      const synchronised = await mirrorMaker.untilGroupsSynchronised()
      if (!synchronised) this.notes.push(`${this.#name}: group offsets on the target were not at the end after ten intervals`)
    }
    await load.leave('groups')
    await load.join('producers', target)
    await load.join('groups', target)
  }

  async #judge(span: { readonly fromMs: number; readonly toMs: number }): Promise<BaselineRun> {
    const { clusters } = this.#pair.wiring
    const holder = this.#arm === 'restart' ? this.#source : otherColour(this.#source)
    const { consumeBootstrapServers: bootstrapServers, credentialsFile } = clusters[holder]
    const historyDir = join(this.#dir, 'history')
    const sasl = loginsOf(credentialsFile)('operator')
    await readWholeCluster({ colour: holder, bootstrapServers, sasl, topics: this.#topics, historyDir, timeoutMs: 120_000 }, systemClock)
    const histories = readHistories(historyDir)
    const verdict = check(histories, { wholeColours: [holder] })
    return {
      pauseMs: longestPauseMs(readTraces(histories).producers, span, span.toMs),
      statistics: clientStatistics(verdict),
      lines: verdictLines(verdict),
    }
  }

  get #topics(): readonly string[] {
    return this.#load.topics.map(({ name }) => name)
  }

  #mirrorMaker(): MirrorMaker {
    return new MirrorMaker(this.#pair, { name: this.#name, source: this.#source, topics: this.#topics, groups: this.#load.groups })
  }

  #startLoad(): Promise<WorkloadProcess> {
    const { blue, green } = this.#pair.wiring.clusters
    const servers = ({ produceBootstrapServers, consumeBootstrapServers }: typeof blue) => ({ produceBootstrapServers, consumeBootstrapServers })
    const client = { kind: 'movable' as const, start: this.#source, clusters: { blue: servers(blue), green: servers(green) } }
    const config = { version: 1 as const, historyDir: join(this.#dir, 'history'), client, credentialsFile: blue.credentialsFile, ...this.#load }
    return WorkloadProcess.start(config, { node: toolPaths().node, clock: systemClock, dir: this.#dir })
  }

  async #createTopics(): Promise<void> {
    const topics = this.#load.topics.map(({ name, partitions }) => ({ topic: name, partitions, replicationFactor: 3, config: {} }))
    for (const colour of colours) await createTopics(this.#pair.wiring.clusters[colour], topics, within(60, `topics on ${colour}`))
  }

  /** Each repetition's partitions would make every later restart slower. */
  async #deleteTopics(): Promise<void> {
    for (const colour of colours) {
      const { internalBootstrapServers, credentialsFile } = this.#pair.wiring.clusters[colour]
      const sasl = loginsOf(credentialsFile)('operator')
      const kafka = new Kafka({ clientId: 'bench', brokers: internalBootstrapServers, ...(sasl ? { sasl } : {}), logLevel: logLevel.NOTHING })
      const admin = kafka.admin()
      const deadline = within(30, `topics of ${this.#name} to be deleted`)
      await cleaningUp(
        async () => {
          await deadline.race(admin.connect())
          await deadline.race(admin.deleteTopics({ topics: [...this.#topics] }))
        },
        () => admin.disconnect(),
      )
    }
  }
}
