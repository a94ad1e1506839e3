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
  const { source, target } = search
  const counted = await translateGroups({ source: ports.clusters[source], target: ports.clusters[target], cut: search.cut, committed }, deadline)
  if (byMap === null) return counted
  const stillOpen = unproven(counted)
  const better = counted.filter(({ groupId }) => !stillOpen.has(groupId))
  const replaced = new Set(better.map(({ groupId }) => groupId))
  return [...byMap.filter(({ groupId }) => !replaced.has(groupId)), ...better]
}

/** null: there is no audit, or it couldn't be asked. */
async function positionsByMap(
  ports: Ports,
  search: PositionSearch,
  tell: (text: string) => void,
  deadline: Deadline,
): Promise<readonly GroupPosition[] | null> {
  if (ports.audit === null) return null
  try {
    return await ports.audit.translate(
      search.source,
      search.committed,
      endsOf(search.cut),
      deadline.within(deadline.remainingMs() / 2, "the audit's translation"),
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
