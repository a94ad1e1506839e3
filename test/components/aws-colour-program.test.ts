import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as pulumi from '@pulumi/pulumi'
import { afterAll, expect, test } from 'vitest'
import { Catalog } from '../../engine/model/catalog.ts'
import { type MskBirthSpec, mskAccess } from '../../engine/model/msk-access.ts'
import { colourProgram } from '../../infra/colour.ts'
import { load } from '../support/loaded-config.ts'
import { mockPulumi, valueOfOutput } from './mocks.ts'

const scratch = mkdtempSync(join(tmpdir(), 'kbg-aws-program-'))
const credentialsFile = join(scratch, 'credentials.json')
writeFileSync(credentialsFile, JSON.stringify({ version: 1, passwords: { operator: 'the password of operator', probe: 'the password of probe' } }), {
  mode: 0o600,
})
afterAll(() => rmSync(scratch, { recursive: true }))

const aws = {
  ...{ account: '123456789012', region: 'eu-central-1', environment: 'production', pool: '10.64.0.0/10', zones: ['a', 'b', 'c'] },
  ...{ instanceType: 'kafka.m7g.large', storageGib: 500, maxStorageGib: 2_000, credentialsFile, alarmTopics: [] },
  clients: { producers: ['10.200.0.0/22'], consumers: ['10.200.4.0/22'], operators: ['10.200.255.0/28'] },
  access: { caFile: '/etc/ssl/certs/ca-certificates.crt' },
}
const routeStore = { endpoints: ['https://10.200.255.4:2379'], username: 'kbg', credentialsFile: '.kbg/etcd.json', caFile: '.kbg/etcd.pem' }
const values = { platform: 'aws', tls: 'true', kafkaVersion: '3.9.x.kraft', aws: JSON.stringify(aws), routeStore: JSON.stringify(routeStore) }

test('the store that birth and guard ask is named by absolute paths: `destroy` runs no program, and may be run from anywhere', async () => {
  const { registered } = await mockPulumi('shop-blue', ({ type, inputs }) => {
    if (type === 'aws:msk/cluster:Cluster') return { bootstrapBrokersSaslScram: 'b-1.x:9096', bootstrapBrokersSaslIam: 'b-1.x:9098' }
    return type === 'kbg:index:MskBirth' ? { access: mskAccess(inputs as MskBirthSpec, 'id-blue') } : {}
  })
  const config = load('shop-blue', values)
  if (config.role !== 'colour') throw new Error('no colour')
  const { cluster } = await colourProgram(config, Catalog.parse({ topics: { orders: { partitions: 6 } } }))
  await valueOfOutput(pulumi.output(cluster))
  await pulumi.runtime.disconnect()
  const asked = registered.filter(({ type }) => type === 'kbg:index:MskBirth' || type === 'kbg:index:RetirementGuard').map(({ inputs }) => inputs.routeStore)
  const absolute = { ...routeStore, credentialsFile: expect.stringMatching(/^\/.*\.kbg\/etcd\.json$/), caFile: expect.stringMatching(/^\/.*\.kbg\/etcd\.pem$/) }
  expect(asked).toEqual([absolute, absolute])
})
