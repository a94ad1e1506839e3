import type { ClusterAccess } from './cluster-access.ts'
import { type Colour, colours } from './colour.ts'
import { firstFive, KbgError } from './error.ts'
import { stackName } from './fleet.ts'
import type { Waves } from './wave.ts'

/** Both colours of a fleet. */
export type Pair = Readonly<Record<Colour, ClusterAccess>>

/**
 * Two clusters between which traffic can move: not one and the same, and reached as the traffic's own parts are.
 *
 * @param tls whether the route store speaks TLS only
 * @throws KbgError `same-cluster`, `tls-in-part`
 */
export function requirePair(fleet: string, tls: boolean, pair: Pair): Pair {
  refuseOneCluster(pair)
  refuseTlsInPart(fleet, tls, pair)
  return pair
}

function refuseOneCluster({ blue, green }: Pair): void {
  if (blue.clusterId !== green.clusterId) return
  throw new KbgError('same-cluster', 'Both colours are the same cluster; there is nothing to switch between.', {
    facts: { clusterId: blue.clusterId, bootstrapServers: blue.internalBootstrapServers },
  })
}

/** Applications have one configuration for both colours and the store: they couldn't follow a route between them. */
function refuseTlsInPart(fleet: string, tls: boolean, pair: Pair): void {
  const differing = colours.filter((colour) => (pair[colour].caFile !== undefined) !== tls)
  if (differing.length === 0) return
  const said = (on: boolean) => (on ? 'true' : 'false')
  const stacks = differing.map((colour) => stackName({ fleet, role: colour }))
  throw new KbgError('tls-in-part', "The fleet's colours and its traffic don't agree on `tls`.", {
    facts: { [stackName({ fleet, role: 'traffic' })]: said(tls), ...Object.fromEntries(stacks.map((stack) => [stack, said(!tls)])) },
    remedy: `It is decided when a fleet is made: say the same for all three. A colour that stands keeps to what it was made with; to change it, make a new fleet.`,
  })
}

/** @throws KbgError `unknown-wave` when an intent names waves that the catalog doesn't have */
export function requireWaves(consumers: Readonly<Record<string, Colour>>, waves: Waves): void {
  const unknown = Object.keys(consumers).filter((wave) => waves[wave] === undefined)
  if (unknown.length === 0) return
  throw new KbgError('unknown-wave', `\`consumers\` names waves that the catalog doesn't have: ${firstFive(unknown)}.`, {
    facts: { allowed: Object.keys(waves) },
    remedy: 'A group gets a wave in the catalog: groups.<name>.wave.',
  })
}
