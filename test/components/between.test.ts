import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as pulumi from '@pulumi/pulumi'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { Catalog } from '../../engine/model/catalog.ts'
import type { Colour } from '../../engine/model/colour.ts'
import { Intent } from '../../engine/model/wiring.ts'
import { betweenProgram } from '../../infra/between.ts'
import type { AwsBetweenConfig, KubernetesBetweenConfig } from '../../infra/config.ts'
import { inventory } from '../policy/fixtures.ts'
import { autonames } from '../support/autonamed.ts'
import { mskColour } from '../support/msk-colour.ts'
import { betweenArgs } from '../support/traffic-pods.ts'
import { type Mocked, mockPulumi } from './mocks.ts'

const fleet = { role: 'between', fleet: 'shop', tls: true, decommission: undefined } as const
const onAws: AwsBetweenConfig = { ...fleet, platform: 'aws', mirror: { version: '3.7.2', jars: ['connect-mirror.jar'] }, moves: null }
const catalog = Catalog.parse({ topics: { orders: { partitions: 6 } } })

const scratch = mkdtempSync(join(tmpdir(), 'kbg-between-'))
const { image, routeStore, caFile, audit, colours, limits, unprovenGroups } = betweenArgs(scratch)
const onKubernetes: KubernetesBetweenConfig = { ...fleet, platform: 'kubernetes', image, routeStore, caFile, audit, limits, unprovenGroups, intent: null }
afterAll(() => rmSync(scratch, { recursive: true }))

const strimzi = (colour: Colour, change: object = {}) => ({ strimzi: { ...colours[colour], ...change } })
const msk = (colour: Colour) => ({ msk: mskColour(colour) })

function mocked(blue: object, green: object): Promise<Mocked> {
  return mockPulumi('shop-traffic', (args) =>
    args.type === 'pulumi:pulumi:StackReference' ? { outputs: String(args.inputs.name).endsWith('blue') ? blue : green } : autonames(args),
  )
}

describe('what lies between two colours', () => {
  let between: Mocked
  const made = () => between.registered.filter(({ type }) => !/^pulumi:|Parity$/.test(type))

  test('on Kubernetes: a worker and a guardian beside each colour, the audit, the write-back, and nothing that moves traffic while nobody says who is to be live', async () => {
    between = await mocked(strimzi('blue'), strimzi('green'))
    expect(await betweenProgram(onKubernetes, catalog)).toEqual({})
    await pulumi.runtime.disconnect()
    expect(made().filter(({ type }) => type === 'kubernetes:apps/v1:Deployment')).toHaveLength(6)
    expect(made().filter(({ type }) => /^kbg:index:|^pulumi-nodejs:|:Job$|KubernetesSwitchover$/.test(type))).toEqual([])
  })

  test('what both colours were brought up as last stands beside what the files declare; one in another form is nothing to compare with', async () => {
    between = await mocked({ ...strimzi('blue'), inventory: inventory('blue') }, { ...strimzi('green'), inventory: { form: 'of old' } })
    await betweenProgram(onKubernetes, catalog)
    await pulumi.runtime.disconnect()
    const deployed = between.registered.find(({ type }) => type === 'kbg:catalog:Parity')?.inputs.deployed as Record<Colour, string | null> | undefined
    expect([JSON.parse(deployed?.blue ?? ''), deployed?.green]).toEqual([inventory('blue'), null])
  })

  test('on Kubernetes, with who is to be live: a job beside all that, whose name is told', async () => {
    between = await mocked(strimzi('blue'), strimzi('green'))
    const outputs = await betweenProgram({ ...onKubernetes, intent: { live: 'green', attempt: 1, consumers: {} } }, catalog)
    await pulumi.runtime.disconnect()
    const [job, ...more] = made().filter(({ type }) => type === 'kubernetes:batch/v1:Job')
    expect(more).toEqual([])
    expect(job?.inputs.metadata).toMatchObject({ ...outputs.switchover })
    const told = made().find(({ name, type }) => type.endsWith(':ConfigMap') && name === 'between-switchover')
    const data = told?.inputs.data as Readonly<Record<string, string>> | undefined
    expect(JSON.parse(data?.['orchestrator.json'] ?? '')).toMatchObject({
      intent: { live: 'green', attempt: 1 },
      wiring: { fleet: 'shop', topics: ['orders'] },
    })
    expect(made().filter(({ type }) => type === 'kubernetes:apps/v1:Deployment')).toHaveLength(6)
  })

  test.each([
    ['acceptLoss', { acceptLoss: 3 }],
    ['failover', { failover: '12@57.48211' }],
  ])('on Kubernetes, with %s left in the config: it is told, as is nothing without', async (word, left) => {
    const warn = vi.spyOn(pulumi.log, 'warn').mockResolvedValue(undefined)
    try {
      for (const loss of [{}, left]) {
        between = await mocked(strimzi('blue'), strimzi('green'))
        await betweenProgram({ ...onKubernetes, intent: Intent.parse({ live: 'green', ...loss }) }, catalog)
        await pulumi.runtime.disconnect()
      }
      expect(warn.mock.calls.map(([text]) => text)).toEqual([
        expect.stringMatching(new RegExp(`^${word} in the config lets the next move leave records behind`)),
      ])
    } finally {
      warn.mockRestore()
    }
  })

  test.each([
    ['colours in two Kubernetes clusters', onKubernetes, strimzi('blue'), strimzi('green', { context: 'elsewhere' }), 'not in one Kubernetes cluster'],
    ['a colour on MSK beside one on Kubernetes', onKubernetes, msk('blue'), strimzi('green'), 'shop-blue stands on Amazon MSK'],
    ['the same, asked for on AWS', onAws, msk('blue'), strimzi('green'), 'shop-green stands on Kubernetes'],
  ])('%s are refused by name, and nothing is made', async (_, config, blue, green, message) => {
    between = await mocked(blue, green)
    await expect(betweenProgram(config, catalog)).rejects.toMatchObject({ code: 'colours-apart', message: expect.stringContaining(message) })
    expect(made()).toEqual([])
  })

  test.each([
    ['that was not brought up', onKubernetes, strimzi('blue'), {}],
    ['that says it in another form', onKubernetes, strimzi('blue'), strimzi('green', { authority: 7 })],
    ['whose stack is the other colour’s', onAws, msk('blue'), msk('blue')],
  ])('a colour %s is missing', async (_, config, blue, green) => {
    between = await mocked(blue, green)
    await expect(betweenProgram(config, catalog)).rejects.toMatchObject({ code: 'colour-missing', remedy: expect.stringContaining('-s shop-green') })
  })
})
