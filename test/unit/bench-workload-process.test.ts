import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { type Clock, Deadline, systemClock } from '../../engine/ports/clock.ts'
import { WorkloadProcess } from '../support/workload/process.ts'
import { demoLoad } from '../support/workload/profile.ts'

let dir = ''
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** The process that a load was, as it wrote itself down. */
function pid(): number | undefined {
  try {
    return Number(readFileSync(join(dir, 'pid'), 'utf8').trim()) || undefined
  } catch {
    return undefined // it has not begun yet
  }
}

function lives(process_: number): true | undefined {
  try {
    process.kill(process_, 0)
    return true
  } catch {
    return undefined
  }
}

it('a load that does not become ready is killed', async () => {
  dir = mkdtempSync(join(tmpdir(), 'kbg-unit-load-'))
  const node = join(dir, 'node')
  writeFileSync(node, `#!/bin/sh\necho $$ > '${dir}/pid'\nexec sleep 60\n`, { mode: 0o755 })
  const within = (what: string) => new Deadline(systemClock, 5_000, what)
  // its patience ends when the process runs
  const clock: Clock = { ...systemClock, sleep: async () => void (await within('the process to begin').poll(10, async () => pid())) }
  const client = { kind: 'movable' as const, start: 'blue' as const, clusters: { blue: servers(), green: servers() } }
  const config = { version: 1 as const, historyDir: join(dir, 'history'), client, credentialsFile: null, ...demoLoad(10, 0) }
  await expect(WorkloadProcess.start(config, { node, clock, dir })).rejects.toThrow(/the workload to say ready/)
  const started = pid()
  expect(started).toBeGreaterThan(0)
  await within('the process to be gone').poll(10, async () => (lives(started ?? 0) ? undefined : true))
})

function servers() {
  return { produceBootstrapServers: ['127.0.0.1:1'], consumeBootstrapServers: ['127.0.0.1:1'] }
}
