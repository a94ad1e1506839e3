/**
 * One audit worker: `node engine/run/audit/main.ts <config.json>`. Compares until it gets SIGTERM or SIGINT, or its supervisor has gone, then saves and ends with 0. Its pid is in `worker.pid` beside
 * the configuration, if it has a supervisor. Tells what is notable on standard error, a line each.
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { argv, exit, pid, stderr } from 'node:process'
import { startAuditService } from '../../adapters/audit/audit-service.ts'
import { TopicWatch } from '../../adapters/audit/topic-watch.ts'
import { connectAuditReader } from '../../adapters/kafka/audit-reader.ts'
import { passwordOf, readCredentials, writePrivately } from '../../adapters/local/credentials.ts'
import { ownIdentity } from '../../adapters/local/process.ts'
import { endpointText } from '../../model/addresses.ts'
import { AuditWorkerConfig, auditUser } from '../../model/audit-worker.ts'
import type { Colour } from '../../model/colour.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import { systemClock } from '../../ports/clock.ts'
import { ReadingTroubles } from './reading-troubles.ts'
import { joinShare } from './share.ts'
import { AuditWorker, defaultPressure } from './worker.ts'

function tell(line: string): void {
  stderr.write(`${systemClock.wallClock().toISOString()} ${line}\n`)
}

/** @throws KbgError `audit-config` */
function readConfig(file: string | undefined): AuditWorkerConfig {
  if (file === undefined) throw new KbgError('audit-config', 'An audit worker needs the path of its configuration.')
  const { data, error } = AuditWorkerConfig.safeParse(JSON.parse(readFileSync(file, 'utf8')))
  if (data !== undefined) return data
  const problems = error.issues.map(({ path, message }) => `${path.map(String).join('.') || '(whole)'}: ${message}`)
  throw new KbgError('audit-config', 'The configuration of an audit worker is wrong.', { facts: { file, problems } })
}

/** Runs until stopped. */
async function run(config: AuditWorkerConfig, stopping: AbortController): Promise<void> {
  const stop = stopping.signal
  const password = passwordOf(readCredentials(config.credentialsFile), auditUser)
  const troubles = new ReadingTroubles(systemClock, tell)
  const { as, clusters } = config
  const readerOf = (colour: Colour) => connectAuditReader(clusters[colour], systemClock, { as, onTrouble: (trouble) => troubles.note(colour, trouble) })
  const [blue, green] = await Promise.all([readerOf('blue'), readerOf('green')])
  const topics = { blue: new TopicWatch(clusters.blue, as), green: new TopicWatch(clusters.green, as) }
  const share = joinShare(config, systemClock, tell, () => void worker.look(), stop)
  const worker: AuditWorker = new AuditWorker({
    readers: { blue, green },
    troubles,
    topics,
    share,
    clock: systemClock,
    stateDirectory: config.stateDirectory,
    wanted: config.topics,
    pressure: defaultPressure,
    tell,
    stop,
  })
  const service = await startAuditService(config.listen, password, worker, tell)
  tell(`audit of ${config.fleet} listens on ${endpointText(config.listen)}, pid ${pid}`)
  process.send?.('listens') // to its supervisor, if it has one
  try {
    await worker.run()
  } finally {
    stopping.abort(new KbgError('closed', 'The audit worker has ended.')) // one that failed isn't stopped yet, and its share would wait for that
    await service.close()
    await share.leave()
    topics.blue.close()
    topics.green.close()
  }
}

const stopping = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    tell(`${signal}: saving`)
    stopping.abort(new KbgError('closed', 'The audit worker is stopped.'))
  })
}

process.once('disconnect', () => {
  tell('the supervisor has gone: saving')
  stopping.abort(new KbgError('closed', 'The supervisor of the audit worker has gone.'))
})

try {
  const config = readConfig(argv[2])
  // For whoever has started the supervisor; a pod's worker has neither, nor may it write there.
  if (process.send !== undefined) writePrivately(join(dirname(argv[2] ?? ''), 'worker.pid'), JSON.stringify(ownIdentity()))
  await run(config, stopping)
  tell('saved, ended')
  exit(0)
} catch (thrown) {
  tell(`ended: ${messageOf(thrown)}`)
  exit(1)
}
