/** What a gate or a switchover is wired to: two clusters, never one and the same. */
import { expect, test } from 'vitest'
import { Wiring } from '../../engine/model/wiring.ts'
import { wiringOf } from '../provider/fixtures.ts'

const wiring = wiringOf('shop')

function problems(value: unknown): readonly string[] {
  return Wiring.safeParse(value).error?.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) ?? []
}

test('two clusters are fine', () => {
  expect(problems(wiring)).toEqual([])
})

test('the same cluster twice, or one that a wrong address leads to, is refused; both at once when it is both', () => {
  const { blue, green } = wiring.clusters
  const shared = [...green.internalBootstrapServers, ...blue.internalBootstrapServers]
  const sameId = `clusters: blue and green are the same cluster (${blue.clusterId})`
  const sameServer = `clusters: blue and green share the bootstrap server ${blue.internalBootstrapServers[0]}`
  const withGreen = (changed: Partial<typeof green>) => ({ ...wiring, clusters: { blue, green: { ...green, ...changed } } })
  expect(problems(withGreen({ clusterId: blue.clusterId }))).toEqual([sameId])
  expect(problems(withGreen({ internalBootstrapServers: shared }))).toEqual([sameServer])
  expect(problems(withGreen({ clusterId: blue.clusterId, internalBootstrapServers: shared }))).toEqual([sameId, sameServer])
})
