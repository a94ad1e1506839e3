import { request as httpsRequest } from 'node:https'
import { tlsRefusal } from '../../model/tls-refusal.ts'
import { type Trust, trustIn } from '../trust.ts'

export interface RestExchange {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

export interface RestAnswer {
  readonly status: number
  readonly text: string
}

/**
 * One request and its whole answer. `fetch` can't be told whom to trust, so HTTPS goes through Node's own client, with a connection for each request: a kept one
 * that has just been closed would make the outcome of a write unknown.
 *
 * @throws KbgError as {@link trustIn} and {@link tlsRefusal}; else what Node throws
 */
export async function exchange(url: URL, request: RestExchange, caFile: string | undefined): Promise<RestAnswer> {
  const trust = trustIn(caFile)
  if (trust !== undefined) return overTls(url, request, trust)
  const response = await fetch(url, request)
  return { status: response.status, text: await response.text() }
}

function overTls(url: URL, { method, headers, body = '', signal }: RestExchange, trust: Trust): Promise<RestAnswer> {
  return new Promise((resolve, reject) => {
    const sized = { ...headers, 'content-length': String(Buffer.byteLength(body)) }
    const refuse = (thrown: unknown) => reject(tlsRefusal(url.host, thrown) ?? thrown)
    const sent = httpsRequest(url, { ...trust, method, headers: sized, signal, agent: false }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }))
      response.on('error', refuse)
    })
    sent.on('error', refuse)
    sent.end(body)
  })
}
