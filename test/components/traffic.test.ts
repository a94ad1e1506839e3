import * as pulumi from '@pulumi/pulumi'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Traffic } from '../../components/traffic/traffic.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import type { Colour } from '../../engine/model/colour.ts'
import { KbgError } from '../../engine/model/error.ts'
import { Limits } from '../../engine/model/limits.ts'
import { trafficProgram } from '../../infra/traffic.ts'
import { accessOf, mockPulumi, valueOfOutput } from './mocks.ts'

// Serializing a dynamic provider needs Pulumi's own loader (pulumi#10480), so a plain resource stands in for the gate here.
vi.mock('../../components/gate/gate.ts', () => ({
  Gate: class FakeGate extends pulumi.CustomResource {
    constructor(name: string, args: object) {
      super('test:fake:Gate', name, { ...args, verdict: undefined, epoch: undefined })
    }
  },
}))

const config = {
  role: 'traffic',
  fleet: 'shop',
  live: 'blue',
  attempt: 2,
  consumers: { 'wave-1': 'green' },
  limits: Limits.parse({}),
  unprovenGroups: { legacy: 'stay' },
  hooks: [],
  tls: false,
  decommission: undefined,
} as const
const catalog = Catalog.parse({ topics: { orders: { partitions: 6 } }, groups: { billing: { wave: 1 } } })
const store = { endpoints: ['store.invalid:2379'], username: 'kbg', credentialsFile: '/nowhere/credentials.json' }

function mockTraffic(colourOutputs: (stack: string) => Record<string, unknown>) {
  return mockPulumi('shop-traffic', ({ type, inputs }) => {
    switch (type) {
      case 'pulumi:pulumi:StackReference':
        return { outputs: colourOutputs(String(inputs.name)) }
      case 'kbg:index:LocalRouteStore':
        return { access: store, clientAccess: { ...store, username: 'client' } }
      case 'kbg:index:LocalMirrorWorker':
        return { access: { colour: inputs.target.colour, restUrl: 'http://worker.invalid' } }
      case 'kbg:index:LocalAudit':
        return { access: [{ url: 'http://audit.invalid', credentialsFile: '/nowhere/credentials.json' }], alive: true }
      case 'aws:route53/zone:Zone':
        return { zoneId: 'Z1' }
      case 'test:fake:Gate':
        return { verdict: 'pass', epoch: 9 }
      case 'kbg:index:Switchover':
        return { live: 'blue', epoch: 9, state: 'open', consumers: { 'wave-1': 'green' } }
      default:
        return {}
    }
  })
}
// A component's outputs come behind everything: the next test's mocks don't know it.
afterEach(() => pulumi.runtime.disconnect())

const bothColours = (stack: string) => ({ cluster: accessOf(stack.endsWith('blue') ? 'blue' : 'green') })

describe('the traffic program', () => {
  test('reads the colours of its own fleet, and gives gate and switchover the same wiring', async () => {
    const { registered } = await mockTraffic(bothColours)
    const outputs = await trafficProgram(config, catalog)
    expect(await valueOfOutput(pulumi.output(outputs.route))).toEqual({ epoch: 9, live: 'blue', state: 'open', consumers: { 'wave-1': 'green' } })
    const references = registered.filter(({ type }) => type === 'pulumi:pulumi:StackReference')
    expect(references.map(({ name }) => name).sort()).toEqual(['organization/kafka-blue-green/shop-blue', 'organization/kafka-blue-green/shop-green'])
    const [gate, switchover] = ['test:fake:Gate', 'kbg:index:Switchover'].map((type) => registered.find((each) => each.type === type)?.inputs)
    expect(switchover?.wiring).toEqual(gate?.wiring)
    expect(switchover?.wiring).toMatchObject({
      fleet: 'shop',
      topics: ['orders'],
      groups: ['billing'],
      workers: { green: { colour: 'green' } },
      unprovenGroups: { legacy: 'stay' },
    })
    expect(switchover?.wiring).toMatchObject({ audit: [{ url: 'http://audit.invalid' }] })
    expect(switchover?.wiring).toMatchObject({ waves: { 'wave-1': ['billing'] }, guardians: ['blue', 'green'] })
    expect(gate?.intent).toEqual({ live: 'blue', attempt: 2, consumers: { 'wave-1': 'green' } })
    expect(switchover).toMatchObject({ live: 'blue', attempt: 2, consumers: { 'wave-1': 'green' }, gate: { verdict: 'pass', epoch: 9 }, decommission: null })
  })

  test('the worker beside a colour copies into it from the other one', async () => {
    const { registered } = await mockTraffic(bothColours)
    await valueOfOutput((await trafficProgram(config, catalog)).wiring)
    const workers = registered.filter(({ type }) => type === 'kbg:index:LocalMirrorWorker')
    expect(workers.map(({ inputs }) => inputs)).toMatchObject([
      { target: { colour: 'blue' }, source: { colour: 'green' } },
      { target: { colour: 'green' }, source: { colour: 'blue' } },
    ])
  })

  test('a guardian stands beside each colour, within the limits of the switchover', async () => {
    const { registered } = await mockTraffic(bothColours)
    const outputs = await trafficProgram(config, catalog)
    await valueOfOutput(outputs.route.epoch) // behind gate and switchover, which stand behind the guardians
    const wiring = await valueOfOutput(outputs.wiring)
    const guardians = registered.filter(({ type }) => type === 'kbg:index:LocalGuardian')
    expect(guardians.map(({ name, inputs }) => [name, inputs.colour])).toEqual([
      ['traffic-guardian-blue', 'blue'],
      ['traffic-guardian-green', 'green'],
    ])
    for (const { inputs } of guardians) expect(inputs).toMatchObject({ wiring, limits: config.limits })
    expect(outputs.limits).toEqual(config.limits)
  })

  test('where the route is published is in the wiring of whoever writes it, and told to clients; no value of it is an input', async () => {
    const { registered } = await mockTraffic(bothColours)
    const at = { account: '123456789012', region: 'eu-central-1' }
    const dns = { ...at, zone: 'shop.kafka.internal', vpcIds: ['vpc-0123456789abcdef0'] }
    const outputs = await trafficProgram({ ...config, live: 'green', dns, routeParameter: { ...at, pollIntervalMs: 500 } }, catalog)
    const parameter = { region: at.region, name: '/kbg/shop/route', pollIntervalMs: 500 }
    const names = { region: at.region, zoneId: 'Z1', zone: dns.zone }
    expect((await valueOfOutput(outputs.wiring)).publications).toEqual({ parameter, names })
    expect(await valueOfOutput(pulumi.output(outputs.clients.routeParameter))).toEqual(parameter)
    expect(outputs.clients.zone).toBe(dns.zone)
    expect(registered.filter(({ type }) => type === 'aws:route53/record:Record')).toEqual([])
    const made = registered.find(({ type }) => type === 'aws:ssm/parameter:Parameter')
    expect(made?.inputs).toMatchObject({ name: '/kbg/shop/route', tier: 'Advanced', insecureValue: 'not published yet' })
  })

  test('a colour that does not stand yet is an error that says what to run', async () => {
    await mockTraffic((stack) => (stack.endsWith('green') ? {} : bothColours(stack)))
    const thrown = await trafficProgram(config, catalog).catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(KbgError)
    expect(thrown).toMatchObject({ code: 'colour-missing', message: expect.stringContaining('pulumi up -s shop-green') })
  })

  test.each([
    ['Amazon MSK', 'aws', 'msk'],
    ['Kubernetes', 'kubernetes', 'strimzi'],
  ])('a colour on %s is no colour to switch between yet, and the error says what is', async (where, platform, output) => {
    const { registered } = await mockTraffic((stack) => (stack.endsWith('green') ? { [output]: {} } : bothColours(stack)))
    await expect(trafficProgram(config, catalog)).rejects.toMatchObject({
      ...{ code: 'no-switchover', message: expect.stringContaining(`shop-green stands on ${where}`) },
      remedy: expect.stringMatching(new RegExp(`docs/platforms\\.md.*Set platform to ${platform} `)),
    })
    expect(registered.every(({ type }) => type === 'pulumi:pulumi:StackReference')).toBe(true)
  })

  test('nor is one on Amazon MSK that is reached, though it says how: its mirror is no worker of this machine', async () => {
    const { registered } = await mockTraffic((stack) => ({ ...bothColours(stack), ...(stack.endsWith('green') ? { msk: {} } : {}) }))
    await expect(trafficProgram(config, catalog)).rejects.toMatchObject({
      code: 'no-switchover',
      message: expect.stringContaining('shop-green stands on Amazon MSK'),
    })
    expect(registered.every(({ type }) => type === 'pulumi:pulumi:StackReference')).toBe(true)
  })

  test('a wave that the catalog does not have is an error that names those it has', async () => {
    await mockTraffic(bothColours)
    const thrown = await trafficProgram({ ...config, consumers: { 'wave-7': 'green' } }, catalog).catch((error: unknown) => error)
    expect(thrown).toMatchObject({ code: 'unknown-wave', message: expect.stringContaining('wave-7'), facts: { allowed: ['wave-1'] } })
  })

  test('the same cluster on both colours is refused before anything is made', async () => {
    const { registered } = await mockTraffic((stack) => ({ cluster: accessOf(stack.endsWith('blue') ? 'blue' : 'green', 'one-and-the-same') }))
    await expect(trafficProgram(config, catalog)).rejects.toMatchObject({ code: 'same-cluster' })
    expect(registered.every(({ type }) => type === 'pulumi:pulumi:StackReference')).toBe(true)
  })

  test('stacks that do not agree on TLS are refused by name, before anything is made', async () => {
    const secured = (colour: Colour) => ({ cluster: { ...accessOf(colour), caFile: '/nowhere/ca.pem' } })
    const { registered } = await mockTraffic((stack) => (stack.endsWith('green') ? secured('green') : bothColours(stack)))
    const facts = { 'shop-traffic': 'false', 'shop-green': 'true' }
    await expect(trafficProgram(config, catalog)).rejects.toMatchObject({ code: 'tls-in-part', facts })
    await expect(trafficProgram({ ...config, tls: true }, catalog)).rejects.toMatchObject({ facts: { 'shop-traffic': 'true', 'shop-blue': 'false' } })
    expect(registered.every(({ type }) => type === 'pulumi:pulumi:StackReference')).toBe(true)
  })

  test('stacks that agree on TLS give the store the same', async () => {
    const { registered } = await mockTraffic((stack) => ({
      cluster: { ...accessOf(stack.endsWith('blue') ? 'blue' : 'green'), caFile: '/nowhere/ca.pem' },
    }))
    await valueOfOutput(pulumi.output((await trafficProgram({ ...config, tls: true }, catalog)).wiring))
    expect(registered.find(({ type }) => type === 'kbg:index:LocalRouteStore')?.inputs).toMatchObject({ tls: true })
  })
})

describe('traffic in a program of its own', () => {
  const clusters = { blue: accessOf('blue'), green: accessOf('green') }

  test('two fleets in one stack have nothing in common', async () => {
    const { registered } = await mockTraffic(bothColours)
    const traffic = ['shop', 'ledger'].map((fleet) => new Traffic(`${fleet}-traffic`, { fleet, catalog, live: 'blue', clusters }))
    await Promise.all(traffic.map(({ route }) => valueOfOutput(route.epoch)))
    const names = registered.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const type of ['kbg:index:LocalRouteStore', 'kbg:index:LocalAudit']) {
      expect(registered.filter((each) => each.type === type).map(({ name, inputs }) => `${name} of ${inputs.fleet}`)).toHaveLength(2)
      expect(registered.filter((each) => each.type === type).every(({ name, inputs }) => name.startsWith(`${inputs.fleet}-`))).toBe(true)
    }
    const switchovers = registered.filter(({ type }) => type === 'kbg:index:Switchover')
    expect(switchovers.map(({ inputs }) => (inputs.wiring as { fleet: string }).fleet).sort()).toEqual(['ledger', 'shop'])
    expect(switchovers[0]?.inputs).toMatchObject({ attempt: 0, consumers: {}, limits: Limits.parse({}), decommission: null })
  })

  test('what stood at the top of the traffic stack before keeps its name there', async () => {
    const { registered } = await mockTraffic(bothColours)
    await valueOfOutput((await trafficProgram(config, catalog)).route.epoch)
    expect(registered.map(({ name }) => name)).toEqual(expect.arrayContaining(['traffic-route-store', 'traffic-switchover', 'traffic-mirror-into-blue']))
  })
})
