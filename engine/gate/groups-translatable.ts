import { firstFive } from '../model/error.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'
import { type GroupFate, groupFates } from './group-fates.ts'

const remedy =
  'kbg groups shows every group. What can not be proven moves only when you name it: pulumi config set --path unprovenGroups.<group> stay (or redeliver) -s <the traffic stack>.'

/** The name of the check that a moment can mend. */
export const groupsCompared = 'group positions compared'

/**
 * Can the audit translate what every group has committed? Each group is told: translated, without offsets, left out by rule or by name, or refused with partition and
 * reason. A commit beyond what the audit has compared is a check of its own, because a moment later it is behind it, if there is such a record at all.
 */
export function checkGroupsTranslatable(snapshot: Snapshot): readonly Check[] {
  const [name, required] = ['groups translatable', 'of every group each position exact by the audit, or the group named in unprovenGroups']
  const fates = groupFates(snapshot)
  if (fates === null) return [judged(name, 'inconclusive', unreadBecause(snapshot), required, remedy)]
  const of = <K extends GroupFate['kind']>(kind: K) =>
    [...fates].flatMap(([groupId, fate]) => (fate.kind === kind ? [{ groupId, fate: fate as Extract<GroupFate, { kind: K }> }] : []))
  const refused = of('refused').flatMap(({ groupId, fate }) => fate.reasons.map((reason) => `${groupId}: ${reason}`))
  if (refused.length > 0) return [judged(name, 'fail', firstFive(refused), required, remedy)]
  const unknown = of('unknown').map(({ groupId, fate }) => `${groupId}: ${fate.why}`)
  if (unknown.length > 0) return [judged(name, 'inconclusive', firstFive(unknown), required, remedy)]
  const told = judged(name, 'pass', summary(fates), required, '')
  return snapshot.groups.seen && snapshot.groups.value.positions === null
    ? [told]
    : [
        told,
        comparedCheck(
          snapshot,
          of('beyond').flatMap(({ groupId, fate }) => fate.where.map((where) => `${groupId}: ${where}`)),
        ),
      ]
}

function comparedCheck(snapshot: Snapshot, beyondOnSource: readonly string[]): Check {
  const beyond = [...beyondOnSource, ...beyondOnTarget(snapshot)]
  const observed = beyond.length === 0 ? 'none beyond' : firstFive(beyond)
  const remedy = 'The audit gets there by itself when the mirror and it catch up (kbg audit). If it never does, that offset lies beyond the log: kbg groups.'
  return judged(groupsCompared, beyond.length === 0 ? 'pass' : 'inconclusive', observed, 'no committed offset beyond what the audit has compared', remedy)
}

/** A commit on the target behind all that the audit has compared there: whether the group is ahead of itself can't be told yet. */
function beyondOnTarget({ groups, target }: Snapshot): readonly string[] {
  if (!groups.seen) return []
  const { commits, compared } = groups.value
  return commits.flatMap(({ groupId, onTarget }) =>
    (onTarget.seen ? [...onTarget.value] : []).flatMap(([partition, offset]) => {
      const upTo = compared.get(partition)?.[target]
      return upTo !== undefined && offset > upTo ? [`${groupId}: ${partition}: committed ${offset} on ${target}, compared up to ${upTo}`] : []
    }),
  )
}

function unreadBecause({ colours, source, target, groups, route }: Snapshot): string {
  const readings = [route, colours[source].groups, colours[target].groups, groups]
  return firstFive(readings.flatMap((reading) => (reading.seen ? [] : [reading.why])))
}

const words: Readonly<Record<Exclude<GroupFate['kind'], 'refused' | 'unknown'>, { readonly text: string; readonly named: boolean }>> = {
  translated: { text: 'translated', named: false },
  'counted back': { text: 'to be counted back from the cut (the fleet has no audit)', named: false },
  beyond: { text: 'beyond what is compared', named: true },
  redelivered: { text: 'moved back to a proven place', named: false },
  'without offsets': { text: 'without offsets', named: true },
  stays: { text: 'stay by name', named: true },
  excluded: { text: 'left out by rule', named: true },
  'on target': { text: 'on the target already', named: false },
  absent: { text: 'not there', named: true },
}

/** How many groups have which fate; who isn't moved is named. */
function summary(fates: ReadonlyMap<string, GroupFate>): string {
  const parts = Object.entries(words).flatMap(([kind, { text, named }]) => {
    const groups = [...fates].filter(([, fate]) => fate.kind === kind)
    if (groups.length === 0) return []
    const where = groups.flatMap(([groupId, fate]) => (fate.kind === 'redelivered' ? fate.where.map((place) => `${groupId} ${place}`) : named ? [groupId] : []))
    return [`${groups.length} ${text}${where.length === 0 ? '' : ` (${firstFive(where)})`}`]
  })
  return parts.length === 0 ? 'no groups' : parts.join(', ')
}
