import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  acceptsConnections,
  bindProblem,
  findProcess,
  isAlive,
  lastLog,
  livingSince,
  ownIdentity,
  type ProcessSpec,
  startProcess,
  stopProcess,
  waitUntilReady,
} from '../../engine/adapters/local/process.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kbg-process-'))
})
afterEach(async () => {
  await stopProcess(join(directory, 'pid'), 0, within(5_000))
  rmSync(directory, { recursive: true })
})

function within(ms: number): Deadline {
  return new Deadline(systemClock, ms, 'the test')
}

function sh(script: string, more: Partial<ProcessSpec> = {}): ProcessSpec {
  return { name: 'the script', command: 'sh', args: ['-c', script], directory, logFile: join(directory, 'log'), pidFile: join(directory, 'pid'), ...more }
}

describe('a detached process', () => {
  test('is found by its pid file, ends on SIGTERM, and leaves no file', async () => {
    const started = await startProcess(sh('exec sleep 60'), systemClock)
    expect(findProcess(started.spec.pidFile)).toEqual(started.identity)
    expect(statSync(started.spec.pidFile).mode & 0o777).toBe(0o600)
    expect(statSync(started.spec.logFile).mode & 0o777).toBe(0o600)
    await stopProcess(started.spec.pidFile, 2_000, within(5_000))
    expect(isAlive(started.identity)).toBe(false)
    expect(findProcess(started.spec.pidFile)).toBeUndefined()
  })

  test('that ignores SIGTERM gets SIGKILL after its grace', async () => {
    const started = await startProcess(sh('trap "" TERM; echo up; while :; do sleep 0.1; done'), systemClock)
    await waitUntilReady(started, async () => lastLog(started.spec.logFile).includes('up'), within(5_000))
    const before = systemClock.monotonicMs()
    await stopProcess(started.spec.pidFile, 300, within(5_000))
    expect(systemClock.monotonicMs() - before).toBeGreaterThan(290)
    expect(isAlive(started.identity)).toBe(false)
  })

  test('that is killed lives until its last thread has ended, so that whoever starts it again finds its port free', async () => {
    const endpoint = { host: '127.0.0.1', port: await freePort() }
    const busyThread = "new (require('worker_threads').Worker)('for (;;) Array.from({ length: 1e5 }, (_, index) => ({ index }))', { eval: true })"
    const script = `${busyThread}; ${busyThread}; require('net').createServer().listen(${endpoint.port}, '${endpoint.host}')`
    for (let turn = 0; turn < 4; turn++) {
      const started = await startProcess({ ...sh(''), command: process.execPath, args: ['-e', script] }, systemClock)
      await waitUntilReady(started, () => acceptsConnections(endpoint), within(10_000))
      process.kill(started.identity.pid, 'SIGKILL')
      while (isAlive(started.identity)) await setImmediate()
      expect(await bindProblem(endpoint)).toBeUndefined()
    }
  })

  test('is not mistaken for another process with its pid', async () => {
    const bystander = spawn('sleep', ['60'], { stdio: 'ignore' })
    try {
      writeFileSync(join(directory, 'pid'), JSON.stringify({ pid: bystander.pid, startTime: '1' }))
      expect(findProcess(join(directory, 'pid'))).toBeUndefined()
      await stopProcess(join(directory, 'pid'), 100, within(1_000))
      expect(bystander.exitCode).toBeNull()
      expect(bystander.signalCode).toBeNull()
    } finally {
      bystander.kill('SIGKILL')
    }
  })

  test("doesn't inherit the starter's environment, nor its terminal", async () => {
    process.env.KBG_TEST_SECRET = 'not for children'
    try {
      const started = await startProcess(sh('env; exec sleep 60'), systemClock)
      await waitUntilReady(started, async () => lastLog(started.spec.logFile).includes('PATH='), within(5_000))
      const log = readFileSync(started.spec.logFile, 'utf8')
      expect(log).not.toContain('not for children')
      expect(log).not.toContain('KBG_')
    } finally {
      delete process.env.KBG_TEST_SECRET
    }
  })

  test('is refused a second time while it runs', async () => {
    await startProcess(sh('exec sleep 60'), systemClock)
    await expect(startProcess(sh('exec sleep 60'), systemClock)).rejects.toThrow(/process-running/)
  })
})

describe('waiting for a process', () => {
  test('fails at once with its last log lines when it ends', async () => {
    const started = await startProcess(sh('echo the reason >&2; exit 3'), systemClock)
    const before = systemClock.monotonicMs()
    await expect(waitUntilReady(started, async () => false, within(30_000))).rejects.toThrow(/process-ended.*the reason/s)
    expect(systemClock.monotonicMs() - before).toBeLessThan(5_000)
  })

  test('shows only what this start said, not an older one', async () => {
    writeFileSync(join(directory, 'log'), 'an old reason\n')
    const started = await startProcess(sh('echo new; exit 3'), systemClock)
    const refusal = await waitUntilReady(started, async () => false, within(30_000)).catch(String)
    expect(refusal).toContain('new')
    expect(refusal).not.toContain('an old reason')
  })

  test('refuses at the deadline with what the probe said last', async () => {
    const started = await startProcess(sh('exec sleep 60'), systemClock)
    const probe = async (): Promise<boolean> => {
      throw new Error('nobody there')
    }
    await expect(waitUntilReady(started, probe, within(200))).rejects.toMatchObject({ code: 'not-ready', cause: new Error('nobody there') })
  })

  test('a program that is not there is one error', async () => {
    const spec = sh('', { command: 'no-such-program' })
    const attempt = startProcess(spec, systemClock).then((started) => waitUntilReady(started, async () => false, within(5_000)))
    await expect(attempt).rejects.toThrow(/no-such-program.*not found/s)
  })
})

test('a damaged pid file is refused, not taken for "ended"', async () => {
  writeFileSync(join(directory, 'pid'), '12')
  expect(() => findProcess(join(directory, 'pid'))).toThrow(/pid-file/)
  rmSync(join(directory, 'pid'))
})

test('this process is alive, a later start time with its pid is not', () => {
  expect(isAlive(ownIdentity())).toBe(true)
  expect(isAlive({ pid: process.pid, startTime: '9' })).toBe(false)
})

async function listening(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no address')
  return { server, port: address.port }
}

async function freePort(): Promise<number> {
  const { server, port } = await listening()
  await new Promise((resolve) => server.close(resolve))
  return port
}

test('a taken port is told from a free one', async () => {
  const { server, port } = await listening()
  const endpoint = { host: '127.0.0.1', port }
  expect(await bindProblem(endpoint)).toBe('EADDRINUSE')
  expect(await acceptsConnections(endpoint)).toBe(true)
  await new Promise((resolve) => server.close(resolve))
  expect(await bindProblem(endpoint)).toBeUndefined()
  expect(await acceptsConnections(endpoint)).toBe(false)
})

describe("a process's line in /proc", () => {
  const line = (state: string, threads: number) =>
    `17 (java -D) Z) ${state} 1 17 17 0 -1 4228 0 0 0 0 0 0 0 0 20 0 ${threads} 0 301686 0 0 18446744073709551615`

  test('tells since when it lives', () => {
    expect(livingSince(line('S', 40))).toBe('301686')
  })

  test('of a zombie tells that it has ended, once none of its threads is left to hold a port', () => {
    expect(livingSince(line('Z', 1))).toBeUndefined()
    expect(livingSince(line('Z', 0))).toBeUndefined()
    expect(livingSince(line('X', 0))).toBeUndefined()
    expect(livingSince(line('Z', 3))).toBe('301686')
  })
})
