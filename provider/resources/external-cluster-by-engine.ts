import type { ExternalClusterPlatform } from './external-cluster.ts'

const platform = async () => (await import('../../engine/run/external-platform.ts')).externalClusters

/** The engine itself, loaded when something is really asked, as for a local cluster. */
export const externalClustersWhenAsked: ExternalClusterPlatform = {
  adopt: async (spec, trial, call) => (await platform()).adopt(spec, trial, call),
  release: async (spec) => (await platform()).release(spec),
  brokersRegistered: async (access, call) => (await platform()).brokersRegistered(access, call),
}
