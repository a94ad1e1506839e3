/** Hooks as real child processes and real HTTP requests on this machine. */
import { createHmac } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { hookCaller } from '../../engine/adapters/hooks/hook-caller.ts'
import { isPidAlive } from '../../engine/adapters/local/process.ts'
import { Hook, HookPayload } from '../../engine/model/hook.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { projectDir } from '../../tools/paths.ts'

const payload: HookPayload = {
  ...{ version: 1, event: 'abort', fleet: 'shop', source: 'blue', target: 'green', wave: null, term: '7', epoch: 3, attempt: 1 },
  ...{ journalEntry: 12, reason: 'the drain took too long', atUtc: '2026-01-01T00:00:00.000Z' },
}
const text = `${JSON.stringify(payload)}\n`
const secret = 'a-secret-of-this-test'
let dir = ''

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'kbg-hooks-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

function call(hook: object, { timeoutMs = 10_000, cancelled }: { timeoutMs?: number; cancelled?: AbortSignal } = {}) {
  const parsed = Hook.parse({ name: 'told', events: ['abort'], ...hook })
  return hookCaller.call(parsed, payload, new Deadline(systemClock, timeoutMs, 'the hook told', cancelled))
}

const script = (code: string, ...args: string[]) => ({ command: [execPath, '-e', code, ...args] })

describe('a command', () => {
  test('gets the payload on its standard input, its arguments as they are, and a small environment in the project', async () => {
    process.env.PULUMI_CONFIG_PASSPHRASE = secret
    const code = `
      let text = ''
      process.stdin.on('data', (chunk) => { text += chunk }).on('end', () => {
        require('node:fs').writeFileSync(process.argv[1], JSON.stringify({ text, rest: process.argv.slice(2), cwd: process.cwd(), passphrase: process.env.PULUMI_CONFIG_PASSPHRASE ?? null }))
        console.log('noted\\u0007\\nonce')
      })`
    expect(await call(script(code, join(dir, 'seen.json'), '$HOME; exit 1', 'two words'))).toEqual({ ok: true, said: 'noted once' })
    delete process.env.PULUMI_CONFIG_PASSPHRASE
    const seen = JSON.parse(readFileSync(join(dir, 'seen.json'), 'utf8'))
    expect(seen).toEqual({ text, rest: ['$HOME; exit 1', 'two words'], cwd: projectDir, passphrase: null })
    expect(HookPayload.parse(JSON.parse(seen.text))).toEqual(payload)
  })

  test('that ends otherwise than with 0 is no success, and what it said is bounded', async () => {
    expect(await call(script('console.error("change freeze"); process.exitCode = 3'))).toEqual({ ok: false, said: 'exit code 3: change freeze' })
    const { ok, said } = await call(script('process.stdout.write("x".repeat(1_000_000)); process.exitCode = 1'))
    expect([ok, said.length, said.slice(0, 14)]).toEqual([false, 500, 'exit code 1: x'])
    expect(await call(script('process.kill(process.pid, "SIGTERM"); setInterval(() => {}, 1000)'))).toEqual({ ok: false, said: 'ended by SIGTERM:' })
    expect(await call({ command: ['/no/such/program'] })).toEqual({ ok: false, said: expect.stringContaining('ENOENT') })
    expect(await call({ command: ['true', 'x'.repeat(4_000_000)] })).toEqual({ ok: false, said: expect.stringContaining('E2BIG') })
  })

  test('that is not through by the deadline is killed with what it has started', async () => {
    const file = join(dir, 'child.pid')
    const code = `
      const { pid } = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' })
      require('node:fs').writeFileSync(process.argv[1], String(pid))
      console.log('asking the board')
      setInterval(() => {}, 1000)`
    const { ok, said } = await call(script(code, file), { timeoutMs: 1_500 })
    expect([ok, said]).toEqual([false, expect.stringMatching(/Gave up waiting for the hook told.*asking the board/)])
    await expect.poll(() => isPidAlive(Number(readFileSync(file, 'utf8')))).toBe(false)
  })

  test('leaves nothing running behind its own end, and is not waited for because of it', async () => {
    const file = join(dir, 'left.pid')
    const code = `
      const { pid } = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' })
      require('node:fs').writeFileSync(process.argv[1], String(pid))
      process.exit(0)`
    expect(await call(script(code, file))).toMatchObject({ ok: true })
    await expect.poll(() => isPidAlive(Number(readFileSync(file, 'utf8')))).toBe(false)
  })

  test('ends with a cancellation, which is no answer', async () => {
    const stop = new AbortController()
    const file = join(dir, 'cancelled.pid')
    const waiting = call(script('require("node:fs").writeFileSync(process.argv[1], String(process.pid)); setInterval(() => {}, 1000)', file), {
      cancelled: stop.signal,
    })
    await expect.poll(() => readFileSync(file, { encoding: 'utf8', flag: 'a+' }), { timeout: 5_000 }).not.toBe('')
    stop.abort(new Error('^C'))
    await expect(waiting).rejects.toThrow('^C')
    await expect.poll(() => isPidAlive(Number(readFileSync(file, 'utf8')))).toBe(false)
  })
})

describe('a webhook', () => {
  interface Received {
    readonly path: string
    readonly headers: IncomingMessage['headers']
    readonly body: string
  }
  const received: Received[] = []
  let server: Server
  let url = ''

  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      received.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString('utf8') })
      if (request.url === '/slow') return
      if (request.url === '/away') return void response.writeHead(307, { location: `${url}/ok` }).end()
      if (request.url === '/no') return void response.writeHead(409).end(`change freeze, says ${request.headers.authorization}`)
      if (request.url === '/endless') {
        response.writeHead(500)
        const pour = () => {
          while (!response.destroyed && response.write('x'.repeat(65_536)));
          if (!response.destroyed) response.once('drain', pour)
        }
        return pour()
      }
      response.writeHead(200).end('thank you')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    writeFileSync(join(dir, 'secret'), `${secret}\n`, { mode: 0o600 })
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  test('is posted the payload as JSON, signed with the secret of its file', async () => {
    received.length = 0
    expect(await call({ url: `${url}/ok`, auth: { kind: 'hmac-sha256', secretFile: join(dir, 'secret') } })).toEqual({ ok: true, said: 'thank you' })
    const signature = `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`
    expect(received).toMatchObject([{ path: '/ok', body: text, headers: { 'content-type': 'application/json', 'x-kbg-signature-256': signature } }])
  })

  test('that answers otherwise than 2xx is no success; a redirect is not followed, and a secret is not repeated', async () => {
    received.length = 0
    const auth = { kind: 'bearer', secretFile: join(dir, 'secret') }
    expect(await call({ url: `${url}/no`, auth })).toEqual({ ok: false, said: 'status 409: change freeze, says Bearer ***' })
    expect(received[0]?.headers.authorization).toBe(`Bearer ${secret}`)
    expect(await call({ url: `${url}/away`, auth })).toEqual({ ok: false, said: 'status 307, a redirect, which is not followed:' })
    const endless = await call({ url: `${url}/endless` })
    expect([endless.ok, endless.said.length]).toEqual([false, 500])
    expect(received.map(({ path }) => path)).toEqual(['/no', '/away', '/endless'])
  })

  test('that does not answer, or is not there, is no success', async () => {
    expect(await call({ url: `${url}/slow` }, { timeoutMs: 300 })).toEqual({ ok: false, said: expect.stringContaining('Gave up waiting for the hook told') })
    expect(await call({ url: 'http://127.0.0.1:4/' })).toEqual({ ok: false, said: expect.stringContaining('ECONNREFUSED') })
  })

  test('over https is not asked at all where any certificate would pass: its token would go to whoever answers', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    const { ok, said } = await call({ url: 'https://127.0.0.1:4/', auth: { kind: 'bearer', secretFile: join(dir, 'secret') } })
    vi.unstubAllEnvs()
    expect([ok, said]).toEqual([false, expect.stringMatching(/NODE_TLS_REJECT_UNAUTHORIZED=0 would let any certificate pass/)])
  })

  test('is not asked at all while its secret is missing, readable by others, or none', async () => {
    received.length = 0
    writeFileSync(join(dir, 'open'), secret, { mode: 0o644 })
    chmodSync(join(dir, 'open'), 0o644)
    writeFileSync(join(dir, 'broken'), `${secret}\nsecond line`, { mode: 0o600 })
    const said = async (file: string) => (await call({ url: `${url}/ok`, auth: { kind: 'bearer', secretFile: join(dir, file) } })).said
    expect(await said('none')).toMatch(/secret file is missing/)
    expect(await said('open')).toMatch(/Others may read.*mode: 644/)
    expect(await said('broken')).toMatch(/holds no secret/)
    expect(await said('broken')).not.toContain(secret)
    expect(received).toEqual([])
  })
})
