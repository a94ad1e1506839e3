import type { AlignedRun, Difference } from '../../../engine/audit/record.ts'
import { type Colour, otherColour } from '../../../engine/model/colour.ts'
import { pairsOf } from './drive.ts'
import { type History, type Log, type Logs, layOut } from './logs.ts'

/** A side's records after damage, as contents; where they lie is up to the log. */
export type Damage = (digests: readonly bigint[]) => readonly bigint[]

/** A content that no history has. */
export const alien = (nth: number): bigint => 2n ** 63n + BigInt(nth + 1) * 0x1e3779b97f4a7c15n

/** The history with one side's contents damaged; the whole side is written anew, so offsets behind the damage move. */
export function damaged(history: History, colour: Colour, gaps: readonly number[], damage: Damage): Logs {
  const digests = history[colour].records.map((record) => record.digest)
  const log = layOut(damage(digests), gaps)
  return colour === 'blue' ? { blue: log, green: history.green } : { blue: history.blue, green: log }
}

/** A finding by the places of the records instead of their offsets; -1: at the end. */
export interface Placed {
  readonly kind: string
  readonly on: Colour | null
  readonly damaged: number
  readonly whole: number
}

/** Findings by place, on the damaged side and on the whole one. */
export function placed(differences: readonly Difference[], logs: Logs, colour: Colour): readonly Placed[] {
  const placeOf = (log: Log, offset: bigint | null) => (offset === null ? -1 : log.records.findIndex((record) => record.offset === offset))
  const other = otherColour(colour)
  return differences.map((each) => ({ kind: each.kind, on: each.on, damaged: placeOf(logs[colour], each[colour]), whole: placeOf(logs[other], each[other]) }))
}

/** What every comparison must satisfy, whatever the damage: each record of either side is in one pair or one finding, pairs are equal and ascend. */
export function accountFor(logs: Logs, runs: readonly AlignedRun[], differences: readonly Difference[]): readonly string[] {
  const pairs = pairsOf(runs)
  const complaints: string[] = []
  const digests = {
    blue: new Map(logs.blue.records.map((record) => [record.offset, record.digest])),
    green: new Map(logs.green.records.map((record) => [record.offset, record.digest])),
  }
  for (const [index, pair] of pairs.entries()) {
    const before = pairs[index - 1]
    if (digests.blue.get(pair.blue) === undefined || digests.blue.get(pair.blue) !== digests.green.get(pair.green))
      complaints.push(`unequal pair ${pair.blue} ${pair.green}`)
    if (before !== undefined && (before.blue >= pair.blue || before.green >= pair.green)) complaints.push(`pair ${pair.blue} ${pair.green} goes back`)
  }
  for (const colour of ['blue', 'green'] as const) {
    // A finding on one side also has the other side's offset, of the record before which it should stand.
    const own = differences.filter(({ kind, on }) => (kind === 'missing' ? on !== colour : on === null || on === colour)).flatMap((each) => each[colour] ?? [])
    const told = [...pairs.map((pair) => pair[colour]), ...own].sort((a, b) => (a < b ? -1 : 1))
    const all = logs[colour].records.map((record) => record.offset)
    if (told.join() !== all.join()) complaints.push(`${colour} has ${all.join()}, told are ${told.join()}`)
  }
  return complaints
}

/** The fewest insertions, deletions and changes that make one sequence of the other (Levenshtein), over full arrays. */
export function editDistance(a: readonly bigint[], b: readonly bigint[]): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [index, left] of a.entries()) {
    const next = [index + 1]
    for (const [at, right] of b.entries()) next.push(Math.min((row[at] ?? 0) + (left === right ? 0 : 1), (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1))
    row = next
  }
  return row[b.length] ?? 0
}
