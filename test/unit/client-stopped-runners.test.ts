import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { endStoppedRunners } from '../../client/kafkajs-internals.ts'

const load = createRequire(import.meta.url)
type Fetch = (nodeId: number) => Promise<readonly unknown[]>
const createFetchManager = load('kafkajs/src/consumer/fetchManager') as (options: object) => { start(): Promise<void>; stop(): Promise<void> }
interface Runner {
  start(): Promise<void>
  stop(): Promise<void>
  readonly running: boolean
}
const Runner = load('kafkajs/src/consumer/runner') as { new (options: object): Runner; prototype: { fetch: Fetch } }
const logger = { debug: () => undefined, info: () => undefined, namespace: () => logger }

test('a consumer that is stopped while its brokers change ends its fetchers, where kafkajs would ask for ever without a pause', async () => {
  endStoppedRunners()
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
    return await Runner.prototype.fetch.call(stopped, nodeId)
  }
  const manager = createFetchManager({ logger, getNodeIds: () => nodes, fetch, handler: async () => undefined, concurrency: 1 })
  const ended = manager.start().catch((thrown: unknown) => thrown)
  await Promise.resolve()
  nodes = [1] // a broker has gone: the fetchers are made anew
  stopped.running = false
  expect(await ended).toMatchObject({ message: 'The consumer was stopped.', retriable: true })
  expect(asked).toBeLessThan(100)
})

test('a consumer that is stopped while it is joining leaves when it has joined, and reads nothing, where kafkajs would read with nobody left to stop it', async () => {
  endStoppedRunners()
  const { promise: joined, resolve: join } = Promise.withResolvers<void>()
  const calls: string[] = []
  const consumerGroup = {
    connect: async () => undefined,
    joinAndSync: () => joined,
    leave: async () => void calls.push('leave'),
    getNodeIds: () => [1],
    fetch: async () => {
      calls.push('fetch')
      return []
    },
  }
  const emitter = { emit: () => undefined }
  const runner = new Runner({
    logger,
    consumerGroup,
    instrumentationEmitter: emitter,
    eachBatch: async () => undefined,
    onCrash: () => calls.push('crash'),
    heartbeatInterval: 1,
  })
  const starting = runner.start()
  await runner.stop()
  join()
  await starting
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  expect([calls, runner.running]).toEqual([['leave'], false])
})
