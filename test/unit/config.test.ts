import { expect, test } from 'vitest'
import { load, problems } from '../support/loaded-config.ts'

test('a colour of the default fleet, with defaults', () => {
  expect(load('blue', { kafkaVersion: '3.9.2' })).toEqual({
    role: 'colour',
    fleet: 'main',
    colour: 'blue',
    platform: 'local',
    kafkaVersion: '3.9.2',
    nodes: 3,
    brokerConfig: {},
    routeStore: undefined,
    tls: false,
    retire: false,
    decommission: undefined,
  })
})

test('fleet and role come from the stack name, and the keys override it', () => {
  expect(load('shop-eu-green', { kafkaVersion: '4.3.1' })).toMatchObject({ fleet: 'shop-eu', colour: 'green' })
  expect(load('prod', { role: 'traffic', fleet: 'shop', live: 'green' })).toMatchObject({ role: 'traffic', fleet: 'shop', live: 'green' })
  expect(load('shop-green', { role: 'blue', kafkaVersion: '4.3.1' })).toMatchObject({ fleet: 'shop', colour: 'blue' })
})

test('object keys arrive as JSON, numbers in them as text or number', () => {
  const traffic = load('traffic', { live: 'blue', attempt: '2', limits: '{"maxMirrorLagMs":"500","lagSamples":3}' })
  expect(load('traffic', { live: 'blue', acceptLoss: '12' })).toMatchObject({ acceptLoss: 12 })
  expect([load('traffic', { live: 'blue', failover: '0@7.12' }), load('traffic', { live: 'blue', failover: 'unknown@7' })]).toMatchObject([
    { failover: '0@7.12' },
    { failover: 'unknown@7' },
  ])
  expect(traffic).toMatchObject({ attempt: 2, limits: { maxMirrorLagMs: 500, lagSamples: 3, holdDeadlineMs: 2000 } })
  expect(load('blue', { kafkaVersion: '4.3.1', brokerConfig: '{"log.retention.hours":48,"log.cleaner.enable":true}' })).toMatchObject({
    brokerConfig: { 'log.retention.hours': '48', 'log.cleaner.enable': 'true' },
  })
})

test('hooks that are asked one after the other may take two minutes together, and no longer', () => {
  const hooks = (...timeoutsMs: readonly number[]) =>
    JSON.stringify([
      { name: 'pager', events: ['abort'], command: ['x'], timeoutMs: 60_000 },
      ...timeoutsMs.map((timeoutMs, index) => ({ name: `asks-${index}`, events: ['confirm', 'post'], command: ['x'], timeoutMs })),
    ])
  expect(load('traffic', { live: 'blue', hooks: hooks(60_000, 60_000) })).toMatchObject({ hooks: { length: 3 } })
  expect(problems('traffic', { live: 'blue', hooks: hooks(60_000, 60_000, 100) })).toEqual([
    "hooks.3.timeoutMs: 100 is not allowed; hooks of confirm are asked one after the other under the fleet's lock, together for 120000 ms at most; these may take 120100 ms",
  ])
})

test('groups are named with what becomes of them, and nothing else', () => {
  expect(load('traffic', { live: 'blue', unprovenGroups: '{"legacy":"stay","a.b":"redeliver"}' })).toMatchObject({
    unprovenGroups: { legacy: 'stay', 'a.b': 'redeliver' },
  })
  expect(load('traffic', { live: 'blue' })).toMatchObject({ unprovenGroups: {} })
  expect(problems('traffic', { live: 'blue', unprovenGroups: '{"legacy":"skip"}' })).toEqual([
    expect.stringMatching(/^unprovenGroups\.legacy: .*stay.*redeliver/),
  ])
  expect(problems('traffic', { live: 'blue', unprovenGroups: 'legacy' })).toEqual([
    'unprovenGroups: "legacy" is not allowed; allowed: an object of group names, each with "stay" or "redeliver"',
  ])
})

test('hooks are a list, and each problem is named by its place', () => {
  const pager = { name: 'pager', events: ['abort', 'halt'], url: 'https://pager.example/kbg', auth: { kind: 'hmac-sha256', secretFile: '.kbg/pager' } }
  const change = { name: 'change', events: ['confirm'], command: ['bin/ask', '--strict'] }
  expect(load('traffic', { live: 'blue', hooks: JSON.stringify([pager, change]) })).toMatchObject({ hooks: [pager, { ...change, timeoutMs: 10_000 }] })
  const refused = (hook: object) => problems('traffic', { live: 'blue', hooks: JSON.stringify([change, { ...pager, ...hook }]) })
  expect(refused({ name: 'change' })).toEqual(['hooks.1.name: another hook has this name'])
  expect(refused({ command: ['x'] })).toEqual(['hooks.1.command: a hook has either a command or a url'])
  expect(refused({ url: undefined })).toEqual([
    'hooks.1.command: a hook has either a command or a url',
    expect.stringMatching(/^hooks\.1\.auth: only a url takes it/),
  ])
  expect(refused({ url: 'http://pager.example/kbg' })).toEqual([expect.stringMatching(/^hooks\.1\.url: https, or http to this machine/)])
  expect(refused({ url: 'https://me:secret@pager.example/?token=secret' })).toEqual([
    expect.stringMatching(/^hooks\.1\.url: without login, query and fragment/),
  ])
  expect(refused({ url: 'file:///etc/passwd' })).toEqual(['hooks.1.url: https, or http'])
  const overHttp = { url: 'http://pager.example/kbg', allowPlainHttp: true }
  expect(refused({ ...overHttp, auth: { kind: 'bearer', secretFile: 'x' } })).toEqual([
    expect.stringMatching(/^hooks\.1\.auth: a token is not sent over plain http/),
  ])
  expect(load('traffic', { live: 'blue', hooks: JSON.stringify([{ ...pager, ...overHttp }]) })).toMatchObject({ hooks: [overHttp] })
  expect(refused({ event: 'confirm' })).toEqual(['hooks.1.event: unknown key; did you mean events?'])
})

test('keys of other namespaces are not ours', () => {
  expect(load('traffic', { live: 'blue' }, { 'aws:region': 'eu-central-1', 'pulumi:tags': '{}' })).toMatchObject({ live: 'blue' })
})

test('every problem is named at once, with key, value and what is allowed', () => {
  expect(problems('blue', { kafkaVersion: '3.9.1', nodes: '5', retire: 'yes', platform: 'moon', decommission: 'other' })).toEqual([
    'decommission: "other" is another fleet; allowed: main',
    'platform: "moon" is not allowed; allowed: local, external, aws or kubernetes',
    'kafkaVersion: "3.9.1" is not allowed; allowed: 3.9.2 or 4.3.1',
    'nodes: "5" is not allowed; allowed: 3 (replication factor 3, two in-sync replicas; other sizes: not yet)',
    'retire: "yes" is not allowed; allowed: true or false',
  ])
})

const users = { operator: { username: 'kafka-admin', mechanism: 'PLAIN' }, mirror: { username: 'mm2' }, probe: { username: 'canary' } }
const external = { bootstrapServers: ['kafka.example:9092'], credentialsFile: 'theirs.credentials.json', users }

test('a colour that was there before says where it is and who this project is there', () => {
  const theirs = { platform: 'external', kafkaVersion: '4.1', nodes: '5', external: JSON.stringify(external) }
  expect(load('blue', theirs)).toMatchObject({
    ...{ platform: 'external', colour: 'blue', kafkaVersion: '4.1', nodes: 5, brokerConfig: {} },
    external: { users: { operator: { mechanism: 'PLAIN' }, mirror: { mechanism: 'SCRAM-SHA-512' }, others: [] } },
  })
  expect(problems('blue', { ...theirs, nodes: '2' })).toEqual(['nodes: "2" is not allowed; allowed: how many brokers it has, 3 at least'])
  expect(problems('blue', { ...theirs, tls: 'true' })).toEqual(['external.caFile: missing, and tls is true; allowed: both, or neither'])
  const { probe: _probe, ...some } = users
  expect(problems('blue', { ...theirs, external: JSON.stringify({ ...external, users: some, bootstrapServer: 'x' }) })).toEqual([
    expect.stringMatching(/^external\.users\.probe: invalid input/),
    'external.bootstrapServer: unknown key; did you mean bootstrapServers?',
  ])
  expect(problems('blue', { kafkaVersion: '3.9.2', external: '{}' })).toEqual(['external: goes with platform external'])
})

test('every stack may say whether its fleet speaks TLS; unless it does, it speaks plaintext', () => {
  expect(load('traffic', { live: 'blue' })).toMatchObject({ tls: false })
  expect(load('traffic', { live: 'blue', tls: 'true' })).toMatchObject({ tls: true })
  expect(load('green', { kafkaVersion: '4.3.1', tls: 'true' })).toMatchObject({ tls: true })
  expect(problems('green', { kafkaVersion: '4.3.1', tls: 'on' })).toEqual([
    'tls: "on" is not allowed; allowed: true or false, the same in all three stacks of a fleet',
  ])
})

test('a missing key is named with what it may be', () => {
  expect(problems('traffic', {})).toEqual(['live: missing; allowed: blue or green'])
  expect(problems('green', {})).toEqual(['kafkaVersion: missing; allowed: 3.9.2 or 4.3.1'])
})

test('a key of another role names the stack that it belongs to', () => {
  expect(problems('shop-blue', { kafkaVersion: '4.3.1', live: 'green' })).toEqual([
    'live: belongs to the stack shop-traffic; set it there: pulumi config set live <value> -s shop-traffic',
  ])
  expect(problems('traffic', { live: 'blue', retire: 'true' })).toEqual([
    'retire: belongs to the stack blue or green; set it there: pulumi config set retire <value> -s blue',
  ])
})

test('an unknown key is answered with the nearest known one and its value is not shown', () => {
  for (const failover of ['all', '12', 'unknown', '12@0', '12@7.', '-1@7']) {
    const refusal = `failover: "${failover}" is not allowed; allowed: the word that preview shows, such as 12@57.48211`
    expect(problems('traffic', { live: 'blue', failover })).toEqual([expect.stringContaining(refusal)])
  }
  expect(problems('traffic', { live: 'blue', failover: '1@7', acceptLoss: '1' })).toEqual([expect.stringMatching(/^acceptLoss, failover: only one of both/)])
  expect(problems('traffic', { live: 'blue', atempt: 's3cr3t' })).toEqual(['atempt: unknown key; did you mean attempt?'])
  const [line] = problems('traffic', { live: 'blue', password: 's3cr3t' })
  expect(line).toMatch(/^password: unknown key; allowed: fleet, role, /)
  expect(line).not.toContain('s3cr3t')
})

test('limits keep their floors and ceilings, and their names', () => {
  expect(problems('traffic', { live: 'blue', limits: '{"maxMirrorLag":1,"lagSamples":0,"drainDeadlineMs":"soon"}' })).toEqual([
    'limits.lagSamples: 0 is not allowed; too small: expected number to be >=1',
    'limits.drainDeadlineMs: invalid input: expected number, received string',
    'limits.maxMirrorLag: unknown key; did you mean maxMirrorLagMs?',
  ])
  expect(problems('traffic', { live: 'blue', limits: 'strict' })).toEqual(['limits: "strict" is not allowed; allowed: an object of limits'])
})

test('what stands inside broker properties is never shown', () => {
  const lines = problems('blue', { kafkaVersion: '4.3.1', brokerConfig: '{"Ssl.Password":"s3cr3t","x":{"y":"s3cr3t"}}' })
  expect(lines).toHaveLength(2)
  expect(lines.join()).not.toContain('s3cr3t')
})

test('a stack name that says nothing is refused together with the other problems', () => {
  const lines = problems('prod', { colour: 'blue' })
  expect(lines[0]).toContain("The stack's name says neither colour nor traffic.")
  expect(lines[1]).toMatch(/^colour: unknown key/)
})
