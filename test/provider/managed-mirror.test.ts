import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { EndTeller } from '../../engine/adapters/connect/msk-ends.ts'
import type { Colour } from '../../engine/model/colour.ts'
import { KbgError } from '../../engine/model/error.ts'
import { mskConnectorRequest, mskConnectWorker } from '../../engine/model/msk-connect.ts'
import { managedMirrors } from '../../engine/run/managed-mirrors.ts'
import { type PropertyMap, unknownValue } from '../../provider/properties.ts'
import { handlerOf } from '../../provider/resource-handler.ts'
import { managedMirror } from '../../provider/resources/managed-mirror.ts'
import { mskColour, networkAccess } from '../support/msk-colour.ts'
import { accessOf, recordedCall } from './fixtures.ts'

/** The connectors that there are, by name, and whether their end fails. */
const there = { names: [] as string[], isStuck: false, isClosed: false }
vi.mock('../../engine/adapters/connect/msk-ends.ts', () => ({
  endAllNamed: async (_names: unknown, _declarations: unknown, _deadline: unknown, teller: EndTeller) => {
    if (there.names.length > 0) teller.ending(there.names)
    if (there.isStuck) throw new KbgError('deadline', 'Gave up waiting.')
    there.names = []
  },
}))
vi.mock('../../engine/adapters/connect/offsets-store.ts', () => ({
  OffsetsStore: class {
    close(): void {
      there.isClosed = true
    }
  },
}))
beforeEach(() => Object.assign(there, { names: [], isStuck: false, isClosed: false }))

const side = (colour: Colour) => ({ ...mskColour(colour), iamBootstrapServers: mskColour(colour).addresses.iam })
const parts = {
  ...{ pluginArn: 'arn:plugin', pluginRevision: 1, workerConfigurationArn: 'arn:configuration', workerConfigurationRevision: 1 },
  ...{ roleArn: 'arn:role', logGroup: '/kbg' },
}
const worker = mskConnectWorker(
  { region: 'eu-central-1', environment: 'production', fleet: 'shop' },
  'green',
  mskConnectorRequest(side('blue'), side('green'), networkAccess('green'), parts, ['orders']),
)
const inputs = { fleet: 'shop', source: accessOf('blue'), target: accessOf('green'), worker, decommission: null } as unknown as PropertyMap
const stored = { id: worker.namePrefix, inputs, outputs: { ...inputs, access: worker } as unknown as PropertyMap }
const ending = { ...stored, inputs: { ...inputs, decommission: 'shop' } as PropertyMap, outputs: { ...stored.outputs, decommission: 'shop' } as PropertyMap }
const changed = (change: object) => ({ ...inputs, worker: { ...worker, ...change } }) as unknown as PropertyMap
const handler = handlerOf(managedMirror(managedMirrors))

describe('ManagedMirror', () => {
  test('makes nothing, and says how connectors are asked for: in a preview as well, so that a plan can be shown', async () => {
    expect((await handler.create(inputs, recordedCall())).properties).toMatchObject({ access: worker })
    expect(await handler.previewCreate(inputs, recordedCall())).toMatchObject({ access: worker })
    expect(await handler.previewCreate({ ...inputs, worker: unknownValue }, recordedCall())).toMatchObject({ access: unknownValue })
  })

  test('another request is an ordinary update', async () => {
    const request = { ...worker.request, serviceExecutionRoleArn: 'arn:another' }
    const wanted = changed({ request })
    expect(handler.check(inputs, wanted).refusals).toEqual([])
    expect([...handler.diff(stored, wanted).keys()]).toEqual(['worker.request.serviceExecutionRoleArn'])
    expect(await handler.update(stored, wanted, recordedCall())).toMatchObject({ access: { request } })
  })

  test.each([
    ['namePrefix', 'kbg-test-FLEET-shop-INTO-green-'],
    ['region', 'eu-west-1'],
  ])('another %s is refused: running connectors would not be found any more', async (property, value) => {
    await expect(handler.update(stored, changed({ [property]: value }), recordedCall())).rejects.toThrow(/mirror-names: .*take the change back/)
    const { refusals } = handler.check(inputs, changed({ [property]: value }))
    expect(refusals).toMatchObject([{ property: `worker.${property}`, reason: expect.stringContaining(value) }])
  })

  test('while nobody has said that the fleet ends, nothing ends: another name in the program deletes the old one too', async () => {
    there.names = ['kbg-mirror-blue-green-7']
    await expect(handler.delete(stored, recordedCall())).rejects.toThrow(/mirror-needed: .*decommission shop/)
    expect(there.names).toEqual(['kbg-mirror-blue-green-7'])
  })

  test('its end is that of every connector under its names', async () => {
    there.names = ['kbg-canary-blue-green', 'kbg-mirror-blue-green-7']
    const call = recordedCall()
    await handler.delete(ending, call)
    expect(there).toMatchObject({ names: [], isClosed: true })
    expect(call.lines).toEqual([expect.stringContaining('ending kbg-canary-blue-green, kbg-mirror-blue-green-7 into green')])
  })

  test('one that may still run fails it, once, with what to do', async () => {
    there.names = ['kbg-canary-blue-green']
    there.isStuck = true
    await expect(handler.delete(ending, recordedCall())).rejects.toThrow(/^mirror-runs: (?!.*mirror-runs).*Gave up.*kbg-production-FLEET-shop-INTO-green-/s)
    expect(there).toMatchObject({ names: ['kbg-canary-blue-green'], isClosed: true })
  })
})
