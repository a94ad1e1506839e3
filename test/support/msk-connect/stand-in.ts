/**
 * A stand-in for MSK Connect, because no emulator has it: the four calls of its API (`kafkaconnect`, REST-JSON) that the mirror's adapter makes, on loopback, with a real Connect worker of its own
 * for each connector. What is Connect's is real: offsets topic, transactions, tasks. What is AWS's is read from its documentation: names, states, refusals; no signature, role or network is checked.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { join } from 'node:path'
import { z } from 'zod'
import { passwordOf, readCredentials, writePrivately } from '../../../engine/adapters/local/credentials.ts'
import { type ClusterAccess, mirrorUserOf } from '../../../engine/model/cluster-access.ts'
import { type Colour, colours } from '../../../engine/model/colour.ts'
import { messageOf } from '../../../engine/model/error.ts'
import { jaasEntry, loginModules } from '../../../engine/model/jaas.ts'
import type { KafkaProperties } from '../../../engine/model/mirror-template.ts'
import { keptByMskConnect } from '../../../engine/model/msk-connect.ts'
import { MskConnectorRequest } from '../../../engine/model/msk-connect-worker.ts'
import { propertiesText } from '../../../engine/model/properties.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'
import { ApiError, asAnswer, bodyOf } from './rest-json.ts'
import { endWorkerIn, OwnWorker } from './worker.ts'

const startMs = 120_000
const endMs = 30_000
/** Small, so that a list has pages. */
const pageSize = 2
const statePauseMs = 50

const CreateConnector = MskConnectorRequest.extend({
  connectorName: z
    .string()
    .min(1)
    .max(128)
    .regex(/^[0-9A-Za-z-]+$/),
})
type CreateConnector = z.infer<typeof CreateConnector>

interface StandInConnector {
  readonly arn: string
  readonly order: CreateConnector
  readonly directory: string
  state: 'CREATING' | 'RUNNING' | 'FAILED' | 'DELETING'
  failure: string | undefined
  worker: OwnWorker | undefined
  /** How many more lists don't name it. */
  unlisted: number
  /** How many more lists name it although it has ended; undefined before its end. */
  lingering: number | undefined
}

/** What becomes of a request to make a connector whose answer gets lost: nothing, what was asked for, or that, so many lists later. */
type LostRequest = 'dropped' | 'done' | { readonly listsLater: number }

export class MskConnectStandIn {
  /** Every request so far, as `METHOD /path`. */
  readonly asked: string[] = []
  readonly #root: string
  readonly #server: Server
  /** By ARN. */
  readonly #connectors = new Map<string, StandInConnector>()
  readonly #workerConfigurations = new Map<string, KafkaProperties>()
  #clusters: Readonly<Record<Colour, ClusterAccess>> | undefined
  /** What comes of the request's configuration in a connector made next, instead of itself: an update that reports success and isn't applied. */
  applies: (asked: KafkaProperties) => KafkaProperties = (asked) => asked
  /** How many lists go by before one names a connector that was made, and before none names one that has ended: AWS promises neither. */
  late = { made: 0, ended: 0 }
  /** The next requests to make one, the first first: their answers get lost. */
  losing: LostRequest[] = []
  /** How many of the next lists are refused, as too many. */
  busy = 0
  /** Without clusters to log in to: connectors are said to run, and nothing does. */
  withoutWorkers = false
  #arriving: { readonly body: unknown; lists: number }[] = []

  private constructor(root: string) {
    this.#root = root
    this.#server = createServer((request, response) => {
      this.asked.push(`${request.method} ${new URL(request.url ?? '/', 'http://localhost').pathname}`)
      const lost = request.method === 'POST' ? this.losing.shift() : undefined
      if (lost !== undefined) return void this.#lose(lost, request).finally(() => request.socket.destroy())
      const answered = this.#answer(request).then(
        (body) => ({ status: 200, headers: {}, body }),
        (thrown: unknown) => asAnswer(thrown),
      )
      void answered.then(({ status, headers, body }) => {
        response.writeHead(status, { 'content-type': 'application/json', ...headers })
        response.end(JSON.stringify(body))
      })
    })
  }

  /** @param root a directory of its own */
  static async start(root: string): Promise<MskConnectStandIn> {
    const standIn = new MskConnectStandIn(root)
    await new Promise<void>((resolve) => standIn.#server.listen(0, '127.0.0.1', resolve))
    return standIn
  }

  get endpoint(): string {
    const address = this.#server.address()
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  }

  /** `CreateWorkerConfiguration`, as the stack would have asked for it. @returns its ARN @throws Error on what MSK Connect keeps to itself */
  addWorkerConfiguration(name: string, properties: KafkaProperties): string {
    const kept = Object.keys(properties).filter((key) => keptByMskConnect.some((start) => key.startsWith(start)))
    if (kept.length > 0) throw new Error(`MSK Connect refuses in a worker configuration: ${kept.join(', ')}`)
    const arn = `arn:aws:kafkaconnect:eu-central-1:123456789012:worker-configuration/${name}/${randomUUID()}-2`
    this.#workerConfigurations.set(arn, properties)
    return arn
  }

  /** The two clusters that workers can log in to: MSK Connect would take the connector's role. @returns for each a reference of the mirror's login, as connectors may name it */
  serve(clusters: Readonly<Record<Colour, ClusterAccess>>): Readonly<Record<Colour, string>> {
    this.#clusters = clusters
    mkdirSync(join(this.#root, 'secrets'), { recursive: true, mode: 0o700 })
    const file = join(this.#root, 'secrets', 'logins.properties')
    writePrivately(file, propertiesText({ blue: login(clusters.blue), green: login(clusters.green) }))
    return { blue: `\${file:${file}:blue}`, green: `\${file:${file}:green}` }
  }

  /** Ends every worker, and the server. */
  async end(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    const directories = readdirSync(this.#root).filter((name) => name.startsWith('connector-'))
    const deadline = new Deadline(systemClock, endMs, 'the workers of the stand-in to end')
    await Promise.all(directories.map((name) => endWorkerIn(join(this.#root, name), deadline)))
  }

  async #answer(request: IncomingMessage): Promise<unknown> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const arn = /^\/v1\/connectors\/(.+)$/.exec(pathname)?.[1]
    if (request.method === 'POST' && pathname === '/v1/connectors') return this.#create(await bodyOf(request))
    if (request.method === 'GET' && pathname === '/v1/connectors') return this.#list(searchParams)
    if (request.method === 'GET' && arn !== undefined) return this.#describe(decodeURIComponent(arn))
    if (request.method === 'DELETE' && arn !== undefined) return this.#delete(decodeURIComponent(arn))
    throw new ApiError(404, 'NotFoundException', `The stand-in has no ${request.method} ${pathname}.`)
  }

  async #lose(lost: LostRequest, request: IncomingMessage): Promise<void> {
    const body = await bodyOf(request)
    if (lost === 'done') this.#create(body)
    if (typeof lost === 'object') this.#arriving.push({ body, lists: lost.listsLater })
  }

  /** Requests that come late, as the lists go by. */
  #arrive(): void {
    for (const one of this.#arriving) one.lists -= 1
    const due = this.#arriving.filter(({ lists }) => lists < 0)
    this.#arriving = this.#arriving.filter(({ lists }) => lists >= 0)
    for (const { body } of due) {
      try {
        this.#create(body)
      } catch (thrown) {
        if (!(thrown instanceof ApiError)) throw thrown // refused, and nobody hears it
      }
    }
  }

  /** Names of what was made and hasn't ended, listed or not. */
  get there(): readonly string[] {
    return [...this.#connectors.values()].filter(({ lingering }) => lingering === undefined).map(({ order }) => order.connectorName)
  }

  /** What the connector of that name was asked for as, while it is there. */
  orderOf(name: string): MskConnectorRequest | undefined {
    return [...this.#connectors.values()].find(({ order, lingering }) => order.connectorName === name && lingering === undefined)?.order
  }

  /** The next lists don't name a connector that is there, as a copy that has fallen behind. */
  hide(name: string, lists: number): void {
    const connector = [...this.#connectors.values()].find(({ order, lingering }) => order.connectorName === name && lingering === undefined)
    if (connector === undefined) throw new Error(`there is no ${name}`)
    connector.unlisted = lists
  }

  #create(body: unknown) {
    const parsed = CreateConnector.safeParse(body)
    if (!parsed.success) throw new ApiError(400, 'BadRequestException', parsed.error.message)
    const order = parsed.data
    const name = order.connectorName
    if (this.there.includes(name)) throw new ApiError(409, 'ConflictException', `A connector with the name ${name} already exists.`)
    const given = this.#workerConfigurations.get(order.workerConfiguration.workerConfigurationArn)
    if (given === undefined || order.workerConfiguration.revision !== 1)
      throw new ApiError(400, 'BadRequestException', 'There is no such worker configuration.')
    const id = randomUUID()
    const arn = `arn:aws:kafkaconnect:eu-central-1:123456789012:connector/${name}/${id}-2`
    const directory = join(this.#root, `connector-${id}`)
    const connector: StandInConnector = {
      ...{ arn, order, directory, state: 'CREATING', failure: undefined, worker: undefined },
      ...{ unlisted: this.late.made, lingering: undefined },
    }
    this.#connectors.set(arn, connector)
    void this.#run(connector, given).catch((thrown: unknown) => {
      connector.state = 'FAILED'
      connector.failure = messageOf(thrown)
    })
    return { connectorArn: arn, connectorName: name, connectorState: connector.state }
  }

  async #run(connector: StandInConnector, given: KafkaProperties): Promise<void> {
    const { order, directory } = connector
    if (this.withoutWorkers) {
      connector.state = 'RUNNING'
      return
    }
    const { bootstrapServers } = order.kafkaCluster.apacheKafkaCluster
    const target = colours.map((colour) => this.#clusters?.[colour]).find((cluster) => cluster?.internalBootstrapServers.join(',') === bootstrapServers)
    if (target === undefined) throw new Error(`no cluster has the bootstrap servers ${bootstrapServers}`)
    const deadline = new Deadline(systemClock, startMs, `${order.connectorName} to run`)
    const secretsDirectory = join(this.#root, 'secrets')
    const targetLogin = `\${file:${join(secretsDirectory, 'logins.properties')}:${target.colour}}`
    const configuration = this.#applied(connector)
    connector.worker = await OwnWorker.start(
      { connector: order.connectorName, target, given, configuration, targetLogin, secretsDirectory, directory },
      deadline,
    )
    const { state, trace } = await deadline.poll(statePauseMs, async () => {
      const now = await connector.worker?.state(deadline)
      return now === undefined || now.state === 'starting' ? undefined : now
    })
    if (state === 'FAILED') throw new Error(trace)
    connector.state = 'RUNNING'
  }

  #applied({ order }: StandInConnector): KafkaProperties {
    return this.applies(order.connectorConfiguration)
  }

  #list(search: URLSearchParams) {
    if (this.busy > 0) {
      this.busy -= 1
      throw new ApiError(429, 'TooManyRequestsException', 'Too many requests.')
    }
    const prefix = search.get('connectorNamePrefix') ?? ''
    const under = [...this.#connectors.values()].filter(({ order }) => order.connectorName.startsWith(prefix))
    const all = under.filter(({ unlisted }) => unlisted === 0)
    if (!search.has('nextToken')) this.#age(under)
    const from = Number(search.get('nextToken') ?? 0)
    const page = all.slice(from, from + pageSize)
    const connectors = page.map(({ arn, order, state, lingering }) => ({
      ...{ connectorArn: arn, connectorName: order.connectorName },
      connectorState: lingering === undefined ? state : 'RUNNING', // as it was before its end
    }))
    return { connectors, ...(from + pageSize < all.length ? { nextToken: String(from + pageSize) } : {}) }
  }

  /** One list less until what is there is named, and what has ended isn't. */
  #age(listed: readonly StandInConnector[]): void {
    for (const connector of listed) {
      connector.unlisted = Math.max(0, connector.unlisted - 1)
      if (connector.lingering === 0) this.#connectors.delete(connector.arn)
      else if (connector.lingering !== undefined) connector.lingering -= 1
    }
    this.#arrive()
  }

  #describe(arn: string) {
    const connector = this.#byArn(arn)
    const { order, state, failure } = connector
    return {
      ...order,
      connectorArn: arn,
      connectorConfiguration: this.#applied(connector),
      connectorState: state,
      creationTime: new Date(0).toISOString(),
      currentVersion: 'K3AEGXETSR30VB',
      ...(failure === undefined ? {} : { stateDescription: { code: 'UnknownError.Unknown', message: failure } }),
    }
  }

  #delete(arn: string) {
    const connector = this.#byArn(arn)
    if (connector.state === 'CREATING' || connector.state === 'DELETING') {
      throw new ApiError(400, 'BadRequestException', `The connector is in state ${connector.state}.`)
    }
    connector.state = 'DELETING'
    const deadline = new Deadline(systemClock, endMs, `${connector.order.connectorName} to end`)
    void (connector.worker?.end(deadline) ?? Promise.resolve()).then(() => {
      if (this.late.ended === 0) this.#connectors.delete(connector.arn)
      else connector.lingering = this.late.ended
    })
    return { connectorArn: arn, connectorState: connector.state }
  }

  #byArn(arn: string): StandInConnector {
    const found = this.#connectors.get(arn)
    if (found === undefined) throw new ApiError(404, 'NotFoundException', 'The connector does not exist.')
    return found
  }
}

function login(access: ClusterAccess): string {
  const { username } = mirrorUserOf(access)
  return jaasEntry(loginModules.scram, { username, password: passwordOf(readCredentials(access.credentialsFile), username) })
}
