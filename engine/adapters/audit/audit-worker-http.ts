import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { AuditWorkerAccess } from '../../model/audit-worker.ts'
import { auditUser } from '../../model/audit-worker.ts'
import { CredentialsFile } from '../../model/cluster-access.ts'
import { KbgError } from '../../model/error.ts'
import type { Deadline } from '../../ports/clock.ts'
import { exchange } from '../http-exchange.ts'
import { isProvenAnswer, proofHeader, signRequest } from './handshake.ts'

/** What a worker says when it refuses. */
const Refusal = z.object({ code: z.string(), message: z.string() })

/** One worker's HTTP service: every request bounded and signed, every answer proven to be the worker's and parsed, no password in any error. */
export class AuditWorkerHttp {
  readonly url: string
  readonly #access: AuditWorkerAccess
  #password: string | undefined

  constructor(access: AuditWorkerAccess) {
    this.#access = access
    this.url = access.url
  }

  /** @throws KbgError `audit-unreachable` (retriable), the codes of `tlsRefusal`, `audit-refused`, `audit-stranger`, `credentials`, `deadline` */
  async ask<S extends z.ZodType>(method: 'GET' | 'POST', path: string, body: unknown, schema: S, deadline: Deadline): Promise<z.infer<S>> {
    const stop = new AbortController()
    try {
      const { status, text } = await deadline.race(this.#exchange(method, path, body, stop.signal))
      if (status !== 200) throw this.#refused(path, status, text)
      const { data, error } = schema.safeParse(jsonOf(text))
      if (data !== undefined) return data as z.infer<S>
      throw new KbgError('audit-refused', `The audit worker at ${this.url} answers ${path} with something else.`, {
        facts: { observed: (error?.issues ?? []).slice(0, 3).map(({ path: at, message }) => `${at.map(String).join('.')}: ${message}`) },
        remedy: 'Worker and asker are of different versions: provision the worker again.',
      })
    } catch (thrown) {
      if (thrown instanceof KbgError) throw thrown
      deadline.cancelled?.throwIfAborted()
      throw new KbgError('audit-unreachable', `The audit worker at ${this.url} doesn't answer.`, { retriable: true, cause: thrown })
    } finally {
      stop.abort()
    }
  }

  async #exchange(method: string, path: string, body: unknown, signal: AbortSignal): Promise<{ readonly status: number; readonly text: string }> {
    this.#password ??= passwordIn(this.#access.credentialsFile)
    const text = body === undefined ? '' : JSON.stringify(body)
    const { authorization, nonce } = signRequest(this.#password, method, path, text)
    const request = { method, headers: { authorization, 'content-type': 'application/json' }, signal }
    const {
      status,
      text: answer,
      header,
    } = await exchange(new URL(path, this.url), body === undefined ? request : { ...request, body: text }, this.#access.caFile)
    if (isProvenAnswer(this.#password, nonce, status, answer, header(proofHeader))) return { status, text: answer }
    this.#password = undefined // a changed one is read anew for the next request
    throw new KbgError('audit-stranger', `What answers at ${this.url} doesn't know the password of the audit.`, {
      facts: { status, path },
      remedy:
        'Another program listens there (ss -ltnp names it), or the worker is of another version or has another password: `pulumi up` on the traffic stack starts it afresh.',
    })
  }

  #refused(path: string, status: number, text: string): KbgError {
    const said = Refusal.safeParse(jsonOf(text)).data
    return new KbgError('audit-refused', `The audit worker at ${this.url} refuses ${path}.`, { facts: { status, observed: said?.message ?? 'nothing' } })
  }
}

/** @throws KbgError `credentials`, never with the file's text in it */
function passwordIn(file: string): string {
  const password = CredentialsFile.safeParse(jsonOf(textOf(file))).data?.passwords[auditUser]
  if (password !== undefined) return password
  throw new KbgError('credentials', `No credentials of ${auditUser} for the audit.`, { facts: { file } })
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // refused as one without that user, by its name
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // the schema refuses it
  }
}
