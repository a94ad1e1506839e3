import {
  type ConnectorState,
  CreateConnectorCommand,
  DeleteConnectorCommand,
  DescribeConnectorCommand,
  type DescribeConnectorResponse,
  KafkaConnectClient,
  KafkaConnectServiceException,
  ListConnectorsCommand,
} from '@aws-sdk/client-kafkaconnect'
import { KbgError, messageOf } from '../../model/error.ts'
import type { KafkaProperties } from '../../model/mirror-template.ts'
import type { MskConnectorRequest } from '../../model/msk-connect-worker.ts'
import type { Deadline } from '../../ports/clock.ts'

type CallKind = 'read' | 'write' | 'end'

/** A connector as a list of MSK Connect's names it. */
export interface ListedConnector {
  readonly name: string
  readonly arn: string
  readonly state: ConnectorState
}

/**
 * MSK Connect's API (`kafkaconnect`), every call bounded. Credentials, region and endpoint by AWS's default chain, so that none passes through here.
 * Reads are repeated by the client itself, up to three times; what makes a connector isn't, so that each request of unknown outcome is known as one.
 */
export class MskConnectApi {
  readonly #client: KafkaConnectClient
  readonly #once: KafkaConnectClient

  constructor(region: string) {
    this.#client = new KafkaConnectClient({ region })
    this.#once = new KafkaConnectClient({ region, maxAttempts: 1 })
  }

  /** All connectors whose name begins so. */
  async list(connectorNamePrefix: string, deadline: Deadline): Promise<readonly ListedConnector[]> {
    const found: ListedConnector[] = []
    let nextToken: string | undefined
    do {
      const command = new ListConnectorsCommand({ connectorNamePrefix, ...(nextToken === undefined ? {} : { nextToken }) })
      const page = await this.#asked("Can't list the connectors.", 'read', deadline, (abortSignal) => this.#client.send(command, { abortSignal }))
      for (const { connectorName, connectorArn, connectorState } of page.connectors ?? []) {
        if (connectorName === undefined || connectorArn === undefined || connectorState === undefined) throw otherForm('ListConnectors')
        found.push({ name: connectorName, arn: connectorArn, state: connectorState })
      }
      nextToken = page.nextToken
    } while (nextToken !== undefined)
    return found
  }

  /** undefined: there is none (any more). */
  async describe(connectorArn: string, deadline: Deadline): Promise<DescribeConnectorResponse | undefined> {
    const command = new DescribeConnectorCommand({ connectorArn })
    return await this.#asked("Can't describe a connector.", 'read', deadline, (abortSignal) => this.#unlessGone(this.#client.send(command, { abortSignal })))
  }

  /** @throws KbgError `connector-exists`, `outcome-unknown` */
  async create(connectorName: string, request: MskConnectorRequest, connectorConfiguration: KafkaProperties, deadline: Deadline): Promise<void> {
    const command = new CreateConnectorCommand({ ...request, connectorName, connectorConfiguration: { ...connectorConfiguration } })
    await this.#asked(`Can't create connector ${connectorName}.`, 'write', deadline, (abortSignal) => this.#once.send(command, { abortSignal }))
  }

  /**
   * Begins its end; one that is gone is no error. One whose state doesn't allow it (any more) is refused, retriable: the list that was gone by may be old.
   * @throws KbgError `connect-refused`, `outcome-unknown`: repeated it does no harm, since no other connector ever has that ARN
   */
  async delete(connectorArn: string, deadline: Deadline): Promise<void> {
    const command = new DeleteConnectorCommand({ connectorArn })
    await this.#asked("Can't delete a connector.", 'end', deadline, (abortSignal) => this.#unlessGone(this.#client.send(command, { abortSignal })))
  }

  close(): void {
    this.#client.destroy()
    this.#once.destroy()
  }

  async #unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work
    } catch (thrown) {
      if (nameOf(thrown) === 'NotFoundException') return undefined
      throw thrown
    }
  }

  async #asked<T>(refusal: string, kind: CallKind, deadline: Deadline, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const stop = new AbortController()
    try {
      return await deadline.race(send(stop.signal))
    } catch (thrown) {
      throw refused(refusal, kind, thrown, deadline)
    } finally {
      stop.abort()
    }
  }
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : ''
}

/** A client's fault, and one in front of the service, have done nothing; anything else may have. */
function refused(refusal: string, kind: CallKind, thrown: unknown, deadline: Deadline): unknown {
  if (deadline.cancelled?.aborted) return thrown
  const said = { facts: { said: messageOf(thrown).slice(0, 1_000) }, cause: thrown }
  if (thrown instanceof KafkaConnectServiceException) {
    const isBusy = thrown.name === 'TooManyRequestsException'
    if (thrown.name === 'ConflictException') return new KbgError('connector-exists', refusal, said)
    if (isBusy) return new KbgError('connect-unreachable', refusal, { ...said, retriable: true })
    if (thrown.$fault === 'client')
      return new KbgError('connect-refused', refusal, { ...said, retriable: kind === 'end' && thrown.name === 'BadRequestException' })
  }
  if (nameOf(thrown) === 'CredentialsProviderError') {
    return new KbgError('credentials', refusal, { ...said, remedy: "AWS's default chain finds no credentials: environment, profile or role." })
  }
  if (kind !== 'read') {
    return new KbgError('outcome-unknown', `${refusal} MSK Connect gave no answer: it may still do it.`, {
      ...said,
      remedy: 'Repeat it as it was: one name is one connector on MSK Connect, and one ARN one end.',
    })
  }
  if (thrown instanceof KbgError) return thrown
  return new KbgError('connect-unreachable', refusal, { ...said, retriable: true })
}

function otherForm(what: string): KbgError {
  return new KbgError('connect-answer', `MSK Connect answered ${what} in another form than its API says.`)
}
