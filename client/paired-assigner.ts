/** Gives the members of a group that reads both colours the same partitions on each: whoever reads a record on blue must be the one that reads it on green. */
import kafkajs, { type Assignment, type Cluster, type GroupMember, type PartitionAssigner } from 'kafkajs'

const name = 'KbgPairedAssigner'
const version = 1

const { MemberMetadata, MemberAssignment } = kafkajs.AssignerProtocol

/**
 * An assigner that goes by the members' own names, which are the same on both colours, and by nothing that a broker chose.
 *
 * @param memberName unique in the group, and given to this member's consumers on both colours
 */
export function pairedAssigner(memberName: string): PartitionAssigner {
  return ({ cluster }) => ({
    name,
    version,
    protocol: ({ topics }) => ({ name, metadata: MemberMetadata.encode({ version, topics, userData: Buffer.from(memberName) }) }),
    assign: async ({ members, topics }) => assignPaired(members, partitionCounts(cluster, topics)),
  })
}

function partitionCounts(cluster: Cluster, topics: readonly string[]): ReadonlyMap<string, number> {
  return new Map(topics.map((topic) => [topic, cluster.findTopicPartitionMetadata(topic).length]))
}

/** Members by name, each topic's partitions in turn; topics begin at different members. */
export function assignPaired(members: readonly GroupMember[], partitions: ReadonlyMap<string, number>): { memberId: string; memberAssignment: Buffer }[] {
  const named = members
    .map(({ memberId, memberMetadata }) => ({ memberId, name: nameOf(memberMetadata), assignment: {} as Assignment }))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
  for (const [topic, count] of partitions) {
    const start = [...topic].reduce((sum, character) => sum + (character.codePointAt(0) ?? 0), 0)
    for (let partition = 0; partition < count; partition += 1) {
      const member = named[(start + partition) % named.length]
      if (member !== undefined) member.assignment[topic] = [...(member.assignment[topic] ?? []), partition]
    }
  }
  return named.map(({ memberId, assignment }) => ({
    memberId,
    memberAssignment: MemberAssignment.encode({ version, assignment, userData: Buffer.alloc(0) }),
  }))
}

function nameOf(memberMetadata: Buffer): string {
  return MemberMetadata.decode(memberMetadata)?.userData.toString() ?? ''
}
