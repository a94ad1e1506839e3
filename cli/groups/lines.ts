import type { GroupFate } from '../../engine/gate/group-fates.ts'
import { firstFive } from '../../engine/model/error.ts'
import { offsetsToJson } from '../../engine/model/offset-json.ts'
import type { Alternative } from '../../engine/run/alternative-positions.ts'
import type { GroupSide, GroupsLook, LookedGroup } from '../../engine/run/look-at-groups.ts'
import type { GroupReset } from '../../engine/run/reset-group.ts'

const shownAtOnce = 5
const titles = { movable: 'MOVABLE', refused: 'REFUSED', 'not shown': 'NOT SHOWN' } as const

/** The answer for people: the outcome, a table with the troubled groups first, and of each what is wrong and what the alternatives would have done. */
export function groupsLines(look: GroupsLook, all: boolean): readonly string[] {
  const troubled = look.groups.filter(isTroubled)
  const leftOut = look.groups.filter(({ fate }) => fate.kind === 'excluded')
  const others = [...look.groups.filter((group) => !isTroubled(group) && !leftOut.includes(group)), ...leftOut]
  const shown = [...first(troubled, all), ...first(others, all)]
  const hidden = look.groups.length - shown.length
  return [
    headline(look, troubled.length, leftOut.length),
    ...look.notes.map((note) => `  not seen: ${note}`),
    ...table(shown),
    ...(hidden === 0 ? [] : [`and ${hidden} more (--all)`]),
    ...shown.flatMap((group) => detailLines(group, all)),
  ]
}

function headline({ outcome, groups }: GroupsLook, troubled: number, leftOut: number): string {
  const parts = [`${groups.length - leftOut} groups`]
  if (troubled > 0) parts.push(`${troubled} of them not movable now`)
  if (leftOut > 0) parts.push(`${leftOut} left out by rule`)
  return `${titles[outcome]}  ${parts.join(', ')}`
}

/** The answer for tools. */
export function groupsJson(look: GroupsLook): string {
  return JSON.stringify(look, null, 2)
}

/** What a reset has deleted. */
export function resetLine(groupId: string, { colour, offsets }: GroupReset, json: boolean): string {
  if (json) return JSON.stringify({ groupId, colour, offsets: offsetsToJson(offsets) })
  const deleted = firstFive([...offsets].map(([partition, offset]) => `${partition} at ${offset}`))
  return `${groupId} has no offsets on ${colour} any more; deleted were ${offsets.size}${deleted === '' ? '' : `: ${deleted}`}.`
}

function isTroubled({ fate, poison, alsoWrites, inWave }: LookedGroup): boolean {
  return poison.length > 0 || (alsoWrites !== null && inWave) || ['refused', 'unknown', 'beyond'].includes(fate.kind)
}

function first<T>(items: readonly T[], all: boolean): readonly T[] {
  return all ? items : items.slice(0, shownAtOnce)
}

function table(groups: readonly LookedGroup[]): readonly string[] {
  if (groups.length === 0) return []
  const rows = [
    ['GROUP', 'READS ON', 'BLUE', 'GREEN', 'A MOVE'],
    ...groups.map((group) => [
      group.groupId,
      group.held ? `${group.colour} (held)` : group.colour,
      sideText(group.blue),
      sideText(group.green),
      fateText(group),
    ]),
  ]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
}

function sideText({ state, members, partitions, lagRecords }: GroupSide): string {
  if (state === 'absent') return '-'
  const parts = [members > 0 ? `${state}, ${members} members` : state]
  if (partitions !== null && partitions > 0) parts.push(`${lagRecords === null ? 'in' : `${lagRecords} behind in`} ${partitions} partitions`)
  return parts.join(', ')
}

const fateTexts: Readonly<Record<GroupFate['kind'], string>> = {
  translated: 'exact',
  redelivered: 'to a proven place before (named)',
  'counted back': 'counted back at the cut (no audit)',
  'without offsets': 'nothing to move',
  stays: 'stays (named)',
  excluded: 'left out by rule',
  'on target': 'nothing to move',
  absent: 'not there',
  beyond: 'not yet compared',
  refused: 'REFUSED',
  unknown: 'not known',
}

function fateText({ fate, poison }: LookedGroup): string {
  return poison.length === 0 ? fateTexts[fate.kind] : `${fateTexts[fate.kind]}, POISONED`
}

function detailLines({ groupId, fate, poison, alsoWrites, inWave, alternatives }: LookedGroup, all: boolean): readonly string[] {
  const reasons = reasonsOf(fate)
  const more = reasons.length - first(reasons, all).length
  const told = [
    ...first(reasons, all).map((reason) => `    ${reason}`),
    ...(more > 0 ? [`    and ${more} more`] : []),
    ...first(poison, all).map((what) => `    poison: ${what}`),
    ...(poison.length > first(poison, all).length ? [`    and ${poison.length - shownAtOnce} more`] : []),
    ...(alsoWrites === null ? [] : [`    also writes (${alsoWrites}): ${inWave ? 'it must be in no wave' : 'it moves with the producers'}`]),
    ...alternatives.map(alternativeLine),
  ]
  return told.length === 0 ? [] : [`  ${groupId}`, ...told]
}

function reasonsOf(fate: GroupFate): readonly string[] {
  switch (fate.kind) {
    case 'refused':
      return fate.reasons
    case 'beyond':
    case 'redelivered':
      return fate.where
    case 'unknown':
      return [fate.why]
    default:
      return []
  }
}

function alternativeLine({ method, worth, note }: Alternative): string {
  const name = `    by ${methodNames[method]}: `
  if (worth === null) return `${name}${note}`
  return `${name}${worth.redelivered} records read again, ${worth.skipped} skipped${note === '' ? '' : ` (${note})`}`
}

const methodNames: Readonly<Record<Alternative['method'], string>> = {
  timestamp: 'timestamp',
  checkpoint: 'MirrorMaker checkpoint',
  snapshot: 'the last cut noted',
  'count-back': 'counting back',
}
