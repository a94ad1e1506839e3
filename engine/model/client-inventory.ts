import type { ClientRegistration } from './route.ts'

/** A group with members, as its coordinator tells it. */
export interface ToldGroup {
  readonly groupId: string
  /** `classic`, `consumer` (KIP-848), or what the broker says. */
  readonly type: string
  /** null: brokers aren't asked for the members of this kind. */
  readonly members: readonly ToldMember[] | null
}

export interface ToldMember {
  /** What the application calls itself; whoever shares a name shares it here too. */
  readonly clientId: string
  /** Where the broker sees it, for example `10.1.2.3`. */
  readonly host: string
}

/** Who writes to a topic, as far as its leaders keep it: producers with an id, for a day behind their last record (`producer.id.expiration.ms`). */
export interface ToldProducers {
  readonly topic: string
  readonly producers: number
  readonly inTransaction: number
  /** Timestamp of the newest record of any of them, in milliseconds; null: not told. */
  readonly newestRecordMs: number | null
}

/** What no request of Kafka tells, whatever rights one has. Source: KIP-511, KIP-664. */
export const neverTold: readonly string[] = [
  'the principal of a member or a producer: ACLs and quotas say who may, not who is there',
  'client software and its version: only brokers’ JMX (socket-server-metrics, clientSoftwareName) and request logs have it',
  'the name and host of a producer, and producers without an id (idempotence off)',
  'readers without a group',
]

/** Members of a group that call themselves the same and come from one host. */
export interface GroupClient extends ToldMember {
  readonly groupId: string
  readonly members: number
  /** The software of the routed client of that name in that group; null: none is registered, so a move meets it unprepared. undefined: there is no route to follow. */
  readonly routed: string | null | undefined
}

/** The members of all groups, by group, name and host (pure). @param registered routed clients; null: no fleet was asked */
export function groupClients(groups: readonly ToldGroup[], registered: readonly ClientRegistration[] | null): readonly GroupClient[] {
  return groups.flatMap(({ groupId, members }) =>
    [...Map.groupBy(members ?? [], ({ clientId, host }) => `${clientId}\n${host}`).values()].flatMap((same) => {
      const [first] = same
      if (first === undefined) return []
      const { clientId, host } = first
      const software = registered?.find((client) => client.groupId === groupId && client.clientId === clientId)?.software ?? null
      return [{ groupId, clientId, host, members: same.length, routed: registered === null ? undefined : software }]
    }),
  )
}
