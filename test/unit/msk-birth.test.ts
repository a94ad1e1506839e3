import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { saslOf } from '../../engine/adapters/kafka/connections.ts'
import { applicationsIn, reasonsToLeaveOpen, routeAtBirth } from '../../engine/model/birth.ts'
import { ClusterAccess, ClusterUsers, mirrorUserOf } from '../../engine/model/cluster-access.ts'
import { ExternalClusterSpec } from '../../engine/model/external-cluster.ts'
import type { AclBinding } from '../../engine/model/facts.ts'
import { connectorConfig } from '../../engine/model/mirror-template.ts'
import { mskAccess } from '../../engine/model/msk-access.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { adoptCluster } from '../../engine/run/adopt-cluster.ts'
import { mskBirths, saidByRoute } from '../../engine/run/msk-birth.ts'
import { mskBirthSpec } from '../support/msk-colour.ts'

const allowed = (principal: string, resourceName = 'orders', permission: AclBinding['permission'] = 'allow'): AclBinding => ({
  ...{ principal, host: '*', resourceType: 'topic', resourceName, patternType: 'literal', operation: 'Write', permission },
})

describe('whose rights say that a colour may be in use', () => {
  test.each([
    ['an application', [allowed('User:shop'), allowed('User:shop', 'payments')], ['User:shop']],
    ['everybody', [allowed('User:*', '*')], ['User:*']],
    ['a role, whatever it may do with them', [allowed('User:arn:aws:iam::123456789012:role/shop')], ['User:arn:aws:iam::123456789012:role/shop']],
    ['a user whose name begins as one of ours', [allowed('User:probed')], ['User:probed']],
  ])('%s', (_, bindings, found) => expect(applicationsIn(bindings)).toEqual(found))

  test.each([
    ['nobody', []],
    ['who is denied', [allowed('User:*', '*', 'deny'), allowed('User:shop', 'orders', 'deny')]],
    ['the probe', [allowed('User:probe', '*')]],
    ['brokers, by their certificates’ name', [allowed('User:CN=*.shop.kafka.eu-central-1.amazonaws.com', '*')]],
    ['who writes to topics of the cluster itself', [allowed('User:*', '__amazon_msk_canary')]],
  ])('but not %s', (_, bindings) => expect(applicationsIn(bindings)).toEqual([]))
})

describe('a colour on MSK, as it is reached', () => {
  test('platform by role at 9098, applications and the probe by password at 9096; no secret in it', () => {
    const access = mskAccess(mskBirthSpec('blue'), 'id-blue')
    expect(ClusterAccess.parse(access)).toEqual(access)
    expect(access).toMatchObject({
      internalBootstrapServers: ['b-1.blue:9098', 'b-2.blue:9098'],
      produceBootstrapServers: ['b-1.blue:9096', 'b-2.blue:9096'],
      consumeBootstrapServers: ['b-1.blue:9096', 'b-2.blue:9096'],
      users: { operator: { mechanism: 'AWS_MSK_IAM', region: 'eu-central-1' }, mirror: { mechanism: 'AWS_MSK_IAM' }, probe: { username: 'probe' }, others: [] },
    })
  })

  test('its mirror is the role of its connectors, and whoever would log in as it by password refuses by name', () => {
    const access = mskAccess(mskBirthSpec('blue'), 'id-blue')
    const refused = expect.objectContaining({ code: 'mirror-role', message: expect.stringContaining('Only connectors on MSK Connect log in as a role') })
    const worker = { sourceLogin: 'a reference', targetLogin: 'another' }
    expect(() => mirrorUserOf(access)).toThrow(refused)
    expect(() => saslOf(access, 'mirror')).toThrow(refused) // never this process's own role instead
    expect(() => connectorConfig({ source: access, target: access, worker, topics: ['orders'] })).toThrow(refused)
    expect(saslOf(access, 'operator')).toMatchObject({ mechanism: 'OAUTHBEARER' })
  })

  test('adopted as `external` it is refused for that, before anybody is asked', async () => {
    const role = { mechanism: 'AWS_MSK_IAM', region: 'eu-central-1' }
    const users = ClusterUsers.parse({ operator: role, mirror: role, probe: { username: 'probe' } })
    const spec = ExternalClusterSpec.parse({
      ...{ fleet: 'shop', colour: 'blue', kafkaVersion: '3.9.2', nodes: 3 },
      external: { bootstrapServers: ['127.0.0.1:1'], credentialsFile: '/nowhere', users },
      catalog: { topics: {} },
    })
    const deadline = new Deadline(systemClock, 1_000, 'the test')
    await expect(adoptCluster('/nowhere', spec, 'fence', () => undefined, deadline)).rejects.toMatchObject({ code: 'mirror-role' })
  })
})

describe('what a route says of it', () => {
  test.each([
    ['the other colour live: fenced, whoever has rights there and whatever else is under way', 'green', [allowed('User:shop')], []],
    ['live: left open, whoever has none', 'blue', [], ['the route says that it is live']],
    ['nothing, and nobody has rights: fenced', null, [], []],
    ['nothing, and somebody has rights: left open', null, [allowed('User:shop')], ['User:shop has rights there']],
  ] as const)('%s', (_, live, bindings, because) => {
    expect(reasonsToLeaveOpen(routeAtBirth('blue', live === null ? null : { live }), bindings)).toEqual(because)
  })

  const asked = (cancelled: AbortSignal) => {
    const told: string[] = []
    const call = { clock: systemClock, cancelled, tell: ({ text }: { readonly text: string }) => void told.push(text) }
    const spec = { ...mskBirthSpec('blue'), fleet: 'never-made' }
    return { told, uses: saidByRoute(spec, call, new Deadline(systemClock, 5_000, 'the test', cancelled)) }
  }

  test('is nothing while a fleet has no store yet, and that is told', async () => {
    const { told, uses } = asked(new AbortController().signal)
    expect(await uses).toBe('nothing')
    expect(told).toEqual([expect.stringMatching(/^no route can be read \(route-store-credentials: .*the brokers alone say whether blue is in use$/)])
  })

  test('but cancelled is no answer', async () => {
    await expect(asked(AbortSignal.abort(new Error('^C'))).uses).rejects.toThrow('^C')
  })
})

describe('from another network', () => {
  const before = { ...process.env }
  const scratch = mkdtempSync(join(tmpdir(), 'kbg-birth-'))
  const caFile = join(scratch, 'roots.pem')
  writeFileSync(caFile, rootCertificates[0] ?? '')
  beforeAll(() => void Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'nobody’s', AWS_EC2_METADATA_DISABLED: 'true' }))
  afterAll(() => {
    process.env = before
    rmSync(scratch, { recursive: true })
  })

  /** A server that takes a connection and says nothing, as brokers behind a closed network would not even do. */
  test('nothing but the reach is refused: with the addresses, and from where it would work', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const { port } = silent.address() as { port: number }
    try {
      const spec = { ...mskBirthSpec('blue'), addresses: { scram: `127.0.0.1:${port}`, iam: `127.0.0.1:${port}` }, caFile }
      const refused = mskBirths.brokersRegistered(spec, { clock: systemClock, cancelled: new AbortController().signal })
      await expect(refused).rejects.toMatchObject({
        code: 'msk-unreached',
        message: expect.stringMatching(new RegExp(`asked: 127.0.0.1:${port}.*aws.clients.operators`)),
      })
    } finally {
      silent.close()
    }
  }, 20_000)
})
