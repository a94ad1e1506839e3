/** Two fleets in one program of a team's own: each is a pair of colours, and what connects them. */
import * as pulumi from '@pulumi/pulumi'
import { loadCatalog } from 'kafka-blue-green/catalog'
import { Colour, Parity, Traffic } from 'kafka-blue-green/components'

const config = new pulumi.Config()
/** Who is to be live, by fleet: changing it is a switchover. */
const live = config.requireObject<Record<'shop' | 'ledger', 'blue' | 'green'>>('live')
/** Set before the whole of it is destroyed. */
const isEnding = config.getBoolean('end') ?? false

function fleet(name: keyof typeof live): Pick<Traffic, 'route' | 'wiring' | 'limits' | 'clients'> {
  const shared = { fleet: name, catalog: loadCatalog(`catalog.${name}.yaml`), decommission: isEnding ? name : undefined }
  const blue = new Colour(`${name}-blue`, { ...shared, colour: 'blue', platform: 'local', kafkaVersion: '3.9.2' })
  const green = new Colour(`${name}-green`, { ...shared, colour: 'green', platform: 'local', kafkaVersion: '4.3.1' })
  new Parity(`${name}-parity`, { fleet: name, blue: blue.inventory, green: green.inventory })
  const { route, wiring, limits, clients } = new Traffic(`${name}-traffic`, {
    ...shared,
    live: live[name],
    clusters: { blue: blue.access, green: green.access },
  })
  return { route, wiring, limits, clients }
}

export const shop = fleet('shop')
export const ledger = fleet('ledger')
