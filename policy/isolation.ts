import type { BrokerInventory } from '../engine/model/broker-inventory.ts'
import { colours } from '../engine/model/colour.ts'
import { readInventories } from './inventories.ts'
import { type Judgement, rule } from './judging/rule.ts'

/** Two colours share nothing that one could take down for both. */
export const isolationClusters = rule({
  name: 'isolation-clusters',
  displayName: 'The colours share no network and no broker id',
  description:
    'Subnets of the two colours are disjoint, and so are their broker ids: a client that mixes addresses must never take one colour’s broker for the other’s.',
  severity: 'critical',
  level: 'mandatory',
  remedy: 'Leave addresses and ids to the platform’s planner, or give one colour another network and other ids.',
  settings: {},
  judge: (resources) => {
    const inventories = readInventories(resources)
    if (inventories.kind !== 'read') return { findings: [], unknown: inventories.kind === 'unknown' ? [inventories.why] : [] }
    const [blue, green] = colours.map((colour) => inventories[colour].brokers)
    if (blue === undefined || green === undefined) return { findings: [], unknown: ['one colour has no brokers'] }
    const judgements = [
      sharedBy('brokerIds', 'disjoint ids', blue, green, inventories.urn),
      sharedBy('subnets', 'disjoint subnets', blue, green, inventories.urn),
    ]
    return { findings: judgements.flatMap(({ findings }) => findings), unknown: judgements.flatMap(({ unknown }) => unknown) }
  },
})

type Shared = 'brokerIds' | 'subnets'

function sharedBy(property: Shared, required: string, blue: BrokerInventory, green: BrokerInventory, urn: string): Judgement {
  const [onBlue, onGreen] = [blue[property], green[property]]
  if (onBlue === null || onGreen === null) return { findings: [], unknown: [`${property}: one colour doesn't declare them`] }
  const both = new Set<unknown>(onBlue).intersection(new Set<unknown>(onGreen))
  if (both.size === 0) return { findings: [], unknown: [] }
  return { findings: [{ where: 'both colours', property, observed: `${[...both].map(String).join(', ')} on both`, required, urn }], unknown: [] }
}
