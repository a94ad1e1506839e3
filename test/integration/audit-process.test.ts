/** The audit's processes on this machine, without any broker: a worker comes up, and answers, before it has reached one. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectAudit } from '../../engine/adapters/audit/audit-client.ts'
import { type AuditWorkerObservation, destroyAudit, observeAudit, provisionAudit } from '../../engine/adapters/local/audit-process.ts'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { restartAfterMs } from '../../engine/run/audit/restarts.ts'
import { projectDir } from '../../tools/paths.ts'

const fleet = `unit-audit-${process.pid}`
const within = (seconds: number) => new Deadline(systemClock, seconds * 1_000, 'the test')
const nobody = ['127.0.0.1:9']
let root: string
let at: { readonly projectRoot: string; readonly fleet: string }

const access = (colour: 'blue' | 'green'): ClusterAccess => ({
  colour,
  clusterId: `id-${colour}`,
  kafkaVersion: '4.3.1',
  internalBootstrapServers: nobody,
  produceBootstrapServers: nobody,
  consumeBootstrapServers: nobody,
  credentialsFile: join(root, 'none.json'),
})
const provision = () =>
  provisionAudit(root, { fleet, clusters: { blue: access('blue'), green: access('green') }, topics: ['orders'], workers: 1 }, () => undefined, within(40))
const workerFile = (name: string) => join(root, '.kbg', fleet, 'traffic', 'audit', 'worker-0', name)

function observed(): AuditWorkerObservation {
  const [worker] = observeAudit(at)
  if (!worker) throw new Error('no worker')
  return worker
}

/** The worker that answers, once it is another one than `before`. */
const another = (before: number | null) =>
  within(40).poll(20, async () => {
    const { access: reached, pid } = observed()
    if (pid === null || pid === before) return undefined
    const { unreachable } = await connectAudit([reached], systemClock).facts(within(5))
    return unreachable.length === 0 ? pid : undefined
  })

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'kbg-audit-process-'))
  at = { projectRoot: root, fleet }
})
afterAll(async () => {
  await destroyAudit(at, 'remove', within(20))
  rmSync(root, { recursive: true, force: true })
}, 30_000)

describe('an audit worker', () => {
  test('that is killed is started again, without anybody asking', async () => {
    await provision()
    const { pid, supervisorPid, isCurrent } = observed()
    expect([pid !== null, supervisorPid !== null, pid === supervisorPid, isCurrent]).toEqual([true, true, false, true])
    process.kill(pid ?? 0, 'SIGKILL')
    await another(pid)
    expect(observed().supervisorPid).toBe(supervisorPid)
    expect(readFileSync(workerFile('worker.log'), 'utf8')).toContain('the worker has ended (SIGKILL), it is started again in 500 ms')
  }, 60_000)

  test('is left alone by the next provisioning, and started afresh when it runs other sources', async () => {
    const { pid, supervisorPid } = observed()
    await provision()
    expect(observed()).toMatchObject({ pid, supervisorPid })
    const config = readFileSync(workerFile('worker.json'), 'utf8')
    writeFileSync(workerFile('worker.json'), config.replace(/"code": "\w+"/, '"code": "older"'))
    expect(observed().isCurrent).toBe(false)
    await provision()
    expect(observed().isCurrent).toBe(true)
    expect([observed().pid === pid, observed().supervisorPid === supervisorPid]).toEqual([false, false])
    expect(readFileSync(workerFile('worker.log'), 'utf8')).toContain('saved, ended')
  }, 60_000)

  test('that hangs, though it and its supervisor live, is started afresh by the next provisioning', async () => {
    const { pid, supervisorPid } = observed()
    process.kill(pid ?? 0, 'SIGSTOP')
    await provision()
    expect([observed().pid === pid, observed().supervisorPid === supervisorPid]).toEqual([false, false])
    await another(pid)
  }, 60_000)

  test('whose supervisor is killed saves and ends, and its address is free for the next one', async () => {
    const { pid, supervisorPid } = observed()
    process.kill(supervisorPid ?? 0, 'SIGKILL')
    await within(10).poll(5, async () => (observed().supervisorPid === null ? true : undefined))
    await provision() // while the old one may still be saving
    expect(observed().pid).not.toBe(pid)
    expect(readFileSync(workerFile('worker.log'), 'utf8')).toContain('the supervisor has gone: saving')
  }, 60_000)

  test('that never comes up is not started again and again: its supervisor says why, and ends', async () => {
    const supervisor = spawn(process.execPath, [join(projectDir, 'engine', 'run', 'audit', 'supervise.ts'), join(root, 'no-such.json')])
    let said = ''
    supervisor.stderr.on('data', (chunk) => {
      said += String(chunk)
    })
    const exitCode = await new Promise((resolve) => supervisor.once('close', resolve))
    expect([exitCode, said.includes('no-such.json'), said.includes('started again')]).toEqual([1, true, false])
  }, 30_000)

  test('is ended with its supervisor', async () => {
    await destroyAudit(at, 'keep', within(20))
    expect(observeAudit(at)).toEqual([])
  }, 30_000)
})

test('what ends again and again is started with longer pauses, and given up after five times in ten minutes', () => {
  const ends = [0, 1_000, 3_000, 6_000, 11_000, 20_000]
  expect(ends.map((_, index) => restartAfterMs(ends.slice(0, index + 1)))).toEqual([500, 1_000, 2_000, 4_000, 8_000, null])
  expect(restartAfterMs([0, 700_000, 1_400_000, 2_100_000, 2_800_000, 3_500_000, 4_200_000])).toBe(500)
})
