import { z } from 'zod'
import { AuditWorkerAccess } from '../../engine/model/audit-worker.ts'
import { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { FleetName } from '../../engine/model/fleet.ts'
import { actualDifference, inputDifference, joinDifferences } from '../difference.ts'
import { unknownValue } from '../properties.ts'
import type { Call, ResourceDefinition } from '../resource-definition.ts'
import { refuseOtherOwner } from './same-owner.ts'

const LocalAuditInputs = z.strictObject({
  fleet: FleetName,
  clusters: z.strictObject({ blue: ClusterAccess, green: ClusterAccess }),
  topics: z.array(z.string().min(1)).min(1),
  decommission: FleetName.nullable(),
})
export type LocalAuditInputs = z.infer<typeof LocalAuditInputs>

const LocalAuditOutputs = z.object({ access: z.array(AuditWorkerAccess), alive: z.boolean() })
export type LocalAuditOutputs = z.infer<typeof LocalAuditOutputs>

/** What runs the audit's processes on this machine. */
export interface LocalAuditPlatform {
  /** Starts them, or makes sure that they run as declared: they go on where they were. */
  provision(audit: LocalAuditInputs, call: Call): Promise<AuditWorkerAccess[]>
  /** Whether they are kept running, in the version of this checkout. */
  isAlive(audit: LocalAuditInputs): boolean
  destroy(audit: LocalAuditInputs, state: 'keep' | 'remove', call: Call): Promise<void>
}

/** `kbg:index:LocalAudit`: the comparison of both colours, record by record, as processes of this machine. */
export function localAudit(platform: LocalAuditPlatform): ResourceDefinition<LocalAuditInputs, LocalAuditOutputs> {
  return {
    type: 'kbg:index:LocalAudit',
    description: 'Compares both colours record by record, without end: its verdict opens the gate and proves the cut, its offset maps translate positions.',
    inputs: LocalAuditInputs,
    outputs: LocalAuditOutputs,
    refreshBeforeUpdate: true,
    refuseChange: (old, wanted) => refuseOtherOwner(old, wanted, ['fleet']),
    diff: (old, wanted) => joinDifferences(inputDifference(old.inputs, wanted), old.outputs.alive ? new Map() : actualDifference('alive')),
    previewCreate: async () => ({ access: unknownValue, alive: true }),
    previewUpdate: async (old) => ({ access: old.outputs.access, alive: true }),
    create: async (audit, call) => ({ id: `${audit.fleet}/audit`, outputs: { access: await platform.provision(audit, call), alive: true } }),
    update: async (_old, audit, call) => ({ access: await platform.provision(audit, call), alive: true }),
    read: async (old, call) => {
      const alive = platform.isAlive(old.inputs)
      if (!alive)
        call.warn('The audit has ended, or is of an older version. `pulumi up` starts it; it goes on where it was. While none runs, the gate refuses.')
      return { inputs: old.inputs, outputs: { access: old.outputs.access, alive } }
    },
    delete: (old, call) => platform.destroy(old.inputs, old.inputs.decommission === old.inputs.fleet ? 'remove' : 'keep', call),
  }
}
