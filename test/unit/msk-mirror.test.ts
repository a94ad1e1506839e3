import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectMirror } from '../../engine/adapters/connect/mirror.ts'
import { MskConnectApi } from '../../engine/adapters/connect/msk-connect-api.ts'
import { offsetKey, offsetValue, partitionForKey, requireKeyForm } from '../../engine/adapters/connect/offset-records.ts'
import { openMirror } from '../../engine/adapters/connect/open-mirror.ts'
import { checkConnectorStates } from '../../engine/gate/connector-states.ts'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import type { Colour } from '../../engine/model/colour.ts'
import { mskConnectorRequest, mskWorkerProperties } from '../../engine/model/msk-connect.ts'
import { configurationFor, MskConnectorRequest, type MskConnectWorker, unapplied } from '../../engine/model/msk-connect-worker.ts'
import { MirrorWorker } from '../../engine/model/wiring.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { mskColour, networkAccess } from '../support/msk-colour.ts'
import { MskConnectStandIn } from '../support/msk-connect/stand-in.ts'

const within = (ms = 5_000) => new Deadline(systemClock, ms, 'the test')
const parts = {
  ...{ pluginArn: 'arn:plugin', pluginRevision: 1, workerConfigurationArn: 'arn:worker-configuration', workerConfigurationRevision: 1 },
  ...{ roleArn: 'arn:role', logGroup: '/kbg/mirror' },
}
const side = (colour: Colour) => ({ ...mskColour(colour), iamBootstrapServers: mskColour(colour).addresses.iam })
const request = mskConnectorRequest(side('blue'), side('green'), networkAccess('green'), parts, ['orders'])
const worker: MskConnectWorker = {
  kind: 'msk-connect',
  colour: 'green',
  region: 'eu-central-1',
  namePrefix: 'kbg-production-shop-',
  request,
  listLagMs: 120_000,
}

function access(colour: Colour): ClusterAccess {
  const at = ['127.0.0.1:1']
  const servers = { internalBootstrapServers: at, produceBootstrapServers: at, consumeBootstrapServers: at }
  return { colour, clusterId: `id-${colour}`, kafkaVersion: '3.9.2', ...servers, credentialsFile: '/none' }
}

describe('records of the offsets topic', () => {
  test('are found by Connect, byte by byte: the order is that of its HashMap, the numbers are whole', () => {
    // As a worker of 4.3.1 has written it for a MirrorSourceConnector.
    expect(offsetKey('kbg-mirror-blue-green-7', 'blue', 'orders.v2-11')).toBe(
      '["kbg-mirror-blue-green-7",{"cluster":"blue","partition":11,"topic":"orders.v2"}]',
    )
    expect(offsetValue(9_007_199_254_740_993n)).toBe('{"offset":9007199254740993}')
  })

  test('go where a Java producer puts them', () => {
    const murmur2: (key: Buffer) => number = createRequire(import.meta.url)('kafkajs/src/producer/partitioners/default/murmur2')
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.integer({ min: 1, max: 50 }), (key, partitions) => {
        expect(partitionForKey('t', key, partitions)).toBe(`t-${(murmur2(Buffer.from(key)) & 0x7f_ff_ff_ff) % partitions}`)
      }),
    )
    // Kafka's own example (UtilsTest.testMurmur2): 21 hashes to -973932308.
    expect(partitionForKey('t', '21', 1_000)).toBe(`t-${(-973932308 & 0x7f_ff_ff_ff) % 1_000}`)
  })

  test('in another form than Connect wrote so far are refused before anything is written', () => {
    const entry = { partition: { cluster: 'blue', topic: 'orders', partition: 0 }, offset: { offset: 3 } }
    requireKeyForm(new Map([['["a",{"cluster":"blue","partition":0,"topic":"orders"}]', { connector: 'a', entry }]]))
    requireKeyForm(new Map([['["kbg.declared",{"connector":"a"}]', { connector: 'kbg.declared', entry: { foreign: {} } }]]))
    const other = new Map([['["a",{"topic":"orders","partition":0,"cluster":"blue"}]', { connector: 'a', entry }]])
    expect(() => requireKeyForm(other)).toThrow(/^offset-key-form: .*observed: \["a",\{"topic"/)
  })
})

describe('what a connector is asked to be', () => {
  test('is the plan with the topics of this connector', () => {
    expect(MskConnectorRequest.parse(request)).toEqual(request)
    const canary = configurationFor(request, ['kbg.canary.blue'])
    expect(canary).toEqual({ ...request.connectorConfiguration, topics: 'kbg\\.canary\\.blue' })
    expect(() => configurationFor(request, ['blue.heartbeats'])).toThrow(/^not-mirrorable/)
  })

  test('is compared with what it became: each difference by its place', () => {
    const described = { ...request, connectorName: 'a', connectorState: 'RUNNING', networkType: 'IPV4' }
    expect(unapplied(request, described)).toEqual([])
    const { 'exactly.once.support': _left, ...without } = request.connectorConfiguration
    const changed = {
      ...described,
      connectorConfiguration: { ...without, 'tasks.max': '2', 'new.key': 'x' },
      workerConfiguration: { ...request.workerConfiguration, revision: 2 },
      plugins: [],
    }
    expect([...unapplied(request, changed)].sort()).toEqual([
      'connectorConfiguration.exactly.once.support: observed none, required "required"',
      'connectorConfiguration.new.key: not asked for',
      'connectorConfiguration.tasks.max: observed "2", required "1"',
      'plugins: observed [], required [{"customPlugin":{"customPluginArn":"arn:plugin","revision":1}}]',
      'workerConfiguration.revision: observed 2, required 1',
    ])
    expect(unapplied(request, {}).length).toBeGreaterThan(20)
  })

  test('which of the two makes connectors is a matter of wiring, and neither is taken for the other', async () => {
    const rest = {
      colour: 'green',
      restUrl: 'http://127.0.0.1:1',
      groupId: 'g',
      credentialsFile: '/none',
      sourceLogin: `\${file:/s:a}`,
      targetLogin: `\${file:/s:b}`,
    }
    const mirrors = await Promise.all([rest, worker].map((one) => openMirror(access('blue'), access('green'), MirrorWorker.parse(one))))
    const byRest = connectMirror({ source: access('blue'), target: access('green'), worker: { ...rest, colour: 'green' } })
    expect(mirrors[0]?.constructor).toBe(byRest.constructor)
    expect(mirrors[1]?.constructor.name).toBe('MskMirror')
    expect(mirrors[1]?.changeMs).toBeGreaterThan(byRest.changeMs)
    for (const mirror of [...mirrors, byRest]) await mirror.close()
    await expect(openMirror(access('green'), access('blue'), worker)).rejects.toThrow(/^wrong-worker/)
    expect(MirrorWorker.safeParse({ ...worker, namePrefix: 'no_dash' }).success).toBe(false)
    expect(MirrorWorker.safeParse({ ...rest, ...worker }).success).toBe(false)
  })
})

test('a connector whose tasks nobody tells of passes by its state alone, and says so', () => {
  const told = (state: 'RUNNING' | 'FAILED') => {
    const forward = { seen: true, value: { name: 'm', state, tasks: [], tasksUntold: true, config: {} } } as const
    return checkConnectorStates({ forward, runningBackwards: { seen: true, value: [] }, lag: [] })
  }
  expect(told('RUNNING')).toMatchObject({ verdict: 'pass', observed: 'm RUNNING, tasks not told' })
  expect(told('FAILED')).toMatchObject({ verdict: 'fail' })
})

describe("MSK Connect's API", () => {
  let dir: string
  let standIn: MskConnectStandIn
  let api: MskConnectApi
  let asked: MskConnectorRequest
  const before = { ...process.env }

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'kbg-stand-in-'))
    standIn = await MskConnectStandIn.start(dir)
    Object.assign(process.env, { AWS_ENDPOINT_URL_KAFKACONNECT: standIn.endpoint, AWS_ACCESS_KEY_ID: 'stand-in', AWS_SECRET_ACCESS_KEY: 'stand-in' })
    const workerConfigurationArn = standIn.addWorkerConfiguration('into-green', mskWorkerProperties('green'))
    asked = { ...request, workerConfiguration: { workerConfigurationArn, revision: 1 } }
    api = new MskConnectApi('eu-central-1')
  })

  afterAll(async () => {
    api?.close()
    await standIn?.end()
    process.env = before
    rmSync(dir, { recursive: true, force: true })
  })

  test('makes, lists by pages, describes and ends connectors', async () => {
    const names = ['kbg-a-1', 'kbg-a-2', 'kbg-a-3', 'other-1']
    for (const name of names) await api.create(name, asked, request.connectorConfiguration, within())
    expect((await api.list('kbg-a-', within())).map(({ name }) => name)).toEqual(names.slice(0, 3))
    const [first] = await api.list('kbg-a-1', within())
    // No cluster is served here, so that none can run.
    const failed = await within().poll(20, async () => {
      const described = await api.describe(first?.arn ?? '', within())
      return described?.connectorState === 'FAILED' ? described : undefined
    })
    expect(failed.stateDescription?.message).toMatch(/no cluster has the bootstrap servers/)
    expect(unapplied(asked, { ...failed })).toEqual([])
    await api.delete(first?.arn ?? '', within())
    await within().poll(20, async () => ((await api.describe(first?.arn ?? '', within())) === undefined ? true : undefined))
    await api.delete(first?.arn ?? '', within())
    expect((await api.list('kbg-a-', within())).map(({ name }) => name)).toEqual(['kbg-a-2', 'kbg-a-3'])
  })

  test('its refusals say what was said, and whether it may still happen', async () => {
    await api.create('kbg-b', asked, {}, within())
    await expect(api.create('kbg-b', asked, {}, within())).rejects.toMatchObject({
      code: 'connector-exists',
      message: expect.stringContaining('already exists'),
    })
    await expect(api.create('kbg_c', asked, {}, within())).rejects.toMatchObject({ code: 'connect-refused', retriable: false })
    await expect(api.create('kbg-c', request, {}, within())).rejects.toThrow(/^connect-refused: .*no such worker configuration/)
    process.env.AWS_ENDPOINT_URL_KAFKACONNECT = 'http://127.0.0.1:1'
    const away = new MskConnectApi('eu-central-1')
    await expect(away.list('', within())).rejects.toMatchObject({ code: 'connect-unreachable', retriable: true })
    await expect(away.create('kbg-d', asked, {}, within())).rejects.toMatchObject({ code: 'outcome-unknown' })
    process.env.AWS_ENDPOINT_URL_KAFKACONNECT = standIn.endpoint
    away.close()
  })

  test('what MSK Connect keeps to itself is refused in a worker configuration', () => {
    expect(() => standIn.addWorkerConfiguration('wrong', { 'group.id': 'mine' })).toThrow(/group\.id/)
  })
})
