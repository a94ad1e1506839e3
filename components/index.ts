/**
 * What a team's own Pulumi program imports as `kafka-blue-green/components` (the package itself is the root's own program): a pair is two `Colour`, one `Parity` and one `Traffic`, see examples/fleet. Colours on clouds are apart (`kafka-blue-green/aws`,
 * `kafka-blue-green/kubernetes`), because their SDKs are no part of other previews.
 */
export type { Catalog } from '../engine/model/catalog.ts'
export type { ClusterAccess } from '../engine/model/cluster-access.ts'
export { KbgError } from '../engine/model/error.ts'
export type { ExternalAccess } from '../engine/model/external-cluster.ts'
export type { Hook } from '../engine/model/hook.ts'
export type { ColourInventory } from '../engine/model/inventory.ts'
export { Limits } from '../engine/model/limits.ts'
export type { MskConnectWorker } from '../engine/model/msk-connect-worker.ts'
export type { Intent, RouteStoreAccess, UnprovenGroups, Wiring } from '../engine/model/wiring.ts'
export { Parity, type ParityArgs } from './catalog/parity.ts'
export { Colour, type ColourArgs, type ExternalColourArgs, type LocalColourArgs } from './cluster/colour.ts'
export { Traffic, type TrafficArgs, type TrafficMirror, type TrafficRouteStore } from './traffic/traffic.ts'
