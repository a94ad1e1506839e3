/** `kbg init` with the real CLI: what it makes, that a second run changes nothing, and that the stacks can be used. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { initFleet, pulumiEnv } from '../../cli/init.ts'
import { projectName } from '../../infra/config.ts'
import { projectDir, toolEnv } from '../../tools/paths.ts'
import { mustRun } from '../../tools/process.ts'

vi.setConfig({ testTimeout: 300_000 })
mkdirSync(join(projectDir, '.kbg'), { recursive: true })
const root = mkdtempSync(join(projectDir, '.kbg', 'test-init-'))

beforeAll(() => {
  // Whoever runs this may have a backend of their own; it stays untouched.
  vi.stubEnv('PULUMI_HOME', join(root, 'home'))
  for (const name of ['PULUMI_BACKEND_URL', 'PULUMI_CONFIG_PASSPHRASE', 'PULUMI_CONFIG_PASSPHRASE_FILE', 'PULUMI_ACCESS_TOKEN']) vi.stubEnv(name, undefined)
  writeFileSync(join(root, 'Pulumi.yaml'), `name: ${projectName}\nruntime: { name: nodejs, options: { typescript: false } }\n`)
})

afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(root, { recursive: true, force: true })
})

test('the first run makes backend, passphrase, stack files and stacks; the second finds them', async () => {
  const first = await initFleet('shop', root)
  expect(first.map(({ done }) => done)).toEqual(Array.from({ length: 8 }, () => 'made'))
  expect(statSync(join(root, '.kbg', '.passphrase')).mode & 0o777).toBe(0o600)
  expect(readFileSync(join(root, 'Pulumi.shop-green.yaml'), 'utf8')).toContain(`${projectName}:kafkaVersion: 4.3.1`)

  const passphrase = readFileSync(join(root, '.kbg', '.passphrase'), 'utf8')
  const second = await initFleet('shop', root)
  expect(second.map(({ done }) => done)).toEqual(Array.from({ length: 8 }, () => 'was there'))
  expect(readFileSync(join(root, '.kbg', '.passphrase'), 'utf8')).toBe(passphrase)

  const live = await mustRun('pulumi', ['config', 'get', 'live', '-s', 'shop-traffic'], {
    cwd: root,
    env: { ...toolEnv(), ...pulumiEnv(root) },
    deadlineSeconds: 100,
  })
  expect(live.trim()).toBe('blue')
})

test('a broken stack file is one clear error', async () => {
  writeFileSync(join(root, 'Pulumi.torn-blue.yaml'), 'config: [')
  await expect(initFleet('torn', root)).rejects.toThrow(/^command-failed: pulumi stack init torn-blue/)
})
