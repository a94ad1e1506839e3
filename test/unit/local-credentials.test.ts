import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ensureCredentials, passwordOf, readCredentials, takePasswords } from '../../engine/adapters/local/credentials.ts'
import { withFileLock } from '../../engine/adapters/local/file-lock.ts'
import { colourDirectory, credentialsPath, fleetDirectory, removeFleetIfEmpty } from '../../engine/adapters/local/state.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kbg-credentials-'))
})
afterEach(() => rmSync(root, { recursive: true }))

describe('the credentials file', () => {
  test('keeps passwords, adds missing ones, is nobody else’s to read', async () => {
    const file = await ensureCredentials(root, 'unit', ['admin', 'orders-app'])
    const first = readCredentials(file).passwords
    await ensureCredentials(root, 'unit', ['orders-app', 'stock-app'])
    const second = readCredentials(file).passwords
    expect(second).toMatchObject(first)
    expect(Object.keys(second).sort()).toEqual(['admin', 'orders-app', 'stock-app'])
    expect(new Set(Object.values(second)).size).toBe(3)
    expect(passwordOf(readCredentials(file), 'admin')).toMatch(/^[\w-]{32}$/)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700)
    expect(readdirSync(dirname(file))).toEqual(['credentials.json'])
  })

  test('survives processes that add users at the same time: no password is lost or changed', async () => {
    const module = join(import.meta.dirname, '../../engine/adapters/local/credentials.ts')
    const script = `import { ensureCredentials } from ${JSON.stringify(module)}
      for (let i = 0; i < 10; i++) await ensureCredentials(${JSON.stringify(root)}, 'unit', ['shared', process.argv[1] + i])`
    const run = (name: string): Promise<number | null> =>
      new Promise((resolve) => spawn(process.execPath, ['--input-type=module', '-e', script, name], { stdio: 'inherit' }).once('close', resolve))
    expect(await Promise.all([run('a'), run('b'), run('c')])).toEqual([0, 0, 0])
    expect(Object.keys(readCredentials(credentialsPath(root, 'unit')).passwords)).toHaveLength(31)
  })

  test('takes an adopted cluster’s passwords over before others are made, and refuses another one for the same user', async () => {
    await takePasswords(root, 'unit', { 'orders-app': 'orders-secret' }, systemClock)
    const file = await ensureCredentials(root, 'unit', ['orders-app', 'operator'])
    expect(readCredentials(file).passwords).toMatchObject({ 'orders-app': 'orders-secret', operator: expect.stringMatching(/^[\w-]{32}$/) })
    await takePasswords(root, 'unit', { 'orders-app': 'orders-secret' }, systemClock)
    const refusal = await takePasswords(root, 'unit', { 'orders-app': 'another-secret' }, systemClock).catch(String)
    expect(refusal).toMatch(/credentials: .*users: orders-app/)
    expect(refusal).not.toContain('secret;')
    expect(readCredentials(file).passwords).toMatchObject({ 'orders-app': 'orders-secret' })
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('damaged is refused without quoting it', async () => {
    const file = credentialsPath(root, 'unit')
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, '{"version":1,"passwords":{"admin":"hunter2hunter2"')
    const refusal = await ensureCredentials(root, 'unit', ['admin']).catch(String)
    expect(refusal).toContain('credentials')
    expect(refusal).not.toContain('hunter2')
    expect(readFileSync(file, 'utf8')).toContain('hunter2')
  })
})

describe('a file lock', () => {
  const patient = (): Deadline => new Deadline(systemClock, 5_000, 'the lock')

  test('lets one at a time in', async () => {
    const file = join(root, 'lock')
    let inside = 0
    let most = 0
    const work = async (): Promise<void> => {
      most = Math.max(most, ++inside)
      await systemClock.sleep(5)
      inside--
    }
    await Promise.all(Array.from({ length: 5 }, () => withFileLock(file, 'it', patient(), work)))
    expect(most).toBe(1)
    expect(readdirSync(root)).toEqual([])
  })

  test('refuses at once, naming the holder, when told not to wait', async () => {
    const file = join(root, 'lock')
    await withFileLock(file, 'blue', patient(), async () => {
      await expect(withFileLock(file, 'blue', 'none', async () => undefined)).rejects.toThrow(new RegExp(`busy.*blue.*holderPid: ${process.pid}`, 's'))
    })
  })

  test('of a process that ended is taken over', async () => {
    const file = join(root, 'lock')
    writeFileSync(file, JSON.stringify({ pid: process.pid, startTime: 'long ago' }))
    expect(await withFileLock(file, 'it', 'none', async () => 'done')).toBe('done')
    expect(readdirSync(root)).toEqual([])
  })

  test('is released when the work fails', async () => {
    const file = join(root, 'lock')
    const failing = withFileLock(file, 'it', patient(), async () => {
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(existsSync(file)).toBe(false)
  })
})

test("a fleet's passwords go when nothing of it is left, not before", async () => {
  await ensureCredentials(root, 'unit', ['admin'])
  mkdirSync(colourDirectory(root, 'unit', 'green'))
  removeFleetIfEmpty(root, 'unit')
  expect(existsSync(credentialsPath(root, 'unit'))).toBe(true)
  rmSync(colourDirectory(root, 'unit', 'green'), { recursive: true })
  removeFleetIfEmpty(root, 'unit')
  expect(existsSync(fleetDirectory(root, 'unit'))).toBe(false)
})
