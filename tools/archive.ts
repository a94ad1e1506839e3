/**
 * Class-data archives (AppCDS): the JVM maps Kafka's loaded classes from a file instead of loading them one by one,
 * which takes more than half of a broker's start away. Made once per version from a short run of one node with the
 * listeners, mechanisms and authorizer that the colours have. Without an archive everything works, only slower.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { KbgError, messageOf } from '../engine/model/error.ts'
import { Deadline, systemClock } from '../engine/ports/clock.ts'
import { connectVersion, findJava, type KafkaVersion, kafkaPaths, toolPaths } from './paths.ts'
import { mustRun, stopSignals } from './process.ts'
import { isStamped, keyOf, writeStamp } from './stamp.ts'
import type { Step } from './step.ts'

/** The flags that brokers and workers start with; an archive is made with the same ones. */
const jvmOptions = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xms256m', '-Xmx256m']

/** Any cluster id will do for a cluster that lives for seconds; a random one that begins with `-` would be taken for an option. */
const archiveClusterId = Buffer.alloc(16, 1).toString('base64url')

type ArchiveName = 'broker' | 'connect'

/**
 * The class-data archives of one Kafka version: the broker's, and the Connect worker's where that version runs Connect.
 * Failing to make them fails nothing: it is said, and tried again by the next set-up.
 */
export function archiveStep(version: KafkaVersion): Step {
  const dir = dirname(kafkaPaths(version).libs)
  const names: readonly ArchiveName[] = version === connectVersion ? ['broker', 'connect'] : ['broker']
  return {
    name: `class-data archives ${version}`,
    done: () => existsSync(kafkaPaths(version).libs) && isStamped(dir, 'archives', archiveKey(version)),
    run: async () => {
      try {
        await makeArchives(version, names)
      } catch (error) {
        return `NOT made, so JVMs start more slowly: ${messageOf(error)}`
      }
      const files = names.map((name) => `${name}.jsa`)
      writeStamp(dir, 'archives', archiveKey(version), files)
      return `${files.join(', ')} from a short run of one node`
    },
  }
}

/** The JVM refuses an archive when a jar's name, size or modification time, or the JVM itself, has changed. */
function archiveKey(version: KafkaVersion): string {
  const { libs } = kafkaPaths(version)
  const jars = readdirSync(libs).sort()
  const facts = jars.map((jar) => `${jar} ${statSync(join(libs, jar)).size} ${statSync(join(libs, jar)).mtimeMs}`)
  const java = findJava()
  const javaFacts = java === undefined ? ['no java'] : [realpathSync(java), statSync(java).size, statSync(java).mtimeMs]
  return keyOf([{ text: [libs, ...facts, ...javaFacts, ...jvmOptions].join('\n') }])
}

async function makeArchives(version: KafkaVersion, names: readonly ArchiveName[]): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'kbg-archive-'))
  try {
    const broker = await startBroker(version, scratch)
    try {
      if (names.includes('connect')) await (await startConnect(version, scratch, broker.clientPort)).stop()
    } finally {
      await broker.stop()
    }
    for (const name of names) renameOver(join(scratch, `${name}.jsa`), join(dirname(kafkaPaths(version).libs), `${name}.jsa`))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** A file of one file system under a name of another: copies where a rename can't, and never shows half a file. */
function renameOver(from: string, to: string): void {
  const beside = `${to}.new`
  mkdirSync(dirname(to), { recursive: true })
  writeFileSync(beside, readFileSync(from))
  renameSync(beside, to)
}

interface RunningJvm {
  /** Ends it with SIGTERM and waits until it is gone: the archive is written at the exit. */
  stop(): Promise<void>
}

async function startBroker(version: KafkaVersion, scratch: string): Promise<RunningJvm & { readonly clientPort: number }> {
  const [controllerPort, internalPort, clientPort] = await freePorts(3)
  const config = join(scratch, 'server.properties')
  writeFileSync(config, brokerConfig(scratch, { controllerPort, internalPort, clientPort }), { mode: 0o600 })
  await mustRun(
    toolPaths().java,
    [
      ...jvmOptions,
      '-cp',
      kafkaPaths(version).classPath,
      kafkaPaths(version).loggingOption,
      'kafka.tools.StorageTool',
      'format',
      '-t',
      archiveClusterId,
      '-c',
      config,
    ],
    { deadlineSeconds: 60 },
  )
  const jvm = await startJvm(version, scratch, 'broker', ['kafka.Kafka', config], 'Kafka Server started')
  return { ...jvm, clientPort }
}

function brokerConfig(scratch: string, ports: { readonly controllerPort: number; readonly internalPort: number; readonly clientPort: number }): string {
  // The password protects nothing: it lives for the seconds of this run, in a 0600 file, on loopback.
  const password = randomUUID()
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="${password}" user_admin="${password}";`
  const at = (name: string, port: number): string => `${name}://127.0.0.1:${port}`
  return `${[
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${ports.controllerPort}`,
    `listeners=${at('CONTROLLER', ports.controllerPort)},${at('INTERNAL', ports.internalPort)},${at('CLIENT', ports.clientPort)}`,
    `advertised.listeners=${at('INTERNAL', ports.internalPort)},${at('CLIENT', ports.clientPort)}`,
    'listener.security.protocol.map=CONTROLLER:SASL_PLAINTEXT,INTERNAL:SASL_PLAINTEXT,CLIENT:SASL_PLAINTEXT',
    'controller.listener.names=CONTROLLER',
    'inter.broker.listener.name=INTERNAL',
    'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512',
    'sasl.mechanism.inter.broker.protocol=PLAIN',
    'sasl.mechanism.controller.protocol=PLAIN',
    ...['controller', 'internal', 'client'].map((name) => `listener.name.${name}.plain.sasl.jaas.config=${plain}`),
    ...['controller', 'internal', 'client'].map(
      (name) => `listener.name.${name}.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;`,
    ),
    'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users=User:admin',
    `log.dirs=${join(scratch, 'data')}`,
    'offsets.topic.replication.factor=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
  ].join('\n')}\n`
}

async function startConnect(version: KafkaVersion, scratch: string, brokerPort: number): Promise<RunningJvm> {
  const [restPort] = await freePorts(1)
  const password = /user_admin="([^"]+)"/.exec(readFileSync(join(scratch, 'server.properties'), 'utf8'))?.[1]
  const security = [
    'security.protocol=SASL_PLAINTEXT',
    'sasl.mechanism=PLAIN',
    `sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="${password}";`,
  ]
  const config = join(scratch, 'connect.properties')
  const lines = [
    `bootstrap.servers=127.0.0.1:${brokerPort}`,
    `listeners=http://127.0.0.1:${restPort}`,
    'group.id=archive',
    'exactly.once.source.support=enabled',
    'key.converter=org.apache.kafka.connect.converters.ByteArrayConverter',
    'value.converter=org.apache.kafka.connect.converters.ByteArrayConverter',
    ...['config', 'offset', 'status'].flatMap((name) => [`${name}.storage.topic=archive-${name}s`, `${name}.storage.replication.factor=1`]),
    'offset.storage.partitions=1',
    'status.storage.partitions=1',
    ...security,
    ...['producer', 'consumer', 'admin'].flatMap((client) => security.map((line) => `${client}.${line}`)),
  ]
  writeFileSync(config, `${lines.join('\n')}\n`, { mode: 0o600 })
  return startJvm(version, scratch, 'connect', ['org.apache.kafka.connect.cli.ConnectDistributed', config], 'Finished starting connectors and tasks')
}

/** Starts a JVM that writes `<name>.jsa` when it exits, and waits until its log says `readyText`. */
async function startJvm(version: KafkaVersion, scratch: string, name: string, main: readonly string[], readyText: string): Promise<RunningJvm> {
  const log = join(scratch, `${name}.log`)
  const logFd = openSync(log, 'w')
  const archive = `-XX:ArchiveClassesAtExit=${join(scratch, `${name}.jsa`)}`
  const args = [...jvmOptions, archive, '-Xlog:cds=error', '-Xlog:cds+dynamic=error', '-Xlog:class+load=off', kafkaPaths(version).loggingOption]
  const child = spawn(toolPaths().java, [...args, '-cp', kafkaPaths(version).classPath, ...main], { stdio: ['ignore', logFd, logFd] })
  closeSync(logFd)
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const onInterrupt = (): boolean => child.kill('SIGKILL')
  for (const signal of stopSignals) process.once(signal, onInterrupt)
  try {
    await waitForLine(child, log, readyText)
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  return {
    stop: async () => {
      child.kill('SIGTERM')
      try {
        await new Deadline(systemClock, 60_000, `the ${name}'s exit and its archive`).race(exited)
      } finally {
        child.kill('SIGKILL')
        for (const signal of stopSignals) process.removeListener(signal, onInterrupt)
      }
    },
  }
}

/** Polled every 100 ms: the log is the only thing by which a JVM tells everyone, in both versions, that it is up. */
function waitForLine(child: ChildProcess, log: string, text: string): Promise<true> {
  return new Deadline(systemClock, 180_000, `"${text}" in the log`).poll(100, async () => {
    const said = readFileSync(log, 'utf8')
    if (said.includes(text)) return true
    if (child.exitCode !== null) throw new KbgError('kafka-not-started', `Kafka ended while its archive was being made: ${said.trim().slice(-1500)}`)
    return undefined
  })
}

/** Free loopback ports, all held at once while they are chosen, so that they differ. */
async function freePorts(count: 1): Promise<[number]>
async function freePorts(count: 3): Promise<[number, number, number]>
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer().once('error', reject)
          server.listen(0, '127.0.0.1', () => resolve(server))
        }),
    ),
  )
  const ports = servers.map((server) => {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new KbgError('no-free-port', 'The system gave out no port on 127.0.0.1.')
    return address.port
  })
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
