import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { BatchGate } from '../../client/batch-gate.ts'
import { kafkajsConfig, readRouteOptions } from '../../client/options.ts'
import { parseRoute } from '../../client/route-feed.ts'

const directory = mkdtempSync(join(tmpdir(), 'kbg-client-options-'))
afterAll(() => rmSync(directory, { recursive: true }))

function credentials(text: string): string {
  const file = join(directory, `credentials-${Math.random()}.json`)
  writeFileSync(file, text)
  return file
}

test('fleet and route store come from the constructor, or from the environment', () => {
  const file = credentials(JSON.stringify({ version: 1, passwords: { client: 'long enough' } }))
  const endpoints = ['10.0.0.1:2379', '10.0.0.2:2379']
  const options = { fleet: 'shop', from: { kind: 'store', endpoints, username: 'client', password: 'long enough', ca: undefined } }
  expect(readRouteOptions({ fleet: 'shop', routeStore: { endpoints, password: 'long enough' } }, {})).toEqual(options)
  const environment = { KBG_FLEET: 'shop', KBG_ROUTE_STORE: '10.0.0.1:2379,10.0.0.2:2379', KBG_ROUTE_STORE_CREDENTIALS: file }
  expect(readRouteOptions({}, environment)).toEqual(options)
  expect(readRouteOptions({ fleet: 'other' }, environment).fleet).toBe('other')
})

test('every problem is told at once, and no secret', () => {
  const file = credentials('{"version":1,"passwords":{"client":"a secret that parsers would quote"')
  const refused = () => readRouteOptions({ fleet: 'Not A Fleet', routeStore: { endpoints: ['nowhere'], credentialsFile: file } }, {})
  expect(refused).toThrow(/can't be read.*KBG_FLEET.*KBG_ROUTE_STORE/s)
  expect(refused).not.toThrow(/a secret/)
  expect(() => readRouteOptions({}, {})).toThrow(/at least one endpoint.*KBG_ROUTE_STORE_CREDENTIALS: missing/s)
  const other = credentials(JSON.stringify({ version: 1, passwords: { kbg: 'long enough' } }))
  expect(() => readRouteOptions({ fleet: 'shop', routeStore: { endpoints: ['a:1'], credentialsFile: other } }, {})).toThrow(/no password for user client/)
})

test('kafkajs gets its own configuration unchanged, without brokers and route', () => {
  const routeStore = { endpoints: ['a:1'], password: 'p' }
  expect(kafkajsConfig({ clientId: 'app', brokers: ['ignored:9092'], requestTimeout: 5, fleet: 'shop', routeStore })).toEqual({
    clientId: 'app',
    requestTimeout: 5,
  })
})

test('a damaged route names the key and what is wrong', () => {
  for (const text of ['', '{', '{"version":2}']) expect(() => parseRoute('/kbg/shop/route', text)).toThrow(/route-corrupt.*\/kbg\/shop\/route/)
})

test('a closing gate waits for what is inside, begins nothing more, and opens again', async () => {
  const gate = new BatchGate()
  const inside = Promise.withResolvers<void>()
  const began: string[] = []
  const first = gate.enter(() => {
    began.push('first')
    return inside.promise
  })
  let closed = false
  const closing = gate.close().then(() => {
    closed = true
  })
  const turnedAway = gate.enter(async () => void began.push('second'))
  expect(gate.closing).toBe(true)
  await Promise.resolve()
  expect(closed).toBe(false)
  inside.resolve()
  await Promise.all([first, closing, turnedAway])
  gate.open()
  await gate.enter(async () => void began.push('third'))
  expect(began).toEqual(['first', 'third'])
})
