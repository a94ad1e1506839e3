/** The engine's ports of one actor. The route store is the real one, over a simulated etcd; brokers, Connect and the audit are asked by requests of their own. */

import { EtcdConnection } from '../../../engine/adapters/etcd/etcd-connection.ts'
import { routeStoreOver } from '../../../engine/adapters/etcd/route-store.ts'
import type { Colour } from '../../../engine/model/colour.ts'
import { KbgError } from '../../../engine/model/error.ts'
import { offsetsToJson } from '../../../engine/model/offset-json.ts'
import type { PartitionOffsets } from '../../../engine/model/partition.ts'
import type { Audit, AuditProof } from '../../../engine/ports/audit.ts'
import type { Deadline } from '../../../engine/ports/clock.ts'
import type { ConnectorFacts, Mirror } from '../../../engine/ports/mirror.ts'
import type { RoutePublication } from '../../../engine/ports/route-publication.ts'
import type { OversightPorts } from '../../../engine/run/ports.ts'
import type { Actor } from './actor.ts'
import { clusterOf } from './cluster-port.ts'
import { etcdOf } from './etcd-client.ts'
import { transactionalIdOf } from './mirror.ts'
import { fleet, storeAccess } from './names.ts'

const statePauseMs = 25
const proofPauseMs = 5

let publicationOf: (actor: Actor) => RoutePublication = () => {
  throw new Error('the adapter of the parameter is not loaded')
}

/** AWS's SDK takes some tenths of a second to load: only for a fleet that publishes, and before it is simulated. */
export async function loadPublication(): Promise<void> {
  publicationOf = (await import('./ssm-client.ts')).publicationOf
}

export function portsOf(actor: Actor): OversightPorts {
  const store = routeStoreOver(new EtcdConnection(storeAccess, () => etcdOf(actor)), fleet, actor.clock)
  return {
    clock: actor.clock,
    clusters: { blue: clusterOf(actor, 'blue'), green: clusterOf(actor, 'green') },
    mirrors: { blue: mirrorOf(actor, 'blue', 'green'), green: mirrorOf(actor, 'green', 'blue') },
    store,
    audit: actor.simulation.world.hasAudit ? auditOf(actor) : null,
    hooks: { call: () => Promise.reject(new Error('no hook is wired')) },
    publications: actor.simulation.world.parameter === null ? [] : [publicationOf(actor)],
  }
}

/** As the adapter over Connect's REST does it: each change is waited for by looking at states. */
function mirrorOf(actor: Actor, source: Colour, worker: Colour): Mirror {
  const facts = (name: string, deadline: Deadline) => actor.ask('connector facts', { worker, name }, deadline)
  const until = async (name: string, deadline: Deadline, isReached: (facts: ConnectorFacts) => boolean) => {
    await deadline.poll(statePauseMs, async () => {
      const now = await facts(name, deadline)
      if (now.tasks.some(({ state }) => state === 'FAILED') && !isReached(now)) throw new KbgError('connector-failed', `Connector ${name} failed.`)
      return isReached(now) ? true : undefined
    })
  }
  const stop = async (name: string, deadline: Deadline) => {
    await actor.ask('stop connector', { worker, name }, deadline, 'repeatable')
    await deadline.poll(statePauseMs, async () => ((await facts(name, deadline)).state === 'STOPPED' ? true : undefined))
  }
  const resume = async (name: string, deadline: Deadline) => {
    await actor.ask('resume connector', { worker, name }, deadline, 'repeatable')
    await until(name, deadline, ({ state, tasks }) => state === 'RUNNING' && tasks.length > 0 && tasks.every((task) => task.state === 'RUNNING'))
  }
  const copied = async (name: string, deadline: Deadline) => offsetsOf(await actor.ask('committed as copied', { worker, name }, deadline))
  return {
    ...{ source, target: worker, changeMs: 30_000, facts, stop, resume, copiedOffsets: copied },
    connectors: (deadline) => actor.ask('connectors', { worker }, deadline),
    createStopped: async (name, topics, deadline) => {
      await actor.ask('create connector', { worker, name, source, topics: [...topics] }, deadline)
      await until(name, deadline, ({ state }) => state === 'STOPPED')
    },
    seed: async (name, lastCopied, deadline) => {
      const before = await copied(name, deadline)
      if (before.size > 0) return requireOffsets(name, lastCopied, before)
      if (lastCopied.size > 0) await actor.ask('seed connector', { worker, name, offsets: numbersOf(lastCopied) }, deadline, 'repeatable')
      requireOffsets(name, lastCopied, await copied(name, deadline))
    },
    restartTasks: async (name, deadline) => {
      await stop(name, deadline)
      await resume(name, deadline)
    },
    delete: async (name, deadline) => {
      await actor.ask('delete connector', { worker, name }, deadline, 'repeatable')
      await deadline.poll(statePauseMs, async () => ((await actor.ask('connectors', { worker }, deadline)).includes(name) ? undefined : true))
    },
    transactionalIds: async (name, deadline) => {
      await facts(name, deadline)
      return [transactionalIdOf({ name, target: worker })]
    },
    close: async () => undefined,
  }
}

function requireOffsets(name: string, required: PartitionOffsets, observed: PartitionOffsets): void {
  const isSame = required.size === observed.size && [...required].every(([partition, offset]) => observed.get(partition) === offset)
  if (!isSame) throw new KbgError('bad-seed', `Connector ${name} has other offsets than it is seeded with.`)
}

function auditOf(actor: Actor): Audit {
  return {
    facts: (deadline) => actor.ask('audit facts', {}, deadline),
    hurry: async () => undefined,
    prove: async (ends, deadline): Promise<AuditProof> => {
      const asked = { blue: offsetsToJson(ends.blue), green: offsetsToJson(ends.green) }
      const proof = await deadline.poll(proofPauseMs, async () => (await actor.ask('audit proof', { ends: asked }, deadline)) ?? undefined)
      if (proof.reasons.length > 0) return { kind: 'unproven', reasons: proof.reasons }
      return { kind: 'equal', partitions: proof.partitions, alignedRecords: BigInt(proof.alignedRecords), emptied: [] }
    },
    translate: (from, groups, ends, deadline) => {
      const committed = [...groups].map(([groupId, offsets]) => [groupId, numbersOf(offsets)] as const)
      const asked = ends === null ? null : { blue: offsetsToJson(ends.blue), green: offsetsToJson(ends.green) }
      return actor.ask('audit translation', { from, committed, ends: asked }, deadline)
    },
    close: async () => undefined,
  }
}

export function offsetsOf(numbers: Readonly<Record<string, number>>): PartitionOffsets {
  return new Map(Object.entries(numbers).map(([partition, offset]) => [partition, BigInt(offset)]))
}

export function numbersOf(offsets: PartitionOffsets): Readonly<Record<string, number>> {
  return Object.fromEntries([...offsets].map(([partition, offset]) => [partition, Number(offset)]))
}
