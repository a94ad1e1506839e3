import { createHmac } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { projectDir } from '../../../tools/paths.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import type { HookAuth } from '../../model/hook.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { HookAnswer } from '../../ports/hooks.ts'
import { refuseUnverified } from '../trust.ts'
import { oneLine, Said } from './said.ts'

const minSecretCharacters = 16

/** Posts the payload once, and follows no redirect. Success is a status of 200 to 299. */
export async function postWebhook(url: string, auth: HookAuth | undefined, payload: string, deadline: Deadline): Promise<HookAnswer> {
  const stop = new AbortController()
  let secret: string | null = null
  try {
    if (url.startsWith('https:')) refuseUnverified()
    secret = auth === undefined ? null : secretOf(auth)
    const headers = { 'content-type': 'application/json', 'user-agent': 'kbg', ...(auth && secret !== null ? authHeader(auth, secret, payload) : {}) }
    const { status, text } = await deadline.race(exchange(url, { method: 'POST', redirect: 'manual', headers, body: payload, signal: stop.signal }))
    const ok = status >= 200 && status < 300
    const redirect = status >= 300 && status < 400 ? ', a redirect, which is not followed' : ''
    return { ok, said: oneLine(ok ? text : `status ${status}${redirect}: ${text}`, secret) }
  } catch (thrown) {
    deadline.cancelled?.throwIfAborted()
    return { ok: false, said: oneLine(messageOf(thrown), secret) }
  } finally {
    stop.abort()
  }
}

async function exchange(url: string, init: RequestInit): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(url, init)
  const said = new Said()
  for await (const chunk of response.body ?? []) {
    said.add(chunk)
    if (said.isFull) break
  }
  return { status: response.status, text: said.text }
}

function authHeader({ kind }: HookAuth, secret: string, payload: string): Record<string, string> {
  if (kind === 'bearer') return { authorization: `Bearer ${secret}` }
  return { 'x-kbg-signature-256': `sha256=${createHmac('sha256', secret).update(payload).digest('hex')}` }
}

/** @throws KbgError `hook-secret`, never with the file's text in it */
function secretOf({ secretFile }: HookAuth): string {
  const file = resolve(projectDir, secretFile)
  const stat = statSync(file, { throwIfNoEntry: false })
  const facts = { secretFile }
  if (stat === undefined) throw new KbgError('hook-secret', "The hook's secret file is missing.", { facts })
  if ((stat.mode & 0o077) !== 0) {
    throw new KbgError('hook-secret', "Others may read the hook's secret file.", {
      facts: { ...facts, mode: (stat.mode & 0o777).toString(8) },
      remedy: 'chmod 600',
    })
  }
  const secret = readFileSync(file, 'utf8').trim()
  if (secret.length >= minSecretCharacters && /^[\x21-\x7e]+$/.test(secret)) return secret
  throw new KbgError('hook-secret', "The hook's secret file holds no secret.", {
    facts: { ...facts, required: `${minSecretCharacters} printable characters or more, and no space` },
  })
}
