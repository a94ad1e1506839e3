import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as pulumi from '@pulumi/pulumi'
import { afterAll, expect, test } from 'vitest'
import { KubernetesBetween } from '../../components/network/kubernetes-between.ts'
import { workerPasswordNames } from '../../engine/model/kubernetes-mirror.ts'
import { strimziColour } from '../support/strimzi-colour.ts'
import { type Declared, declaredBy, graphText } from './graph.ts'

const scratch = mkdtempSync(join(tmpdir(), 'kbg-kubernetes-'))
const credentialsFile = join(scratch, 'credentials.json')
const passwords = Object.fromEntries(workerPasswordNames.map((name) => [name, `the password of ${name}`]))
writeFileSync(credentialsFile, JSON.stringify({ version: 1, passwords }))
afterAll(() => rmSync(scratch, { recursive: true }))

function declare(): Promise<readonly Declared[]> {
  const [blue, green] = [
    { ...strimziColour('blue'), credentialsFile },
    { ...strimziColour('green'), credentialsFile },
  ]
  return declaredBy(
    'shop-traffic',
    () => ({}),
    (opts) => new KubernetesBetween('between', { fleet: 'shop', colours: { blue, green } }, opts),
  )
}

test('what lies between two colours is this graph: a worker beside each colour, and no connector', async () => {
  const declared = await declare()
  await expect(graphText(declared)).toMatchFileSnapshot('../golden/graph-kubernetes-between.txt')
  expect(declared.filter(({ type }) => /connector/i.test(type))).toEqual([])
})

test('each worker trusts both colours’ authorities, as their stacks say them, and no password stands in the clear', async () => {
  const declared = await declare()
  const trusted = declared.filter(({ name }) => name.endsWith('-authorities'))
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
