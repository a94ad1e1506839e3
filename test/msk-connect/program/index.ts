/** The program of `pulumi-up.test.ts`: two colours of this machine, and between them traffic whose connectors MSK Connect makes and whose route is in a store that somebody runs. */
import { readFileSync } from 'node:fs'
import * as pulumi from '@pulumi/pulumi'
import { loadCatalog } from 'kafka-blue-green/catalog'
import { Colour, type MskConnectWorker, type RouteStoreAccess, Traffic } from 'kafka-blue-green/components'

/** What the test learns once the colours stand. */
interface Given {
  readonly store: { readonly access: RouteStoreAccess; readonly clientAccess: RouteStoreAccess }
  readonly workers: Readonly<Record<'blue' | 'green', MskConnectWorker>>
}

const config = new pulumi.Config()
const fleet = config.require('fleet')
const live = config.get<'blue' | 'green'>('live')
const attempt = config.getNumber('attempt') ?? 0
const shared = { fleet, catalog: loadCatalog('../../../catalog.yaml'), decommission: config.getBoolean('end') ? fleet : undefined }
const given = (): Given => JSON.parse(readFileSync('given.json', 'utf8'))
const routeStore = given().store.access

const blue = new Colour('blue', { ...shared, colour: 'blue', platform: 'local', kafkaVersion: '3.9.2', routeStore })
const green = new Colour('green', { ...shared, colour: 'green', platform: 'local', kafkaVersion: '4.3.1', routeStore })

function traffic(wanted: 'blue' | 'green'): object {
  const { store, workers } = given()
  const { route, wiring, limits } = new Traffic('traffic', {
    ...shared,
    ...{ live: wanted, attempt, clusters: { blue: blue.access, green: green.access } },
    mirror: { kind: 'msk-connect', workers },
    routeStore: { kind: 'given', ...store },
  })
  return { route, wiring, limits }
}

/** A fleet's outputs stand under its name for `kbg`: none before somebody says who is to be live. */
export default () => ({ clusters: { blue: blue.access, green: green.access }, ...(live === undefined ? {} : { [fleet]: traffic(live) }) })
