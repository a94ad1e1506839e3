import { firstFive } from '../model/error.ts'
import type { GroupFacts } from '../model/facts.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { namedFor } from '../model/wiring.ts'
import { type Check, judged } from './check.ts'

/** Groups that belong to Connect, to consoles and to this project: left out by name. */
export function isExcludedGroup(groupId: string): boolean {
  return groupId.startsWith('kbg-') || groupId.startsWith('connect-') || groupId.startsWith('console-consumer-') || groupId.startsWith('__')
}

/** Is every group of a kind that can be moved exactly, in a known state, and without members on both sides? */
export function checkGroupStates(snapshot: Snapshot): Check {
  const name = 'consumer groups'
  const required = 'known states, classic protocol, members on one colour only'
  const remedy = 'Stop the members on the colour that the route does not name; KIP-848 and share groups can not be moved yet.'
  const source = snapshot.colours[snapshot.source].groups
  const target = snapshot.colours[snapshot.target].groups
  if (!source.seen) return judged(name, 'inconclusive', source.why, required, remedy)
  if (!target.seen) return judged(name, 'inconclusive', target.why, required, remedy)
  // A group that stays by name isn't moved, so neither its kind nor its members hold anybody up.
  const isAsked = ({ groupId }: GroupFacts) => !isExcludedGroup(groupId) && namedFor(snapshot.unprovenGroups, groupId) !== 'stay'
  const all = [...source.value, ...target.value].filter(isAsked)
  const unknown = all.filter((group) => group.state === 'Unknown' || (group.state === 'Dead' && group.memberCount > 0))
  if (unknown.length > 0) return judged(name, 'inconclusive', `state not known: ${firstFive(unknown.map((group) => group.groupId))}`, required, remedy)
  const refused = [...new Set(all.filter((group) => group.type !== 'classic').map((group) => `${group.groupId} (${group.type})`))]
  if (refused.length > 0) return judged(name, 'fail', firstFive(refused), required, remedy)
  const both = onBothSides(source.value.filter(isAsked), target.value.filter(isAsked))
  if (both.length > 0) return judged(name, 'fail', `members on both colours: ${firstFive(both)}`, required, remedy)
  return judged(name, 'pass', `${new Set(all.map((group) => group.groupId)).size} groups`, required, '')
}

function onBothSides(source: readonly GroupFacts[], target: readonly GroupFacts[]): readonly string[] {
  const active = (groups: readonly GroupFacts[]) => groups.filter((group) => group.memberCount > 0).map((group) => group.groupId)
  const onTarget = new Set(active(target))
  return active(source).filter((groupId) => onTarget.has(groupId))
}
