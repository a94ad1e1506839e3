/** Three brokers that nobody of this project provisioned: their own node ids, one listener for everybody, their own users. What a person has who adopts. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { metadataV12 } from '@platformatic/kafka'
import { BrokerConnection, type SaslLogin } from '../../../engine/adapters/kafka/broker-connection.ts'
import { addressOf } from '../../../engine/adapters/kafka/connections.ts'
import type { ClusterUsers } from '../../../engine/model/cluster-access.ts'
import { KbgError } from '../../../engine/model/error.ts'
import { type Clock, Deadline } from '../../../engine/ports/clock.ts'
import { type KafkaVersion, toolPaths } from '../../../tools/paths.ts'

/** The cluster's own users. `kafka-admin` and `mm2` are super users and log in by PLAIN; `canary` is none. */
export const plainUsers: ClusterUsers = {
  operator: { username: 'kafka-admin', mechanism: 'PLAIN' },
  mirror: { username: 'mm2', mechanism: 'PLAIN' },
  probe: { username: 'canary', mechanism: 'PLAIN' },
  others: ['kafka-broker'],
}

export interface PlainClusterRequest {
  readonly version: KafkaVersion
  /** A directory of its own, for data, logs and the credentials file. */
  readonly dir: string
  /** Three loopback addresses; each broker listens on 9092 and 9093 of its own. */
  readonly hosts: readonly [string, string, string]
  /** Passwords of its applications' users, which are not made here. */
  readonly applications: Readonly<Record<string, string>>
  readonly clock: Clock
}

export interface PlainCluster {
  readonly clusterId: string
  readonly bootstrapServers: readonly string[]
  /** Passwords of its own users and of its applications, mode 0600. */
  readonly credentialsFile: string
  stop(): Promise<void>
}

const clusterId = 'THEIRS-AAAAAAAAAAAAAAA'
const nodeIds = [101, 102, 103]
const flags = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xms128m', '-Xmx384m']
const plainModule = 'org.apache.kafka.common.security.plain.PlainLoginModule required'

/** Formats and starts the brokers, and waits until each knows all three. */
export async function startPlainCluster(request: PlainClusterRequest): Promise<PlainCluster> {
  const { java, kafka } = toolPaths()
  const { classPath, brokerArchive, loggingOption } = kafka[request.version]
  mkdirSync(request.dir, { recursive: true, mode: 0o700 })
  const own = Object.fromEntries(['kafka-broker', 'kafka-admin', 'mm2', 'canary'].map((user) => [user, `${user}-secret`]))
  const credentialsFile = join(request.dir, 'credentials.json')
  writeFileSync(credentialsFile, JSON.stringify({ version: 1, passwords: { ...own, ...request.applications } }), { mode: 0o600 })
  const archive = brokerArchive ? [`-XX:SharedArchiveFile=${brokerArchive}`, '-Xshare:auto'] : []
  const children: ChildProcess[] = []
  const stop = async () => void (await Promise.all(children.map((child) => stopChild(child, request.clock))))
  try {
    for (const [index, nodeId] of nodeIds.entries()) {
      const directory = join(request.dir, `node-${nodeId}`)
      mkdirSync(directory, { recursive: true })
      const properties = join(directory, 'server.properties')
      writeFileSync(properties, serverProperties(request, index, directory, own), { mode: 0o600 })
      await promisify(execFile)(java, [
        ...flags,
        ...archive,
        '-cp',
        classPath,
        'kafka.tools.StorageTool',
        'format',
        '--cluster-id',
        clusterId,
        '--config',
        properties,
      ])
      const log = openSync(join(directory, 'broker.log'), 'a')
      children.push(spawn(java, [...flags, ...archive, loggingOption, '-cp', classPath, 'kafka.Kafka', properties], { stdio: ['ignore', log, log] }))
    }
    const login = { mechanism: 'PLAIN', username: 'kafka-admin', password: own['kafka-admin'] ?? '' } as const
    const bootstrapServers = request.hosts.map((host) => `${host}:9092`)
    await Promise.all(bootstrapServers.map((server) => untilComplete(server, login, request.clock)))
    return { clusterId, bootstrapServers, credentialsFile, stop }
  } catch (cause) {
    await stop()
    throw new KbgError('plain-cluster', 'The brokers did not start.', { facts: { logs: request.dir }, cause })
  }
}

async function untilComplete(server: string, login: SaslLogin, clock: Clock): Promise<void> {
  const deadline = new Deadline(clock, 100_000, `${server} to know all brokers`)
  await deadline.poll(300, async () => {
    try {
      const connection = await BrokerConnection.open(addressOf(server), login, undefined, () => undefined)
      try {
        const { brokers } = await connection.request('Metadata', metadataV12.api, [[], false, false], 'none', deadline)
        return brokers.length === nodeIds.length ? true : undefined
      } finally {
        connection.close()
      }
    } catch (thrown) {
      if (thrown instanceof KbgError && thrown.retriable) return undefined // it doesn't listen yet
      throw thrown
    }
  })
}

async function stopChild(child: ChildProcess, clock: Clock): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL') // the data goes with it
  await new Deadline(clock, 20_000, 'a broker to end').race(exited)
}

function serverProperties({ hosts }: PlainClusterRequest, index: number, directory: string, passwords: Readonly<Record<string, string>>): string {
  const logins = Object.entries(passwords).map(([user, password]) => `user_${user}="${password}"`)
  const jaas = `${plainModule} username="kafka-broker" password="${passwords['kafka-broker']}" ${logins.join(' ')};`
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': String(nodeIds[index]),
    'controller.quorum.voters': hosts.map((host, each) => `${nodeIds[each]}@${host}:9093`).join(','),
    'controller.listener.names': 'CONTROLLER',
    listeners: `CLIENTS://${hosts[index]}:9092,CONTROLLER://${hosts[index]}:9093`,
    'advertised.listeners': `CLIENTS://${hosts[index]}:9092`,
    'listener.security.protocol.map': 'CLIENTS:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT',
    'inter.broker.listener.name': 'CLIENTS',
    'listener.name.clients.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
    'listener.name.controller.sasl.enabled.mechanisms': 'PLAIN',
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'sasl.mechanism.controller.protocol': 'PLAIN',
    'listener.name.clients.plain.sasl.jaas.config': jaas,
    'listener.name.clients.scram-sha-512.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'listener.name.controller.plain.sasl.jaas.config': jaas,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:kafka-broker;User:kafka-admin;User:mm2',
    'log.dirs': join(directory, 'data'),
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': '3',
    'offsets.topic.num.partitions': '5',
    'transaction.state.log.replication.factor': '3',
    'transaction.state.log.min.isr': '2',
    'transaction.state.log.num.partitions': '5',
    'min.insync.replicas': '2',
    'log.retention.hours': '72',
    'group.initial.rebalance.delay.ms': '0',
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}
