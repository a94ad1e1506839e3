import { describe, expect, it } from 'vitest'
import type { Colour } from '../../engine/model/colour.ts'
import type { ClientFactory, WorkloadConsumer, WorkloadProducer } from '../support/workload/factory.ts'
import { movableClients } from '../support/workload/movable-clients.ts'

/** Clients in memory that write down what happens to them; sends are acknowledged when `acknowledge` is called. */
function recorded() {
  const events: string[] = []
  const waiting: (() => void)[] = []
  const producer = (colour: Colour): WorkloadProducer => ({
    connect: async () => void events.push(`connect ${colour}`),
    send: async (topic) => {
      events.push(`send ${colour} ${topic}`)
      await new Promise<void>((resolve) => waiting.push(resolve))
      return [{ outcome: 'acked', colour, partition: 0, baseOffset: '0', ackedAtNs: 1 }]
    },
    transact: async () => colour,
    disconnect: async () => void events.push(`disconnect ${colour}`),
  })
  const consumer = (colour: Colour): WorkloadConsumer => ({
    connect: async () => void events.push(`join ${colour}`),
    subscribe: async (topics) => void events.push(`subscribe ${colour} ${topics.join(',')}`),
    run: async () => void events.push(`run ${colour}`),
    commit: async () => void events.push(`commit ${colour}`),
    onAssignment: (listener) => listener('assigned', colour, []),
    pause: () => undefined,
    resume: () => undefined,
    disconnect: async () => void events.push(`leave ${colour}`),
    refused: () => true,
  })
  const clientsOf = (colour: Colour): ClientFactory => ({ producer: () => producer(colour), consumer: () => consumer(colour) })
  const acknowledge = () => {
    for (const resolve of waiting.splice(0)) resolve()
  }
  return { events, acknowledge, clients: movableClients('blue', clientsOf) }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('clients that an operator moves', () => {
  it('end their calls before a producer leaves; what falls due meanwhile waits and goes to the other colour', async () => {
    const { events, acknowledge, clients } = recorded()
    const producer = clients.producer({ id: 'p', user: 'u', transactionalId: null })
    await producer.connect()
    const before = producer.send('first', [])
    await settled()
    const left = clients.moves.leave('producers')
    const during = producer.send('second', [])
    await settled()
    expect(events).toEqual(['connect blue', 'send blue first'])
    acknowledge()
    await left
    expect(await before).toMatchObject([{ colour: 'blue' }])
    expect(events.at(-1)).toBe('disconnect blue')
    await clients.moves.join('producers', 'green')
    await settled()
    acknowledge()
    expect(await during).toMatchObject([{ colour: 'green' }])
    expect(events.slice(3)).toEqual(['connect green', 'send green second'])
    expect(await producer.transact(async () => 'commit')).toBe('green')
  })

  it('read the same topics on the other colour, and leave once', async () => {
    const { events, clients } = recorded()
    const consumer = clients.consumer({ groupId: 'g', instanceId: 'g-0', user: 'u' })
    const assigned: (Colour | null)[] = []
    consumer.onAssignment((_kind, colour) => void assigned.push(colour))
    await consumer.connect()
    await consumer.subscribe(['orders'])
    await consumer.run(async () => undefined)
    await clients.moves.leave('groups')
    await clients.moves.leave('groups')
    await clients.moves.join('groups', 'green')
    await consumer.commit([])
    await consumer.disconnect()
    const whole = [
      'join blue',
      'subscribe blue orders',
      'run blue',
      'leave blue',
      'join green',
      'subscribe green orders',
      'run green',
      'commit green',
      'leave green',
    ]
    expect(events).toEqual(whole)
    expect(assigned).toEqual(['green']) // the first one's came before anybody listened
  })
})
