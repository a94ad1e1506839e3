/** The end of every connector under a name's start: AWS's own client against the stand-in, without workers; time passes by pauses alone. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MskConnectors } from '../../engine/adapters/connect/msk-connectors.ts'
import { endAllNamed } from '../../engine/adapters/connect/msk-ends.ts'
import type { Declarations } from '../../engine/adapters/connect/offsets-store.ts'
import type { Colour } from '../../engine/model/colour.ts'
import { KbgError } from '../../engine/model/error.ts'
import { mskConnectNames, mskConnectorRequest, mskConnectWorker, mskWorkerProperties } from '../../engine/model/msk-connect.ts'
import { Deadline } from '../../engine/ports/clock.ts'
import { mskColour, networkAccess } from '../support/msk-colour.ts'
import { DeclarationsInMemory, PausesOnly } from '../support/msk-connect/in-memory.ts'
import { MskConnectStandIn } from '../support/msk-connect/stand-in.ts'

const minuteMs = 60_000
const before = { ...process.env }
const place = { region: 'eu-central-1', environment: 'production', fleet: 'shop' }
let dir: string
let standIn: MskConnectStandIn
let clock: PausesOnly
let declarations: Record<Colour, DeclarationsInMemory>

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'kbg-stand-in-'))
  standIn = await MskConnectStandIn.start(dir)
  standIn.withoutWorkers = true
  Object.assign(process.env, { AWS_ENDPOINT_URL_KAFKACONNECT: standIn.endpoint, AWS_ACCESS_KEY_ID: 'stand-in', AWS_SECRET_ACCESS_KEY: 'stand-in' })
  declarations = { blue: new DeclarationsInMemory(), green: new DeclarationsInMemory() }
  clock = new PausesOnly(1_000)
})

afterEach(async () => {
  await standIn.end()
  process.env = { ...before }
  rmSync(dir, { recursive: true, force: true })
})

const within = (minutes = 30) => new Deadline(clock, minutes * minuteMs, 'the test')

/** As a switchover has made them. @returns their names at AWS */
async function running(source: Colour, target: Colour, ...names: readonly string[]): Promise<readonly string[]> {
  const side = (colour: Colour) => ({ ...mskColour(colour), iamBootstrapServers: mskColour(colour).addresses.iam })
  const workerConfigurationArn = standIn.addWorkerConfiguration(`into-${target}`, mskWorkerProperties(target))
  const parts = {
    ...{ pluginArn: 'arn:plugin', pluginRevision: 1, workerConfigurationRevision: 1, roleArn: 'arn:role', logGroup: '/kbg/mirror' },
    workerConfigurationArn,
  }
  const request = mskConnectorRequest(side(source), side(target), networkAccess(target), parts, ['orders'])
  const connectors = new MskConnectors(mskConnectWorker(place, target, request), declarations[target])
  for (const name of names) {
    await connectors.declare(name, ['orders'], within())
    await connectors.run(name, within())
  }
  connectors.close()
  return names.map((name) => connectors.named(name))
}

/** @returns minutes, and what was told */
async function endsInto(target: Colour, declared: Declarations = declarations[target]) {
  const told: string[] = []
  const from = clock.monotonicMs()
  await endAllNamed(mskConnectNames(place, target), declared, within(), { ending: (names) => told.push(...names), unread: (why) => told.push(why) })
  return { minutes: (clock.monotonicMs() - from) / minuteMs, told }
}

const unread: Declarations = {
  declared: () => Promise.reject(new KbgError('connection', 'The brokers are gone.')),
  declare: () => Promise.reject(new Error('never')),
  withdraw: () => Promise.reject(new Error('never')),
}

test('where there is none and none was ever asked for, nothing is ended, at once', async () => {
  expect(await endsInto('blue')).toEqual({ minutes: 0, told: [] })
})

test('every one into the colour ends and is forgotten; what leads out of it, into the live one, runs on', async () => {
  const into = await running('green', 'blue', 'kbg-mirror-green-blue-7', 'kbg-canary-green-blue')
  const out = await running('blue', 'green', 'kbg-canary-blue-green')
  standIn.late = { made: 0, ended: 3 }
  const { told } = await endsInto('blue')
  expect([...told].sort()).toEqual([...into].sort())
  expect(standIn.there).toEqual(out)
  expect([declarations.blue.held.size, declarations.green.held.size]).toEqual([0, 1])
})

test('one that a list doesn’t name yet ends too: it was asked for', async () => {
  const [name = ''] = await running('green', 'blue', 'kbg-mirror-green-blue-7')
  standIn.hide(name, 20)
  await endsInto('blue')
  expect(standIn.there).toEqual([])
})

test('where the brokers are gone the lists alone say it: at once ended, and none for longer than a request may be under way', async () => {
  await running('green', 'blue', 'kbg-mirror-green-blue-7')
  const { minutes, told } = await endsInto('blue', unread)
  expect(told[0]).toMatch(/The brokers are gone/)
  expect(standIn.there).toEqual([])
  expect(minutes).toBeGreaterThanOrEqual(7)
})

test('one that somebody has asked for meanwhile ends as well', async () => {
  await running('green', 'blue', 'kbg-mirror-green-blue-7')
  const late = new Map(declarations.blue.held).set(`${mskConnectNames(place, 'blue').namePrefix}kbg-mirror-green-blue-8`, { topics: ['orders'], asked: 'open' })
  let reads = 0
  const declared: Declarations = {
    declared: async () => (++reads < 2 ? new Map(declarations.blue.held) : late),
    declare: () => Promise.reject(new Error('never')),
    withdraw: async (name) => void late.delete(name),
  }
  expect((await endsInto('blue', declared)).minutes).toBeGreaterThanOrEqual(9)
  expect([...late.keys()]).toEqual([])
})

test('one answer less is no end of it: a list that is refused for a moment is asked for again', async () => {
  await running('green', 'blue', 'kbg-mirror-green-blue-7')
  standIn.busy = 4
  await endsInto('blue')
  expect(standIn.there).toEqual([])
})
