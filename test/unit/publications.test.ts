/** What a run and a guardian do with publications, and what a gate says of them. The adapters have a test of their own, over an emulator. */
import { expect, test } from 'vitest'
import { readRouteOptions } from '../../client/options.ts'
import { assess } from '../../engine/gate/assess.ts'
import { Limits } from '../../engine/model/limits.ts'
import type { RouteDocument } from '../../engine/model/route.ts'
import { largestForm, polledLagMs, publishedRoute, publishedText, refuseTooLarge, routeParameterName } from '../../engine/model/route-publication.ts'
import type { Reading } from '../../engine/model/snapshot.ts'
import { RouteStoreAccess } from '../../engine/model/wiring.ts'
import type { RouteFollowing } from '../../engine/ports/route-store.ts'
import { publishedEpoch } from '../../engine/run/create-route.ts'
import type { GuardianParts } from '../../engine/run/guardian/keeper.ts'
import { keepPublishing } from '../../engine/run/guardian/publishing.ts'
import { Publisher } from '../../engine/run/publisher.ts'
import { describeStatus } from '../../engine/run/status.ts'
import { polledLines } from '../../engine/switchover/plan.ts'
import { longestPolledStallMs, longestStallMs } from '../../engine/switchover/stall.ts'
import { FakePublication } from '../support/fake-publication.ts'
import { seen, soundRoute, soundSnapshot, unseen } from '../support/sample-snapshot.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { FakeFleet } from '../support/watched-fleet.ts'

const route = (epoch: number): RouteDocument => ({ ...soundRoute, epoch })

test('a run publishes the newest of what it has decided, and its failure is told, not thrown', async () => {
  const board = new FakePublication()
  const publisher = new Publisher({ clock: new VirtualClock(), publications: [board] })
  for (const epoch of [7, 8, 9]) publisher.take(route(epoch))
  expect(await publisher.failures()).toEqual([])
  expect([board.tries, board.told?.epoch]).toEqual([[7, 9], 9])
  board.refusing = new Error('no such region')
  publisher.take(route(10))
  expect(await publisher.failures()).toEqual(["a board doesn't tell epoch 10 yet: no such region"])
  board.refusing = null
  publisher.take(route(11))
  expect([await publisher.failures(), board.told?.epoch]).toEqual([[], 11])
})

test('a new route begins above what was ever published, and not at all where that can not be read', async () => {
  const [board, other] = [new FakePublication(), new FakePublication()]
  other.told = route(57)
  const ports = { clock: new VirtualClock(), publications: [board, other] }
  expect([await publishedEpoch(ports), await publishedEpoch({ ...ports, publications: [] })]).toEqual([57, 0])
  board.refusing = new Error('throttled')
  await expect(publishedEpoch(ports)).rejects.toThrow('throttled')
})

test('a guardian goes on until it is published, and puts back what was put over it', async () => {
  const clock = new VirtualClock()
  const board = new FakePublication()
  board.refusing = new Error('throttled')
  const over = new AbortController()
  const said: string[] = []
  const following = {
    newest: route(7),
    newerThan: async (epoch: number, waitMs: number) => {
      if (epoch < 7) return route(7)
      await clock.sleep(waitMs, over.signal).catch(() => undefined)
      return null
    },
  } as unknown as RouteFollowing
  const parts = { ports: { clock, publications: [board] }, tell: (line: string) => said.push(line) } as unknown as GuardianParts
  const keeping = keepPublishing(parts, following, over.signal)
  await clock.sleep(4_000)
  expect([board.tries.length > 1, said]).toEqual([true, ['it is tried again: throttled']])
  board.refusing = null
  await clock.sleep(2_000)
  expect([board.told?.epoch, said.at(-1)]).toEqual([7, 'a board tells epoch 7'])
  board.told = route(5)
  await clock.sleep(6_000)
  expect(board.told?.epoch).toBe(7)
  over.abort()
  await keeping
})

test('status reads every place, says which can not be read, and tells the rest', async () => {
  const fleet = new FakeFleet()
  const [board, sick, never] = [new FakePublication(), new FakePublication('a sick board'), new FakePublication('a board that nobody wrote')]
  board.told = fleet.route
  sick.refusing = new Error('throttled')
  const ports = { ...fleet.ports, publications: [board, sick, never] }
  const status = await describeStatus(ports, fleet.wiring, Limits.parse({}))
  expect(status).toContain(
    `published a board tells epoch ${fleet.route.epoch}; a sick board can't be read from here (throttled); a board that nobody wrote tells no route\n`,
  )
  expect(status).toContain('producers write to blue')
})

test('a gate asks that the present epoch is told, and that there is room; it is no matter of a guardian’s way back', () => {
  const limits = Limits.parse({})
  const verdict = (epoch: Reading<number>, unfit: string | null = null, purpose: 'move' | 'way back' = 'move') =>
    assess(soundSnapshot({ publications: [{ place: 'a board', epoch, unfit }] }), limits, 1, 5, purpose).checks.find(({ name }) => name === 'published route')
  expect(verdict(seen(soundRoute.epoch))?.verdict).toBe('pass')
  expect(verdict(seen(soundRoute.epoch - 1))).toMatchObject({ verdict: 'fail', observed: `a board tells epoch ${soundRoute.epoch - 1}` })
  expect(verdict(seen(0))).toMatchObject({ verdict: 'fail', observed: 'a board tells no route' })
  expect(verdict(unseen<number>('throttled'))).toMatchObject({ verdict: 'inconclusive', observed: 'throttled' })
  expect(verdict(seen(soundRoute.epoch), 'too large')?.verdict).toBe('fail')
  expect([verdict(seen(1), null, 'way back'), assess(soundSnapshot(), limits, 1, 5).checks.some(({ name }) => name === 'published route')]).toEqual([
    undefined,
    false,
  ])
})

test('what is published is the route without why something failed, and fits or is refused ahead', () => {
  const latched = { ...route(9), latch: { attempt: 1, reason: 'x'.repeat(9_000), atWallClock: '2026-01-01T00:00:00.000Z' } }
  const text = publishedText(latched)
  expect(publishedRoute(text, soundRoute.fleet, 'here')).toEqual({ ...latched, latch: null })
  expect(() => refuseTooLarge(text, 'here')).not.toThrow()
  const many = Array.from({ length: 200 }, (_, number) => `a-group-with-a-name-${number}`)
  expect(() => refuseTooLarge(publishedText(largestForm(latched, many)), 'here')).toThrow(/publication-too-large: .*etcd/)
  expect(publishedRoute('not published yet', 'main', 'here')).toBeNull()
})

test('SSM as the route store is refused, and says what takes its place', () => {
  const access = { endpoints: ['arn:aws:ssm:eu-central-1:123456789012:parameter/kbg/shop/route'], username: 'kbg', credentialsFile: '/nowhere' }
  expect(() => RouteStoreAccess.parse(access)).toThrow(/compare-and-set.*etcd.*routeParameter/s)
})

test('a client polls where no store is named, within bounds, and never both', () => {
  const from = { kind: 'parameter', region: 'eu-central-1', name: routeParameterName('shop'), pollIntervalMs: 1_000 }
  expect(readRouteOptions({ fleet: 'shop', routeParameter: { region: 'eu-central-1' } }, {})).toEqual({ fleet: 'shop', from })
  const environment = { KBG_FLEET: 'shop', KBG_ROUTE_REGION: 'eu-central-1', KBG_ROUTE_PARAMETER: '/elsewhere', KBG_ROUTE_POLL_MS: '500' }
  expect(readRouteOptions({}, environment)).toEqual({ fleet: 'shop', from: { ...from, name: '/elsewhere', pollIntervalMs: 500 } })
  const refused = (pollIntervalMs: number) => () => readRouteOptions({ fleet: 'shop', routeParameter: { region: 'here', pollIntervalMs } }, {})
  expect(refused(100)).toThrow(/routeParameter.region or KBG_ROUTE_REGION.*routeParameter.pollIntervalMs or KBG_ROUTE_POLL_MS/s)
  const both = { fleet: 'shop', routeParameter: { region: 'eu-central-1' }, routeStore: { endpoints: ['a:1'], password: 'p' } }
  expect(() => readRouteOptions(both, {})).toThrow(/only one of both/)
})

test('the documented stall of a client that polls counts its interval, and a plan says so', () => {
  const limits = Limits.parse({})
  expect(longestPolledStallMs(limits, 1_000) - longestStallMs(limits)).toBe(polledLagMs(1_000))
  expect(polledLagMs(10_000) - polledLagMs(250)).toBe(9_750)
  const course = { kind: 'switch', source: 'blue', target: 'green', lossy: null, sick: null } as const
  const parameter = { region: 'eu-central-1', name: '/kbg/shop/route', pollIntervalMs: 1_000 }
  expect(polledLines(course, limits, { parameter })).toEqual([expect.stringContaining(`${Math.ceil(longestPolledStallMs(limits, 1_000) / 1_000)} s at most`)])
  expect([polledLines(course, limits, {}), polledLines({ kind: 'nothing' }, limits, { parameter })]).toEqual([[], []])
})
