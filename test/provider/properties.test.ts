import structPb from 'google-protobuf/google/protobuf/struct_pb.js'
import { describe, expect, test } from 'vitest'
import { inputDifference, propertyPath } from '../../provider/difference.ts'
import { decodeProperties, encodeProperties, unknownPaths, unknownValue } from '../../provider/properties.ts'

const secretSignature = { '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270' }
const unknownText = '04da6b54-80e4-46f7-96ec-b56ff0331ba9'

describe('property values', () => {
  test('unknowns and secrets are told apart from values, at any depth', () => {
    const struct = structPb.Struct.fromJavaScript({
      plain: 'a',
      list: [1, unknownText],
      inner: { value: { ...secretSignature, value: 'hidden' }, none: null },
    })
    const { values, secretNames } = decodeProperties(struct)
    expect(values).toEqual({ plain: 'a', list: [1, unknownValue], inner: { value: 'hidden', none: null } })
    expect([...secretNames]).toEqual(['inner'])
    expect(unknownPaths(values)).toEqual([['list', 1]])
  })

  test('what came as a secret goes back as one, and unknowns as unknowns', () => {
    const struct = encodeProperties({ token: 'x', later: unknownValue, absent: undefined }, new Set(['token']))
    expect(struct.toJavaScript()).toEqual({ token: { ...secretSignature, value: 'x' }, later: unknownText })
  })
})

describe('differences', () => {
  test('are found key by key, down to the innermost object', () => {
    const difference = inputDifference({ a: 1, limits: { x: 1, y: 2 }, gone: true, list: [1] }, { a: 1, limits: { x: 1, y: 3 }, added: 0, list: [2] })
    expect(Object.fromEntries(difference)).toEqual({
      'limits.y': { kind: 'update', of: 'input' },
      gone: { kind: 'delete', of: 'input' },
      added: { kind: 'add', of: 'input' },
      list: { kind: 'update', of: 'input' },
    })
  })

  test('an unknown counts as changed, what is excepted does not', () => {
    const difference = inputDifference({ wiring: { fleet: 'a' }, gate: 1 }, { wiring: unknownValue, gate: 2 }, ['gate'])
    expect([...difference.keys()]).toEqual(['wiring'])
  })

  test('property paths quote what is no plain name', () => {
    expect(propertyPath('brokerConfig', 'log.retention.hours')).toBe('brokerConfig["log.retention.hours"]')
    expect(propertyPath('', 'live')).toBe('live')
    expect(propertyPath('users', 2)).toBe('users[2]')
  })
})
