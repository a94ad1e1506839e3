import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import { createSecureContext } from 'node:tls'
import type { z } from 'zod'
import { endpointText } from '../../model/addresses.ts'
import { type FactsAnswer, type HurryAnswer, type ProveAnswer, ProveRequest, type TranslateAnswer, TranslateRequest } from '../../model/audit-wire.ts'
import type { AuditListen } from '../../model/audit-worker.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import { answerProof, isBody, type KnownRequest, knownRequest, proofHeader } from './handshake.ts'

/** What a worker answers. */
export interface AuditHandlers {
  facts(): FactsAnswer
  hurry(): HurryAnswer
  /** @param gone aborts when the asker has left */
  prove(request: ProveRequest, gone: AbortSignal): Promise<ProveAnswer>
  translate(request: TranslateRequest): Promise<TranslateAnswer>
}

/** A service that listens. */
export interface AuditService {
  close(): Promise<void>
}

/** Ten thousand partitions' ends are a megabyte; a thousand groups' offsets on a hundred partitions each are four. */
const mostBodyBytes = 64 * 1024 * 1024
const bodyWithinMs = 10_000
const mostConnections = 64

interface Reply {
  readonly status: number
  readonly body: unknown
}

type Answer = (body: string, gone: AbortSignal) => Reply | Promise<Reply>

/**
 * Serves a worker's answers over HTTP, or HTTPS with a certificate. Every request has to be signed with the password of user `audit`, and every answer is (see `handshake.ts`); what isn't understood is refused with its
 * reason, and no body is larger than 64 MiB.
 *
 * @throws KbgError `address-taken`, `audit-certificate`
 */
export async function startAuditService(
  { host, port, tls }: AuditListen,
  password: string,
  handlers: AuditHandlers,
  tell: (line: string) => void,
): Promise<AuditService> {
  const answers = answersOf(handlers)
  const listener: RequestListener = (request, response) => {
    serve(request, response, answers, password).catch((thrown: unknown) => {
      tell(`a request could not be answered: ${messageOf(thrown)}`)
      response.destroy()
    })
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(certificateIn(tls), listener)
  server.headersTimeout = bodyWithinMs
  server.requestTimeout = bodyWithinMs
  server.maxConnections = mostConnections
  server.keepAliveTimeout = 30_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(new KbgError('address-taken', `The audit can't listen on ${endpointText({ host, port })}.`, { cause })))
    server.listen({ host, port, exclusive: true }, resolve)
  })
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** @throws KbgError `audit-certificate`: names the files, never what is in them */
function certificateIn({ certificateFile, keyFile }: NonNullable<AuditListen['tls']>): ServerOptions {
  try {
    const [cert, key] = [readFileSync(certificateFile), readFileSync(keyFile)]
    createSecureContext({ cert, key }) // one that doesn't belong to the other is refused here
    return { cert, key, minVersion: 'TLSv1.2' }
  } catch (cause) {
    throw new KbgError('audit-certificate', "The audit's certificate can't be used, and there is no falling back to plaintext.", {
      facts: { certificateFile, keyFile },
      remedy: 'Both files are PEM, and the key is the certificate’s.',
      cause,
    })
  }
}

function answersOf(handlers: AuditHandlers): ReadonlyMap<string, Answer> {
  return new Map<string, Answer>([
    ['GET /facts', () => ({ status: 200, body: handlers.facts() })],
    ['POST /hurry', () => ({ status: 200, body: handlers.hurry() })],
    ['POST /prove', (body, gone) => parsed(ProveRequest, body, async (request) => ({ status: 200, body: await handlers.prove(request, gone) }))],
    ['POST /translate', (body) => parsed(TranslateRequest, body, async (request) => ({ status: 200, body: await handlers.translate(request) }))],
  ])
}

async function serve(request: IncomingMessage, response: ServerResponse, answers: ReadonlyMap<string, Answer>, password: string): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort(new Error('the asker has left')))
  const known = knownRequest(password, request.method ?? '', request.url ?? '', request.headers.authorization ?? '')
  const { status, body } = known === null ? stranger : await replyTo(request, answers, known, gone.signal)
  if (response.destroyed) return
  const text = JSON.stringify(body)
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), 'cache-control': 'no-store' }
  response.writeHead(status, known === null ? headers : { ...headers, [proofHeader]: answerProof(password, known.nonce, status, text) })
  response.end(text)
}

async function replyTo(request: IncomingMessage, answers: ReadonlyMap<string, Answer>, known: KnownRequest, gone: AbortSignal): Promise<Reply> {
  const asked = `${request.method} ${request.url}`
  const answer = answers.get(asked)
  if (answer === undefined) return refusal(404, 'unknown-request', `nothing answers ${asked.slice(0, 100)}`)
  const body = await bodyOf(request)
  if (body === null) return refusal(413, 'too-large', `a request has at most ${mostBodyBytes} bytes`)
  if (!isBody(known, body)) return refusal(400, 'bad-request', "the body isn't the one that was signed")
  try {
    return await answer(body, gone)
  } catch (thrown) {
    return refusal(500, thrown instanceof KbgError ? thrown.code : 'failed', messageOf(thrown))
  }
}

/** null: it is too large. */
async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    const part = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk))
    bytes += part.length
    if (bytes <= mostBodyBytes) chunks.push(part) // the rest is read and dropped, so that the refusal can be read
  }
  return bytes > mostBodyBytes ? null : Buffer.concat(chunks).toString('utf8')
}

function parsed<S extends z.ZodType>(schema: S, body: string, use: (request: z.infer<S>) => Reply | Promise<Reply>): Reply | Promise<Reply> {
  const { data, error } = schema.safeParse(jsonOf(body))
  if (data !== undefined) return use(data)
  const problems = (error?.issues ?? []).slice(0, 5).map(({ path, message }) => `${path.map(String).join('.') || '(whole)'}: ${message}`)
  return refusal(400, 'bad-request', problems.join('; '))
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // the schema refuses it
  }
}

/** Read nothing further of, and told nothing. */
const stranger: Reply = { status: 401, body: { code: 'login', message: 'the request is not signed with the password' } }

function refusal(status: number, code: string, message: string): Reply {
  return { status, body: { code, message } }
}
