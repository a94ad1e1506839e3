/** What stops a local colour before anything is started. Java here is a fake: a script that only says its version. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { destroyCluster, observeCluster, provisionCluster, startDeadBrokers } from '../../engine/adapters/local/cluster.ts'
import { colourDirectory, fleetDirectory } from '../../engine/adapters/local/state.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'

const spec = { fleet: 'unit-refusals', colour: 'blue', kafkaVersion: '4.3.1', nodes: 3 } as const
const quiet = (): void => undefined
const within = (): Deadline => new Deadline(systemClock, 5_000, 'the test')

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kbg-refusals-'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(root, { recursive: true })
})

describe('Java', () => {
  function onlyThisJava(says: string | undefined): void {
    const bin = join(root, 'bin')
    mkdirSync(bin)
    vi.stubEnv('JAVA_HOME', '')
    vi.stubEnv('PATH', bin)
    if (says === undefined) return
    writeFileSync(join(bin, 'java'), `#!/bin/sh\necho '${says}' >&2\n`)
    chmodSync(join(bin, 'java'), 0o755)
  }

  test.each([
    ['missing', undefined, 'observed: none'],
    ['too old', 'openjdk version "11.0.22" 2024-01-16', 'observed: 11 at '],
    ['not to be recognised', 'hello', 'observed: unknown version at '],
  ])('%s is one sentence that says what to do, and nothing is left', async (_, says, observed) => {
    onlyThisJava(says)
    const refusal = await provisionCluster(root, spec, quiet, within()).catch(String)
    expect(refusal).toContain('java-missing')
    expect(refusal).toContain(observed)
    expect(refusal).toContain('required: >= 17')
    expect(refusal).toContain('Install')
    expect(existsSync(colourDirectory(root, spec.fleet, 'blue'))).toBe(false)
  })
})

describe('what was written down about a colour', () => {
  function recorded(text: string): void {
    mkdirSync(colourDirectory(root, spec.fleet, 'blue'), { recursive: true })
    writeFileSync(join(colourDirectory(root, spec.fleet, 'blue'), 'cluster.json'), text)
  }

  test.each(['', '{"version":1}', '{"version":2,"complete":true}'])('damaged (%s) is refused, neither repaired nor taken for nothing', async (text) => {
    recorded(text)
    expect(() => observeCluster(root, spec.fleet, 'blue')).toThrow(/cluster-record.*destroy this colour/s)
    await expect(provisionCluster(root, spec, quiet, within())).rejects.toThrow(/cluster-record/)
    await expect(startDeadBrokers(root, spec.fleet, 'blue', quiet, within())).rejects.toThrow(/cluster-record/)
  })

  test('damaged can still be destroyed', async () => {
    recorded('{')
    await destroyCluster(root, spec.fleet, 'blue', quiet, within())
    expect(existsSync(fleetDirectory(root, spec.fleet))).toBe(false)
  })

  test('not there: nothing stands, nothing can be started, and destroying it is nothing to do', async () => {
    expect(observeCluster(root, spec.fleet, 'blue')).toBeUndefined()
    await expect(startDeadBrokers(root, spec.fleet, 'blue', quiet, within())).rejects.toThrow(/not-provisioned/)
    await destroyCluster(root, spec.fleet, 'blue', quiet, within())
  })
})
