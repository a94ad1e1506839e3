/** What the watch of a held lock makes of a store that refuses. A real store with a right that is gone would show the same: etcd3's own errors are used here. */
import { type Etcd3, EtcdAuthenticationFailedError, EtcdPermissionDeniedError } from 'etcd3'
import { describe, expect, test } from 'vitest'
import { EtcdConnection } from '../../engine/adapters/etcd/etcd-connection.ts'
import { LockWatch } from '../../engine/adapters/etcd/lock-watch.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const access = { endpoints: ['127.0.0.1:2379'], username: 'operator', credentialsFile: 'unused' }

/** Watches a lock in a store that answers each read with the next of these; the last one again and again. */
async function watched(answers: readonly Error[], forMs: number): Promise<{ readonly told: readonly string[]; readonly reads: number }> {
  const told: string[] = []
  let reads = 0
  const range = async () => {
    reads += 1
    throw answers[Math.min(reads, answers.length) - 1]
  }
  const connection = new EtcdConnection(access, () => ({ kv: { range }, close: () => undefined }) as unknown as Etcd3)
  const clock = new VirtualClock()
  const watch = new LockWatch(connection, 'main', '7', clock, {
    gone: () => told.push('gone'),
    refused: (why) => told.push(why),
    abortRequested: (by) => told.push(`abort by ${by}`),
  })
  await clock.sleep(forMs)
  await watch.close()
  return { told, reads }
}

describe('the watch of a held lock', () => {
  test.each([
    ['route-store-permission', new EtcdPermissionDeniedError('permission denied')],
    ['route-store-login', new EtcdAuthenticationFailedError('authentication failed')],
  ] as const)('tells %s once, and ends', async (code, error) => {
    const { told, reads } = await watched([error], 10_000)
    expect(told).toEqual([expect.stringContaining(code)])
    expect(reads).toBe(1)
  })

  test('asks again while the store is away, and tells a refusal that comes then', async () => {
    const away = new Error('14 UNAVAILABLE: no connection')
    const { told, reads } = await watched([away, away, away, new EtcdPermissionDeniedError('permission denied')], 10_000)
    expect(told).toEqual([expect.stringContaining('route-store-permission')])
    expect(reads).toBe(4)
  })
})
