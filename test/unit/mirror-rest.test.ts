import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectMirror } from '../../engine/adapters/connect/mirror.ts'
import { copiedOffsetsOf, seedBody } from '../../engine/adapters/connect/offsets-body.ts'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import type { Colour } from '../../engine/model/colour.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import type { Mirror } from '../../engine/ports/mirror.ts'

interface Answer {
  readonly status: number
  readonly body?: unknown
  readonly afterMs?: number
  /** Who says that it answers: Connect's HTTP server has itself in it, with its version. */
  readonly server?: string
  /** Never answered. */
  readonly silent?: boolean
}

const password = 'rest-password-1'
let directory: string
let server: Server
let mirror: Mirror
let asked: { readonly request: string; readonly body: string; readonly authorization: string | undefined }[]
/** What the worker answers, by `METHOD /path`; the last answer of a list is repeated. */
let script: Record<string, Answer[]>

const within = (ms = 5_000) => new Deadline(systemClock, ms, 'the test')

function access(colour: Colour): ClusterAccess {
  const at = ['127.0.0.1:1']
  return {
    colour,
    clusterId: `id-${colour}`,
    kafkaVersion: '4.3.1',
    internalBootstrapServers: at,
    produceBootstrapServers: at,
    consumeBootstrapServers: at,
    credentialsFile: join(directory, 'credentials.json'),
  }
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'kbg-rest-'))
  writeFileSync(join(directory, 'credentials.json'), JSON.stringify({ version: 1, passwords: { connect: password } }), { mode: 0o600 })
  asked = []
  script = {
    'GET /': [{ status: 200, body: { version: '4.3.1', commit: 'x', kafka_cluster_id: 'id-green' } }],
    'GET /health': [{ status: 200, body: { status: 'healthy', message: 'Worker has completed startup.' } }],
  }
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', async () => {
      const key = `${request.method} ${request.url}`
      asked.push({ request: key, body, authorization: request.headers.authorization })
      const answers = script[key] ?? [{ status: 404, body: { error_code: 404, message: 'not there' } }]
      const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? { status: 500 }
      if (answer.silent) return
      if (answer.afterMs !== undefined) await systemClock.sleep(answer.afterMs)
      response.writeHead(answer.status, { 'content-type': 'application/json', ...(answer.server === undefined ? {} : { server: answer.server }) })
      response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const worker = {
    colour: 'green' as const,
    restUrl: `http://127.0.0.1:${port}`,
    groupId: 'kbg-shop-green',
    credentialsFile: join(directory, 'credentials.json'),
    sourceLogin: `\${file:/s:source}`,
    targetLogin: `\${file:/s:target}`,
  }
  mirror = connectMirror({ source: access('blue'), target: access('green'), worker })
})

afterEach(async () => {
  await mirror.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  rmSync(directory, { recursive: true })
})

const status = (connector: string, tasks: readonly { readonly id: number; readonly state: string; readonly trace?: string }[] = []): Answer => ({
  status: 200,
  body: { name: 'm', connector: { state: connector, worker_id: 'w' }, tasks, type: 'source' },
})
const config: Answer = { status: 200, body: { name: 'm', 'tasks.max': '1' } }
const refused = (code: number, message: string): Answer => ({ status: code, body: { error_code: code, message } })

describe('facts', () => {
  test('no such connector is absent, a stored one that nobody took up is unassigned', async () => {
    expect(await mirror.facts('m', within())).toEqual({ name: 'm', state: 'absent', tasks: [], config: {} })
    script['GET /connectors/m/config'] = [config]
    expect((await mirror.facts('m', within())).state).toBe('UNASSIGNED')
  })

  test('a failed task comes with its message, without stack frames', async () => {
    script['GET /connectors/m/config'] = [config]
    script['GET /connectors/m/status'] = [
      status('RUNNING', [{ id: 0, state: 'FAILED', trace: 'A: fenced\n\tat x.y\nCaused by: B: newer epoch\n\t... 3 more\n' }]),
    ]
    expect((await mirror.facts('m', within())).tasks).toEqual([{ id: 0, state: 'FAILED', trace: 'A: fenced Caused by: B: newer epoch' }])
  })

  test('credentials go with every request; a wrong password says so, without the password', async () => {
    script['GET /connectors'] = [refused(401, `User cannot access the resource with ${password}.`)]
    const error = await mirror.connectors(within()).catch((thrown: unknown) => thrown)
    expect(String(error)).toMatch(/connect-refused.*401.*not the worker's/)
    expect(String(error)).not.toContain(password)
    expect(asked[0]?.authorization).toBe(`Basic ${Buffer.from(`connect:${password}`).toString('base64')}`)
  })
})

describe('a worker that is starting', () => {
  /** What its HTTP server says of everything before there are resources. */
  const page: Answer = { status: 404, body: { servlet: 'x', message: 'Not Found', url: '/', status: '404' } }
  const starting: Answer = { status: 503, body: { status: 'starting', message: 'Worker is still starting up.' } }
  const healthy: Answer = { status: 200, body: { status: 'healthy', message: '' } }

  test('has nothing yet: what is stored is not taken for absent', async () => {
    script['GET /health'] = [page, starting, healthy]
    script['GET /connectors/m/config'] = [page, refused(404, 'Connector m not found'), config]
    script['GET /connectors/m/status'] = [status('RUNNING', [{ id: 0, state: 'RUNNING' }])]
    expect((await mirror.facts('m', within())).state).toBe('RUNNING')
  })

  test('a status is asked for once the configuration is told: before, it may be half read', async () => {
    script['GET /connectors/m/config'] = [{ ...config, afterMs: 50 }]
    script['GET /connectors/m/status'] = [status('STOPPED')]
    await mirror.facts('m', within())
    expect(asked.map(({ request }) => request)).toEqual(['GET /connectors/m/config', 'GET /connectors/m/status'])
  })

  test('lists none, then some of its connectors: the list is asked for behind its health', async () => {
    let isRead = false
    script['GET /health'] = [starting, starting, healthy]
    server.prependListener('request', ({ url }) => {
      if (url === '/health') isRead = script['GET /health']?.length === 1
      script['GET /connectors'] = [{ status: 200, body: isRead ? ['m', 'canary'] : [] }]
    })
    expect(await mirror.connectors(within())).toEqual(['m', 'canary'])
  })

  test('that doesn’t get ready says nothing of what is there', async () => {
    script['GET /health'] = [starting]
    await expect(mirror.connectors(within(300))).rejects.toMatchObject({
      code: 'deadline',
      message: expect.stringMatching(/not ready in time.*503.*starting up/),
    })
    await expect(mirror.facts('m', within(300))).rejects.toMatchObject({ code: 'deadline' })
    script['GET /connectors/m'] = [page]
    await expect(mirror.delete('m', within(300))).rejects.toMatchObject({ code: 'deadline' })
  })

  test('an answer long behind its health is asked for again: it may be of another start', async () => {
    script['GET /connectors'] = [
      { status: 200, body: [], afterMs: 700 },
      { status: 200, body: ['m'] },
    ]
    expect(await mirror.connectors(within())).toEqual(['m'])
    expect(asked.filter(({ request }) => request === 'GET /health').length).toBeGreaterThanOrEqual(2) // more on a machine that is busy
  })

  test('an answer long behind the question for its health is too: whoever asks may have been paused with the word of a former start', async () => {
    const healthyLate = { ...healthy, afterMs: 700 }
    script['GET /health'] = [healthyLate, healthy]
    script['GET /connectors'] = [
      { status: 200, body: [] },
      { status: 200, body: ['m'] },
    ]
    expect(await mirror.connectors(within())).toEqual(['m'])
  })
})

describe('creating', () => {
  test('stopped from the start, and only returned once Connect says so', async () => {
    script['POST /connectors'] = [{ status: 201, body: { name: 'm', config: {}, tasks: [], type: 'source' } }]
    script['GET /connectors/m/config'] = [refused(404, 'x'), config]
    script['GET /connectors/m/status'] = [refused(404, 'x'), status('UNASSIGNED'), status('STOPPED')]
    await mirror.createStopped('m', ['orders'], within())
    const body = JSON.parse(asked.find(({ request }) => request === 'POST /connectors')?.body ?? '{}')
    expect(body).toMatchObject({
      name: 'm',
      initial_state: 'STOPPED',
      config: { topics: 'orders', 'source.cluster.alias': 'blue', 'target.cluster.alias': 'green' },
    })
  })

  test('waits out a rebalance, in both forms in which Connect says it', async () => {
    script['POST /connectors'] = [
      refused(409, 'Cannot complete request because of a conflicting operation (e.g. worker rebalance)'),
      refused(500, 'Request cannot be completed because a rebalance is expected'),
      { status: 201, body: { name: 'm' } },
    ]
    script['GET /connectors/m/config'] = [config]
    script['GET /connectors/m/status'] = [status('STOPPED')]
    await mirror.createStopped('m', ['orders'], within())
    expect(asked.filter(({ request }) => request === 'POST /connectors')).toHaveLength(3)
  })

  test('a name is used once', async () => {
    script['POST /connectors'] = [refused(409, 'Connector m already exists')]
    await expect(mirror.createStopped('m', ['orders'], within())).rejects.toMatchObject({ code: 'connector-exists' })
  })

  test('a worker that stands beside another cluster is refused before anything is created', async () => {
    script['GET /'] = [{ status: 200, body: { kafka_cluster_id: 'id-blue' } }]
    await expect(mirror.createStopped('m', ['orders'], within())).rejects.toMatchObject({ code: 'wrong-worker' })
    expect(asked.some(({ request }) => request.startsWith('POST'))).toBe(false)
  })

  test('no answer to a write: its outcome is unknown; no answer to a read: only the deadline', async () => {
    script['POST /connectors'] = [{ status: 0, silent: true }]
    await expect(mirror.createStopped('m', ['orders'], within(3_000))).rejects.toMatchObject({ code: 'outcome-unknown' })
    script['GET /connectors'] = [{ status: 0, silent: true }]
    await expect(mirror.connectors(within(200))).rejects.toMatchObject({ code: 'deadline' })
  })

  // As Jetty 12.0.34 answers without a handler, and while it ends.
  const jettys = (code: number, message: string): Answer => ({
    ...{ status: code, server: 'Jetty(12.0.34)' },
    body: { message, url: 'http://127.0.0.1:8083/connectors', status: String(code) },
  })
  const proxys = (code: number): Answer => ({ status: code, server: 'nginx', body: '<html>sorry</html>' })

  test.each<[string, Answer, 'again' | 'outcome-unknown' | 'connect-refused']>([
    ['a worker that has no resources yet', jettys(404, 'Not Found'), 'again'],
    ['a worker that ends', jettys(503, 'Service Unavailable'), 'again'],
    ['a proxy’s own 503', proxys(503), 'outcome-unknown'],
    ['a proxy’s own 404', proxys(404), 'outcome-unknown'],
    ['a proxy’s 502', proxys(502), 'outcome-unknown'],
    ['a proxy’s 504', proxys(504), 'outcome-unknown'],
    ['a 503 of nobody', { status: 503 }, 'outcome-unknown'],
    [
      'Connect that goes on behind its own limit',
      refused(500, 'Request timed out. The worker is currently joining group, which began at 2026-01-01'),
      'outcome-unknown',
    ],
    ['Connect that waits no longer for its own record', refused(500, 'Error writing connector configuration to Kafka'), 'outcome-unknown'],
    ['Connect that has lost its leader', refused(500, 'IO Error trying to forward REST request: java.io.EOFException'), 'outcome-unknown'],
    ['Connect’s refusal', refused(500, 'Failed to find any class'), 'connect-refused'],
    ['a proxy that asks for its own login', proxys(401), 'connect-refused'],
  ])('%s, to what makes a connector', async (_, answer, expected) => {
    script['POST /connectors'] = [answer, { status: 201, body: { name: 'm' } }]
    script['GET /connectors/m/config'] = [config]
    script['GET /connectors/m/status'] = [status('STOPPED')]
    const created = mirror.createStopped('m', ['orders'], within())
    if (expected === 'again') await created
    else await expect(created).rejects.toMatchObject({ code: expected })
    expect(asked.filter(({ request }) => request === 'POST /connectors')).toHaveLength(expected === 'again' ? 2 : 1)
  })

  test('what may be sent twice is sent again behind a proxy that says "not now", and is open behind one that lost the answer', async () => {
    script['PUT /connectors/m/stop'] = [proxys(503), proxys(404), { status: 204 }]
    script['GET /connectors/m/config'] = [config]
    script['GET /connectors/m/status'] = [status('STOPPED')]
    await mirror.stop('m', within())
    expect(asked.filter(({ request }) => request === 'PUT /connectors/m/stop')).toHaveLength(3)
    script['PUT /connectors/m/stop'] = [proxys(504)]
    await expect(mirror.stop('m', within())).rejects.toMatchObject({ code: 'outcome-unknown', message: expect.stringMatching(/status: 504/) })
  })

  test('nobody there: unreachable, also for a write, since nothing was sent', async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await expect(mirror.stop('m', within())).rejects.toMatchObject({ code: 'connect-unreachable', retriable: true })
    server = createServer().listen(0, '127.0.0.1')
  })
})

describe('states', () => {
  test('resume fails at once with the reason when a task fails', async () => {
    script['PUT /connectors/m/resume'] = [{ status: 202 }]
    script['GET /connectors/m/config'] = [config]
    script['GET /connectors/m/status'] = [status('RUNNING'), status('RUNNING', [{ id: 0, state: 'FAILED', trace: 'no such topic' }])]
    await expect(mirror.resume('m', within())).rejects.toMatchObject({ code: 'connector-failed', message: expect.stringContaining('no such topic') })
  })

  test('stopped means that no task is left', async () => {
    script['PUT /connectors/m/stop'] = [{ status: 204 }]
    script['GET /connectors/m/config'] = [config]
    script['GET /connectors/m/status'] = [status('STOPPED', [{ id: 0, state: 'RUNNING' }])]
    await expect(mirror.stop('m', within(2_000))).rejects.toMatchObject({ code: 'connector-state', message: expect.stringContaining('0: RUNNING') })
  })

  test('transactional ids are those that Connect gives its tasks, for every task that may ever run', async () => {
    script['GET /connectors/m/config'] = [{ status: 200, body: { 'tasks.max': '2' } }]
    expect(await mirror.transactionalIds('m', within())).toEqual(['kbg-shop-green-m-0', 'kbg-shop-green-m-1'])
  })
})

describe('seeding', () => {
  const offsets = (entries: Record<string, number>): Answer => ({
    status: 200,
    body: {
      offsets: Object.entries(entries).map(([partition, offset]) => ({
        partition: { cluster: 'blue', topic: 'orders', partition: Number(partition) },
        offset: { offset },
      })),
    },
  })
  const seed = new Map([
    ['orders-0', 41n],
    ['orders-1', -1n],
  ])

  test('tells Connect the copied partitions, leaves out those of which nothing is copied, and reads back', async () => {
    script['GET /connectors/m/offsets'] = [offsets({}), offsets({ 0: 41 })]
    script['PATCH /connectors/m/offsets'] = [{ status: 200, body: { message: 'ok' } }]
    await mirror.seed('m', seed, within())
    expect(JSON.parse(asked.find(({ request }) => request.startsWith('PATCH'))?.body ?? '')).toEqual(offsets({ 0: 41 }).body)
  })

  test('a rerun that finds its own seed does nothing; other offsets are refused', async () => {
    script['GET /connectors/m/offsets'] = [offsets({ 0: 41 })]
    await mirror.seed('m', seed, within())
    expect(asked.some(({ request }) => request.startsWith('PATCH'))).toBe(false)
    script['GET /connectors/m/offsets'] = [offsets({ 0: 42 })]
    await expect(mirror.seed('m', seed, within())).rejects.toMatchObject({ code: 'bad-seed', message: expect.stringContaining('observed 42, required 41') })
  })

  test('what reads back otherwise is refused, as is an offset below -1', async () => {
    script['GET /connectors/m/offsets'] = [offsets({}), offsets({ 0: 40 })]
    script['PATCH /connectors/m/offsets'] = [{ status: 200, body: {} }]
    await expect(mirror.seed('m', seed, within())).rejects.toMatchObject({ code: 'bad-seed' })
    await expect(mirror.seed('m', new Map([['orders-0', -2n]]), within())).rejects.toMatchObject({ code: 'bad-seed' })
  })

  test('offsets keep all 64 bits, and those of another source are refused', () => {
    const huge = 9_007_199_254_740_993n
    expect(seedBody('blue', new Map([['a-b.c-3', huge]]))).toBe(
      '{"offsets":[{"partition":{"cluster":"blue","topic":"a-b.c","partition":3},"offset":{"offset":9007199254740993}}]}',
    )
    const answer = { offsets: [{ partition: { cluster: 'green', topic: 'a', partition: 0 }, offset: { offset: 1 } }] }
    expect(() => copiedOffsetsOf(answer, 'blue')).toThrow(/foreign-offsets.*observed: green/)
  })
})
