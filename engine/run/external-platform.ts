/** Adopted clusters as resources use them. */
import { projectDir } from '../../tools/paths.ts'
import { leavePlace } from '../adapters/local/state.ts'
import type { ClusterAccess } from '../model/cluster-access.ts'
import type { ExternalClusterSpec } from '../model/external-cluster.ts'
import { Deadline } from '../ports/clock.ts'
import { adoptCluster, brokersRegistered } from './adopt-cluster.ts'
import type { PlatformCall } from './local-platform.ts'

/** A thousand topics are compared in seconds; one that is far away takes longer. */
const adoptMs = 120_000
/** A refresh isn't held up by a cluster that is gone. */
const lookMs = 5_000

/** A cluster that was there before, as a colour. */
export const externalClusters = {
  adopt(spec: ExternalClusterSpec, trial: 'fence' | 'none', call: PlatformCall): Promise<ClusterAccess> {
    const deadline = new Deadline(call.clock, adoptMs, `${spec.colour} of ${spec.fleet} to be adopted`, call.cancelled)
    return adoptCluster(projectDir, spec, trial, call.tell, deadline)
  },
  /** The cluster stays as it is. */
  release({ fleet, colour }: ExternalClusterSpec): void {
    leavePlace(projectDir, fleet, colour)
  },
  brokersRegistered(access: ClusterAccess, call: Pick<PlatformCall, 'clock' | 'cancelled'>): Promise<number> {
    return brokersRegistered(access, new Deadline(call.clock, lookMs, `the brokers of ${access.colour}`, call.cancelled))
  },
}
