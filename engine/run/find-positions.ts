import type { Colour } from '../model/colour.ts'
import { messageOf } from '../model/error.ts'
import type { Cut, GroupPosition } from '../model/journal.ts'
import { offsetsFromJson } from '../model/offset-json.ts'
import type { PartitionOffsets } from '../model/partition.ts'
import type { AskedEnds } from '../ports/audit.ts'
import type { Deadline } from '../ports/clock.ts'
import type { Ports } from './ports.ts'
import { translateGroups } from './translate-groups.ts'

/** Which groups' positions are looked for, over which cut. */
export interface PositionSearch {
  readonly source: Colour
  readonly target: Colour
  readonly cut: Cut
  /** Committed offsets on the source, by group. */
  readonly committed: ReadonlyMap<string, PartitionOffsets>
  /** Groups that the operator has named: what can't be proven of them goes to the nearest proven place before it. */
  readonly redeliver: readonly string[]
}

/**
 * Every group's position on the target: by the audit's offset maps where there are some, which reads nothing; groups that these can't prove are counted back
 * from the cut, by reading what they still have to read. Both are exact or say why not.
 *
 * @param tell why the audit could not be asked
 * @throws KbgError `deadline`, and what reading throws: then nothing is known of any group
 */
export async function findPositions(ports: Ports, search: PositionSearch, tell: (text: string) => void, deadline: Deadline): Promise<readonly GroupPosition[]> {
  const byMap = await positionsByMap(ports, search, tell, deadline)
  const open = new Set(byMap === null ? search.committed.keys() : unproven(byMap))
  if (open.size === 0) return byMap ?? []
  const committed = new Map([...search.committed].filter(([groupId]) => open.has(groupId)))
  if (byMap === null) return await countedBack(ports, search, committed, deadline)
  const counted = await countedOrNone(ports, search, committed, tell, deadline)
  const stillOpen = unproven(counted)
  const better = counted.filter(({ groupId }) => !stillOpen.has(groupId))
  const named = await redelivered(
    ports,
    search,
    [...open].filter((groupId) => !better.some((position) => position.groupId === groupId)),
    tell,
    deadline,
  )
  const replaced = new Set([...better, ...named].map(({ groupId }) => groupId))
  return [...byMap.filter(({ groupId }) => !replaced.has(groupId)), ...better, ...named]
}

/** Of the groups that can't be proven, those that the operator has named for it, at the nearest proven place before their own. */
async function redelivered(
  ports: Ports,
  search: PositionSearch,
  open: readonly string[],
  tell: (text: string) => void,
  deadline: Deadline,
): Promise<readonly GroupPosition[]> {
  const named = open.filter((groupId) => search.redeliver.includes(groupId))
  if (named.length === 0) return []
  const committed = new Map([...search.committed].filter(([groupId]) => named.includes(groupId)))
  return (await positionsByMap(ports, { ...search, committed }, tell, deadline, named)) ?? []
}

function countedBack(
  ports: Ports,
  { source, target, cut }: PositionSearch,
  committed: PositionSearch['committed'],
  deadline: Deadline,
): Promise<readonly GroupPosition[]> {
  return translateGroups({ source: ports.clusters[source], target: ports.clusters[target], cut, committed }, deadline)
}

/** What the map couldn't prove may be far behind: reading it takes half of the time that is left at most, and its failure isn't that of the groups that the map has moved. */
async function countedOrNone(
  ports: Ports,
  search: PositionSearch,
  committed: PositionSearch['committed'],
  tell: (text: string) => void,
  deadline: Deadline,
): Promise<readonly GroupPosition[]> {
  try {
    const near = new Map([...committed].filter(([, offsets]) => distanceOf(offsets, search.cut) <= mostCountedBack))
    return await countedBack(ports, search, near, deadline.within(deadline.remainingMs() / 2, 'positions to be counted back from the cut'))
  } catch (thrown) {
    deadline.check()
    tell(`counting back failed, so these groups stay: ${messageOf(thrown)}`)
    return []
  }
}

/** How many offsets a group is behind the cut. */
function distanceOf(offsets: PartitionOffsets, cut: Cut): number {
  const ends = offsetsFromJson(cut.sourceEnds)
  return [...offsets].reduce((sum, [partition, offset]) => sum + Math.max(0, Number((ends.get(partition) ?? offset) - offset)), 0)
}

/** Some 140 bytes of memory for each, beside the time. */
const mostCountedBack = 2_000_000

/** null: there is no audit, or it couldn't be asked. */
async function positionsByMap(
  ports: Ports,
  search: PositionSearch,
  tell: (text: string) => void,
  deadline: Deadline,
  redeliver: readonly string[] = [],
): Promise<readonly GroupPosition[] | null> {
  if (ports.audit === null) return null
  try {
    return await ports.audit.translate(
      search.source,
      search.committed,
      endsOf(search.cut),
      deadline.within(deadline.remainingMs() / 2, "the audit's translation"),
      redeliver,
    )
  } catch (thrown) {
    deadline.check()
    tell(`the audit can't translate, so positions are counted back from the cut: ${messageOf(thrown)}`)
    return null
  }
}

function endsOf({ source, sourceEnds, targetEnds }: Cut): AskedEnds {
  const [own, other] = [offsetsFromJson(sourceEnds), offsetsFromJson(targetEnds)]
  return source === 'blue' ? { blue: own, green: other } : { blue: other, green: own }
}

function unproven(positions: readonly GroupPosition[]): ReadonlySet<string> {
  return new Set(positions.filter(({ verdict }) => verdict === 'not provable').map(({ groupId }) => groupId))
}
