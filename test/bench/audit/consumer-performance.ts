import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { passwordOf, readCredentials } from '../../../engine/adapters/local/credentials.ts'
import { type ClusterAccess, platformUsers } from '../../../engine/model/cluster-access.ts'
import { KbgError } from '../../../engine/model/error.ts'
import { jaasEntry, loginModules } from '../../../engine/model/jaas.ts'
import { propertiesText } from '../../../engine/model/properties.ts'
import { kafkaToolsClassPath, kafkaToolsStep } from '../../../tools/kafka-tools.ts'
import { toolPaths } from '../../../tools/paths.ts'
import { mustRun } from '../../../tools/process.ts'

/** What one ConsumerPerformance says of itself. */
export interface ConsumerRun {
  readonly records: number
  /** How long it fetched: without the start of its virtual machine and without its rebalance. */
  readonly fetchMs: number
}

/** Fetches the tool when it isn't there. */
export async function requireConsumerPerformance(): Promise<void> {
  if (!(await kafkaToolsStep.done())) await kafkaToolsStep.run()
}

/** One `kafka-consumer-perf-test` over a topic, from its first record on, as the operator and with Kafka's own defaults. */
export async function consumerPerformance(access: ClusterAccess, topic: string, records: number): Promise<ConsumerRun> {
  const dir = mkdtempSync(join(tmpdir(), 'kbg-bench-consumer-'))
  try {
    const config = join(dir, 'client.properties')
    writeFileSync(config, propertiesText(loginAt(access)), { mode: 0o600 })
    const servers = ['--bootstrap-server', access.internalBootstrapServers.join(',')]
    const asked = ['--topic', topic, '--num-records', String(records), '--timeout', '20000', '--hide-header']
    const command = ['-cp', kafkaToolsClassPath(), '-Xmx512m', 'org.apache.kafka.tools.ConsumerPerformance', ...servers, ...asked, '--command-config', config]
    return consumerRunOf(await mustRun(toolPaths().java, command, { deadlineSeconds: 300 }))
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Reads the one line that it ends with: start, end, MB, MB/s, records, records/s, rebalance ms, fetch ms, fetched MB/s, fetched records/s. */
export function consumerRunOf(output: string): ConsumerRun {
  const line = output.split('\n').findLast((each) => /^\d{4}-\d\d-\d\d /.test(each))
  const fields = line?.split(', ') ?? []
  const [records, fetchMs] = [Number(fields[4]), Number(fields[7])]
  if (!(records > 0 && fetchMs > 0)) throw new KbgError('bench', 'ConsumerPerformance read nothing.', { facts: { observed: output.trim().slice(-500) } })
  return { records, fetchMs }
}

function loginAt({ credentialsFile }: ClusterAccess): Readonly<Record<string, string>> {
  const user = platformUsers.operator
  const password = passwordOf(readCredentials(credentialsFile), user)
  return {
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': 'SCRAM-SHA-512',
    'sasl.jaas.config': jaasEntry(loginModules.scram, { username: user, password }),
  }
}
