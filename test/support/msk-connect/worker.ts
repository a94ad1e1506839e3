/** A real Connect worker that runs one connector, as MSK Connect gives each connector workers of its own: for the stand-in. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { z } from 'zod'
import { ConnectRest } from '../../../engine/adapters/connect/connect-rest.ts'
import { createTopics } from '../../../engine/adapters/kafka/admin.ts'
import { launchWorker, untilHealthy } from '../../../engine/adapters/local/connect-process.ts'
import { writePrivately } from '../../../engine/adapters/local/credentials.ts'
import { stopProcess } from '../../../engine/adapters/local/process.ts'
import type { ClusterAccess } from '../../../engine/model/cluster-access.ts'
import { jaasEntry, loginModules } from '../../../engine/model/jaas.ts'
import { type KafkaProperties, onEveryPlatform, workerPromises, workerProperties, workerTopics } from '../../../engine/model/mirror-template.ts'
import { propertiesText } from '../../../engine/model/properties.ts'
import { restUser, type WorkerAccess } from '../../../engine/model/wiring.ts'
import { type Deadline, systemClock } from '../../../engine/ports/clock.ts'

const stopGraceMs = 10_000
const Status = z.object({ connector: z.object({ state: z.string() }), tasks: z.array(z.object({ state: z.string(), trace: z.string().optional() })) })

export interface WorkerOrder {
  readonly connector: string
  /** Where its internal topics are, and who it logs in as. */
  readonly target: ClusterAccess
  /** The properties that MSK Connect was given for it. */
  readonly given: KafkaProperties
  readonly configuration: KafkaProperties
  /** ConfigProvider reference of its login at the target, and the only directory that references may read from. */
  readonly targetLogin: string
  readonly secretsDirectory: string
  readonly directory: string
}

export class OwnWorker {
  readonly #order: WorkerOrder
  readonly #rest: ConnectRest

  private constructor(order: WorkerOrder, access: WorkerAccess) {
    this.#order = order
    this.#rest = new ConnectRest(access)
  }

  /** Starts the worker, and on it the connector. */
  static async start(order: WorkerOrder, deadline: Deadline): Promise<OwnWorker> {
    const port = await freePort()
    const { directory, target, connector } = order
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const files = filesIn(directory)
    // Names as the developer guide has them; that of the group isn't in it.
    const id = randomUUID()
    const properties = { ...ownProperties(order, port), ...namesOf(connector, id), ...order.given }
    writePrivately(files.properties, propertiesText(properties))
    const password = randomUUID()
    writePrivately(files.restUsers, propertiesText({ [restUser]: password }))
    writePrivately(files.credentials, JSON.stringify({ version: 1, passwords: { [restUser]: password } }))
    writePrivately(files.restLogin, `KafkaConnect {\n  ${jaasEntry(loginModules.propertyFile, { file: files.restUsers })}\n};\n`)
    const restUrl = `http://127.0.0.1:${port}`
    const access = {
      colour: target.colour,
      restUrl,
      groupId: id,
      credentialsFile: files.credentials,
      sourceLogin: order.targetLogin,
      targetLogin: order.targetLogin,
    }
    const worker = new OwnWorker(order, access)
    await createTopics(target, workerTopics(properties), deadline)
    const started = await launchWorker(`the workers of ${connector}`, files, systemClock)
    await untilHealthy(started, access, deadline)
    const request = {
      method: 'PUT',
      path: `/connectors/${connector}/config`,
      body: JSON.stringify(order.configuration),
      refusal: `Can't run ${connector}.`,
    } as const
    await worker.#rest.ask(request, z.object({ name: z.literal(connector) }), deadline)
    return worker
  }

  /** `RUNNING` with all its tasks, `FAILED` with a trace, or still on the way. */
  async state(deadline: Deadline): Promise<{ readonly state: 'RUNNING' | 'FAILED' | 'starting'; readonly trace: string }> {
    const request = { method: 'GET', path: `/connectors/${this.#order.connector}/status`, refusal: 'No status.' } as const
    const status = await this.#rest.find(request, Status, deadline)
    const states = status === undefined ? [] : [status.connector.state, ...status.tasks.map(({ state }) => state)]
    const failed = status?.tasks.find(({ state }) => state === 'FAILED')
    if (states.includes('FAILED')) return { state: 'FAILED', trace: failed?.trace ?? '' }
    return { state: states.length > 1 && states.every((state) => state === 'RUNNING') ? 'RUNNING' : 'starting', trace: '' }
  }

  /** Ends the process; its connector ends with it, since nobody else is in its group. */
  async end(deadline: Deadline): Promise<void> {
    await stopProcess(filesIn(this.#order.directory).pid, stopGraceMs, deadline)
  }
}

/** Ends a worker of which nothing is known but its directory, and removes that. */
export async function endWorkerIn(directory: string, deadline: Deadline): Promise<void> {
  await stopProcess(filesIn(directory).pid, stopGraceMs, deadline)
  rmSync(directory, { recursive: true, force: true })
}

/** What MSK Connect decides itself: all that a worker is told on `local` but what belongs into a worker configuration. */
function ownProperties({ target, targetLogin, secretsDirectory }: WorkerOrder, restPort: number): KafkaProperties {
  const all = workerProperties({ fleet: 'msk-connect', target, restHost: '127.0.0.1', restPort, targetLogin, secretsDirectory, restKeystore: undefined })
  const given = ['offset.storage.topic', ...Object.keys(workerPromises), ...Object.keys(onEveryPlatform)]
  return {
    ...Object.fromEntries(Object.entries(all).filter(([key]) => !given.includes(key))),
    'status.storage.replication.factor': '3',
    'offset.storage.replication.factor': '3',
  }
}

function namesOf(connector: string, id: string): KafkaProperties {
  return {
    'group.id': `msk-connect-${id}`,
    'client.id': `msk-connect-${id}`,
    'config.storage.topic': `__amazon_msk_connect_configs_${connector}_${id}`,
    'status.storage.topic': `__amazon_msk_connect_status_${connector}_${id}`,
  }
}

function filesIn(directory: string) {
  return {
    properties: join(directory, 'worker.properties'),
    credentials: join(directory, 'credentials.json'),
    restUsers: join(directory, 'rest-users.properties'),
    restLogin: join(directory, 'rest-login.conf'),
    log: join(directory, 'worker.log'),
    pid: join(directory, 'worker.pid'),
  }
}

/** A port that is free now; nobody else on this machine's loopback takes ports at random while a test runs. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
