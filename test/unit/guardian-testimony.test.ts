/** What a guardian says of both colours' brokers, in virtual time. */
import { expect, test } from 'vitest'
import { KbgError } from '../../engine/model/error.ts'
import type { BrokerProbe } from '../../engine/model/facts.ts'
import type { GuardianSight } from '../../engine/model/guardian-sight.ts'
import type { RouteFollowing } from '../../engine/ports/route-store.ts'
import type { GuardianParts } from '../../engine/run/guardian/keeper.ts'
import { keepTestifying } from '../../engine/run/guardian/testify.ts'
import { probes } from '../support/sample-snapshot.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

/** A fleet whose blue answers as `blue` does; green is fenced and answers. @returns what the guardian beside green has said within so many looks */
async function said(looks: number, blue: { probe: (look: number) => Promise<readonly BrokerProbe[]>; tells?: boolean }, isAway = (_look: number) => false) {
  const clock = new VirtualClock()
  const over = new AbortController()
  const written: GuardianSight[] = []
  let look = 0
  const gone = async () => Promise.reject(new KbgError('connection', 'refused', { retriable: true }))
  const clusters = {
    blue: {
      colour: 'blue',
      fence: {
        probe: () => {
          look += 1
          if (look > looks) over.abort(new KbgError('closed', 'the end'))
          return blue.probe(look)
        },
      },
      inventory: { cluster: blue.tells === true ? async () => ({ clusterId: 'x', controllerId: 1, brokers: [] }) : gone },
    },
    green: { colour: 'green', fence: { probe: async () => probes('fenced', 'unreachable', 'fenced') }, inventory: { cluster: gone } },
  }
  const following = {
    testify: async (sight: GuardianSight) => {
      if (isAway(look)) throw new KbgError('route-store-unreachable', 'away', { retriable: true })
      written.push(sight)
    },
  } as unknown as RouteFollowing
  const parts = { ports: { clock, clusters }, colour: 'green', processId: 7 } as unknown as GuardianParts
  await keepTestifying(parts, following, over.signal)
  return { reaches: written.map(({ reaches }) => reaches.blue), written, ms: clock.monotonicMs() }
}

const answers = async () => probes('open', 'unreachable', 'open')
const silent = async () => Promise.reject(new KbgError('connection', 'refused', { retriable: true }))

test('is who answers, of both colours, and is written only when it changes', async () => {
  const { written } = await said(6, { probe: (look) => (look < 4 ? answers() : silent()) })
  expect(written).toEqual([
    {
      version: 1,
      instanceId: 'kbg-guardian-green-7',
      beside: 'green',
      reaches: { blue: ['broker 1 (open)', 'broker 3 (open)'], green: ['broker 1 (fenced)', 'broker 3 (fenced)'] },
    },
    { version: 1, instanceId: 'kbg-guardian-green-7', beside: 'green', reaches: { blue: [], green: ['broker 1 (fenced)', 'broker 3 (fenced)'] } },
  ])
})

test('a colour that says nothing at all holds it up for two seconds, and is not reached', async () => {
  const { reaches, ms } = await said(1, { probe: () => new Promise(() => undefined) })
  expect(reaches).toEqual([[]])
  expect(ms).toBeGreaterThanOrEqual(2_000)
  expect(ms).toBeLessThan(7_000)
})

test('brokers that only the other listener reaches are reached, however long the first one is silent, and so is who refuses to talk', async () => {
  const tells = [['a broker that tells of its cluster']]
  expect((await said(1, { probe: async () => probes('unreachable'), tells: true })).reaches).toEqual(tells)
  expect((await said(1, { probe: () => new Promise(() => undefined), tells: true })).reaches).toEqual(tells)
  const refuses = async () => Promise.reject(new KbgError('wrong-cluster', 'blue is another cluster.'))
  expect((await said(1, { probe: refuses })).reaches).toEqual([['a broker that says: wrong-cluster: blue is another cluster.']])
})

test('what the store did not take is said again', async () => {
  const { reaches } = await said(4, { probe: answers }, (look) => look < 3)
  expect(reaches).toEqual([['broker 1 (open)', 'broker 3 (open)']])
})

test('a bug of the program is no silence', async () => {
  await expect(said(1, { probe: async () => Promise.reject(new TypeError('a bug')) })).rejects.toThrow(TypeError)
})
