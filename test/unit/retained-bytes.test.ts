import { expect, test } from 'vitest'
import { retainedBytes } from '../../engine/model/retained-bytes.ts'

const topic = (config: Readonly<Record<string, string>>) => ({ partitions: 2, replicationFactor: 3, config, ownConfig: config })

test('a topic that bytes bound holds them and a segment more, in each partition, on each replica', () => {
  const topics = { a: topic({ 'retention.bytes': '100', 'segment.bytes': '10' }), b: topic({ 'retention.bytes': '0', 'segment.bytes': '1' }) }
  expect(retainedBytes({ topics })).toEqual({ bytes: 2 * 3 * 110 + 2 * 3 * 1, unbounded: [] })
  expect(retainedBytes({ topics: { a: topic({ 'retention.bytes': '100' }) } }).bytes).toBe(6 * (100 + 1024 ** 3))
})

test.each([
  ['time alone', { 'retention.ms': '1000' }],
  ['no bound', { 'retention.bytes': '-1' }],
  ['keys', { 'cleanup.policy': 'compact', 'retention.bytes': '100' }],
])('what %s bounds is unknown, unless it was measured', (_, config) => {
  expect(retainedBytes({ topics: { a: topic(config) } })).toEqual({ bytes: 0, unbounded: ['a'] })
  expect(retainedBytes({ topics: { a: topic(config) } }, { a: 50 })).toEqual({ bytes: 150, unbounded: [] })
})

test('a measured size stands back behind a declared bound', () => {
  expect(retainedBytes({ topics: { a: topic({ 'retention.bytes': '9', 'segment.bytes': '1' }) } }, { a: 1 }).bytes).toBe(60)
})
