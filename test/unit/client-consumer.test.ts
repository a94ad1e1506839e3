/** Where a routed consumer is connected and what it reads while its group moves, with consumers that only take notes. */
import type { Cluster, Consumer, ConsumerConfig, Kafka } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { RoutedKafkaConsumer } from '../../client/consumer.ts'
import type { RouteListener, RouteSession } from '../../client/route-session.ts'
import type { Timing } from '../../client/timing.ts'
import { type Colour, colours } from '../../engine/model/colour.ts'
import type { ClientRegistration, GroupRoute, RouteDocument } from '../../engine/model/route.ts'

const turns: Timing = {
  monotonicMs: () => 0,
  sleep: () => new Promise((resolve) => setImmediate(resolve)),
}

/** A session whose route the test publishes, and two kafkajs that note what is asked of them, as `colour: call`. */
function stand(isReachable: (colour: Colour) => boolean = () => true) {
  const calls: string[] = []
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
  const kafka = (colour: Colour) => ({ consumer: (config: ConsumerConfig) => noting(colour, config, calls, () => isReachable(colour)) }) as unknown as Kafka
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
  return { consumer, publish, newCalls, acknowledged }
}

function noting(colour: Colour, config: ConsumerConfig, calls: string[], isReachable: () => boolean): Consumer {
  const note = (call: string) => async () => {
    if (!isReachable()) throw new Error(`${colour} is away`)
    calls.push(`${colour}: ${call}`)
  }
  const cluster = {
    findTopicPartitionMetadata: () => [{ leader: 1 }, { leader: 2 }, { leader: 1 }, { leader: -1 }],
    findBroker: ({ nodeId }: { nodeId: string }) => note(`connect broker ${nodeId}`)(),
    findGroupCoordinator: ({ groupId }: { groupId: string }) => note(`connect coordinator of ${groupId}`)(),
  } as unknown as Cluster
  const logger = () => ({ info: () => undefined, error: () => undefined, debug: () => undefined })
  for (const assigner of config.partitionAssigners ?? []) assigner({ cluster, groupId: config.groupId, logger: logger() as never })
  const steps = { connect: note('connect'), subscribe: note('subscribe'), run: note('run'), stop: note('stop'), disconnect: async () => undefined }
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
})
