import type { Colour } from '../model/colour.ts'
import type { GroupFacts } from '../model/facts.ts'
import type { GroupPosition } from '../model/journal.ts'
import { isMomentary } from '../model/momentary-reason.ts'
import { topicPartition } from '../model/partition.ts'
import { groupRoute } from '../model/route.ts'
import type { ColourSnapshot, GroupCommits, GroupsSnapshot, Snapshot } from '../model/snapshot.ts'
import { namedFor } from '../model/wiring.ts'
import { isExcludedGroup } from './group-states.ts'

/** What a move source -> target would make of one group. Every group has just one fate: none is dropped silently. */
export type GroupFate =
  /** Every position is exact by the audit's map. */
  | { readonly kind: 'translated'; readonly lagRecords: number }
  /** Goes to the nearest proven place before its own, because the operator has named it. */
  | { readonly kind: 'redelivered'; readonly where: readonly string[] }
  /** The fleet has no audit: counted back at the cut. */
  | { readonly kind: 'counted back' }
  | { readonly kind: 'without offsets' }
  /** The operator has named it: it isn't moved. */
  | { readonly kind: 'stays' }
  /** Connect's, a console's, Kafka's own or this project's. */
  | { readonly kind: 'excluded' }
  /** The route has it on the target already. */
  | { readonly kind: 'on target' }
  /** In the catalog or among the named, and nowhere to be found. */
  | { readonly kind: 'absent' }
  /** Committed beyond what the audit has compared or leaders have confirmed: a moment later that is otherwise, or it never was there. */
  | { readonly kind: 'beyond'; readonly where: readonly string[] }
  | { readonly kind: 'refused'; readonly reasons: readonly string[] }
  | { readonly kind: 'unknown'; readonly why: string }

/** What of a snapshot the groups are judged by. */
export type GroupsView = Pick<Snapshot, 'source' | 'target' | 'route' | 'groups' | 'catalogGroups' | 'unprovenGroups'> & {
  readonly colours: Readonly<Record<Colour, Pick<ColourSnapshot, 'groups'>>>
}

/**
 * The fate of every group: those found on the source or the target, the catalog's, and those that the operator has named (pure).
 *
 * @returns null: one side's groups, or their commits, couldn't be read at all
 */
export function groupFates(view: GroupsView): ReadonlyMap<string, GroupFate> | null {
  const { colours, source, target, route, groups, catalogGroups, unprovenGroups } = view
  const [onSource, onTarget] = [colours[source].groups, colours[target].groups]
  if (!onSource.seen || !onTarget.seen || !groups.seen || !route.seen) return null
  const facts = new Map([...onTarget.value, ...onSource.value].map((group) => [group.groupId, group]))
  const judged = judgedGroups(groups.value, source)
  const document = route.value.route
  const fateOf = (groupId: string): GroupFate => {
    const found = facts.get(groupId)
    if (isExcludedGroup(groupId)) return { kind: 'excluded' }
    if (found === undefined) return { kind: 'absent' }
    if (namedFor(unprovenGroups, groupId) === 'stay') return { kind: 'stays' }
    if (document !== null && groupRoute(document, groupId).colour === target) return { kind: 'on target' }
    return refusedType(found) ?? judged.get(groupId) ?? { kind: 'unknown', why: 'it came up while the groups were read' }
  }
  const names = new Set([...facts.keys(), ...catalogGroups, ...Object.keys(unprovenGroups)])
  return new Map([...names].sort().map((groupId) => [groupId, fateOf(groupId)]))
}

function refusedType({ type }: GroupFacts): GroupFate | null {
  return type === 'classic' ? null : { kind: 'refused', reasons: [`a ${type} group can't be moved yet`] }
}

function judgedGroups({ commits, positions, compared }: GroupsSnapshot, source: Colour): ReadonlyMap<string, GroupFate> {
  const byGroup = positions?.seen ? Map.groupBy(positions.value, ({ groupId }) => groupId) : null
  return new Map(
    commits.map((group): readonly [string, GroupFate] => {
      if (!group.onSource.seen) return [group.groupId, { kind: 'unknown', why: group.onSource.why }]
      if (group.onSource.value.size === 0) return [group.groupId, { kind: 'without offsets' }]
      if (positions === null) return [group.groupId, { kind: 'counted back' }]
      if (!positions.seen) return [group.groupId, { kind: 'unknown', why: positions.why }]
      return [group.groupId, translatedFate(group, byGroup?.get(group.groupId) ?? [], compared, source)]
    }),
  )
}

function translatedFate({ onSource }: GroupCommits, positions: readonly GroupPosition[], compared: GroupsSnapshot['compared'], source: Colour): GroupFate {
  const unproven = positions.filter(({ verdict }) => verdict === 'not provable')
  const upTo = (position: GroupPosition) => compared.get(partitionOf(position))?.[source]
  const reasons = unproven
    .filter((position) => !isBeyond(position, upTo(position)) && !isMomentary(position.reason))
    .map((position) => `${partitionOf(position)}: ${position.reason}`)
  if (reasons.length > 0) return { kind: 'refused', reasons }
  if (unproven.length > 0) return { kind: 'beyond', where: unproven.map((position) => beyondText(position, upTo(position))) }
  const answered = new Set(positions.map(partitionOf))
  const missing = onSource.seen ? [...onSource.value.keys()].filter((partition) => !answered.has(partition)) : []
  if (missing.length > 0) return { kind: 'refused', reasons: missing.map((partition) => `${partition}: the audit says nothing of it`) }
  const again = positions.filter(({ verdict }) => verdict === 'redeliver')
  if (again.length > 0) return { kind: 'redelivered', where: again.map((position) => `${partitionOf(position)} ${position.reason}`) }
  return { kind: 'translated', lagRecords: positions.reduce((sum, { lagRecords }) => sum + (lagRecords ?? 0), 0) }
}

function isBeyond({ sourceOffset }: GroupPosition, upTo: bigint | undefined): boolean {
  return upTo !== undefined && BigInt(sourceOffset) > upTo
}

function beyondText(position: GroupPosition, upTo: bigint | undefined): string {
  if (!isBeyond(position, upTo)) return `${partitionOf(position)}: ${position.reason}`
  return `${partitionOf(position)}: committed ${position.sourceOffset}, compared up to ${upTo}`
}

function partitionOf({ topic, partition }: GroupPosition): string {
  return topicPartition(topic, partition)
}
