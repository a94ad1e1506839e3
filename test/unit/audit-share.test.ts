import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { AuditWorkerConfig } from '../../engine/model/audit-worker.ts'
import { systemClock } from '../../engine/ports/clock.ts'
import { joinShare } from '../../engine/run/audit/share.ts'

test('a share whose group nobody can be asked for is left at once, also by a worker that was never stopped', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kbg-share-'))
  try {
    const credentialsFile = join(directory, 'credentials.json')
    writeFileSync(credentialsFile, JSON.stringify({ version: 1, passwords: { operator: 'no-secret' } }), { mode: 0o600 })
    const nobody = ['127.0.0.1:9']
    const servers = { internalBootstrapServers: nobody, produceBootstrapServers: nobody, consumeBootstrapServers: nobody }
    const access = (colour: 'blue' | 'green') => ({ colour, clusterId: colour, kafkaVersion: '4.3.1', ...servers, credentialsFile })
    const listen = { host: '127.0.0.1', port: 1 }
    const clusters = { blue: access('blue'), green: access('green') }
    const rest = { topics: null, stateDirectory: directory, listen, credentialsFile, code: 'any', workers: 2 }
    const config = AuditWorkerConfig.parse({ fleet: 'unit-share', clusters, ...rest })
    const share = joinShare(config, systemClock, () => undefined, () => undefined, new AbortController().signal) // biome-ignore format: one line
    expect(share.isMine('orders-0')).toBe(false)
    const left = await Promise.race([share.leave().then(() => true), systemClock.sleep(8_000).then(() => false)])
    expect(left).toBe(true)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}, 20_000)
