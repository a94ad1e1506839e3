/** `npm run bench -- adopt`: how long `kbg adopt` takes for a large cluster, and how much memory, beside the least that has to be asked. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { createTopics } from '../../engine/adapters/kafka/admin.ts'
import { connectCluster } from '../../engine/adapters/kafka/cluster.ts'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { topicPartition } from '../../engine/model/partition.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { projectDir, toolPaths } from '../../tools/paths.ts'
import { mustRun } from '../../tools/process.ts'
import { type PlainCluster, startPlainCluster } from '../support/workload/plain-cluster.ts'
import { accessOfPlain } from '../support/workload/plain-cluster-contents.ts'
import type { TimedRequest } from './adopt/timed-adopt.ts'
import {
  afterWarmUp,
  armSamples,
  type ConductedBench,
  cleaningUp,
  conductBench,
  durationNoise,
  type Findings,
  interleaved,
  interleavedOrder,
  maximumOf,
  medianOf,
  methodOf,
  rowOf,
  single,
  type WarmUpRule,
} from './harness/index.ts'

export interface AdoptBenchOptions {
  readonly topics: number
  readonly partitionsPerTopic: number
  readonly groups: number
  readonly rounds: number
  /** One that stands; null: its own. */
  readonly cluster: PlainCluster | null
  readonly outDir?: string
}

/** Starts the names of its topics. */
export const benchTopicPrefix = 'bench-'

const fullRun: AdoptBenchOptions = { topics: 1_000, partitionsPerTopic: 10, groups: 100, rounds: 4, cluster: null }
const warmUp: WarmUpRule = { kind: 'rounds', rounds: 1 }
const version = '3.9.2'
/** "In seconds", and a laptop's share of memory. */
const goals = { seconds: 10, megabytes: 300 }
const topicsAtOnce = 50
const arms = ['adopt', 'topics'] as const
type Arm = (typeof arms)[number]

const whatOf: Readonly<Record<Arm, string>> = {
  adopt: "kbg adopt, from Node's start to its end: it also reads groups, lags, rights and settings, and writes the catalog",
  topics: "Metadata and DescribeConfigs of all topics alone, by the same client, from Node's start to its end",
}

export async function benchAdopt(options: AdoptBenchOptions = fullRun): Promise<ConductedBench> {
  const { topics, partitionsPerTopic, groups, rounds, outDir } = options
  const plan = {
    bench: 'adopt',
    question: 'How long does kbg adopt take for a large cluster, and how much memory?',
    settings: { topics, partitions: topics * partitionsPerTopic, replicas: 1, groups, brokers: 3, kafkaVersion: version, rounds },
    method: methodOf(interleavedOrder, warmUp),
    noiseRule: durationNoise,
  }
  return await conductBench({ ...plan, ...(outDir === undefined ? {} : { outDir }) }, () => measure(options))
}

async function measure(options: AdoptBenchOptions): Promise<Findings> {
  const dir = mkdtempSync(join(tmpdir(), 'kbg-bench-adopt-'))
  const hosts = ['127.0.92.1', '127.0.92.2', '127.0.92.3'] as const
  const cluster = options.cluster ?? (await startPlainCluster({ version, dir: join(dir, 'theirs'), hosts, applications: {}, clock: systemClock }))
  return await cleaningUp(
    async () => {
      await fill(accessOfPlain(cluster), options)
      const megabytes: number[] = []
      const seconds = await interleaved(arms, options.rounds, (arm) => timed(arm, cluster, dir, megabytes))
      return findings(options, seconds, megabytes)
    },
    () => options.cluster ?? cluster.stop(),
    () => rmSync(dir, { recursive: true, force: true }),
  )
}

/** Topics of one replica (three would only be three times the files), each with two configs of its own, and groups that have committed on ten of them each. */
async function fill(access: ClusterAccess, { topics, partitionsPerTopic, groups }: AdoptBenchOptions): Promise<void> {
  const deadline = new Deadline(systemClock, 600_000, 'the cluster to be filled')
  const names = Array.from({ length: topics }, (_, index) => `${benchTopicPrefix}${String(index).padStart(4, '0')}`)
  const config = { 'retention.ms': '604800000', 'max.message.bytes': '2097152' }
  for (let start = 0; start < topics; start += topicsAtOnce) {
    const some = names.slice(start, start + topicsAtOnce)
    await createTopics(access, some.map((topic) => ({ topic, partitions: partitionsPerTopic, replicationFactor: 1, config })), deadline) // biome-ignore format: one line
  }
  const cluster = connectCluster(access, systemClock)
  try {
    for (let group = 0; group < groups; group += 1) {
      const read = Array.from({ length: Math.min(10, topics) }, (_, each) => names[(group * 10 + each) % topics] ?? '')
      const partitions = read.flatMap((topic) => Array.from({ length: partitionsPerTopic }, (_, partition) => [topicPartition(topic, partition), 0n] as const))
      await cluster.groups.commit(`group-${group}`, new Map(partitions), deadline)
    }
  } finally {
    await cluster.close()
  }
}

/** @returns seconds */
async function timed(arm: Arm, { bootstrapServers, credentialsFile }: PlainCluster, dir: string, megabytes: number[]): Promise<number> {
  const out = join(dir, 'catalog.yaml')
  rmSync(out, { force: true })
  const login = { user: 'kafka-admin', mechanism: 'PLAIN', credentials: credentialsFile } as const
  const request = { arm, bootstrapServers: bootstrapServers.join(','), ...login, out } satisfies TimedRequest
  const script = join(projectDir, 'test', 'bench', 'adopt', 'timed-adopt.ts')
  const startedMs = systemClock.monotonicMs()
  const said = await mustRun(toolPaths().node, ['--disable-warning=ExperimentalWarning', script, JSON.stringify(request)], { deadlineSeconds: 120 })
  const seconds = (systemClock.monotonicMs() - startedMs) / 1_000
  if (arm === 'adopt') megabytes.push(Said.parse(JSON.parse(said.trim().split('\n').at(-1) ?? '')).maxRssMiB)
  return seconds
}

const Said = z.object({ maxRssMiB: z.number().positive() })

function findings(
  { topics, partitionsPerTopic, groups }: AdoptBenchOptions,
  seconds: Readonly<Record<Arm, readonly number[]>>,
  megabytes: readonly number[],
): Findings {
  const counted = (arm: Arm) => afterWarmUp(seconds[arm], warmUp).counted
  const size = `${topics} topics, ${topics * partitionsPerTopic} partitions, ${groups} groups`
  return {
    notes: ['The groups have no members. Where a group has some, kbg adopt looks at offsets twice, 5 s apart, for its rate: that comes on top.'],
    rows: [
      rowOf({
        measure: `kbg adopt, ${size}`,
        unit: 's',
        ours: medianOf(whatOf.adopt, counted('adopt')),
        limit: medianOf(whatOf.topics, counted('topics')),
        goal: { of: 'ours', atMost: goals.seconds },
      }),
      rowOf({
        measure: 'its memory, at most',
        unit: 'MiB',
        ours: maximumOf('the most resident memory of the process, Node and the Kafka client included', megabytes),
        goal: { of: 'ours', atMost: goals.megabytes },
      }),
      rowOf({ measure: 'partitions', unit: 'partitions', ours: single('topics times partitions of each', topics * partitionsPerTopic) }),
    ],
    samples: arms.map((arm) => armSamples(arm, whatOf[arm], 's', seconds[arm], afterWarmUp(seconds[arm], warmUp))),
    histograms: [],
  }
}
