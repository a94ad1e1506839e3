import { openRouteStore } from '../adapters/etcd/route-store.ts'
import { type Birth, bearColour } from '../adapters/kafka/birth.ts'
import { saslOf } from '../adapters/kafka/connections.ts'
import { connectExisting, type Existing } from '../adapters/kafka/existing.ts'
import { persistently } from '../adapters/kafka/refusal.ts'
import { type RouteAtBirth, routeAtBirth } from '../model/birth.ts'
import type { ClusterAccess } from '../model/cluster-access.ts'
import { firstFive, KbgError, messageOf } from '../model/error.ts'
import { type MskBirthSpec, mskAccess } from '../model/msk-access.ts'
import { mskConnectNames } from '../model/msk-connect.ts'
import type { RouteDocument } from '../model/route.ts'
import { Deadline } from '../ports/clock.ts'
import { localRouteStoreAccess, type PlatformCall } from './local-platform.ts'
import { managedMirrors } from './managed-mirrors.ts'

/** MSK's brokers answer once the cluster is active; the probe's login is known to each of them some time later. */
const birthMs = 300_000
/** Somebody who can't reach the brokers hears of it long before that. */
const reachMs = 60_000
/** A refresh isn't held up by a cluster that can't be reached. */
const lookMs = 5_000
const storeMs = 5_000

/** A colour on MSK as resources use it, from a host in an operators' network that has the operator's role. */
export const mskBirths = {
  /** Waits for the brokers, asks who they are, and makes the colour born fenced; see {@link bearColour}. @throws KbgError `msk-unreached` and those of `bearColour` */
  async bear(spec: MskBirthSpec, call: PlatformCall): Promise<{ readonly access: ClusterAccess; readonly birth: Birth; readonly unspoken: readonly string[] }> {
    const deadline = new Deadline(call.clock, birthMs, `${spec.colour} of ${spec.fleet} to be born fenced`, call.cancelled)
    call.tell({ step: 'birth', text: `asking the brokers of ${spec.colour} who they are` })
    const { access, unspoken } = await identified(spec, reachMs, deadline)
    const said = await saidByRoute(spec, call, deadline)
    call.tell({ step: 'birth', text: `cluster ${access.clusterId}: canary topics, the fence, and the bindings of the probe` })
    return { access, birth: await bearColour(access, spec.brokers, said, deadline), unspoken }
  },
  /** How it is reached now; nothing is changed there. @throws KbgError `msk-unreached` */
  async identify(spec: MskBirthSpec, call: PlatformCall): Promise<ClusterAccess> {
    const deadline = new Deadline(call.clock, reachMs, `${spec.colour} of ${spec.fleet} to answer`, call.cancelled)
    return (await identified(spec, reachMs, deadline)).access
  },
  /** How many brokers are registered. @throws KbgError `msk-unreached` */
  brokersRegistered(spec: MskBirthSpec, call: Pick<PlatformCall, 'clock' | 'cancelled'>): Promise<number> {
    const deadline = new Deadline(call.clock, lookMs, `the brokers of ${spec.colour}`, call.cancelled)
    return asked(spec, lookMs, deadline, async (existing, within) => (await existing.brokers(within)).length)
  },
  /** Ends every connector into it: they would run on without it, and hold its network. @throws KbgError `mirror-runs` */
  endMirrors(spec: MskBirthSpec, access: ClusterAccess, call: PlatformCall): Promise<void> {
    return managedMirrors.end({ target: access, worker: mskConnectNames(spec, spec.colour) }, call)
  },
}

/** Who answers, and what of this project's requests no broker there knows. */
function identified(spec: MskBirthSpec, reach: number, deadline: Deadline): Promise<{ readonly access: ClusterAccess; readonly unspoken: readonly string[] }> {
  return asked(spec, reach, deadline, async (existing, within) => ({
    access: mskAccess(spec, existing.clusterId),
    unspoken: [...new Set((await existing.unspokenApis(within)).map(({ api, required, observed }) => `${api} ${required} (it speaks ${observed})`))],
  }))
}

async function asked<T>(spec: MskBirthSpec, reach: number, deadline: Deadline, ask: (existing: Existing, within: Deadline) => Promise<T>): Promise<T> {
  const { internalBootstrapServers: bootstrapServers, ...access } = mskAccess(spec, 'not asked yet')
  const within = deadline.within(reach, `the brokers of ${spec.colour} to answer`)
  try {
    return await persistently(within, async () => {
      const existing = await connectExisting({ bootstrapServers, login: saslOf(access, 'operator'), caFile: spec.caFile }, within.clock, within)
      try {
        return await ask(existing, within)
      } finally {
        await existing.cluster.close()
      }
    })
  } catch (thrown) {
    if (!(thrown instanceof KbgError) || !['connection', 'deadline'].includes(thrown.code)) throw thrown
    throw new KbgError('msk-unreached', `The brokers of ${spec.colour} don't answer this process as the operator.`, {
      facts: { asked: firstFive(bootstrapServers), waitedMs: Math.round(within.totalMs), said: messageOf(thrown).slice(0, 500) },
      remedy:
        'Run this stack from a network of aws.clients.operators, with a route to the VPC, and with the credentials of the operator’s role: kafka-cluster:Connect on this cluster. Nothing was changed on it.',
      cause: thrown,
    })
  }
}

/** What the route says of the colour. A store that can't be read says nothing: before a fleet's traffic stack there is none, and who has no rights on the brokers can't be using them. */
export async function saidByRoute(spec: MskBirthSpec, call: PlatformCall, deadline: Deadline): Promise<RouteAtBirth> {
  try {
    return routeAtBirth(spec.colour, await readRoute(spec, call, deadline.within(storeMs, 'the route store')))
  } catch (thrown) {
    deadline.check() // cancelled is no answer
    call.tell({ step: 'birth', text: `no route can be read (${messageOf(thrown).slice(0, 200)}): the brokers alone say whether ${spec.colour} is in use` })
    return 'nothing'
  }
}

async function readRoute({ fleet, caFile, routeStore }: MskBirthSpec, { clock }: PlatformCall, within: Deadline): Promise<RouteDocument | null> {
  const store = openRouteStore(routeStore ?? localRouteStoreAccess(fleet, caFile), fleet, clock)
  try {
    return (await store.read(within)).route
  } finally {
    await store.close()
  }
}
