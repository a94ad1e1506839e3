import { expect, test } from 'vitest'
import { KbgError } from '../../engine/model/error.ts'
import { mskAccess } from '../../engine/model/msk-access.ts'
import { type PropertyMap, unknownValue } from '../../provider/properties.ts'
import { handlerOf } from '../../provider/resource-handler.ts'
import { type Born, mskBirth } from '../../provider/resources/msk-birth.ts'
import { mskBirthSpec } from '../support/msk-colour.ts'
import { recordedCall } from './fixtures.ts'

const spec = mskBirthSpec('blue')
const access = mskAccess(spec, 'id-blue')
const inputs = spec as unknown as PropertyMap
const stored = { id: 'shop/blue', inputs, outputs: { ...spec, access } as unknown as PropertyMap }

function birth(more: { readonly born?: Partial<Born>; readonly clusterId?: string; readonly registered?: () => Promise<number> } = {}) {
  const asked: string[] = []
  const handler = handlerOf(
    mskBirth({
      bear: async () => {
        asked.push('bear')
        return { access, birth: { became: 'fenced' }, unspoken: [], ...more.born }
      },
      identify: async (wanted) => {
        asked.push('identify')
        return mskAccess(wanted, more.clusterId ?? 'id-blue')
      },
      brokersRegistered: async () => {
        asked.push('look')
        return more.registered === undefined ? 3 : more.registered()
      },
      endMirrors: async ({ environment, fleet }, { colour }) => void asked.push(`end of ${environment} ${fleet} into ${colour}`),
    }),
  )
  return { handler, asked }
}

test('a preview asks nobody, whether or not the addresses are known', async () => {
  const { handler, asked } = birth()
  expect(await handler.previewCreate({ ...inputs, addresses: unknownValue }, recordedCall())).toMatchObject({ access: unknownValue })
  expect(await handler.previewUpdate(stored, { ...inputs, addresses: unknownValue }, recordedCall())).toMatchObject({ access: unknownValue })
  const moved = { ...spec, caFile: '/elsewhere/roots.pem' } as unknown as PropertyMap
  expect(await handler.previewUpdate(stored, moved, recordedCall())).toMatchObject({ access: { caFile: '/elsewhere/roots.pem', clusterId: 'id-blue' } })
  expect(handler.check(undefined, { ...inputs, addresses: { scram: unknownValue, iam: unknownValue } }).refusals).toEqual([])
  expect([...handler.diff(stored, inputs)]).toEqual([])
  const routeStore = { endpoints: ['10.0.0.1:2379'], username: 'kbg', credentialsFile: '/etcd.json' }
  expect([...handler.diff(stored, { ...inputs, routeStore })]).toEqual([])
  expect([...handler.diff(stored, moved).keys()]).toEqual(['caFile'])
  expect(handler.refreshBeforeUpdate).toBe(false)
  expect(asked).toEqual([])
})

test('it is born once: a change asks who answers, and another cluster is refused', async () => {
  const { handler, asked } = birth()
  const call = recordedCall()
  expect(await handler.create(inputs, call)).toMatchObject({ id: 'shop/blue', properties: { access: { clusterId: 'id-blue' } } })
  expect([call.lines.at(-1), call.warnings]).toEqual(['birth: blue is fenced on all 3 brokers', []])
  await handler.update(stored, { ...spec, credentialsFile: '/other.json' } as unknown as PropertyMap, recordedCall())
  expect(asked).toEqual(['bear', 'identify'])
  await expect(birth({ clusterId: 'another' }).handler.update(stored, inputs, recordedCall())).rejects.toThrow(/cluster-change: .*observed: another/)
  expect(handler.check(inputs, { ...spec, fleet: 'other' } as unknown as PropertyMap).refusals).toMatchObject([{ property: 'fleet' }])
})

test('a colour that was left open is a warning with the reason, and so are requests that its brokers don’t take', async () => {
  const call = recordedCall()
  await birth({
    born: { birth: { became: 'left open', because: ['User:shop has rights there'] }, unspoken: ['DescribeQuorum 2 (it speaks none)'] },
  }).handler.create(inputs, call)
  expect(call.warnings).toEqual([
    expect.stringMatching(
      /^blue was not fenced, .*User:shop has rights there\. A first route has to have it live; .*the next update of the traffic stack fences it/,
    ),
    expect.stringContaining('DescribeQuorum 2'),
  ])
})

test('its end is that of the mirror into it, and a refresh that can’t ask keeps what was known', async () => {
  const { handler, asked } = birth()
  await handler.delete(stored, recordedCall())
  expect(asked).toEqual(['end of production shop into blue'])
  const gone = recordedCall()
  const unreachable = birth({ registered: () => Promise.reject(new KbgError('msk-unreached', 'nobody answers')) })
  expect(await unreachable.handler.read(stored, gone)).toMatchObject({ properties: { access: { clusterId: 'id-blue' } } })
  expect(gone.warnings.join()).toMatch(/can't be asked now: msk-unreached: nobody answers/)
  const call = recordedCall()
  await birth({ registered: async () => 2 }).handler.read(stored, call)
  expect(call.warnings).toEqual(['2 of 3 brokers of blue are registered.'])
})
