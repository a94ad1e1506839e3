import { z } from 'zod'
import { FleetName } from '../../engine/model/fleet.ts'
import { RouteStoreAccess } from '../../engine/model/wiring.ts'
import { actualDifference, inputDifference, joinDifferences } from '../difference.ts'
import { unknownValue } from '../properties.ts'
import type { Call, Known, Refusal, ResourceDefinition } from '../resource-definition.ts'
import { refuseOtherOwner } from './same-owner.ts'

const LocalRouteStoreInputs = z.strictObject({
  fleet: FleetName,
  /** Whether it speaks TLS only; a store that stands keeps to what it was made with. */
  tls: z.boolean().default(false),
  /** Names the fleet when it ends for good: only then is the data (which colour is live, and since which epoch) removed with the process. */
  decommission: z.string().nullable(),
})
export type LocalRouteStoreInputs = z.infer<typeof LocalRouteStoreInputs>

const LocalRouteStoreOutputs = z.object({
  /** For gates, switchovers and the CLI. */
  access: RouteStoreAccess,
  /** For routed applications: reads the route, writes only their own registrations. */
  clientAccess: RouteStoreAccess,
  alive: z.boolean(),
})
export type LocalRouteStoreOutputs = z.infer<typeof LocalRouteStoreOutputs>

/** What runs the config store's process on this machine. */
export interface LocalRouteStorePlatform {
  /** Starts it, or makes sure that it runs, with its data. */
  provision(store: Pick<LocalRouteStoreInputs, 'fleet' | 'tls'>, call: Call): Promise<Omit<LocalRouteStoreOutputs, 'alive'>>
  isAlive(fleet: string): boolean
  /** Certificates of the fleet that end soon, a line each. */
  expiring(fleet: string, call: Call): readonly string[]
  destroy(fleet: string, data: 'keep' | 'remove', call: Call): Promise<void>
}

/** `kbg:index:LocalRouteStore`: the fleet's config store (etcd) as a process of this machine. */
export function localRouteStore(platform: LocalRouteStorePlatform): ResourceDefinition<LocalRouteStoreInputs, LocalRouteStoreOutputs> {
  return {
    type: 'kbg:index:LocalRouteStore',
    description: 'The config store (etcd, with users) that holds the route, its journal and the client registrations.',
    inputs: LocalRouteStoreInputs,
    outputs: LocalRouteStoreOutputs,
    refreshBeforeUpdate: true,
    refuseChange: (old, wanted) => [...refuseOtherOwner(old, wanted, ['fleet']), ...refuseOtherProtocol(old, wanted)],
    diff: (old, wanted) => joinDifferences(inputDifference(old.inputs, wanted), old.outputs.alive ? new Map() : actualDifference('alive')),
    previewCreate: async () => ({ access: unknownValue, clientAccess: unknownValue, alive: true }),
    previewUpdate: async (old) => ({ ...old.outputs, alive: true }),
    create: async (store, call) => ({ id: `${store.fleet}/route-store`, outputs: { ...(await platform.provision(store, call)), alive: true } }),
    update: async (_old, store, call) => ({ ...(await platform.provision(store, call)), alive: true }),
    read: async (old, call) => {
      const alive = platform.isAlive(old.inputs.fleet)
      if (!alive) call.warn(`The route store of ${old.inputs.fleet} doesn't run. \`pulumi up\` starts it with its data.`)
      for (const line of platform.expiring(old.inputs.fleet, call)) call.warn(line)
      return { inputs: old.inputs, outputs: { ...old.outputs, alive } }
    },
    delete: ({ inputs: { fleet, decommission } }, call) => platform.destroy(fleet, decommission === fleet ? 'remove' : 'keep', call),
  }
}

/** Its applications couldn't follow: they are told once what the store speaks. */
function refuseOtherProtocol(old: LocalRouteStoreInputs, wanted: Known<LocalRouteStoreInputs>): readonly Refusal[] {
  if (wanted.tls === unknownValue || wanted.tls === old.tls) return []
  return [
    { property: 'tls', reason: `The store of ${old.fleet} speaks ${old.tls ? 'TLS' : 'plaintext'} and keeps to it; \`tls\` is decided when a fleet is made.` },
  ]
}
