import { request as httpsRequest } from 'node:https'
import { tlsRefusal } from '../model/tls-refusal.ts'
import { type Trust, trustIn } from './trust.ts'

export interface HttpRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  readonly text: string
  /** A header's value; null: the answer has no such header, or several. */
  readonly header: (name: string) => string | null
}

/**
 * One request and its whole answer. `fetch` can't be told whom to trust, so HTTPS goes through Node's own client, with a connection for each request: a kept one
 * that has just been closed would make the outcome of a write unknown. Nobody is followed to another address.
 *
 * @throws KbgError as {@link trustIn} and {@link tlsRefusal}; else what Node throws
 */
export async function exchange(url: URL, request: HttpRequest, caFile: string | undefined): Promise<HttpAnswer> {
  const trust = trustIn(caFile)
  if (trust !== undefined) return overTls(url, request, trust)
  const response = await fetch(url, { ...request, redirect: 'error' })
  return { status: response.status, text: await response.text(), header: (name) => response.headers.get(name) }
}

function overTls(url: URL, { method, headers, body = '', signal }: HttpRequest, trust: Trust): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const sized = { ...headers, 'content-length': String(Buffer.byteLength(body)) }
    const refuse = (thrown: unknown) => reject(tlsRefusal(url.host, thrown) ?? thrown)
    const sent = httpsRequest(url, { ...trust, method, headers: sized, signal, agent: false }, (response) => {
      const parts: Buffer[] = []
      const header = (name: string) => {
        const value = response.headers[name]
        return typeof value === 'string' ? value : null
      }
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8'), header }))
      response.on('error', refuse)
    })
    sent.on('error', refuse)
    sent.end(body)
  })
}
