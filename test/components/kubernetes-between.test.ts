import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as pulumi from '@pulumi/pulumi'
import { afterAll, expect, test } from 'vitest'
import { filedCertificate, filedKey } from '../../components/catalog/credentials.ts'
import { KubernetesBetween, type KubernetesBetweenArgs } from '../../components/network/kubernetes-between.ts'
import { guardianUsers } from '../../engine/model/kubernetes-guardian.ts'
import { switchoverTimes } from '../../engine/model/kubernetes-switchover.ts'
import { autonames } from '../support/autonamed.ts'
import { betweenArgs, certificate } from '../support/traffic-pods.ts'
import { type Declared, declaredBy, graphText, idOf } from './graph.ts'

const scratch = mkdtempSync(join(tmpdir(), 'kbg-kubernetes-'))
const args = betweenArgs(scratch)
afterAll(() => rmSync(scratch, { recursive: true }))

function declare(change: Partial<KubernetesBetweenArgs> = {}): Promise<readonly Declared[]> {
  return declaredBy('shop-traffic', autonames, (opts) => new KubernetesBetween('between', { ...args, ...change }, opts))
}

test('what lies between two colours is this graph: a worker and a guardian beside each colour, the audit, the write-back, the job that moves traffic, and no connector', async () => {
  const declared = await declare()
  await expect(graphText(declared)).toMatchFileSnapshot('../golden/graph-kubernetes-between.txt')
  expect(declared.filter(({ type }) => /connector/i.test(type))).toEqual([])
})

test('each worker trusts both colours’ authorities, as their stacks say them, and no password stands in the clear', async () => {
  const declared = await declare()
  const trusted = declared.filter(({ name }) => /^between-mirror-.*-authorities$/.test(name))
  expect(trusted.map(({ inputs }) => inputs)).toMatchObject(
    ['blue', 'green'].map((colour) => ({
      metadata: { namespace: `kbg-shop-${colour}` },
      data: { 'blue.crt': 'certificate of blue', 'green.crt': 'certificate of green' },
    })),
  )
  expect(JSON.stringify(declared.filter(({ type }) => !type.endsWith(':Secret')))).not.toContain('the password of')
  const logins = declared.filter(({ name, type }) => type.endsWith(':Secret') && name.startsWith('between-mirror-into-'))
  expect(logins).toHaveLength(2)
  for (const { inputs } of logins) expect(inputs.stringData).toMatchObject({ [pulumi.runtime.specialSigKey]: pulumi.runtime.specialSecretSig })
})

test('guardians start one after the other, in the closed namespace, with what they log in as and whom they trust, and nothing else', async () => {
  const declared = await declare()
  const named = (type: string, name: string) => declared.find((each) => each.type.endsWith(`:${type}`) && each.name === name)
  expect(named('ConfigMap', 'between-authorities')?.inputs).toMatchObject({
    metadata: { name: 'kbg-authorities', namespace: 'kbg-shop-traffic' },
    data: {
      'blue.crt': 'certificate of blue',
      'green.crt': 'certificate of green',
      'platform.crt': certificate('platform-ca'),
      'route-store.crt': certificate('etcd-ca'),
    },
  })
  const secret = named('Secret', 'between-guardians')?.inputs.stringData as { readonly value: Readonly<Record<string, string>> }
  expect(secret).toMatchObject({ [pulumi.runtime.specialSigKey]: pulumi.runtime.specialSecretSig })
  expect(Object.keys(JSON.parse(secret.value['credentials.json'] ?? '').passwords).toSorted()).toEqual([...guardianUsers(args)].toSorted())
  const awaited = (name: string) =>
    [named('Deployment', name)?.options.dependsOn ?? []].flat().map((each) => (each as unknown as { readonly __name: string }).__name)
  expect(awaited('between-guardians-green')).toContain('between-guardians-blue')
  for (const colour of ['blue', 'green'])
    expect(awaited(`between-guardians-${colour}`)).toEqual(expect.arrayContaining(['between-traffic', 'between-authorities']))
})

test('the audit keeps what it has come to on a claim, and shows a certificate whose key stands in a Secret alone', async () => {
  const declared = await declare()
  const named = (name: string) => declared.find((each) => each.name === name && !each.type.startsWith('kbg:'))
  const secrets = declared.filter(({ type, name }) => type.endsWith(':Secret') && name.startsWith('between-audit'))
  expect(secrets.map(({ inputs }) => inputs)).toMatchObject([
    { metadata: { name: 'kbg-audit', namespace: 'kbg-shop-traffic' } },
    { metadata: { name: 'kbg-audit-tls', namespace: 'kbg-shop-traffic' }, type: 'kubernetes.io/tls' },
  ])
  for (const { inputs } of secrets) expect(inputs.stringData).toMatchObject({ [pulumi.runtime.specialSigKey]: pulumi.runtime.specialSecretSig })
  expect(JSON.stringify(declared.filter(({ type }) => !type.endsWith(':Secret')))).not.toContain('PRIVATE KEY')
  expect(named('between-audit-state')?.inputs).toMatchObject({ spec: { storageClassName: 'fast', resources: { requests: { storage: '20Gi' } } } })
})

test('the job that moves traffic stands behind all that it asks and drives; a former one goes first, for as long as it may take', async () => {
  const declared = await declare()
  const job = declared.find(({ type }) => type.endsWith(':Job'))
  const awaited = [job?.options.dependsOn ?? []].flat().map((each) => (each as unknown as { readonly __name: string }).__name)
  expect(awaited).toEqual(
    expect.arrayContaining(['traffic', 'authorities', 'mirror', 'audit', 'write-back', 'guardians', 'switchover'].map((each) => `between-${each}`)),
  )
  const { run, stop } = switchoverTimes(args.limits, 1)
  expect(job?.options).toMatchObject({ deleteBeforeReplace: true, customTimeouts: { create: `${run + 2 * stop}s`, delete: `${2 * stop}s` } })
  const secret = declared.find(({ type, name }) => type.endsWith(':Secret') && name === 'between-switchover')
  expect(secret?.inputs.stringData).toMatchObject({ [pulumi.runtime.specialSigKey]: pulumi.runtime.specialSecretSig })
})

test('what is told to a program has a name of Pulumi’s, its pod is given that one, and the former stays until nobody reads it', async () => {
  const declared = await declare()
  const pods = ['Deployment/between-audit', 'Deployment/between-guardians-blue', 'Deployment/between-guardians-green', 'Deployment/between-write-back']
  for (const id of [...pods, 'Job/between-switchover']) {
    const { inputs } = declared.find((each) => idOf(each) === id) ?? {}
    const name = id.split('/')[1] ?? ''
    expect(inputs).toMatchObject({
      spec: { template: { spec: { volumes: expect.arrayContaining([{ name: 'config', configMap: { name: `${name}-0a1b2c3d` } }]) } } },
    })
    const told = declared.find((each) => idOf(each) === `ConfigMap/${name}`)
    expect(told).toMatchObject({ inputs: { metadata: { namespace: 'kbg-shop-traffic' }, immutable: true }, options: { parent: expect.anything() } })
    expect(told?.inputs.metadata).not.toHaveProperty('name')
    expect(told?.options.deleteBeforeReplace).toBeUndefined()
  }
})

test('an object whose name follows from its content goes before the next is made: else the former, which waits to be deleted, would be in the way when its content comes back', async () => {
  const { catalog, limits } = args
  const nameOf = ({ inputs }: Declared) => (inputs.metadata as { readonly name?: string }).name
  const objects = (declared: readonly Declared[]) => declared.filter(({ type }) => type.startsWith('kubernetes:'))
  const other = await declare({
    intent: { live: 'green', attempt: 1, consumers: {} },
    image: 'registry.example/kafka-blue-green:0.2.0',
    limits: { ...limits, lagSamples: limits.lagSamples + 1 },
    catalog: { ...catalog, topics: { ...catalog.topics, refunds: { partitions: 1, replicationFactor: 3, config: {} } }, groups: {} },
  })
  const names = new Map(objects(other).map((each) => [idOf(each), nameOf(each)]))
  const renamed = objects(await declare()).filter((each) => names.get(idOf(each)) !== nameOf(each))
  expect(renamed.map(idOf)).toEqual(['Job/between-switchover'])
  expect(renamed.map(({ options }) => options.deleteBeforeReplace)).toEqual([true])
})

const file = join(scratch, 'tried.pem')
const write = (text: string | undefined) => {
  rmSync(file, { force: true })
  if (text !== undefined) writeFileSync(file, text)
}

test.each([
  ['that isn’t there', undefined, 'no such file'],
  ['without a certificate', 'a key', 'without a certificate'],
  ['with a private key, which would stand in a ConfigMap', `${certificate('x')}-----BEGIN PRIVATE KEY-----`, 'or with a private key'],
])('a certificate’s file %s is refused', (_, text, observed) => {
  write(text)
  expect(() => filedCertificate(file)).toThrow(observed)
})

test.each([
  ['that isn’t there', undefined, 'no such file'],
  ['with a certificate only', certificate('x'), 'without a private key'],
])('a key’s file %s is refused, and not quoted', (_, text, observed) => {
  write(text)
  expect(() => filedKey(file)).toThrow(observed)
  expect(() => filedKey(file)).not.toThrow('of x')
})
