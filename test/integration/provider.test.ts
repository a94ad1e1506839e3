/**
 * The provider through the real Pulumi CLI: a local colour that is created, damaged, mended, refused and destroyed.
 * The project lies in a directory of its own; the brokers' state is `.kbg/<fleet>` of this checkout.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findProcess } from '../../engine/adapters/local/process.ts'
import { projectDir, toolEnv } from '../../tools/paths.ts'

const fleet = 'test-t6a-provider'
const stack = `${fleet}-blue`
const colourDirectory = join(projectDir, '.kbg', fleet, 'blue')
const nodeIds = [1, 2, 3]
let directory = ''

const program = `
import * as pulumi from '@pulumi/pulumi'
import { LocalCluster } from '${join(projectDir, 'components', 'cluster', 'local-cluster.ts')}'
const kafkaVersion = new pulumi.Config().get('kafkaVersion') ?? '4.3.1'
const cluster = new LocalCluster('blue', { fleet: '${fleet}', colour: 'blue', kafkaVersion, nodes: 3, brokerConfig: {}, applicationUsers: ['orders-app'] })
export const { access, brokersAlive } = cluster
`

interface Run {
  readonly child: ChildProcess
  readonly said: () => string
  readonly ended: Promise<{ readonly code: number | null; readonly said: string }>
}

function start(...args: string[]): Run {
  let said = ''
  const child = spawn('pulumi', [...args, '--non-interactive', '--stack', stack], {
    cwd: directory,
    env: {
      ...toolEnv(),
      PULUMI_BACKEND_URL: `file://${directory}/state`,
      PULUMI_HOME: join(directory, 'home'),
      PULUMI_CONFIG_PASSPHRASE: 'not a secret',
      PULUMI_SKIP_UPDATE_CHECK: 'true',
    },
    // a group of its own, as a terminal gives it: ^C then reaches the CLI, which tells its providers
    detached: true,
  })
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const ended = new Promise<{ code: number | null; said: string }>((resolve) => child.once('close', (code) => resolve({ code, said })))
  return { child, said: () => said, ended }
}

async function pulumi(...args: string[]): Promise<{ readonly code: number | null; readonly said: string }> {
  return await start(...args).ended
}

/** Process ids of the brokers that live. */
function brokers(): readonly number[] {
  if (!existsSync(colourDirectory)) return []
  return nodeIds.flatMap((nodeId) => findProcess(join(colourDirectory, `node-${nodeId}`, 'pid'))?.pid ?? [])
}

/** Waits until a running command has said something; the wait ends with the command. */
async function untilSaid(run: Run, text: string): Promise<void> {
  const deadline = performance.now() + 100_000
  // Polled: the CLI's output is the only sign of where it is.
  while (!run.said().includes(text)) {
    if (performance.now() > deadline || run.child.exitCode !== null) throw new Error(`it never said "${text}", but: ${run.said()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function untilNoBrokers(): Promise<void> {
  const deadline = performance.now() + 20_000
  while (brokers().length > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 100))
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'kbg-provider-'))
  mkdirSync(join(directory, 'state'))
  symlinkSync(join(projectDir, 'node_modules'), join(directory, 'node_modules'))
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ name: 'it', type: 'module', main: 'index.ts' }))
  const plugins = { providers: [{ name: 'kbg', path: join(projectDir, 'provider') }] }
  writeFileSync(join(directory, 'Pulumi.yaml'), JSON.stringify({ name: 'it', runtime: { name: 'nodejs', options: { typescript: false } }, plugins }))
  writeFileSync(join(directory, 'index.ts'), program)
  expect((await pulumi('stack', 'init')).code).toBe(0)
})

afterAll(async () => {
  await pulumi('cancel', '--yes')
  await pulumi('destroy', '--yes', '--skip-preview')
  rmSync(directory, { recursive: true, force: true })
  rmSync(join(projectDir, '.kbg', fleet), { recursive: true, force: true })
})

describe('a local colour through the Pulumi CLI', () => {
  test('SIGKILL of the CLI while brokers start: the provider notices, and no process is left', async () => {
    const run = start('up', '--yes', '--skip-preview')
    await untilSaid(run, 'starting broker')
    run.child.kill('SIGKILL')
    await run.ended
    await untilNoBrokers()
    expect(brokers()).toEqual([])
    expect((await pulumi('cancel', '--yes')).code).toBe(0)
  })

  test('^C while brokers start: aborted within seconds, and no process is left', async () => {
    const run = start('up', '--yes', '--skip-preview')
    await untilSaid(run, 'starting broker')
    const startedAt = performance.now()
    run.child.kill('SIGINT')
    const { code, said } = await run.ended
    expect(code).not.toBe(0)
    expect(said).toContain('Cancelled: Pulumi was interrupted')
    expect(performance.now() - startedAt).toBeLessThan(30_000)
    expect(brokers()).toEqual([])
  })

  test('up makes it; a second preview has nothing to do; no secret stands in the state', async () => {
    const { code, said } = await pulumi('up', '--yes', '--skip-preview')
    expect(said).toContain('fencing blue')
    expect(code).toBe(0)
    expect(brokers()).toHaveLength(3)
    expect(await pulumi('preview', '--expect-no-changes')).toMatchObject({ code: 0 })
    const { passwords } = JSON.parse(readFileSync(join(projectDir, '.kbg', fleet, 'credentials.json'), 'utf8')) as { passwords: Record<string, string> }
    const exported = (await pulumi('stack', 'export', '--show-secrets')).said
    expect(Object.keys(passwords)).toContain('orders-app')
    for (const password of Object.values(passwords)) expect(exported.includes(password)).toBe(false)
  })

  test('refresh sees a broker that died; up starts it again and leaves the others alone', async () => {
    const [first, second = 0, third] = brokers()
    process.kill(second, 'SIGKILL')
    const refreshed = await pulumi('refresh', '--yes', '--skip-preview')
    expect(refreshed.said).toContain('2 of 3 brokers of blue run')
    expect((await pulumi('up', '--yes', '--skip-preview')).code).toBe(0)
    const now = brokers()
    expect(now).toHaveLength(3)
    expect([now[0], now[2]]).toEqual([first, third])
    expect(now[1]).not.toBe(second)
  })

  test('another version of a running colour is refused in the preview, and nothing is touched', async () => {
    const before = brokers()
    await pulumi('config', 'set', 'kafkaVersion', '3.9.2')
    const { code, said } = await pulumi('preview')
    expect(code).not.toBe(0)
    expect(said).toContain('kafkaVersion')
    expect(said).toContain('make the change on green')
    expect(brokers()).toEqual(before)
    await pulumi('config', 'rm', 'kafkaVersion')
  })

  test('destroy ends exactly what was started', async () => {
    expect((await pulumi('destroy', '--yes', '--skip-preview')).code).toBe(0)
    expect(brokers()).toEqual([])
    expect(existsSync(colourDirectory)).toBe(false)
  })
})
