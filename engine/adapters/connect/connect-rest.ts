import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { CredentialsFile } from '../../model/cluster-access.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import { isTlsRefusal } from '../../model/tls-refusal.ts'
import { restUser, type WorkerAccess } from '../../model/wiring.ts'
import type { Deadline } from '../../ports/clock.ts'
import { exchange, type HttpAnswer } from '../http-exchange.ts'

/** One request to Connect's REST interface. */
export interface RestRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  /** JSON text. */
  readonly body?: string
  /** What can't be done when it is refused: the beginning of the error. */
  readonly refusal: string
}

/** Pause between two tries while the worker rebalances: it takes tens to hundreds of milliseconds and notifies nobody. */
const rebalancePauseMs = 40
/** No worker ends, starts again and answers within this: a Java virtual machine alone takes longer. */
const shortestStartMs = 500

const ConnectError = z.object({ error_code: z.int() })
const Health = z.object({ status: z.literal('healthy') })

/**
 * Connect's REST interface with credentials, every request bounded, every answer parsed, no password in any error.
 * Source: `RestServer`, `ConnectorsResource` and `ConnectExceptionMapper` of Kafka Connect.
 */
export class ConnectRest {
  readonly #access: WorkerAccess
  #login: { readonly authorization: string; readonly password: string } | undefined

  constructor(access: WorkerAccess) {
    this.#access = access
  }

  /**
   * The parsed answer; undefined on 404.
   * @throws KbgError `connect-unreachable`, the codes of {@link isTlsRefusal}, `connect-refused` with Connect's message, `outcome-unknown` for a write without an answer of the worker's own, `deadline`
   */
  async find<S extends z.ZodType>(request: RestRequest, schema: S, deadline: Deadline): Promise<z.infer<S> | undefined> {
    const { status, text } = await this.#untilBalanced(request, deadline)
    if (status === 404) return undefined
    if (status >= 300) throw this.#refused(request, status, text)
    return this.#parsed(request, text, schema)
  }

  /** Like {@link find}, but 404 is a refusal too. */
  async ask<S extends z.ZodType>(request: RestRequest, schema: S, deadline: Deadline): Promise<z.infer<S>> {
    const { status, text } = await this.#untilBalanced(request, deadline)
    if (status >= 300) throw this.#refused(request, status, text)
    return this.#parsed(request, text, schema)
  }

  /**
   * What the worker says isn't there, or isn't all: true only once it has read its configuration, which it says by `/health` (KIP-1017). Before, for a second or two
   * of its start, it tells of no connectors or of some of them, although they are stored and it is about to run them. What was answered long behind that question
   * may be another start's, and is asked again.
   */
  async complete<T>(refusal: string, asked: () => Promise<T>, deadline: Deadline): Promise<T> {
    for (;;) {
      const askedMs = deadline.clock.monotonicMs() // not when the answer came: whoever asks may have been paused with it unread
      await this.ask({ method: 'GET', path: '/health', refusal }, Health, deadline)
      const answer = await asked()
      if (deadline.clock.monotonicMs() - askedMs < shortestStartMs) return answer
    }
  }

  /** While it starts or rebalances the worker says "not now, nothing was done": then the same request is sent again. */
  async #untilBalanced(request: RestRequest, deadline: Deadline): Promise<HttpAnswer> {
    let last: HttpAnswer | undefined
    try {
      for (;;) {
        const answer = await this.#exchange(request, deadline)
        if (isUndecided(request.method, answer)) throw this.#undecided(request, answer)
        if (!notNow(answer.status, answer.text)) return answer
        last = answer
        if (deadline.remainingMs() <= rebalancePauseMs) throw deadline.error()
        await deadline.clock.sleep(rebalancePauseMs, deadline.cancelled)
      }
    } catch (thrown) {
      if (last === undefined || !(thrown instanceof KbgError) || thrown.code !== 'deadline') throw thrown
      throw this.#stillNot(request, last, deadline)
    }
  }

  #stillNot(request: RestRequest, { status, text }: HttpAnswer, deadline: Deadline): KbgError {
    return new KbgError('deadline', `${request.refusal} The Connect worker beside ${this.#access.colour} was not ready in time.`, {
      retriable: true,
      facts: {
        worker: this.#access.restUrl,
        request: `${request.method} ${request.path}`,
        status,
        said: this.#withoutSecrets(messageIn(text)).slice(0, 200),
        waitedMs: Math.round(deadline.totalMs),
      },
      remedy: 'See whether it is starting (its log), and whether this address is a Connect worker at all.',
    })
  }

  async #exchange(request: RestRequest, deadline: Deadline): Promise<HttpAnswer> {
    const { authorization } = this.#credentials()
    const stop = new AbortController()
    const { method, path, body } = request
    const headers = { authorization, 'content-type': 'application/json', accept: 'application/json' }
    const sent = { method, headers, signal: stop.signal, ...(body === undefined ? {} : { body }) }
    try {
      return await deadline.race(exchange(new URL(path, this.#access.restUrl), sent, this.#access.caFile))
    } catch (error) {
      throw this.#unanswered(request, error)
    } finally {
      stop.abort()
    }
  }

  #unanswered(request: RestRequest, error: unknown): unknown {
    if (isTlsRefusal(error)) return error // nothing was sent
    const notSent = messageOf(error).includes('ECONNREFUSED')
    if (request.method !== 'GET' && !notSent) {
      return new KbgError('outcome-unknown', `${request.refusal} The worker gave no answer: it may still do it.`, { ...this.#toLookAt(request), cause: error })
    }
    if (error instanceof KbgError) return error
    return new KbgError('connect-unreachable', `${request.refusal} The Connect worker beside ${this.#access.colour} can't be reached.`, {
      retriable: true,
      facts: { worker: this.#access.restUrl },
      remedy: `If its process has ended, \`pulumi up\` of the traffic stack starts it again.${this.#access.caFile === undefined ? ' It is asked in plaintext: one that speaks TLS needs https and a caFile.' : ''}`,
      cause: error,
    })
  }

  #undecided(request: RestRequest, { status, text }: HttpAnswer): KbgError {
    const { facts, remedy } = this.#toLookAt(request)
    return new KbgError('outcome-unknown', `${request.refusal} That isn't the worker's own decision: it may have done it, or still do it.`, {
      facts: { ...facts, status, said: this.#withoutSecrets(messageIn(text)).slice(0, 200) },
      remedy,
    })
  }

  #toLookAt({ method, path }: RestRequest) {
    return { facts: { worker: this.#access.restUrl, request: `${method} ${path}` }, remedy: "Look at the connector's state before repeating it." }
  }

  #refused(request: RestRequest, status: number, text: string): KbgError {
    const said = this.#withoutSecrets(messageIn(text))
    if (status === 409) return new KbgError('connector-exists', request.refusal, { facts: { said }, remedy: 'A connector name is used once: take a new one.' })
    return new KbgError('connect-refused', request.refusal, {
      retriable: status >= 500,
      facts: { worker: this.#access.restUrl, request: `${request.method} ${request.path}`, status, said },
      ...(status === 401 ? { remedy: `The password of user ${restUser} in the credentials file is not the worker's.` } : {}),
    })
  }

  #parsed<S extends z.ZodType>(request: RestRequest, text: string, schema: S): z.infer<S> {
    const parsed = schema.safeParse(jsonOf(text))
    if (parsed.success) return parsed.data
    throw new KbgError('connect-answer', `${request.refusal} The worker answered something else than Kafka Connect's form.`, {
      facts: { request: `${request.method} ${request.path}`, problems: parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) },
    })
  }

  #credentials(): { readonly authorization: string; readonly password: string } {
    if (this.#login) return this.#login
    const { credentialsFile } = this.#access
    const parsed = CredentialsFile.safeParse(jsonOf(readFileSync(credentialsFile, 'utf8')))
    const password = parsed.success ? parsed.data.passwords[restUser] : undefined
    if (password === undefined) {
      throw new KbgError('credentials', `The credentials file has no password for user ${restUser}.`, { facts: { credentialsFile } })
    }
    this.#login = { authorization: `Basic ${Buffer.from(`${restUser}:${password}`).toString('base64')}`, password }
    return this.#login
  }

  #withoutSecrets(text: string): string {
    const password = this.#login?.password
    return password === undefined ? text : text.replaceAll(password, '[password]')
  }
}

/**
 * Whether an answer to a write leaves open what became of it: a proxy's may come after the worker has the request, and Connect itself gives up waiting for what goes on: its own herder, the record that it writes
 * (`KafkaConfigBackingStore`), the leader that it forwards to (`RestClient`). "Not now" to what may be sent twice is no such answer, whoever says it.
 */
function isUndecided(method: RestRequest['method'], answer: HttpAnswer): boolean {
  if (method === 'GET') return false
  const { status, text } = answer
  if (isWorkers(answer)) return status === 500 && goesOn.test(messageIn(text))
  if (status === 404 || status === 503) return method === 'POST'
  return status >= 500
}

/** Words of `HerderRequestHandler`, `KafkaConfigBackingStore` and `RestClient`, 4.3.1. */
const goesOn = /^(Request timed out|Error (writing|removing) .* Kafka|(IO )?Error trying to forward REST request)/

/** Connect's error form, or the header of its HTTP server, which is there before Connect is and while it ends; a proxy that answers itself names itself, or nobody. */
function isWorkers({ text, header }: HttpAnswer): boolean {
  return ConnectError.safeParse(jsonOf(text)).success || header('server')?.startsWith('Jetty(') === true
}

/**
 * `StaleConfigException` and `RebalanceNeededException` come as 409, or, where a resource doesn't expect them, as 500. While it starts, `/health` is 503, and what has no resources yet says
 * 404 in Jetty's own form: Connect's has an `error_code`.
 */
function notNow(status: number, text: string): boolean {
  if (status === 503 || (status === 404 && !ConnectError.safeParse(jsonOf(text)).success)) return true
  if (status === 409) return !/already exists/.test(messageIn(text))
  return status === 500 && /rebalance is expected|conflicting operation|momentarily/.test(messageIn(text))
}

/** Connect's own message, `{"error_code":409,"message":"..."}`; other bodies (Jetty's pages) cut short. */
function messageIn(text: string): string {
  const body = jsonOf(text)
  const message = typeof body === 'object' && body !== null && 'message' in body ? String(body.message) : text
  return message.slice(0, 2_000)
}

/**
 * JSON with every integer that a double can't hold as a bigint.
 * @returns undefined when it is no JSON, which no schema here accepts unless it expects an empty answer
 */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text, exactIntegers)
  } catch {
    return undefined
  }
}

function exactIntegers(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const inexact = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)
  return inexact && context?.source !== undefined && /^-?\d+$/.test(context.source) ? BigInt(context.source) : value
}
