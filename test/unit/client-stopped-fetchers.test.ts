import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { endFetchersOfStoppedConsumers } from '../../client/kafkajs-internals.ts'

const load = createRequire(import.meta.url)
type Fetch = (nodeId: number) => Promise<readonly unknown[]>
const createFetchManager = load('kafkajs/src/consumer/fetchManager') as (options: object) => { start(): Promise<void>; stop(): Promise<void> }
const runner = load('kafkajs/src/consumer/runner') as { prototype: { fetch: Fetch } }
const logger = { debug: () => undefined, info: () => undefined, namespace: () => logger }

test('a consumer that is stopped while its brokers change ends its fetchers, where kafkajs would ask for ever without a pause', async () => {
  endFetchersOfStoppedConsumers()
  const stopped = {
    running: true,
    logger,
    heartbeat: async () => undefined,
    consumerGroup: { fetch: async () => [] },
    instrumentationEmitter: { emit: () => undefined },
  }
  let nodes = [1, 2]
  let asked = 0
  const fetch: Fetch = async (nodeId) => {
    asked += 1
    if (asked > 1_000) throw new Error('it would have gone on for ever') // what the unpatched one does: no timer would ever end it
    return await runner.prototype.fetch.call(stopped, nodeId)
  }
  const manager = createFetchManager({ logger, getNodeIds: () => nodes, fetch, handler: async () => undefined, concurrency: 1 })
  const ended = manager.start().catch((thrown: unknown) => thrown)
  await Promise.resolve()
  nodes = [1] // a broker has gone: the fetchers are made anew
  stopped.running = false
  expect(await ended).toMatchObject({ message: 'The consumer was stopped.', retriable: true })
  expect(asked).toBeLessThan(100)
})
