/** Where a routed consumer is connected and what it reads while its group moves, with consumers that only take notes. */
import type { Cluster, Consumer, ConsumerConfig, ConsumerRunConfig, EachBatchPayload, Kafka } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { RoutedKafkaConsumer } from '../../client/consumer.ts'
import type { RouteListener, RouteSession } from '../../client/route-session.ts'
import type { Timing } from '../../client/timing.ts'
import { warmConsumer } from '../../client/warm-consumer.ts'
import { type Colour, colours } from '../../engine/model/colour.ts'
import type { ClientRegistration, GroupRoute, RouteDocument } from '../../engine/model/route.ts'

const turns: Timing = {
  monotonicMs: () => 0,
  sleep: () => new Promise((resolve) => setImmediate(resolve)),
}

/** A session whose route the test publishes, and two kafkajs that note what is asked of them, as `colour: call`. */
function stand(isReachable: (colour: Colour) => boolean = () => true, leaderOpens: () => Promise<void> = async () => undefined) {
  const calls: string[] = []
  const runs: ConsumerRunConfig[] = []
  const acknowledged: Pick<ClientRegistration, 'ackedEpoch' | 'state' | 'colour'>[] = []
  let route = { epoch: 1, defaultConsumerColour: 'blue', groups: {} as Record<string, GroupRoute> } as RouteDocument
  let listener: RouteListener | undefined
  const session = {
    get route() {
      return route
    },
    onRoute: (each: RouteListener) => {
      listener = each
      return () => undefined
    },
    join: async () => ({ acknowledge: (change: (typeof acknowledged)[number]) => void acknowledged.push(change), leave: async () => undefined }),
  } as unknown as RouteSession
  const kafka = (colour: Colour) =>
    ({
      consumer: (config: ConsumerConfig) =>
        noting(colour, config, calls, { isReachable: () => isReachable(colour), leaderOpens, onRun: (config) => runs.push(config) }),
    }) as unknown as Kafka
  const consumer = new RoutedKafkaConsumer(
    { session, kafkas: { blue: kafka('blue'), green: kafka('green') }, clientId: 'app', timing: turns },
    { groupId: 'g' },
  )
  const publish = async (group: GroupRoute) => {
    route = { ...route, epoch: route.epoch + 1, groups: { g: group } }
    listener?.(route)
    for (let turn = 0; turn < 20; turn += 1) await turns.sleep(0)
  }
  const newCalls = () => calls.splice(0).toSorted()
  return { consumer, publish, newCalls, acknowledged, runs }
}

interface FakeBrokers {
  readonly isReachable: () => boolean
  /** Connections to the leaders of partitions are opened when this settles. */
  readonly leaderOpens: () => Promise<void>
  /** Told what kafkajs would run. */
  readonly onRun?: (config: ConsumerRunConfig) => void
}

function noting(colour: Colour, config: ConsumerConfig, calls: string[], { isReachable, leaderOpens, onRun }: FakeBrokers): Consumer {
  const note = (call: string) => async () => {
    if (!isReachable()) throw new Error(`${colour} is away`)
    calls.push(`${colour}: ${call}`)
  }
  const cluster = {
    findTopicPartitionMetadata: () => [{ leader: 1 }, { leader: 2 }, { leader: 1 }, { leader: -1 }],
    findBroker: ({ nodeId }: { nodeId: string }) => leaderOpens().then(note(`connect broker ${nodeId}`)),
    findGroupCoordinator: ({ groupId }: { groupId: string }) => note(`connect coordinator of ${groupId}`)(),
  } as unknown as Cluster
  const logger = () => ({ info: () => undefined, error: () => undefined, debug: () => undefined })
  for (const assigner of config.partitionAssigners ?? []) assigner({ cluster, groupId: config.groupId, logger: logger() as never })
  const steps = {
    connect: note('connect'),
    subscribe: note('subscribe'),
    run: async (config: ConsumerRunConfig) => note('run')().then(() => onRun?.(config)),
    stop: note('stop'),
    disconnect: note('disconnect'),
  }
  return { ...steps, paused: () => [], events: {}, logger } as unknown as Consumer
}

const warmUp = ['green: connect broker 1', 'green: connect broker 2', 'green: connect coordinator of g']

describe('a routed consumer whose group moves', () => {
  test('connects to the other colour while it is held, and reads nothing there before its release', async () => {
    const { consumer, publish, newCalls, acknowledged } = stand()
    await consumer.connect()
    await consumer.subscribe({ topics: ['orders', /pattern/] })
    await consumer.run({ eachMessage: async () => undefined })
    const started = colours.flatMap((colour) => [`${colour}: connect`, `${colour}: subscribe`])
    expect(newCalls()).toEqual([...started, 'blue: run'].toSorted())
    await publish({ colour: 'blue', state: 'held' })
    expect(newCalls()).toEqual(['blue: stop', ...warmUp])
    expect([acknowledged.at(-1), consumer.colour]).toEqual([{ ackedEpoch: 2, state: 'held', colour: null }, null])
    await publish({ colour: 'green', state: 'running' })
    expect(newCalls()).toEqual(['green: run'])
    expect([acknowledged.at(-1), consumer.colour]).toEqual([{ ackedEpoch: 3, state: 'running', colour: 'green' }, 'green'])
    await consumer.disconnect()
  })

  test('that is released where it was reads on there', async () => {
    const { consumer, publish, newCalls } = stand()
    await consumer.connect()
    await consumer.subscribe({ topics: ['orders'] })
    await consumer.run({ eachMessage: async () => undefined })
    await publish({ colour: 'blue', state: 'held' })
    newCalls()
    await publish({ colour: 'blue', state: 'running' })
    expect(newCalls()).toEqual(['blue: run'])
    await consumer.disconnect()
  })

  test('is not kept from leaving, or acknowledging, by a colour that is away, and joins there when it comes back', async () => {
    let away = true
    const { consumer, publish, newCalls, acknowledged } = stand((colour) => colour === 'blue' || !away)
    await consumer.connect()
    await consumer.subscribe({ topics: ['orders'] })
    await consumer.run({ eachMessage: async () => undefined })
    newCalls()
    await publish({ colour: 'blue', state: 'held' })
    expect(newCalls()).toEqual(['blue: stop'])
    expect(acknowledged.at(-1)).toEqual({ ackedEpoch: 2, state: 'held', colour: null })
    await publish({ colour: 'green', state: 'running' })
    expect(consumer.colour).toBe(null)
    away = false
    for (let turn = 0; turn < 20; turn += 1) await turns.sleep(0)
    expect([newCalls(), consumer.colour]).toEqual([['green: connect', 'green: run', 'green: subscribe'], 'green'])
    await consumer.disconnect()
  })

  test('resolves no record of a batch that its handler left because of the hold, though kafkajs itself would go on', async () => {
    const { consumer, publish, runs } = stand()
    const { promise: held, resolve: hold } = Promise.withResolvers<void>()
    const resolved: string[] = []
    await consumer.connect()
    await consumer.subscribe({ topics: ['orders'] })
    await consumer.run({
      eachBatch: async ({ batch, isRunning, resolveOffset }) => {
        for (const { offset } of batch.messages) {
          if (!isRunning()) return
          resolveOffset(offset)
          await held
        }
      },
    })
    const batch = { topic: 'orders', partition: 0, messages: [{ offset: '7' }, { offset: '8' }], lastOffset: () => '8' }
    const payload = { batch, isRunning: () => true, resolveOffset: (offset: string) => void resolved.push(offset) } as unknown as EachBatchPayload
    const working = runs[0]?.eachBatch?.(payload)
    const publishing = publish({ colour: 'blue', state: 'held' })
    hold()
    await Promise.all([working, publishing])
    expect(resolved).toEqual(['7'])
    await consumer.disconnect()
  })

  test('that disconnects meanwhile closes the connections of the other colour when they are open, and opens no more', async () => {
    const { promise: opening, resolve: open } = Promise.withResolvers<void>()
    const { consumer, publish, newCalls } = stand(undefined, () => opening)
    await consumer.connect()
    await consumer.subscribe({ topics: ['orders'] })
    await consumer.run({ eachMessage: async () => undefined })
    await publish({ colour: 'blue', state: 'held' })
    newCalls()
    await consumer.disconnect() // it doesn't wait for a colour that may be away
    expect(newCalls()).toEqual(['blue: disconnect'])
    open()
    for (let turn = 0; turn < 3; turn += 1) await turns.sleep(0)
    expect(newCalls()).toEqual(['green: connect broker 1', 'green: connect broker 2', 'green: disconnect'])
  })
})

test('connecting beforehand settles when its last broker has, though another one is away', async () => {
  const { promise: opening, resolve: open } = Promise.withResolvers<void>()
  const calls: string[] = []
  let asked = 0
  const brokers = { isReachable: () => true, leaderOpens: () => (asked++ === 0 ? Promise.reject(new Error('away')) : opening) }
  const kafka = { consumer: (config: ConsumerConfig) => noting('green', config, calls, brokers) } as unknown as Kafka
  const warming = warmConsumer(kafka, { groupId: 'g' }).warmUp(['orders'])
  const openWhenSettled = warming.catch(() => [...calls])
  for (let turn = 0; turn < 3; turn += 1) await turns.sleep(0)
  open()
  await expect(warming).rejects.toThrow('away')
  expect(await openWhenSettled).toContain('green: connect broker 2')
})
