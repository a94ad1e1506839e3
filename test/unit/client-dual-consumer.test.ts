/** What a reader of both colours hands over, and in which order, whatever side is ahead and whatever handler fails. */
import fc from 'fast-check'
import kafkajs, { type KafkaMessage } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import type { SightedRecord } from '../../client/deduplication/deduplicator.ts'
import { ExactWindow } from '../../client/deduplication/exact-window.ts'
import { HandOver } from '../../client/deduplication/hand-over.ts'
import { DualConsumer, dualGroupPrefix, type RecordIdSource, sighted } from '../../client/dual-consumer.ts'
import { assignPaired } from '../../client/paired-assigner.ts'
import type { RouteSession } from '../../client/route-session.ts'
import { systemTiming } from '../../client/timing.ts'
import { isExcludedGroup } from '../../engine/gate/group-states.ts'
import { type Colour, colours } from '../../engine/model/colour.ts'

const record = (index: number): SightedRecord => ({ id: `id-${index}`, partition: 'orders-0', timestampMs: index })
const window = (recordsPerPartition = 1_000) => new ExactWindow({ recordsPerPartition, maxAgeMs: 1e9 })

describe('what comes from both colours', () => {
  test('is handled once, one after the other and in order, whichever side is ahead and whichever handler fails', async () => {
    const failures = fc.uniqueArray(fc.record({ index: fc.nat(19), colour: fc.constantFrom<Colour>('blue', 'green') }), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), failures, async (scheduler, failing) => {
        const handOver = new HandOver(window())
        const handled: number[] = []
        const toFail = new Set(failing.map(({ index, colour }) => `${index} ${colour}`))
        let inHand = 0
        const handle = (colour: Colour, index: number) => async () => {
          inHand += 1
          expect(inHand).toBe(1)
          await scheduler.schedule(Promise.resolve(), `handle ${index} of ${colour}`)
          inHand -= 1
          if (toFail.delete(`${index} ${colour}`)) throw new Error('the handler failed')
          handled.push(index)
        }
        const read = async (colour: Colour) => {
          for (let index = 0; index < 20; ) {
            await scheduler.schedule(Promise.resolve(), `fetch ${index} of ${colour}`)
            const passed = await handOver
              .copy(colour, record(index), handle(colour, index), (other) => other)
              .then(
                () => true,
                () => false, // kafkajs comes again with the same record
              )
            if (passed) index += 1
          }
        }
        const sides = Promise.all(colours.map(read))
        await scheduler.waitFor(sides)
        expect(handled).toEqual(Array.from({ length: 20 }, (_, index) => index))
        const { handedOver, ...rest } = handOver.counts
        expect(handedOver.blue + handedOver.green).toBe(20)
        expect(rest).toEqual({ duplicatesDropped: 20, unknown: 0, withoutId: 0, expectedLost: 0 })
      }),
    )
  })

  test('goes on from one side alone', async () => {
    const handOver = new HandOver(window())
    const handled: number[] = []
    const copy = (colour: Colour, index: number) =>
      handOver.copy(
        colour,
        record(index),
        async () => void handled.push(index),
        (other) => other,
      )
    for (const index of [0, 1, 2]) await copy('blue', index)
    await copy('green', 0)
    for (const index of [1, 2, 3, 4]) await copy('green', index)
    expect(handled).toEqual([0, 1, 2, 3, 4])
    expect(handOver.counts).toEqual({ handedOver: { blue: 3, green: 2 }, duplicatesDropped: 3, unknown: 0, withoutId: 0, expectedLost: 0 })
  })

  test('a copy that comes after the window forgot its record is handed over again, and counted', async () => {
    const handOver = new HandOver(window(2))
    const handled: number[] = []
    const copy = (colour: Colour, index: number) =>
      handOver.copy(
        colour,
        record(index),
        async () => void handled.push(index),
        (other) => other,
      )
    for (const index of [0, 1, 2, 3]) await copy('blue', index)
    await copy('green', 0)
    expect(handled).toEqual([0, 1, 2, 3, 0])
    expect(handOver.counts).toMatchObject({ handedOver: { blue: 4, green: 1 }, unknown: 1, duplicatesDropped: 0 })
  })

  test('without an id every copy is handed over, and counted', async () => {
    const handOver = new HandOver(window())
    for (const colour of colours)
      await handOver.copy(
        colour,
        null,
        async () => undefined,
        (other) => other,
      )
    expect(handOver.counts).toMatchObject({ handedOver: { blue: 1, green: 1 }, withoutId: 2 })
  })
})

describe('an id', () => {
  const message = (headers: KafkaMessage['headers'], key: Buffer | null = null): KafkaMessage => {
    return { key, value: null, timestamp: '17', attributes: 0, offset: '3', headers: headers ?? {} }
  }
  const id = (source: RecordIdSource, of: KafkaMessage) => sighted(source, { topic: 'orders', partition: 2, message: of })

  test('comes from where the application says, and never from the offset', () => {
    const known = { partition: 'orders-2', timestampMs: 17 }
    expect(id({ header: 'id' }, message({ id: Buffer.from('a') }))).toEqual({ ...known, id: Buffer.from('a') })
    expect(id('key', message({}, Buffer.from('k')))).toEqual({ ...known, id: Buffer.from('k') })
    expect(id(({ topic, partition }) => `${topic}/${partition}`, message({}))).toEqual({ ...known, id: 'orders/2' })
  })

  test('that is missing, empty or stands twice is none', () => {
    const header: RecordIdSource = { header: 'id' }
    expect([id(header, message({})), id(header, message({ id: '' })), id(header, message({ id: ['a', 'b'] })), id('key', message({}))]).toEqual([
      null,
      null,
      null,
      null,
    ])
  })
})

describe('the members of a group', () => {
  const { MemberMetadata, MemberAssignment } = kafkajs.AssignerProtocol
  const members = (names: readonly string[], memberIds: readonly string[]) =>
    names.map((name, index) => ({
      memberId: memberIds[index] ?? '',
      memberMetadata: MemberMetadata.encode({ version: 1, topics: ['orders'], userData: Buffer.from(name) }),
    }))

  test('get the same partitions on both colours, each partition one member, as even as can be', () => {
    const ids = fc.uniqueArray(fc.uuid(), { minLength: 6, maxLength: 6 })
    const names = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 6 })
    const topics = fc.dictionary(fc.constantFrom('orders', 'payments', 'é'), fc.integer({ min: 1, max: 20 }))
    fc.assert(
      fc.property(names, ids, ids, topics, fc.boolean(), (memberNames, blueIds, greenIds, counts, reversed) => {
        const partitions = new Map(Object.entries(counts))
        const assigned = (of: ReturnType<typeof members>) => {
          const nameOf = new Map(of.map(({ memberId, memberMetadata }) => [memberId, MemberMetadata.decode(memberMetadata)?.userData.toString()]))
          return new Map(
            assignPaired(of, partitions).map(({ memberId, memberAssignment }) => [nameOf.get(memberId), MemberAssignment.decode(memberAssignment)?.assignment]),
          )
        }
        const blue = members(memberNames, blueIds)
        const green = members(memberNames, greenIds)
        const onBlue = assigned(blue)
        expect(Object.fromEntries(onBlue)).toEqual(Object.fromEntries(assigned(reversed ? green.toReversed() : green)))
        for (const [topic, count] of partitions) {
          const shares = [...onBlue.values()].map((assignment) => assignment?.[topic] ?? [])
          expect(shares.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, partition) => partition))
          expect(Math.max(...shares.map((share) => share.length)) - Math.min(...shares.map((share) => share.length))).toBeLessThanOrEqual(1)
        }
      }),
    )
  })
})

test('a group that a switchover would try to move is refused', () => {
  const kafka = new kafkajs.Kafka({ brokers: ['127.0.0.1:1'] })
  const parts = { session: {} as RouteSession, kafkas: { blue: kafka, green: kafka }, clientId: 'app', timing: systemTiming }
  const make = (groupId: string) => new DualConsumer(parts, { groupId, recordId: 'key', deduplicator: window() })
  expect(() => make('orders')).toThrow('dual-consumer-group')
  expect(() => make(`${dualGroupPrefix}orders`)).not.toThrow()
  expect(isExcludedGroup(`${dualGroupPrefix}orders`)).toBe(true)
})
