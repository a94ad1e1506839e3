/** The mirror's Connect worker, killed, stopped, and started again: with the product's configuration, or without exactly-once. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ConnectRest } from '../../../engine/adapters/connect/connect-rest.ts'
import { observeWorker, startDeadWorker, type WorkerLocation } from '../../../engine/adapters/local/connect-worker.ts'
import { sharedArchiveOptions } from '../../../engine/adapters/local/jvm.ts'
import { startProcess, waitUntilReady } from '../../../engine/adapters/local/process.ts'
import { trafficDirectory } from '../../../engine/adapters/local/state.ts'
import { type Colour, otherColour } from '../../../engine/model/colour.ts'
import { systemClock } from '../../../engine/ports/clock.ts'
import { connectVersion, kafkaPaths, toolPaths } from '../../../tools/paths.ts'
import { restWorker } from '../../support/rest-worker.ts'
import { type ChaosPair, within } from './chaos-pair.ts'

const quiet = (): void => undefined

/** The worker that copies from this colour. */
const locationOf = (chaos: ChaosPair, source: Colour): WorkerLocation => ({
  ...{ projectRoot: chaos.pair.root, fleet: chaos.pair.wiring.fleet, colour: otherColour(source) },
})

/** Ends the worker and waits until its process is gone. SIGKILL: as a machine does; SIGTERM: as an operator does. */
export async function endWorker(chaos: ChaosPair, source: Colour, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const at = locationOf(chaos, source)
  const { pid } = observeWorker(at)
  if (pid === null) throw new Error('no worker runs')
  process.kill(pid, signal)
  await within(60).poll(20, async () => (observeWorker(at).pid === null ? true : undefined))
}

/** Starts it again as the product does. */
export async function startWorker(chaos: ChaosPair, source: Colour): Promise<void> {
  await startDeadWorker(locationOf(chaos, source), quiet, within(120))
}

/** Starts an ended worker without `exactly.once.source.support`, otherwise from the product's own files; its process is ended with the pair. */
export async function startAtLeastOnceWorker(chaos: ChaosPair, source: Colour): Promise<void> {
  const at = locationOf(chaos, source)
  const directory = join(trafficDirectory(at.projectRoot, at.fleet), `connect-${at.colour}`)
  const own = readFileSync(join(directory, 'worker.properties'), 'utf8')
  const properties = join(directory, 'at-least-once.properties')
  const changed = own.replace(/^exactly\.once\.source\.support *=.*$/m, 'exactly.once.source.support=disabled')
  if (changed === own) throw new Error("the worker's properties don't name exactly.once.source.support")
  writeFileSync(properties, changed, { mode: 0o600 })
  const kafka = kafkaPaths(connectVersion)
  const login = `-Djava.security.auth.login.config=${join(directory, 'rest-login.conf')}`
  const jvm = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xms128m', '-Xmx512m', ...sharedArchiveOptions(kafka.connectArchive), kafka.loggingOption, login]
  const spec = { name: 'the worker without exactly-once', command: toolPaths().java, directory }
  const files = { logFile: join(directory, 'worker.log'), pidFile: join(directory, 'worker.pid') }
  const args = [...jvm, '-cp', kafka.classPath, 'org.apache.kafka.connect.cli.ConnectDistributed', properties]
  const started = await startProcess({ ...spec, ...files, args }, systemClock)
  const rest = new ConnectRest(restWorker(chaos.pair.wiring, at.colour))
  const health = { method: 'GET', path: '/health', refusal: 'It is not healthy.' } as const
  const isHealthy = async () => (await rest.find(health, z.object({ status: z.literal('healthy') }), within(2))) !== undefined
  await waitUntilReady(started, isHealthy, within(120))
}

/** Turns the running exactly-once mirror into one that is at-least-once: another worker, and a connector that doesn't insist. */
export async function withoutExactlyOnce(chaos: ChaosPair, source: Colour): Promise<void> {
  await chaos.stopMirror(source)
  await endWorker(chaos, source, 'SIGTERM')
  await startAtLeastOnceWorker(chaos, source)
  const { config } = await chaos.ports.mirrors[source].facts(await chaos.connector(source), within(30))
  const { 'transaction.boundary': _, ...others } = config
  await chaos.rest(source, 'PUT', '/config', JSON.stringify({ ...others, 'exactly.once.support': 'requested' }))
  await chaos.startMirror(source)
}
