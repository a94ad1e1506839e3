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
function stand(
  isReachable: (colour: Colour) => boolean = () => true,
  leaderOpens: () => Promise<void> = async () => undefined,
  retry: ConsumerConfig['retry'] = undefined,
) {
  const calls: string[] = []
  const runs: ConsumerRunConfig[] = []
  const restartOnFailure = {} as Record<Colour, (error: Error) => Promise<boolean>>
  const listeners: ((event: unknown) => void)[] = []
  const errors: string[] = []
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
      consumer: (config: ConsumerConfig) => {
        if (config.retry?.restartOnFailure !== undefined) restartOnFailure[colour] = config.retry.restartOnFailure
        return noting(colour, config, calls, { isReachable: () => isReachable(colour), leaderOpens, onRun: (run) => runs.push(run), listeners, errors })
      },
    }) as unknown as Kafka
  const consumer = new RoutedKafkaConsumer(
    { session, kafkas: { blue: kafka('blue'), green: kafka('green') }, clientId: 'app', timing: turns },
    { groupId: 'g', ...(retry === undefined ? {} : { retry }) },
  )
  const settle = async () => {
    for (let turn = 0; turn < 20; turn += 1) await turns.sleep(0)
  }
  /** What kafkajs does when a consumer can't go on, up to its own restart: which it must not make. */
  const crash = async (colour: Colour, error: Error) => {
    const restart = await restartOnFailure[colour](error)
    for (const listener of listeners) listener({ type: 'consumer.crash', payload: { error, groupId: 'g', restart } })
    await settle()
    return restart
  }
  const publish = async (group: GroupRoute) => {
    route = { ...route, epoch: route.epoch + 1, groups: { g: group } }
    listener?.(route)
    await settle()
  }
  const newCalls = () => calls.splice(0).toSorted()
  return { consumer, publish, newCalls, acknowledged, runs, crash, errors }
}

interface FakeBrokers {
  readonly isReachable: () => boolean
  /** Connections to the leaders of partitions are opened when this settles. */
  readonly leaderOpens: () => Promise<void>
  /** Told what kafkajs would run. */
  readonly onRun?: (config: ConsumerRunConfig) => void
  /** Listeners of events. */
  readonly listeners?: ((event: unknown) => void)[]
  /** What is logged as an error. */
  readonly errors?: string[]
}

function noting(colour: Colour, config: ConsumerConfig, calls: string[], { isReachable, leaderOpens, onRun, listeners, errors }: FakeBrokers): Consumer {
  const note = (call: string) => async () => {
    if (!isReachable()) throw new Error(`${colour} is away`)
    calls.push(`${colour}: ${call}`)
  }
  const cluster = {
    findTopicPartitionMetadata: () => [{ leader: 1 }, { leader: 2 }, { leader: 1 }, { leader: -1 }],
    findBroker: ({ nodeId }: { nodeId: string }) => leaderOpens().then(note(`connect broker ${nodeId}`)),
    findGroupCoordinator: ({ groupId }: { groupId: string }) => note(`connect coordinator of ${groupId}`)(),
  } as unknown as Cluster
  const logger = () => ({ info: () => undefined, error: (text: string) => void errors?.push(text), debug: () => undefined })
  for (const assigner of config.partitionAssigners ?? []) assigner({ cluster, groupId: config.groupId, logger: logger() as never })
  const steps = {
    connect: note('connect'),
    subscribe: note('subscribe'),
    run: async (config: ConsumerRunConfig) => note('run')().then(() => onRun?.(config)),
    stop: note('stop'),
    disconnect: note('disconnect'),
  }
  const on = (_event: string, listener: (event: unknown) => void) => {
    if (colour === 'blue') listeners?.push(listener)
    return () => undefined
  }
  return { ...steps, on, paused: () => [], events: {}, logger } as unknown as Consumer
}

const crashed = Object.assign(new Error('out of retries'), { name: 'KafkaJSNumberOfRetriesExceeded', retryTime: 5 })

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

describe('a routed consumer that kafkajs has taken down', () => {
  test('joins again where it was, and says so to who listens', async () => {
    const { consumer, newCalls, crash } = stand()
    const told: unknown[] = []
    consumer.on('consumer.crash', ({ payload }) => told.push(payload.restart))
    await consumer.connect()
    await consumer.run({ eachMessage: async () => undefined })
    newCalls()
    expect(await crash('blue', crashed)).toBe(false) // never by kafkajs itself
    expect([newCalls(), told, consumer.colour]).toEqual([['blue: run', 'blue: stop'], [true], 'blue'])
    await consumer.disconnect()
  })

  test('while its group is held does not join again before the release, and then on the other colour', async () => {
    const { consumer, publish, newCalls, crash } = stand()
    await consumer.connect()
    await consumer.run({ eachMessage: async () => undefined })
    await publish({ colour: 'blue', state: 'held' })
    newCalls()
    expect(await crash('blue', crashed)).toBe(false)
    expect([newCalls().filter((call) => !call.includes('connect')), consumer.colour]).toEqual([[], null])
    await publish({ colour: 'green', state: 'running' })
    expect([newCalls(), consumer.colour]).toEqual([['green: run'], 'green'])
    await consumer.disconnect()
  })

  test('stays down when the application wants it so', async () => {
    const { consumer, newCalls, crash } = stand(undefined, undefined, { restartOnFailure: async () => false })
    const told: unknown[] = []
    consumer.on('consumer.crash', ({ payload }) => told.push(payload.restart))
    await consumer.connect()
    await consumer.run({ eachMessage: async () => undefined })
    newCalls()
    await crash('blue', crashed)
    expect([newCalls(), told]).toEqual([[], [false]])
    await consumer.disconnect()
  })

  test('says so when it can not be brought back, as its crash event said otherwise; not when it was disconnected meanwhile', async () => {
    let isReachable = true
    const { consumer, crash, errors } = stand(() => isReachable)
    await consumer.connect()
    await consumer.run({ eachMessage: async () => undefined })
    isReachable = false
    await crash('blue', crashed)
    expect(errors).toEqual(['Could not restart g on blue: blue is away'])
    isReachable = true
    const crashing = crash('blue', crashed)
    await consumer.disconnect()
    await crashing
    expect(errors).toHaveLength(1)
  })

  test('hands over no batch of a joining that it has left, and ends that reading', async () => {
    const { consumer, publish, newCalls, runs } = stand()
    const handled: string[] = []
    await consumer.connect()
    await consumer.run({ eachBatch: async ({ colour }) => void handled.push(colour) })
    await publish({ colour: 'blue', state: 'held' })
    await publish({ colour: 'green', state: 'running' })
    newCalls()
    const resolved: string[] = []
    const payload = {
      batch: { topic: 'orders', partition: 0, messages: [], lastOffset: () => '8' },
      isRunning: () => true,
      resolveOffset: (offset: string) => void resolved.push(offset),
    }
    await runs[0]?.eachBatch?.(payload as unknown as EachBatchPayload)
    expect([handled, resolved, newCalls(), consumer.colour]).toEqual([[], [], ['blue: stop'], 'green'])
    await runs[1]?.eachBatch?.(payload as unknown as EachBatchPayload)
    expect([handled, resolved]).toEqual([['green'], ['8']])
    await consumer.disconnect()
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
