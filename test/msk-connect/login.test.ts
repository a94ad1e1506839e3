/**
 * The mechanism of an IAM login, SASL/OAUTHBEARER, at a real broker. It can't prove that MSK takes what is signed: a broker of this machine validates Kafka's own unsecured tokens, so these are what the
 * connection is given. What it proves: the exchange, refusals, and that a session is renewed with a new token before it ends.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { metadataV12 } from '@platformatic/kafka'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BrokerConnection } from '../../engine/adapters/kafka/broker-connection.ts'
import { KbgError } from '../../engine/model/error.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { type PlainBroker, startPlainBroker } from '../support/workload/plain-broker.ts'

const host = '127.0.83.2'
const address = { host, port: 9094 }
const sessionMs = 4_000
const within = (seconds: number): Deadline => new Deadline(systemClock, seconds * 1_000, 'the test')

let dir: string
let broker: PlainBroker

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'kbg-oauth-'))
  const more = {
    listeners: `PLAINTEXT://${host}:9092,CONTROLLER://${host}:9093,ROLES://${host}:9094`,
    'advertised.listeners': `PLAINTEXT://${host}:9092,ROLES://${host}:9094`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,ROLES:SASL_PLAINTEXT',
    'listener.name.roles.sasl.enabled.mechanisms': 'OAUTHBEARER',
    'listener.name.roles.oauthbearer.sasl.jaas.config':
      'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
    'listener.name.roles.oauthbearer.connections.max.reauth.ms': String(sessionMs),
  }
  broker = await startPlainBroker({
    version: '4.3.1',
    dir,
    host,
    topics: [{ topic: 'orders', numPartitions: 1, replicationFactor: 1 }],
    more,
    clock: systemClock,
  })
}, 120_000)

afterAll(async () => {
  await broker?.stop()
  rmSync(dir, { recursive: true, force: true })
}, 60_000)

/** An unsecured JWS (RFC 7515, appendix A.5), good for so long. */
function unsecured(lifeMs: number): string {
  const nowSeconds = Date.now() / 1_000
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ sub: 'operator', iat: nowSeconds, exp: nowSeconds + lifeMs / 1_000 })}.`
}

test('each session begins with a token asked for then, is renewed before it ends, and a token that is no good is a refusal', async () => {
  let asked = 0
  const closed: number[] = []
  const token = async () => {
    asked += 1
    return unsecured(sessionMs)
  }
  const login = { mechanism: 'OAUTHBEARER', username: 'a role', token } as const
  const connection = await BrokerConnection.open(address, login, undefined, () => closed.push(systemClock.monotonicMs()))
  const asking = async () => (await connection.request('Metadata', metadataV12.api, [['orders'], false, false], 'none', within(5))).topics.length
  // While a session is renewed nothing else may be sent (KIP-368); whoever asks then is given another connection.
  const metadata = () => within(5).poll(20, async () => (connection.usable ? await asking() : undefined))
  expect(await metadata()).toBe(1)
  const atFirst = asked
  // Three sessions long: without a renewal the broker would end the connection at the first request behind the session.
  const until = systemClock.monotonicMs() + 3 * sessionMs
  while (systemClock.monotonicMs() < until) {
    expect(await metadata()).toBe(1)
    await systemClock.sleep(200)
  }
  expect(asked - atFirst).toBeGreaterThanOrEqual(3)
  expect(closed).toEqual([])
  connection.close()

  const wrong = { ...login, token: async () => unsecured(-60_000) }
  // The broker ends the exchange (RFC 7628), which the library takes for a connection that fails: refused, but not by its name.
  await expect(BrokerConnection.open(address, wrong, undefined, () => undefined)).rejects.toMatchObject({ code: 'connection' })
  const none = { ...login, token: () => Promise.reject(new KbgError('credentials', 'No login at MSK can be signed.')) }
  await expect(BrokerConnection.open(address, none, undefined, () => undefined)).rejects.toMatchObject({ code: 'credentials' })
}, 60_000)
