import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as pulumi from '@pulumi/pulumi'
import { afterAll, expect, test } from 'vitest'
import { filedAuthority } from '../../components/catalog/credentials.ts'
import { KubernetesBetween } from '../../components/network/kubernetes-between.ts'
import { guardianUsers } from '../../engine/model/kubernetes-guardian.ts'
import { betweenArgs, certificate } from '../support/traffic-pods.ts'
import { type Declared, declaredBy, graphText } from './graph.ts'

const scratch = mkdtempSync(join(tmpdir(), 'kbg-kubernetes-'))
const args = betweenArgs(scratch)
afterAll(() => rmSync(scratch, { recursive: true }))

function declare(): Promise<readonly Declared[]> {
  return declaredBy(
    'shop-traffic',
    () => ({}),
    (opts) => new KubernetesBetween('between', args, opts),
  )
}

test('what lies between two colours is this graph: a worker and a guardian beside each colour, and no connector', async () => {
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
      'connect.crt': certificate('the workers'),
      'route-store.crt': certificate('the route store'),
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

test.each([
  ['that isn’t there', undefined, 'no such file'],
  ['without a certificate', 'a key', 'without a certificate'],
  ['with a private key, which would stand in a ConfigMap', `${certificate('x')}-----BEGIN PRIVATE KEY-----`, 'or with a private key'],
])('a file of an authority %s is refused', (_, text, observed) => {
  const file = join(scratch, 'authority.crt')
  rmSync(file, { force: true })
  if (text !== undefined) writeFileSync(file, text)
  expect(() => filedAuthority(file)).toThrow(observed)
})
