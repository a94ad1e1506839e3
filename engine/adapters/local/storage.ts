import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type KafkaVersion, kafkaPaths, toolPaths } from '../../../tools/paths.ts'
import { runCommand } from '../../../tools/process.ts'
import type { ColourAddresses } from '../../model/addresses.ts'
import { KbgError } from '../../model/error.ts'
import { propertiesText } from '../../model/properties.ts'
import type { Deadline } from '../../ports/clock.ts'
import { serverProperties } from './broker-config.ts'
import { writePrivately } from './credentials.ts'
import { sharedArchiveOptions } from './jvm.ts'
import { withFirstProducerId } from './producer-id-range.ts'

/** A random id in Kafka's form (org.apache.kafka.common.Uuid): 16 bytes in URL-safe base64. It never starts with a dash, which command lines would take for an option. */
export function randomKafkaId(): string {
  for (;;) {
    const id = Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url')
    if (!id.startsWith('-')) return id
  }
}

/** What tells a node, and the ids that its cluster gives out, from others. */
interface NodeIds {
  readonly clusterId: string
  readonly nodeId: number
  readonly firstProducerId: bigint
}

/**
 * Formats a node's empty log directory. What `kafka-storage format` writes depends on the version alone, except for
 * three ids in `meta.properties`; so it runs once for each version, and its result is copied.
 *
 * @param bootstrapCheckpoint from {@link formattedCheckpoint}
 */
export function formatNode(dataDirectory: string, ids: NodeIds, bootstrapCheckpoint: string): void {
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 })
  writeFileSync(join(dataDirectory, 'bootstrap.checkpoint'), withFirstProducerId(readFileSync(bootstrapCheckpoint), ids.firstProducerId))
  const meta = { version: '1', 'cluster.id': ids.clusterId, 'node.id': String(ids.nodeId), 'directory.id': randomKafkaId() }
  writePrivately(join(dataDirectory, 'meta.properties'), propertiesText(meta)) // last: with it the directory counts as formatted
}

/** Whether {@link formatNode} has finished here. */
export function isFormatted(dataDirectory: string): boolean {
  return existsSync(join(dataDirectory, 'meta.properties'))
}

/**
 * The path of a version's `bootstrap.checkpoint` (its features' levels), made by Kafka's own `format` when it isn't there yet.
 *
 * @throws KbgError `kafka-format`
 */
export async function formattedCheckpoint(projectRoot: string, version: KafkaVersion, deadline: Deadline): Promise<string> {
  const directory = join(projectRoot, '.kbg', '.formatted')
  const file = join(directory, `${version}.checkpoint`)
  if (existsSync(file)) return file
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const scratch = mkdtempSync(join(directory, 'format-'))
  try {
    await runFormat(version, scratch, deadline)
    renameSync(join(scratch, 'data', 'bootstrap.checkpoint'), file)
    return file
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

async function runFormat(version: KafkaVersion, scratch: string, deadline: Deadline): Promise<void> {
  const at = (port: number) => ({ host: '127.0.0.1', port })
  const node = { nodeId: 1, internal: at(1), controller: at(2), produce: at(3), consume: at(4) } // nothing listens while formatting
  const colour: ColourAddresses = { nodes: [node], connectRest: at(5) }
  const config = join(scratch, 'server.properties')
  const passwords = { broker: 'not used', admin: 'not used' }
  writePrivately(config, propertiesText(serverProperties({ node, colour, dataDirectory: join(scratch, 'data'), brokerConfig: {}, passwords, tls: undefined })))
  const { classPath, loggingOption } = kafkaPaths(version)
  const jvm = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', ...sharedArchiveOptions(kafkaPaths(version).brokerArchive), loggingOption]
  const args = [...jvm, '-cp', classPath, 'kafka.tools.StorageTool', 'format', '-t', randomKafkaId(), '-c', config]
  const result = await runCommand(toolPaths().java, args, { deadlineSeconds: Math.max(1, deadline.remainingMs() / 1_000) })
  if (result.exitCode === 0) return
  throw new KbgError('kafka-format', `Kafka ${version} could not format a log directory.`, {
    facts: { exitCode: result.exitCode ?? 'none', lastLog: result.output.trim().slice(-1_500) },
  })
}
