import { chmodSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectAudit } from '../../engine/adapters/audit/audit-client.ts'
import { type AuditService, startAuditService } from '../../engine/adapters/audit/audit-service.ts'
import { AuditWorkerHttp } from '../../engine/adapters/audit/audit-worker-http.ts'
import { assignmentOf, shareIn } from '../../engine/adapters/audit/group-member.ts'
import { answerProof, isProvenAnswer, proofHeader, signRequest } from '../../engine/adapters/audit/handshake.ts'
import { issue } from '../../engine/adapters/local/certificates.ts'
import { FactsAnswer, packPositions, unpackPositions } from '../../engine/model/audit-wire.ts'
import { AuditListen, AuditWorkerAccess } from '../../engine/model/audit-worker.ts'
import { serverPlan } from '../../engine/model/certificate-plan.ts'
import type { GroupPosition } from '../../engine/model/journal.ts'
import { offsetsFromJson } from '../../engine/model/offset-json.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { isInShare } from '../../engine/run/audit/share.ts'
import { endsOf, type TriedWorker, temporaryDirectory, tryWorker, until } from '../support/audit-worker/try-worker.ts'
import { newAuthority } from '../support/tls-servers.ts'

const password = 'a long enough secret'
const digests = (from: number, count: number) => Array.from({ length: count }, (_, index) => BigInt(from + index))
const within = (ms: number) => new Deadline(systemClock, ms, 'the test')

let directory: ReturnType<typeof temporaryDirectory>
let workers: TriedWorker[]
let services: AuditService[]

beforeEach(() => {
  directory = temporaryDirectory()
  workers = []
  services = []
  const file = join(directory.path, 'credentials.json')
  writeFileSync(file, JSON.stringify({ version: 1, passwords: { audit: password } }))
  chmodSync(file, 0o600)
})
afterEach(async () => {
  for (const service of services) await service.close()
  for (const worker of workers) await worker.stop()
  directory.remove()
})

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

async function serve(worker: TriedWorker, tls?: AuditListen['tls']): Promise<AuditWorkerAccess> {
  workers.push(worker)
  const port = await freePort()
  services.push(await startAuditService({ host: '127.0.0.1', port, ...(tls && { tls }) }, password, worker.worker, () => undefined))
  return { url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`, credentialsFile: join(directory.path, 'credentials.json') }
}

const shared = (isMine?: (partition: string) => boolean, like?: TriedWorker, state = 'state') =>
  tryWorker({ stateDirectory: join(directory.path, state), ...(isMine ? { isMine } : {}), ...(like ? { like } : {}) }, (blue, green) => {
    if (like) return
    for (const side of [blue, green]) {
      side.make('orders', 3)
      for (const log of side.logs.values()) log.append(digests(1, 50), side === green ? 1 : 0)
    }
  })

const asked = (worker: TriedWorker) => {
  const { blue, green } = endsOf(worker)
  return { blue: offsetsFromJson(blue), green: offsetsFromJson(green) }
}

describe('the service', () => {
  test('answers nobody without the password, and says nothing of what there is', async () => {
    const { url } = await serve(shared())
    const statusOf = async (authorization: string | undefined, path = '/facts') =>
      (await fetch(`${url}${path}`, { headers: authorization === undefined ? {} : { authorization } })).status
    const signed = (secret: string, path = '/facts') => signRequest(secret, 'GET', path, '').authorization
    expect(await statusOf(undefined)).toBe(401)
    expect(await statusOf(`Basic ${Buffer.from(`audit:${password}`).toString('base64')}`)).toBe(401)
    expect(await statusOf(signed('another long secret'))).toBe(401)
    expect(await statusOf(signed(password, '/hurry'))).toBe(401) // signed for something else
    expect(await statusOf(undefined, '/nothing')).toBe(401)
    expect(await statusOf(signed(password))).toBe(200)
    expect(await statusOf(signed(password, '/nothing'), '/nothing')).toBe(404)
  })

  test('that is somebody else is not believed, whatever it answers, and learns no password', async () => {
    const { url, credentialsFile } = await serve(shared())
    const seen: string[] = []
    const overheard = await fetch(`${url}/facts`, { headers: { authorization: signRequest(password, 'GET', '/facts', '').authorization } })
    const answer = { text: await overheard.text(), proof: overheard.headers.get(proofHeader) ?? '' }
    const impostor = createHttpServer((request, response) => {
      seen.push(JSON.stringify(request.headers))
      response.setHeader(proofHeader, answer.proof).end(answer.text) // the worker's own, to another question
    })
    const port = await freePort()
    await new Promise<void>((resolve) => impostor.listen(port, '127.0.0.1', resolve))
    const asking = new AuditWorkerHttp({ url: `http://127.0.0.1:${port}`, credentialsFile }).ask('GET', '/facts', undefined, FactsAnswer, within(2_000))
    await expect(asking).rejects.toMatchObject({ code: 'audit-stranger' })
    await new Promise((resolve) => impostor.close(resolve))
    expect(seen).toHaveLength(1)
    for (const text of [password, Buffer.from(password).toString('base64'), Buffer.from(`audit:${password}`).toString('base64')])
      expect(seen[0]).not.toContain(text)
  })

  test('answers only for the body that was signed, and no part of an answer can be changed', async () => {
    const { url } = await serve(shared())
    const { authorization } = signRequest(password, 'POST', '/hurry', '{}')
    const swapped = await fetch(`${url}/hurry`, { method: 'POST', headers: { authorization }, body: '{"other":1}' })
    expect([swapped.status, await swapped.text()]).toEqual([400, expect.stringContaining('signed')])
    const proof = answerProof(password, 'a'.repeat(32), 200, '{}')
    const isProven = (nonce: string, status: number, body: string) => isProvenAnswer(password, nonce, status, body, proof)
    expect(isProven('a'.repeat(32), 200, '{}')).toBe(true)
    expect([isProven('b'.repeat(32), 200, '{}'), isProven('a'.repeat(32), 500, '{}'), isProven('a'.repeat(32), 200, '{ }')]).toEqual([false, false, false])
    expect(isProvenAnswer('another long secret', 'a'.repeat(32), 200, '{}', proof)).toBe(false)
    expect(isProvenAnswer(password, 'a'.repeat(32), 200, '{}', null)).toBe(false)
  })

  test('refuses what it does not understand, with the place', async () => {
    const { url } = await serve(shared())
    const post = async (path: string, body: string) => {
      const headers = { authorization: signRequest(password, 'POST', path, body).authorization }
      const response = await fetch(`${url}${path}`, { method: 'POST', headers, body })
      return `${response.status} ${await response.text()}`
    }
    expect(await post('/prove', 'not JSON')).toContain('400')
    expect(await post('/prove', JSON.stringify({ blue: { 'orders-0': '-4' }, green: {}, timeoutMs: 1 }))).toMatch(/^400 .*blue\.orders-0/)
    expect(await post('/translate', JSON.stringify({ from: 'red', groups: {}, ends: null }))).toMatch(/^400 .*from/)
    expect(await post('/hurry', 'x'.repeat(64 * 1024 * 1024 + 1))).toMatch(/^413 /)
  }, 20_000)
})

describe('with a certificate', () => {
  const file = (name: string, text: string) => {
    writeFileSync(join(directory.path, name), text, { mode: 0o600 })
    return join(directory.path, name)
  }
  const facts = (access: AuditWorkerAccess) => new AuditWorkerHttp(access).ask('GET', '/facts', undefined, FactsAnswer, within(5_000))

  test('whoever trusts its authority is answered, by proof as without; nobody else talks to it, and nobody in plaintext', async () => {
    const authority = await newAuthority()
    const { certificate, key } = await issue(serverPlan('audit', ['127.0.0.1'], Date.now()), authority)
    const access = await serve(shared(), { certificateFile: file('tls.crt', certificate), keyFile: file('tls.key', key) })
    const caFile = file('ca.crt', authority.certificate)
    expect(await facts({ ...access, caFile })).toMatchObject({ partitions: expect.any(Array) })
    await expect(facts({ ...access, caFile: file('other.crt', (await newAuthority()).certificate) })).rejects.toMatchObject({ code: 'tls-untrusted' })
    await expect(facts({ ...access, url: access.url.replace('https', 'http') })).rejects.toMatchObject({ code: 'audit-unreachable' })
    writeFileSync(access.credentialsFile, JSON.stringify({ version: 1, passwords: { audit: 'another long secret' } }))
    await expect(facts({ ...access, caFile })).rejects.toMatchObject({ code: 'audit-stranger' })
  })

  test('that isn’t its key’s it doesn’t start, and quotes neither', async () => {
    const authority = await newAuthority()
    const [one, other] = await Promise.all(['a', 'b'].map((name) => issue(serverPlan(name, ['127.0.0.1'], Date.now()), authority)))
    const starting = serve(shared(), { certificateFile: file('tls.crt', one?.certificate ?? ''), keyFile: file('tls.key', other?.key ?? '') })
    await expect(starting).rejects.toMatchObject({ code: 'audit-certificate', message: expect.not.stringContaining('BEGIN') })
  })

  test('plain HTTP is for loopback only, and https and its authority go together', () => {
    const listen = (change: object) => AuditListen.safeParse({ host: '0.0.0.0', port: 8_084, ...change }).success
    const tls = { certificateFile: 'tls.crt', keyFile: 'tls.key' }
    expect([listen({}), listen({ tls }), listen({ host: '127.0.0.7' })]).toEqual([false, true, true])
    const access = (url: string, caFile?: string) => AuditWorkerAccess.safeParse({ url, credentialsFile: 'c', ...(caFile && { caFile }) }).success
    expect([access('http://a:1'), access('https://a:1', 'ca'), access('https://a:1'), access('http://a:1', 'ca')]).toEqual([true, true, false, false])
  })
})

describe('the audit of two workers', () => {
  const pair = async () => {
    const first = shared((partition) => partition !== 'orders-1')
    const second = shared((partition) => partition === 'orders-1', first)
    return { first, second, accesses: [await serve(first), await serve(second)] }
  }

  test('proves what they prove together', async () => {
    const { first, accesses } = await pair()
    const audit = connectAudit(accesses, systemClock)
    await audit.hurry(within(2_000))
    expect(await audit.prove(asked(first), within(5_000))).toEqual({ kind: 'equal', partitions: 3, alignedRecords: 150n, emptied: [] })
    const { partitions, unreachable } = await audit.facts(within(2_000))
    expect([partitions.map(({ partition, alignedRecords }) => `${partition} ${alignedRecords}`), unreachable]).toEqual([['orders-0 50', 'orders-1 50', 'orders-2 50'], []]) // biome-ignore format: one line
    first.green.log('orders-2').append([77n])
    const proof = await audit.prove(asked(first), within(5_000))
    expect(proof.kind === 'unproven' && proof.reasons).toEqual([expect.stringContaining('orders-2: ')])
  })

  test('names what retention has emptied on the source', async () => {
    const { first, accesses } = await pair()
    for (const partition of ['orders-1', 'orders-2']) first.blue.log(partition).deleteBelow(first.blue.log(partition).end)
    const proof = await connectAudit(accesses, systemClock).prove({ ...asked(first), source: 'blue' }, within(5_000))
    expect(proof).toEqual({ kind: 'equal', partitions: 3, alignedRecords: 50n, emptied: ['orders-1', 'orders-2'] })
  })

  test('translates as one does, and drops no group', async () => {
    const { first, accesses } = await pair()
    const alone = shared(undefined, undefined, 'alone')
    const ends = asked(first)
    const groups = new Map([
      ['reader', new Map([['orders-0', 7n], ['orders-1', 50n]])], // biome-ignore format: one line
      ['new', new Map([['orders-2', -1n]])],
      ['elsewhere', new Map([['payments-0', 3n]])],
    ])
    const both = connectAudit(accesses, systemClock)
    const one = connectAudit([await serve(alone)], systemClock)
    await both.prove(ends, within(5_000))
    await one.prove(ends, within(5_000)) // other logs, with the same in them
    const positions = await both.translate('blue', groups, ends, within(5_000))
    expect(positions.map(({ groupId, topic, partition, targetOffset, verdict }) => `${groupId} ${topic}-${partition} ${targetOffset} ${verdict}`)).toEqual([
      'elsewhere payments-0 null not provable',
      'new *-0 null without offsets',
      'reader orders-0 15 exact',
      'reader orders-1 100 exact',
      'reader orders-2 null not provable',
    ])
    expect(await one.translate('blue', groups, ends, within(5_000))).toEqual(positions)
  })

  test('of which one is gone names it, proves nothing of its partitions, and moves no group over them', async () => {
    const { first, accesses } = await pair()
    await connectAudit(accesses, systemClock).prove(asked(first), within(5_000))
    await services.pop()?.close()
    const audit = connectAudit(accesses, systemClock)
    const { partitions, unreachable } = await audit.facts(within(2_000))
    expect(partitions.map(({ partition }) => partition)).toEqual(['orders-0', 'orders-2'])
    expect(unreachable).toEqual([expect.stringContaining(accesses[1]?.url ?? '')])
    await expect(audit.prove(asked(first), within(3_000))).rejects.toMatchObject({ code: 'audit-unreachable' })
    const groups = new Map([['reader', new Map([['orders-0', 7n]])]])
    const positions = await audit.translate('blue', groups, asked(first), within(2_000))
    expect(positions.map(({ partition, verdict }) => `${partition} ${verdict}`)).toEqual(['0 exact', '1 not provable', '2 not provable'])
    await services.pop()?.close()
    await expect(audit.translate('blue', groups, null, within(2_000))).rejects.toMatchObject({ code: 'audit-unreachable' })
    await expect(audit.hurry(within(2_000))).rejects.toMatchObject({ code: 'audit-unreachable' })
  })

  test('who both hold a partition say the worse of what they know, whoever is asked first', async () => {
    const whole = shared()
    const damaged = shared(undefined, undefined, 'damaged')
    damaged.green.log('orders-1').append([77n])
    damaged.blue.log('orders-1').append([78n])
    for (const log of [damaged.green.log('orders-1'), damaged.blue.log('orders-1')]) log.append(digests(100, 20))
    damaged.green.log('orders-0').heldFrom = 60n
    const accesses = [await serve(whole), await serve(damaged)]
    await until('both to have read', () => damaged.worker.facts().partitions.some(({ differences }) => differences.total > 0))
    for (const order of [accesses, accesses.toReversed()]) {
      const audit = connectAudit(order, systemClock)
      const { partitions } = await audit.facts(within(2_000))
      expect(partitions.map(({ partition, state }) => `${partition} ${state.kind}`)).toEqual(['orders-0 equal', 'orders-1 differs', 'orders-2 equal'])
      const only = (partition: string) => ({ blue: new Map([[partition, 50n]]), green: new Map([[partition, 100n]]) })
      expect(await audit.prove(only('orders-2'), within(3_000))).toMatchObject({ kind: 'equal' })
      expect(await audit.prove(only('orders-1'), within(3_000))).toMatchObject({ kind: 'unproven' })
      await expect(audit.prove(only('orders-0'), within(700))).rejects.toMatchObject({ code: 'deadline' })
      const groups = new Map([['reader', new Map([['orders-1', 5n], ['orders-2', 5n]])]]) // biome-ignore format: one line
      const positions = await audit.translate('blue', groups, null, within(2_000))
      expect(positions.map(({ partition, verdict }) => `${partition} ${verdict}`)).toEqual(['0 not provable', '1 not provable', '2 exact'])
    }
  })

  test('who translate the same position otherwise prove nothing of it', async () => {
    const whole = shared()
    const shifted = shared(undefined, undefined, 'shifted')
    const log = shifted.green.log('orders-0')
    log.records.splice(0, log.records.length, ...log.records.map((record) => ({ ...record, offset: record.offset + 1n }))) // before it has been read
    log.end += 1n
    const audit = connectAudit([await serve(whole), await serve(shifted)], systemClock)
    const hasRead = ({ worker }: TriedWorker) =>
      worker.facts().partitions.length === 3 && worker.facts().partitions.every(({ alignedRecords }) => alignedRecords === 50)
    await until('both to have read', () => hasRead(whole) && hasRead(shifted))
    const groups = new Map([['reader', new Map([['orders-0', 5n], ['orders-1', 5n]])]]) // biome-ignore format: one line
    const positions = await audit.translate('blue', groups, null, within(2_000))
    expect(positions.map(({ partition, verdict, reason }) => `${partition} ${verdict} ${reason.includes('otherwise')}`)).toEqual([
      '0 not provable true',
      '1 exact false',
      '2 not provable false',
    ])
  })

  test('waits no longer than it may', async () => {
    const { first, accesses } = await pair()
    const { blue, green } = asked(first)
    const late = connectAudit(accesses, systemClock).prove({ blue: new Map([...blue, ['orders-0', 500n]]), green }, within(2_000))
    await expect(late).rejects.toMatchObject({ code: 'deadline', facts: { open: [expect.stringContaining('of 500')] } })
  })
})

test('packed positions are the ones that were packed', () => {
  const position = (groupId: string, more: Partial<GroupPosition> = {}): GroupPosition => ({
    groupId,
    topic: 't',
    partition: 3,
    sourceOffset: '9007199254740993',
    targetOffset: null,
    lagRecords: 5,
    method: 'map',
    verdict: 'exact',
    reason: 'because',
    ...more,
  })
  const positions = [
    position('a'),
    position('b', { targetOffset: '12', lagRecords: null }),
    position('a', { topic: 'u', verdict: 'not provable', reason: 'why' }),
  ]
  expect(unpackPositions(packPositions(positions))).toEqual(positions)
})

describe('the share of a member', () => {
  test('is everything once, spread evenly within a topic', () => {
    for (const members of [1, 2, 3, 4]) {
      const partitions = ['orders', 'payments', 'a-b'].flatMap((topic) => Array.from({ length: 12 }, (_, index) => `${topic}-${index}`))
      const holders = partitions.map((partition) =>
        Array.from({ length: members }, (_, index) => index).filter((index) => isInShare(partition, { index, of: members })),
      )
      expect(holders.every((each) => each.length === 1)).toBe(true)
      for (let index = 0; index < members; index++) expect(holders.filter(([holder]) => holder === index)).toHaveLength(36 / members)
    }
  })

  test('survives its wire form, and nothing else is taken for one', () => {
    expect(shareIn(assignmentOf({ index: 2, of: 4 }))).toEqual({ index: 2, of: 4 })
    expect(() => shareIn(Buffer.alloc(0))).toThrow('group-share')
    expect(() => shareIn(Buffer.alloc(10))).toThrow('group-share')
  })
})
