import { describe, expect, test } from 'vitest'
import { requirePair, requireWaves } from '../../engine/model/pair.ts'
import { accessOf } from '../components/mocks.ts'

const pair = { blue: accessOf('blue'), green: accessOf('green') }

describe('two clusters between which traffic can move', () => {
  test('are two, and are reached the same way', () => {
    expect(requirePair('shop', false, pair)).toBe(pair)
  })

  test('are not one and the same', () => {
    const one = { blue: accessOf('blue', 'one'), green: accessOf('green', 'one') }
    expect(() => requirePair('shop', false, one)).toThrow(/^same-cluster: .*clusterId: one/)
  })

  test('agree with their traffic on TLS; who doesn’t is named', () => {
    const secured = { ...pair, green: { ...pair.green, caFile: '/nowhere/ca.pem' } }
    expect(() => requirePair('shop', false, secured)).toThrow(/^tls-in-part: .*shop-traffic: false; shop-green: true/)
    expect(() => requirePair('shop', true, secured)).toThrow(/shop-traffic: true; shop-blue: false/)
  })
})

test('a wave that the catalog does not have is refused with those that it has', () => {
  const waves = { 'wave-1': ['billing'] }
  expect(() => requireWaves({ 'wave-1': 'green' }, waves)).not.toThrow()
  expect(() => requireWaves({ 'wave-7': 'green' }, waves)).toThrow(/^unknown-wave: .*wave-7\. \(allowed: wave-1\)/)
})
