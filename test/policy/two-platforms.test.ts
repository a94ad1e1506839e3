/** What policies say of a pair whose colours stand on different platforms. */
import { describe, expect, test } from 'vitest'
import type { Rule } from '../../policy/judging/rule.ts'
import { rules } from '../../policy/pack.ts'
import { acl, inventory, onTwoPlatforms, parity, quota, type ResourceSpec, reported, resources, topic, user } from './fixtures.ts'

function byName(name: string): Rule {
  const found = rules.find((rule) => rule.name === name)
  if (found === undefined) throw new Error(`no rule ${name}`)
  return found
}

describe('a pair on two platforms', () => {
  const areas = ['parity-topics', 'parity-access', 'parity-brokers', 'parity-version', 'isolation-clusters', 'security-brokers', 'security-transport']
  const judged = (name: string) => byName(name).judge([onTwoPlatforms()] as never, { newer: 'green' })

  test('what both platforms say the same way is compared', async () => {
    for (const name of areas) expect(await reported(byName(name), [onTwoPlatforms()]), name).toEqual([])
    expect(await reported(byName('parity-brokers'), [onTwoPlatforms({ 'num.io.threads': '16' })])).toEqual([
      expect.stringMatching(/^brokers: config\.num\.io\.threads is not set on blue and 16 on green/),
    ])
    expect(await reported(byName('parity-topics'), [onTwoPlatforms({ 'message.max.bytes': '5' })])).toEqual([
      expect.stringMatching(/^topic orders: max\.message\.bytes is not set on blue and 5 on green/),
    ])
  })

  test('what they say in words of their own is unknown, and so is what only one of them says', () => {
    const unknown = Object.fromEntries(areas.map((name) => [name, judged(name).unknown]).filter(([, each]) => each?.length !== 0))
    expect(unknown).toEqual({
      'parity-brokers': [
        ...['instanceClass', 'storage', 'listeners'].map((area) => `${area} of the brokers: aws and kubernetes say it in words of their own`),
        'promises.super.users of the brokers: said by kubernetes only',
      ],
      'isolation-clusters': ["brokerIds: one colour doesn't declare them", "subnets: one colour doesn't declare them"],
    })
  })

  test('the older line is refused; a version that is any of the other one’s line is unknown', () => {
    const versions = (blue: string, green: string) =>
      parity(
        inventory('blue', ({ brokers }) => void Object.assign(brokers, { kafkaVersion: blue })),
        inventory('green', ({ brokers }) => void Object.assign(brokers, { kafkaVersion: green })),
      )
    const said = (blue: string, green: string) => {
      const { findings, unknown } = byName('parity-version').judge([versions(blue, green)] as never, { newer: 'green' })
      return [findings.length, unknown.length]
    }
    expect(said('4.1.x.kraft', '4.1.2')).toEqual([0, 1])
    expect(said('4.2.1', '4.1.x.kraft')).toEqual([1, 0])
    expect(said('4.1.x.kraft', '4.1.x.kraft')).toEqual([0, 0])
    expect(said('3.9.x.kraft', '4.1.x.kraft')).toEqual([0, 0])
  })
})

describe('a colour on MSK', () => {
  const declared = byName('declared-resources')
  const birth = { type: 'kbg:index:MskBirth' }
  const unknown = (...stack: readonly ResourceSpec[]) => declared.judge(resources(onTwoPlatforms(), ...stack), {}).unknown

  test('makes nothing of the catalog where its stack doesn’t reach the brokers, and that is unknown', async () => {
    expect(await reported(declared, [onTwoPlatforms()])).toEqual([])
    expect(unknown()).toEqual([expect.stringContaining('with `aws.access` only')])
  })

  test('where it does, topics, bindings and quotas are those of its inventory; users are secrets that say no name', async () => {
    expect(await reported(declared, [onTwoPlatforms(), birth, topic(), acl, quota])).toEqual([])
    expect(unknown(birth, topic(), acl, quota)).toEqual([expect.stringContaining('users of a colour on aws are secrets')])
    expect(await reported(declared, [onTwoPlatforms(), birth, topic({ partitions: 7 }), acl, quota])).toEqual([
      expect.stringMatching(/^topic orders: partitions is 7, required: 6/),
    ])
    expect(await reported(declared, [onTwoPlatforms(), birth, topic(), acl])).toEqual([expect.stringMatching(/^quota of shop: .* is not there/)])
    expect(await reported(declared, [onTwoPlatforms(), birth, topic(), acl, quota, user])).toEqual([
      expect.stringMatching(/^user shop: declared is declared, required: not there/),
    ])
  })
})
