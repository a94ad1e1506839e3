import { X509Certificate } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import kafkajs from 'kafkajs'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { Kafka } from '../../client/index.ts'
import { ConnectRest } from '../../engine/adapters/connect/connect-rest.ts'
import { EtcdConnection } from '../../engine/adapters/etcd/etcd-connection.ts'
import { BrokerConnections } from '../../engine/adapters/kafka/connections.ts'
import { persistently } from '../../engine/adapters/kafka/refusal.ts'
import { certificatesEndingSoon } from '../../engine/adapters/local/certificate-ends.ts'
import { ensureAuthority, issueCertificate, writeKeystore, writePkcs12 } from '../../engine/adapters/local/certificates.ts'
import { accessOf } from '../../engine/adapters/local/connect-worker.ts'
import { ownIdentity } from '../../engine/adapters/local/process.ts'
import { trustIn } from '../../engine/adapters/trust.ts'
import { serverPlan } from '../../engine/model/certificate-plan.ts'
import { KbgError, messageOf } from '../../engine/model/error.ts'
import { tlsRefusal } from '../../engine/model/tls-refusal.ts'
import { WorkerAccess } from '../../engine/model/wiring.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { type Authority, type CountingServer, newAuthority, serverThatIs, type WrongServer } from '../support/tls-servers.ts'

const root = mkdtempSync(join(tmpdir(), 'kbg-tls-'))
const within = (ms: number) => new Deadline(systemClock, ms, 'the test')
const files = { credentials: join(root, 'credentials.json'), right: join(root, 'right.pem'), other: join(root, 'other.pem') }
let authority: Authority

beforeAll(async () => {
  const passwords = { admin: 'admin-secret', operator: 'operator-secret', connect: 'connect-secret', kbg: 'kbg-secret', client: 'client-secret' }
  writeFileSync(files.credentials, JSON.stringify({ version: 1, passwords }), { mode: 0o600 })
  authority = await newAuthority()
  writeFileSync(files.right, authority.certificate)
  writeFileSync(files.other, (await newAuthority()).certificate)
})
afterAll(() => rmSync(root, { recursive: true }))

describe("a fleet's certificates", () => {
  test('are by its one authority, for exactly their addresses, and nobody else can read the keys', async () => {
    const made = await Promise.all([ensureAuthority(root, 'unit', systemClock), ensureAuthority(root, 'unit', systemClock)])
    expect(new Set(made)).toEqual(new Set([join(root, '.kbg', 'unit', 'tls', 'ca.pem')]))
    const ca = new X509Certificate(readFileSync(made[0]))
    const issued = await issueCertificate(root, 'unit', 'broker 1 of blue', ['127.70.1.1', '127.70.1.1'], systemClock)
    const certificate = new X509Certificate(issued.certificate)
    expect([ca.ca, certificate.ca, certificate.verify(ca.publicKey), certificate.checkIssued(ca)]).toEqual([true, false, true, true])
    expect(certificate.subjectAltName).toBe('IP Address:127.70.1.1')
    expect(certificate.checkIP('127.70.1.2')).toBeUndefined()
    const keystore = join(root, 'tls.pem')
    writeKeystore(keystore, issued)
    const password = writePkcs12(join(root, 'rest.p12'), issued)
    expect(readFileSync(join(root, 'rest.p12'), 'latin1')).not.toContain(password)
    const caKey = join(root, '.kbg', 'unit', 'tls', 'ca-key.pem')
    expect([keystore, join(root, 'rest.p12'), made[0], caKey].map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600, 0o600, 0o600])
    expect(statSync(join(root, '.kbg', 'unit', 'tls')).mode & 0o777).toBe(0o700)
  })

  test('are new for each start, and are refused by an authority that ends before them', async () => {
    await ensureAuthority(root, 'unit', systemClock)
    const serials = await Promise.all(
      [1, 2].map(async () => new X509Certificate((await issueCertificate(root, 'unit', 'x', ['127.0.0.1'], systemClock)).certificate).serialNumber),
    )
    expect(new Set(serials).size).toBe(2)
    const inNineYears = { ...systemClock, wallClock: () => new Date(Date.now() + 9.5 * 365 * 86_400_000) }
    await expect(issueCertificate(root, 'unit', 'x', ['127.0.0.1'], inNineYears)).rejects.toMatchObject({ code: 'tls-authority' })
    await expect(issueCertificate(root, 'nobody', 'x', ['127.0.0.1'], systemClock)).rejects.toMatchObject({ code: 'tls-authority' })
  })

  test('are by no second authority: one that is gone while what it has signed stands is not replaced in silence', async () => {
    await ensureAuthority(root, 'lost', systemClock)
    const keystore = join(root, '.kbg', 'lost', 'blue', 'node-1', 'tls.pem')
    writeKeystore(keystore, await issueCertificate(root, 'lost', 'x', ['127.0.0.1'], systemClock))
    rmSync(join(root, '.kbg', 'lost', 'tls'), { recursive: true })
    await expect(ensureAuthority(root, 'lost', systemClock)).rejects.toMatchObject({
      code: 'tls-authority',
      facts: { signed: join('blue', 'node-1', 'tls.pem') },
    })
    rmSync(keystore)
    expect(readFileSync(await ensureAuthority(root, 'lost', systemClock), 'utf8')).toMatch(/^-----BEGIN CERTIFICATE/)
  })

  test('are told of a month before they end, while their process runs; and so is an authority that will soon issue nothing', async () => {
    await ensureAuthority(root, 'old', systemClock)
    const directory = join(root, '.kbg', 'old', 'traffic', 'etcd')
    writeKeystore(join(directory, 'tls.pem'), await issueCertificate(root, 'old', 'x', ['127.0.0.1'], systemClock))
    const inDays = (days: number) => certificatesEndingSoon(root, 'old', Date.now() + days * 86_400_000)
    expect(inDays(380)).toEqual([]) // it doesn't run: its next start makes a new one
    writeFileSync(join(directory, 'pid'), JSON.stringify(ownIdentity()))
    expect([inDays(0), inDays(366)]).toEqual([[], []])
    expect(inDays(368)).toEqual([expect.stringMatching(/process in .*etcd ends at \S+Z; then no client takes it\. End it before/)])
    expect(inDays(3_225)).toEqual([expect.stringMatching(/etcd ends at/), expect.stringMatching(/^The certificate authority of old ends at/)])
    expect(certificatesEndingSoon(root, 'nobody', Date.now())).toEqual([])
  })

  test('are planned for longer than a year, from a moment ago, each address once', () => {
    const plan = serverPlan('x', ['127.0.0.1', '127.0.0.1', '127.0.0.2'], 1_000_000_000)
    expect(plan).toEqual({
      commonName: 'x',
      notBeforeMs: 1_000_000_000 - 300_000,
      notAfterMs: 1_000_000_000 + 397 * 86_400_000,
      addresses: ['127.0.0.1', '127.0.0.2'],
    })
  })
})

/** How each of this project's clients is turned away; undefined: it went on. */
const clients: Readonly<Record<string, (server: CountingServer, caFile?: string) => Promise<unknown>>> = {
  brokers: async ({ host, port }, caFile) => {
    const servers = [`${host}:${port}`]
    const bootstrap = { internalBootstrapServers: servers, produceBootstrapServers: servers, consumeBootstrapServers: servers }
    const connections = new BrokerConnections(
      { colour: 'blue', clusterId: 'x', kafkaVersion: '4.3.1', ...bootstrap, credentialsFile: files.credentials, ...trusting(caFile) },
      'operator',
    )
    try {
      return await refusalOf(() => persistently(within(8_000), () => connections.metadata([], within(2_500))))
    } finally {
      connections.close()
    }
  },
  'route store': async ({ host, port }, caFile) => {
    const connection = new EtcdConnection({ endpoints: [`${host}:${port}`], username: 'kbg', credentialsFile: files.credentials, ...trusting(caFile) })
    try {
      return await refusalOf(() => connection.repeatedly('answer', within(8_000), (etcd) => etcd.get('key').exec()))
    } finally {
      connection.close()
    }
  },
  'Connect REST': async ({ host, port }, caFile) => {
    const reference = `${'$'}{file:/x:source}`
    const access = {
      colour: 'blue',
      groupId: 'g',
      credentialsFile: files.credentials,
      sourceLogin: reference,
      targetLogin: reference,
      ...trusting(caFile),
    } as const
    const rest = new ConnectRest({ ...access, restUrl: `${caFile === undefined ? 'http' : 'https'}://${host}:${port}` })
    return refusalOf(() => rest.ask({ method: 'GET', path: '/x', refusal: 'No.' }, z.unknown(), within(8_000)))
  },
}

const trusting = (caFile: string | undefined) => (caFile === undefined ? {} : { caFile })

async function refusalOf(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work()
    return undefined
  } catch (thrown) {
    return thrown
  }
}

const codes: readonly (readonly [WrongServer, string])[] = [
  ['expired', 'tls-expired'],
  ['not yet valid', 'tls-expired'],
  ['other address', 'tls-name'],
  ['TLS 1.1', 'tls-version'],
  ['plaintext', 'tls-plaintext-server'],
]

describe.each(Object.entries(clients))('a client of %s', (_name, connect) => {
  const expectRefused = async (server: CountingServer, caFile: string, code: string) => {
    try {
      const refused = await connect(server, caFile)
      expect(refused).toBeInstanceOf(KbgError)
      expect(refused).toMatchObject({ code, retriable: false, remedy: expect.stringMatching(/./) })
      expect(messageOf(refused)).toContain(`127.0.0.1:${server.port}`)
      expect(messageOf(refused)).not.toMatch(/secret/)
      expect(server.connections()).toBe(1) // neither tried again nor fallen back to plaintext
    } finally {
      server.close()
    }
  }

  test.each(codes)('refuses a server that is %s: %s', async (kind, code) => expectRefused(await serverThatIs(kind, authority), files.right, code))

  test('refuses a certificate by another authority', async () => expectRefused(await serverThatIs('right', authority), files.other, 'tls-untrusted'))

  test('that speaks plaintext gets nothing from a server that speaks TLS, and is told what is missing', async () => {
    const server = await serverThatIs('right', authority)
    const refused = await connect(server)
    server.close()
    expect(refused).toMatchObject({ code: expect.stringMatching(/^(deadline|route-store-unreachable|connect-unreachable)$/) })
    expect(messageOf(refused)).toMatch(/asked in plaintext: one that speaks TLS needs (https and )?a caFile/)
  })
})

test('a routed client says what is wrong with the store when it gives up', async () => {
  const server = await serverThatIs('right', authority)
  const options = { endpoints: [`${server.host}:${server.port}`], credentialsFile: files.credentials }
  const kafka = (caFile: string) => new Kafka({ fleet: 'unit', routeStore: { ...options, caFile }, logLevel: kafkajs.logLevel.NOTHING })
  expect(() => kafka(join(root, 'nowhere.pem'))).toThrow(/route-options.*nowhere\.pem: can't be read \(ENOENT\)/)
  await expect(kafka(files.other).producer().connect()).rejects.toMatchObject({ code: 'tls-untrusted' })
  server.close()
}, 20_000)

describe('whom to trust', () => {
  afterEach(() => vi.unstubAllEnvs())

  test('a file that is missing is no reason to speak plaintext', () => {
    expect(trustIn(undefined)).toBeUndefined()
    expect(() => trustIn(join(root, 'nowhere.pem'))).toThrow(expect.objectContaining({ code: 'tls-authority' }))
  })

  test('an environment that lets any certificate pass is refused', () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    expect(() => trustIn(files.right)).toThrow(expect.objectContaining({ code: 'tls-unverified' }))
  })

  test("a worker's https and its authority come together or not at all", () => {
    const reference = `${'$'}{file:/x:source}`
    const access = { colour: 'blue', groupId: 'g', credentialsFile: '/c', sourceLogin: reference, targetLogin: reference }
    expect(WorkerAccess.safeParse({ ...access, restUrl: 'http://127.0.0.1:1' }).success).toBe(true)
    expect(WorkerAccess.safeParse({ ...access, restUrl: 'https://127.0.0.1:1', caFile: '/ca.pem' }).success).toBe(true)
    expect(WorkerAccess.safeParse({ ...access, restUrl: 'https://127.0.0.1:1' }).success).toBe(false)
    expect(WorkerAccess.safeParse({ ...access, restUrl: 'http://127.0.0.1:1', caFile: '/ca.pem' }).success).toBe(false)
  })
})

test("a worker that was made with TLS is asked over https, also when its keystore is gone: its password doesn't go out in plaintext", () => {
  const at = { projectRoot: root, fleet: 'unit', colour: 'green' } as const
  const directory = join(root, '.kbg', 'unit', 'traffic', 'connect-green')
  mkdirSync(directory, { recursive: true })
  const side = (colour: string) => {
    const servers = { internalBootstrapServers: ['x:1'], produceBootstrapServers: ['x:2'], consumeBootstrapServers: ['x:3'] }
    return { colour, clusterId: colour, kafkaVersion: '4.3.1', ...servers, credentialsFile: files.credentials }
  }
  const made = (tls: object) => {
    writeFileSync(join(directory, 'worker.json'), JSON.stringify({ fleet: 'unit', source: side('blue'), target: { ...side('green'), ...tls } }))
    return accessOf(at)
  }
  expect(made({ caFile: files.right })).toMatchObject({ restUrl: expect.stringMatching(/^https:/), caFile: expect.stringMatching(/ca\.pem$/) })
  expect(made({})).toMatchObject({ restUrl: expect.stringMatching(/^http:/) })
  expect(made({})).not.toHaveProperty('caFile')
})

test('other failures are not taken for one of TLS', () => {
  expect(tlsRefusal('x', new Error('connect ECONNREFUSED 127.0.0.1:1'))).toBeUndefined()
  expect(tlsRefusal('x', 'text')).toBeUndefined()
  expect(tlsRefusal('x', new Error('outer', { cause: new Error('Broker requires TLS.') }))).toMatchObject({ code: 'tls-required' })
})
