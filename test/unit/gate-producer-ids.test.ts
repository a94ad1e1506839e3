import { describe, expect, test } from 'vitest'
import { checkProducerIds } from '../../engine/gate/producer-ids.ts'
import { firstProducerIds, type ProducerFacts, type ProducerIds } from '../../engine/model/producer-ids.ts'
import type { Reading } from '../../engine/model/snapshot.ts'
import { seen, soundColour, soundSnapshot, unseen } from '../support/sample-snapshot.ts'

const producer = (producerId: bigint, over: Partial<ProducerFacts> = {}): ProducerFacts => ({
  ...{ producerId, partition: 'orders-0', producerEpoch: 0, transactional: false, ...over },
})
const ids = (next: bigint, ...active: readonly ProducerFacts[]): Reading<ProducerIds> => seen({ active, next })

function told(blue: Reading<ProducerIds>, green: Reading<ProducerIds>, sharedProducerIds: 'refuse' | 'accept' = 'refuse'): string {
  const colours = { blue: soundColour('blue', { producers: blue }), green: soundColour('green', { producers: green }) }
  const { verdict, observed } = checkProducerIds(soundSnapshot({ colours }), { sharedProducerIds })
  return `${verdict}: ${observed}`
}

describe('producer ids', () => {
  test('that both colours know on one partition are refused by id and partition', () => {
    expect(told(ids(9n, producer(4n)), ids(3_000n, producer(4n, { transactional: true })))).toBe('fail: 4 wrote to orders-0 on both')
    expect(told(ids(9n, producer(4n)), ids(3_000n, producer(4n, { partition: 'orders-1' })))).toMatch(/^pass/)
  })

  test('that the target is about to give out are refused: it would give them to another producer', () => {
    expect(told(ids(9_000n, producer(8_500n)), ids(3_000n))).toBe('fail: 8500 wrote to orders-0, green goes on at 3000')
    expect(told(ids(9_000n, producer(2_999n)), ids(3_000n))).toBe('pass: apart: green goes on at 3000')
  })

  test('of transactional producers do not matter: their coordinator refuses them on another cluster', () => {
    expect(told(ids(9_000n, producer(4n, { transactional: true })), ids(3_000n, producer(4n)))).toMatch(/^pass/)
  })

  test('of colours that are made here are apart in both directions', () => {
    const { blue, green } = firstProducerIds
    const pair = { blue: ids(blue + 5_000n, producer(blue + 4_000n)), green: ids(green + 5_000n, producer(green + 4_000n)) }
    expect(told(pair.blue, pair.green)).toMatch(/^pass/)
    const back = { ...soundSnapshot(), source: 'green', target: 'blue' } as const
    const colours = { blue: soundColour('blue', { producers: pair.blue }), green: soundColour('green', { producers: pair.green }) }
    expect(checkProducerIds({ ...back, colours }, { sharedProducerIds: 'refuse' }).verdict).toBe('pass')
  })

  test('that are shared pass where the operator says that no client crosses with one, and are told still', () => {
    expect(told(ids(9n, producer(4n)), ids(3_000n, producer(4n)), 'accept')).toBe('pass: accepted: 4 wrote to orders-0 on both')
  })

  test('that were not read on both colours decide nothing', () => {
    expect(told(unseen('no leader'), ids(0n))).toBe('inconclusive: no leader')
    expect(told(ids(0n), unseen('timed out'), 'accept')).toBe('inconclusive: timed out')
  })
})
