import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { initFleet, pulumiEnv } from '../../cli/init.ts'
import { projectDir } from '../../tools/paths.ts'

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'kbg-init-')))
let root = ''
let count = 0
afterAll(() => rmSync(scratch, { recursive: true }))

/** A checkout with the launcher and a CLI that only says how it was called. */
beforeEach(() => {
  root = join(scratch, `project ${count++}`)
  for (const dir of ['tools', 'node_modules/.bin', 'node_modules/@pulumi/kafka', '.kbg/.tools/pulumi']) mkdirSync(join(root, dir), { recursive: true })
  copyFileSync(join(projectDir, 'tools', 'pulumi-launcher.sh'), join(root, 'tools', 'pulumi-launcher.sh'))
  symlinkSync('../../tools/pulumi-launcher.sh', join(root, 'node_modules', '.bin', 'pulumi'))
  writeFileSync(join(root, 'node_modules', '@pulumi', 'kafka', 'package.json'), '{\n  "name": "@pulumi/kafka",\n  "version": "3.13.2"\n}\n')
  writeCli(join(root, '.kbg', '.tools', 'pulumi'))
})

function writeCli(dir: string): void {
  mkdirSync(dir, { recursive: true })
  const script =
    '#!/bin/sh\necho "cli=$0"\necho "args=$*"\necho "path=$PATH"\necho "backend=$PULUMI_BACKEND_URL"\necho "file=$PULUMI_CONFIG_PASSPHRASE_FILE"\necho "noPlugins=$PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"\n'
  writeFileSync(join(dir, 'pulumi'), script)
  chmodSync(join(dir, 'pulumi'), 0o755)
}

/** What the CLI was given when `pulumi` was started through its link. */
function launch(env: Record<string, string> = {}): Record<string, string> {
  const link = join(root, 'node_modules', '.bin', 'pulumi')
  const said = execFileSync(link, ['up', '-s', 'blue'], { env: { PATH: process.env.PATH ?? '', HOME: scratch, ...env }, cwd: scratch, encoding: 'utf8' })
  return Object.fromEntries(
    said
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

function initialised(): void {
  mkdirSync(join(root, '.kbg', '.pulumi'))
  writeFileSync(join(root, '.kbg', '.passphrase'), 'x\n')
}

test('the launcher passes arguments on and finds Node 24, the language host and the stand-in first', () => {
  const { cli, args, path } = launch()
  expect(cli).toBe(join(root, '.kbg', '.tools', 'pulumi', 'pulumi'))
  expect(args).toBe('up -s blue')
  expect(path?.split(':').slice(0, 3)).toEqual([
    join(root, 'test', 'support', 'providers'),
    join(root, 'node_modules', '.bin'),
    join(root, '.kbg', '.tools', 'pulumi'),
  ])
})

test('the stand-in is left out where the official plugin is installed, and plugins are downloaded only there', () => {
  expect(launch().noPlugins).toBe('true')
  expect(launch({ PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'false' }).noPlugins).toBe('false')
  const plugin = join(root, 'home', 'plugins', 'resource-kafka-v3.13.2')
  mkdirSync(plugin, { recursive: true })
  writeFileSync(join(plugin, 'pulumi-resource-kafka'), '', { mode: 0o755 })
  const { path, noPlugins } = launch({ PULUMI_HOME: join(root, 'home') })
  expect([path?.split(':')[0], noPlugins]).toEqual([join(root, 'node_modules', '.bin'), ''])
})

test('without a CLI of its own the launcher takes the one on the PATH, and never itself', () => {
  rmSync(join(root, '.kbg', '.tools'), { recursive: true })
  writeCli(join(root, 'elsewhere'))
  const path = [join(root, 'node_modules', '.bin'), join(root, 'elsewhere'), '/usr/bin', '/bin'].join(':')
  expect(launch({ PATH: path }).cli).toBe(join(root, 'elsewhere', 'pulumi'))
})

test('launcher and scripts give the backend and passphrase that init made, and nothing before', () => {
  expect(launch()).toMatchObject({ backend: '', file: '' })
  expect(pulumiEnv(root, {})).toEqual({ PULUMI_SKIP_UPDATE_CHECK: 'true' })
  initialised()
  const made = { backend: `file://${root}/.kbg/.pulumi`, file: join(root, '.kbg', '.passphrase') }
  expect(launch()).toMatchObject(made)
  expect(pulumiEnv(root, {})).toMatchObject({ PULUMI_BACKEND_URL: made.backend, PULUMI_CONFIG_PASSPHRASE_FILE: made.file })
})

test('what the shell has set stays, an empty passphrase too', () => {
  initialised()
  expect(launch({ PULUMI_BACKEND_URL: 's3://b', PULUMI_CONFIG_PASSPHRASE: '' })).toMatchObject({ backend: 's3://b', file: '' })
  expect(pulumiEnv(root, { PULUMI_BACKEND_URL: 's3://b', PULUMI_CONFIG_PASSPHRASE: '' })).toEqual({ PULUMI_SKIP_UPDATE_CHECK: 'true' })
})

test('a damaged file of Pulumi’s logins is an error that quotes nothing of it', async () => {
  const home = join(root, 'home')
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'credentials.json'), '{"current": pul-1234567890}')
  vi.stubEnv('PULUMI_HOME', home)
  vi.stubEnv('PULUMI_BACKEND_URL', undefined)
  vi.stubEnv('PULUMI_ACCESS_TOKEN', undefined)
  try {
    const said = inspect(await initFleet('main', root).catch((thrown: unknown) => thrown))
    expect(said).toContain('pulumi-login: ')
    expect(said).not.toContain('pul-')
  } finally {
    vi.unstubAllEnvs()
  }
})

test('a name that is no fleet is refused before anything is made', async () => {
  await expect(initFleet('Shop-green', root)).rejects.toThrow(/^fleet-name: /)
})
