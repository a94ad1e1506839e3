import type { PolicyResource } from '@pulumi/policy'
import { z } from 'zod'
import { overlap } from '../engine/model/aws-network.ts'
import type { BrokerInventory } from '../engine/model/broker-inventory.ts'
import { ClusterAccess } from '../engine/model/cluster-access.ts'
import { readInventories } from './inventories.ts'
import { read } from './judging/known.ts'
import { type Finding, type Judgement, rule } from './judging/rule.ts'

/** Two colours share nothing that one could take down for both. */
export const isolationClusters = rule({
  name: 'isolation-clusters',
  displayName: 'The colours share no network, no broker id and no address',
  description:
    'Networks of the two colours do not overlap, and their broker ids are disjoint: a client that mixes addresses must never take one colour’s broker for the other’s. What the traffic stack connects are two clusters without a common address.',
  severity: 'critical',
  level: 'mandatory',
  remedy: 'Leave addresses and ids to the platform’s planner, or give one colour another network and other ids.',
  settings: {},
  judge: (resources) => {
    const judged = [asDeclared(resources), asConnected(resources)]
    return { findings: judged.flatMap(({ findings }) => findings), unknown: judged.flatMap(({ unknown }) => unknown) }
  },
})

function asDeclared(resources: readonly PolicyResource[]): Judgement {
  const inventories = readInventories(resources)
  if (inventories.kind !== 'read') return { findings: [], unknown: inventories.kind === 'unknown' ? [inventories.why] : [] }
  const { blue, green, urn } = inventories
  const finding = (property: string, observed: string, required: string): Finding => ({ where: 'both colours', property, observed, required, urn })
  const ids = onBoth(blue.brokers.brokerIds, green.brokers.brokerIds, (one, other) => one === other)
  const networks = onBoth(networksOf(blue.brokers, green.brokers), networksOf(green.brokers, blue.brokers), overlap)
  const undeclared = Object.entries({ brokerIds: ids, subnets: networks }).flatMap(([property, pairs]) => (pairs === null ? [property] : []))
  return {
    findings: [
      ...(ids === null || ids.length === 0 ? [] : [finding('brokerIds', `${ids.map(([id]) => id).join(', ')} on both`, 'disjoint ids')]),
      ...(networks ?? []).map(([one, other]) => finding('subnets', `${one} of blue and ${other} of green`, 'networks that do not overlap')),
    ],
    unknown: undeclared.map((property) => `${property}: one colour doesn't declare them`),
  }
}

/** A platform that separates its colours by other means than networks says nothing of them to another platform. */
function networksOf(brokers: BrokerInventory, other: BrokerInventory): BrokerInventory['subnets'] {
  return brokers.subnets?.length === 0 && brokers.platform !== other.platform ? null : brokers.subnets
}

/** Pairs of one value of each side that meet; null: a side isn't declared. */
function onBoth<T>(blue: readonly T[] | null, green: readonly T[] | null, meet: (one: T, other: T) => boolean): readonly (readonly [T, T])[] | null {
  if (blue === null || green === null) return null
  return blue.flatMap((one) => green.filter((other) => meet(one, other)).map((other) => [one, other] as const))
}

const Clusters = z.looseObject({ blue: ClusterAccess, green: ClusterAccess })

/** The two clusters that the traffic stack compares, by their own stacks' outputs. */
function asConnected(resources: readonly PolicyResource[]): Judgement {
  const judged = resources
    .filter(({ type }) => type === 'kbg:index:LocalAudit')
    .map((audit): Judgement => {
      const clusters = read(audit, 'clusters', Clusters)
      if (clusters.kind === 'unknown') return { findings: [], unknown: [clusters.why] }
      const { blue, green } = clusters.value
      const finding = (property: string, observed: string, required: string): Finding => ({
        where: 'both clusters',
        property,
        observed,
        required,
        urn: audit.urn,
      })
      const shared = addressesOf(blue).filter((address) => addressesOf(green).includes(address))
      return {
        findings: [
          ...(blue.clusterId === green.clusterId ? [finding('clusterId', `${blue.clusterId} on both`, 'two clusters')] : []),
          ...(shared.length === 0 ? [] : [finding('bootstrapServers', `${[...new Set(shared)].join(', ')} on both`, 'addresses of its own for each')]),
        ],
        unknown: [],
      }
    })
  return { findings: judged.flatMap(({ findings }) => findings), unknown: judged.flatMap(({ unknown }) => unknown) }
}

function addressesOf({ internalBootstrapServers, produceBootstrapServers, consumeBootstrapServers }: ClusterAccess): readonly string[] {
  return [...internalBootstrapServers, ...produceBootstrapServers, ...consumeBootstrapServers]
}
