import { isExcludedGroup } from '../gate/group-states.ts'
import type { AuditFacts } from '../model/audit-facts.ts'
import type { Colour } from '../model/colour.ts'
import { messageOf } from '../model/error.ts'
import type { GroupFacts } from '../model/facts.ts'
import type { GroupPosition } from '../model/journal.ts'
import type { Limits } from '../model/limits.ts'
import type { PartitionOffsets } from '../model/partition.ts'
import { groupRoute, type RouteDocument } from '../model/route.ts'
import type { GroupCommits, GroupsSnapshot, Reading } from '../model/snapshot.ts'
import { namedFor, type Wiring } from '../model/wiring.ts'
import type { Audit } from '../ports/audit.ts'
import type { Deadline } from '../ports/clock.ts'
import { committedOffsets } from './committed-offsets.ts'
import type { Ports } from './ports.ts'

const pauseMs = 100

/** Which groups are observed, for which move. */
export interface ObservedGroups {
  readonly source: Colour
  readonly target: Colour
  readonly route: RouteDocument | null
  readonly listed: Readonly<Record<Colour, Reading<readonly GroupFacts[]>>>
}

/**
 * What the groups that the route has on the source have committed, on the target first and then on the source, and where the audit's maps put them. A live group's commit is
 * ahead of the audit as long as mirror and audit take: that is waited for, as long as both may lag.
 */
export async function observeGroups(
  ports: Ports,
  wiring: Wiring,
  limits: Limits,
  { source, target, route, listed }: ObservedGroups,
  deadline: Deadline,
): Promise<Reading<GroupsSnapshot>> {
  const unseen = [listed[source], listed[target]].find((reading) => !reading.seen)
  if (unseen?.seen === false) return unseen
  const isCandidate = ({ groupId, type }: GroupFacts) =>
    type === 'classic' &&
    !isExcludedGroup(groupId) &&
    namedFor(wiring.unprovenGroups, groupId) !== 'stay' &&
    (route === null || groupRoute(route, groupId).colour === source)
  const of = (colour: Colour) => (listed[colour].seen ? listed[colour].value.filter(isCandidate).map(({ groupId }) => groupId) : [])
  const [onSource, onTarget] = [of(source), of(target)]
  const names = [...new Set([...onSource, ...onTarget])].sort()
  const there = await committedOffsets(ports.clusters[target].groups, onTarget, deadline)
  const here = await committedOffsets(ports.clusters[source].groups, onSource, deadline)
  const none: Reading<PartitionOffsets> = { seen: true, value: new Map() }
  const commits = names.map((groupId): GroupCommits => ({ groupId, onTarget: there.get(groupId) ?? none, onSource: here.get(groupId) ?? none }))
  if (ports.audit === null) return { seen: true, value: { commits, positions: null, compared: new Map() } }
  const audit = ports.audit
  const patienceMs = Math.min(limits.maxMirrorLagMs + limits.maxWatermarkAgeMs, deadline.remainingMs() / 2)
  const compared = await comparedUpTo(audit, commits, { source, target }, deadline.within(patienceMs, 'the audit to come to what the groups have committed'))
  return { seen: true, value: { commits, positions: await translated(audit, wiring, source, commits, deadline), compared } }
}

/** Where the audit has come to, once it is past every commit on both sides or the patience is over. Unreachable: nothing; the translation says why. */
async function comparedUpTo(
  audit: Audit,
  commits: readonly GroupCommits[],
  { source, target }: Pick<ObservedGroups, 'source' | 'target'>,
  patience: Deadline,
): Promise<GroupsSnapshot['compared']> {
  const [farSource, farTarget] = [farthest(commits.map(({ onSource }) => onSource)), farthest(commits.map(({ onTarget }) => onTarget))]
  let compared: GroupsSnapshot['compared'] = new Map()
  try {
    await audit.hurry(patience)
    for (;;) {
      compared = watermarks(await audit.facts(patience))
      const isBehind = (far: PartitionOffsets, side: Colour) =>
        [...far].some(([partition, offset]) => {
          const upTo = compared.get(partition)?.[side]
          return upTo !== undefined && upTo < offset
        })
      if ((!isBehind(farSource, source) && !isBehind(farTarget, target)) || patience.remainingMs() <= pauseMs) return compared
      await patience.clock.sleep(pauseMs, patience.cancelled)
    }
  } catch {
    patience.cancelled?.throwIfAborted()
    return compared // what is known of before; the translation that follows asks again, and tells the reason
  }
}

function farthest(readings: readonly Reading<PartitionOffsets>[]): PartitionOffsets {
  const far = new Map<string, bigint>()
  for (const reading of readings) {
    if (!reading.seen) continue
    for (const [partition, offset] of reading.value) if (offset > (far.get(partition) ?? -1n)) far.set(partition, offset)
  }
  return far
}

function watermarks({ partitions }: AuditFacts): GroupsSnapshot['compared'] {
  return new Map(partitions.map(({ partition, watermark }) => [partition, { blue: BigInt(watermark.blue), green: BigInt(watermark.green) }]))
}

async function translated(
  audit: Audit,
  { unprovenGroups }: Wiring,
  source: Colour,
  commits: readonly GroupCommits[],
  deadline: Deadline,
): Promise<Reading<readonly GroupPosition[]>> {
  const asked = new Map(commits.flatMap(({ groupId, onSource }) => (onSource.seen && onSource.value.size > 0 ? [[groupId, onSource.value] as const] : [])))
  if (asked.size === 0) return { seen: true, value: [] }
  const redeliver = [...asked.keys()].filter((groupId) => namedFor(unprovenGroups, groupId) === 'redeliver')
  try {
    return { seen: true, value: await audit.translate(source, asked, null, deadline, redeliver) }
  } catch (thrown) {
    return { seen: false, why: messageOf(thrown) }
  }
}
