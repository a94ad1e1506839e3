import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type ITopicConfig, Kafka, logLevel } from 'kafkajs'
import { KbgError } from '../../../engine/model/error.ts'
import { type Clock, Deadline } from '../../../engine/ports/clock.ts'
import { type KafkaVersion, toolPaths } from '../../../tools/paths.ts'

export interface PlainBrokerRequest {
  readonly version: KafkaVersion
  /** A directory of its own, for data and log. */
  readonly dir: string
  /** A loopback address; it listens on 9092 and 9093 there. */
  readonly host: string
  readonly topics: readonly ITopicConfig[]
  /** Additions to its `server.properties`. */
  readonly more?: Readonly<Record<string, string>>
  readonly clock: Clock
}

/** One real broker without logins, for tests of what drives and watches clients and not of the platform. */
export interface PlainBroker {
  readonly bootstrapServers: readonly string[]
  stop(): Promise<void>
}

/** Formats and starts the broker and makes its topics. */
export async function startPlainBroker(request: PlainBrokerRequest): Promise<PlainBroker> {
  const { java, kafka } = toolPaths()
  const { classPath, brokerArchive } = kafka[request.version]
  mkdirSync(request.dir, { recursive: true })
  const properties = join(request.dir, 'server.properties')
  writeFileSync(properties, serverProperties(request))
  const format = ['format', '--cluster-id', 'AAAAAAAAAAAAAAAAAAAAAA', '--config', properties]
  const archive = brokerArchive ? [`-XX:SharedArchiveFile=${brokerArchive}`, '-Xshare:auto'] : []
  const flags = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xms256m', '-Xmx384m', ...archive]
  await promisify(execFile)(java, [...flags, '-cp', classPath, 'kafka.tools.StorageTool', ...format])
  const log = openSync(join(request.dir, 'broker.log'), 'a')
  const child = spawn(java, [...flags, '-cp', classPath, 'kafka.Kafka', properties], { stdio: ['ignore', log, log] })
  const bootstrapServers = [`${request.host}:9092`]
  try {
    await makeTopics(bootstrapServers, request)
  } catch (cause) {
    await stopBroker(child, request.clock)
    throw new KbgError('plain-broker', 'The broker did not start.', { facts: { log: join(request.dir, 'broker.log') }, cause })
  }
  return { bootstrapServers, stop: () => stopBroker(child, request.clock) }
}

async function makeTopics(brokers: string[], { topics, clock }: PlainBrokerRequest): Promise<void> {
  const deadline = new Deadline(clock, 100_000, 'the broker to serve')
  const admin = new Kafka({
    clientId: 'plain-broker',
    brokers,
    logLevel: logLevel.NOTHING,
    retry: { retries: 400, initialRetryTime: 200, maxRetryTime: 300 },
  }).admin()
  await deadline.race(admin.connect())
  await deadline.race(admin.createTopics({ topics: [...topics], waitForLeaders: true }))
  await admin.disconnect()
}

async function stopBroker(child: ChildProcess, clock: Clock): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await new Deadline(clock, 20_000, 'the broker to stop').race(exited)
}

function serverProperties({ host, dir, more = {} }: PlainBrokerRequest): string {
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@${host}:9093`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://${host}:9092,CONTROLLER://${host}:9093`,
    'advertised.listeners': `PLAINTEXT://${host}:9092`,
    'log.dirs': join(dir, 'data'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '5',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '5',
    'group.initial.rebalance.delay.ms': '0',
    ...more,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}
