import type { StackValidationArgs, StackValidationPolicy } from '@pulumi/policy'
import { expect, test } from 'vitest'
import { excepted, policyOf, type Said, unjudged } from '../../policy/judging/rule.ts'
import { rules } from '../../policy/pack.ts'
import { parityBrokers, parityTopics } from '../../policy/parity.ts'
import { safetyLimits } from '../../policy/safety.ts'
import { inventory, parity, type ResourceSpec, reported, resources, switchover, unknownParity } from './fixtures.ts'

/** What a policy at the end of the pack tells of a stack that all rules have judged. */
async function toldBehind(policy: (said: Said) => StackValidationPolicy, specs: readonly ResourceSpec[], config: Readonly<Record<string, object>>) {
  const [said, messages]: [Said, string[]] = [new Map(), []]
  const run = async ({ name, validateStack }: StackValidationPolicy, report: (message: string) => void) => {
    const args = { resources: resources(...specs), stackTags: new Map(), getConfig: () => config[name] ?? {} }
    await validateStack(args as unknown as StackValidationArgs, report)
  }
  for (const rule of rules)
    await run(
      policyOf(rule, said, () => '2026-11-26'),
      () => undefined,
    )
  await run(policy(said), (message) => messages.push(message))
  return messages
}

const twoThreads = [
  parity(
    inventory('blue'),
    inventory('green', ({ brokers }) => {
      brokers.config['num.io.threads'] = '2'
    }),
  ),
]
const exception = { where: 'brokers', property: 'config.num.io.threads', reason: 'what this switchover is for', expires: '2026-11-30' }

test('an exception holds to the end of its last day, and says on the next one that it has expired', async () => {
  const config = { exceptions: [exception] }
  expect(await reported(parityBrokers, twoThreads, config, '2026-11-30')).toEqual([])
  expect(await reported(parityBrokers, twoThreads, config, '2026-12-01')).toEqual([
    expect.stringMatching(/^brokers: config\.num\.io\.threads is not set on blue and 2 on green \(its exception expired on 2026-11-30\), required/),
  ])
})

test('an exception of another property, or without a reason and a date, excepts nothing', async () => {
  expect(await reported(parityBrokers, twoThreads, { exceptions: [{ ...exception, property: 'config.num.network.threads' }] })).toHaveLength(1)
  expect(await reported(parityBrokers, twoThreads, { exceptions: [{ ...exception, reason: 'why not' }] })).toEqual([
    "The configuration of this policy can't be read: exceptions.0.reason: a reason of at least 10 characters.",
  ])
  expect(await reported(parityBrokers, twoThreads, { exceptions: [{ ...exception, expires: 'never' }] })).toEqual([
    expect.stringMatching(/exceptions\.0\.expires: a date/),
  ])
  expect(await reported(safetyLimits, [switchover()], { maxMirrorLag: 3 })).toEqual([
    expect.stringMatching(/can't be read: all of it: Unrecognized key: "maxMirrorLag"/),
  ])
})

test('five violations are shown, the others counted', async () => {
  const many = inventory('green', ({ topics }) => {
    for (let index = 0; index < 8; index += 1) topics[`t${index}`] = { partitions: 1, replicationFactor: 3, config: {}, ownConfig: {} }
  })
  const messages = await reported(parityTopics, [parity(inventory('blue'), many)])
  expect(messages).toHaveLength(6)
  expect(messages.at(-1)).toBe('and 3 more of the same policy.')
  // One whose exception has expired is among those that are shown: `kbg pr` looks for it.
  const config = { exceptions: [{ where: 'topic t7', property: '*', reason: 'it was to be there', expires: '2026-11-01' }] }
  const [first] = await reported(parityTopics, [parity(inventory('blue'), many)], config)
  expect(first).toMatch(/^topic t7: declared is not there on blue and declared on green \(its exception expired on 2026-11-01\)/)
})

test('an expired exception is among the five, however many others there are', async () => {
  const many = inventory('green', ({ topics }) => {
    for (let index = 0; index < 8; index += 1) topics[`t${index}`] = { partitions: 1, replicationFactor: 3, config: {}, ownConfig: {} }
  })
  const specs = [parity(inventory('blue'), many)]
  const exceptions = [{ where: 'topic t7', property: '*', reason: 'what this switchover is for', expires: '2026-11-25' }]
  expect((await reported(parityTopics, specs, { exceptions })).filter((message) => message.includes('(its exception expired on 2026-11-25)'))).toHaveLength(1)
})

test('what is not known is no violation and no pass: the advisory policy names it for each rule that could not judge', async () => {
  expect(await reported(parityTopics, [unknownParity])).toEqual([])
  const messages = await toldBehind(unjudged, [unknownParity], {})
  expect(messages).toContain(
    "parity-topics could not be judged: blue of kbg:catalog:Parity isn't known yet (string value at .blue can't be known during preview).",
  )
  expect(messages).toContainEqual(expect.stringMatching(/^security-acls could not be judged/))
})

test('what a declared exception covers is told with its reason and its last day, in a policy that is not mandatory', async () => {
  expect(await toldBehind(excepted, twoThreads, { 'parity-brokers': { exceptions: [exception] } })).toEqual([
    'parity-brokers: brokers: config.num.io.threads is not set on blue and 2 on green, until 2026-11-30: what this switchover is for.',
  ])
  expect(await toldBehind(excepted, twoThreads, {})).toEqual([])
  expect(excepted(new Map()).enforcementLevel).toBe('advisory')
})

test('each policy tells Pulumi its severity, its remedy, and the form of its configuration', () => {
  for (const rule of rules) {
    const policy = policyOf(rule)
    expect(policy).toMatchObject({ severity: expect.any(String), remediationSteps: expect.stringMatching(/\.$/) })
    expect(policy.configSchema?.properties).toMatchObject({ exceptions: { type: 'array' } })
    expect(Object.keys(policy.configSchema?.properties ?? {})).toEqual([...Object.keys(rule.settings), 'exceptions'])
  }
})
