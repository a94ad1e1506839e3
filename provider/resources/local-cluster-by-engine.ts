import type { LocalClusterPlatform } from './local-cluster.ts'

const platform = async () => (await import('../../engine/run/local-platform.ts')).localClusters

/** The engine's local platform, loaded when something is really asked: a preview of a new colour asks nothing, and Kafka's client takes half a second. */
export const localClustersWhenAsked: LocalClusterPlatform = {
  provision: async (spec, call) => (await platform()).provision(spec, call),
  brokersAlive: async (spec) => (await platform()).brokersAlive(spec),
  destroy: async (spec, call) => (await platform()).destroy(spec, call),
}
