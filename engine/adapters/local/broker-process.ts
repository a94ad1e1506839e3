import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type KafkaVersion, kafkaPaths, toolPaths } from '../../../tools/paths.ts'
import { brokerEndpoints, type Endpoint, endpointText, type NodeAddresses } from '../../model/addresses.ts'
import { KbgError } from '../../model/error.ts'
import { propertiesText } from '../../model/properties.ts'
import type { Clock } from '../../ports/clock.ts'
import { type BrokerSettings, serverProperties } from './broker-config.ts'
import { keystoreNames } from './certificates.ts'
import { writePrivately } from './credentials.ts'
import { sharedArchiveOptions } from './jvm.ts'
import { bindProblem, findProcess, type ProcessIdentity, type ProcessSpec, type StartedProcess, startProcess } from './process.ts'

/** A node's files below the colour's directory. */
export function nodeFiles(colourDirectory: string, nodeId: number) {
  const directory = join(colourDirectory, `node-${nodeId}`)
  return {
    directory,
    data: join(directory, 'data'),
    properties: join(directory, 'server.properties'),
    keystore: join(directory, keystoreNames.pem),
    log: join(directory, 'log'),
    pid: join(directory, 'pid'),
  } as const
}

/**
 * Heap: enough for a fleet of two colours on a small machine (measured: 290 MB resident fresh, 400-525 MB after load). Exits rather than limps.
 *
 * C1 alone: on two cores the optimizing compilers of eight JVMs took 90 % of a core for minutes (1,100 records/s were acknowledged after 220-300 ms at the
 * median, and after 65 ms like this).
 */
const jvmOptions = [
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Xms256m',
  '-Xmx384m',
  '-XX:+ExitOnOutOfMemoryError',
  '-XX:-UsePerfData',
  '-Djava.awt.headless=true',
]

/**
 * Writes a node's `server.properties` (0600: it holds the passwords of the brokers' and the admin's login).
 *
 * @param caFile certificate of the authority that its own certificate is by; undefined: it speaks plaintext
 */
export function writeNodeConfig(colourDirectory: string, settings: Omit<BrokerSettings, 'dataDirectory' | 'tls'>, caFile: string | undefined): void {
  const files = nodeFiles(colourDirectory, settings.node.nodeId)
  mkdirSync(files.directory, { recursive: true, mode: 0o700 })
  const tls = caFile === undefined ? undefined : { keystore: files.keystore, caFile }
  writePrivately(files.properties, propertiesText(serverProperties({ ...settings, dataDirectory: files.data, tls })))
}

/** The node's process if it lives. */
export function findNode(colourDirectory: string, nodeId: number): ProcessIdentity | undefined {
  return findProcess(nodeFiles(colourDirectory, nodeId).pid)
}

/** The running node, or the formatted and configured one started now. */
export async function runNode(colourDirectory: string, name: string, nodeId: number, version: KafkaVersion, clock: Clock): Promise<StartedProcess> {
  const files = nodeFiles(colourDirectory, nodeId)
  const { classPath, brokerArchive, loggingOption } = kafkaPaths(version)
  const spec: ProcessSpec = {
    name,
    command: toolPaths().java,
    args: [...jvmOptions, ...sharedArchiveOptions(brokerArchive), loggingOption, '-cp', classPath, 'kafka.Kafka', files.properties],
    directory: files.directory,
    logFile: files.log,
    pidFile: files.pid,
  }
  const identity = findProcess(files.pid)
  return identity ? { spec, identity, logStart: 0 } : startProcess(spec, clock)
}

/**
 * Refuses when somebody else listens where these nodes are going to.
 *
 * @throws KbgError `address-taken` naming each address
 */
export async function requireFreeAddresses(fleet: string, nodes: readonly NodeAddresses[]): Promise<void> {
  const taken = await takenAddresses(nodes)
  if (taken.length === 0) return
  const inUse = taken.some(({ problem }) => problem === 'EADDRINUSE')
  throw new KbgError('address-taken', `The brokers of fleet ${fleet} can't listen where they should.`, {
    facts: { addresses: taken.map(({ endpoint, problem }) => `${endpointText(endpoint)} (${problem})`) },
    remedy: inUse
      ? 'Another program listens there. End it, or use another fleet name: addresses follow from the name.'
      : 'This machine does not let a program listen on that address; all of 127.0.0.0/8 has to be loopback.',
  })
}

async function takenAddresses(nodes: readonly NodeAddresses[]): Promise<readonly { readonly endpoint: Endpoint; readonly problem: string }[]> {
  const endpoints = brokerEndpoints({ nodes, connectRest: { host: '', port: 0 } })
  const problems = await Promise.all(endpoints.map(async (endpoint) => ({ endpoint, problem: await bindProblem(endpoint) })))
  return problems.flatMap(({ endpoint, problem }) => (problem === undefined ? [] : [{ endpoint, problem }]))
}
