import { colours } from '../engine/model/colour.ts'
import { readInventories } from './inventories.ts'
import { type Finding, rule } from './judging/rule.ts'

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
    const shared = (property: 'brokerIds' | 'subnets', required: string): Finding[] => {
      const both = new Set<unknown>(blue[property]).intersection(new Set<unknown>(green[property]))
      return both.size === 0
        ? []
        : [{ where: 'both colours', property, observed: `${[...both].map(String).join(', ')} on both`, required, urn: inventories.urn }]
    }
    return { findings: [...shared('brokerIds', 'disjoint ids'), ...shared('subnets', 'disjoint subnets')], unknown: [] }
  },
})
