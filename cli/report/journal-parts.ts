import type { Colour } from '../../engine/model/colour.ts'
import type { Cut, JournalEntry } from '../../engine/model/journal.ts'
import type { OffsetsJson } from '../../engine/model/offset-json.ts'
import { parseTopicPartition } from '../../engine/model/partition.ts'
import type { CutSummary, JournaledSwitchover } from './journaled.ts'
import { positionsOfBatch } from './moved-positions.ts'

type Entry<K extends JournalEntry['kind']> = Extract<JournalEntry, { kind: K }>

/** Why a switchover was taken back, or how far an unfinished one has come; empty when it switched (pure). */
export function reasonOf(target: Colour, entries: readonly JournalEntry[], closed: Entry<'closed'> | null): string {
  const decided = entries.findLast((entry) => entry.kind === 'decided')
  if (closed?.outcome === 'switched') return ''
  // The run that finished an abort only knows that it was left; the one that decided it knows why.
  if (closed !== null) return [...new Set([...(decided === undefined ? [] : [decided.reason]), closed.reason])].join('; ')
  const released = entries.some((entry) => entry.kind === 'step' && entry.step === 'release')
  const held = entries.some((entry) => entry.kind === 'step' && entry.step === 'hold')
  if (decided?.outcome === 'abort') return `it was decided to take it back (${decided.reason}), which isn't finished`
  if (decided?.outcome === 'switch') return released ? `${target} is published; what follows isn't finished` : `decided, but ${target} isn't published yet`
  return held ? 'clients were held, and nothing was decided yet' : 'nothing was held yet'
}

/**
 * What became of the groups, over all batches: a group's newest batch counts, because a rerun tries again those that stayed (pure).
 *
 * @param wave whose groups; absent: those that moved with the producers
 */
export function groupOutcome(entries: readonly JournalEntry[], wave?: string): Pick<JournaledSwitchover, 'groups' | 'batches' | 'moved' | 'stayed'> {
  const batches = entries.filter((entry): entry is Entry<'groups'> => entry.kind === 'groups' && entry.wave === wave)
  const found = new Map<string, JournaledSwitchover['groups']>()
  const stayed = new Map<string, string>()
  for (const batch of batches) {
    const positions = Map.groupBy(positionsOfBatch(entries, batch), ({ group }) => group)
    for (const [group, own] of positions) found.set(group, own)
    for (const group of batch.moved) stayed.delete(group)
    for (const line of batch.stayed) {
      const { group, reason } = stayedGroup(line, [...positions.keys()])
      stayed.set(group, reason)
    }
  }
  return {
    groups: [...found.values()].flat(),
    batches: batches.length,
    moved: [...new Set(batches.flatMap((batch) => batch.moved))],
    stayed: [...stayed].map(([group, reason]) => ({ group, reason })),
  }
}

/** `<group>: <reason>`, or the group alone. A group's name may hold a colon, so one that is known is looked for first. */
function stayedGroup(line: string, known: readonly string[]): { readonly group: string; readonly reason: string } {
  const named = known.filter((group) => line === group || line.startsWith(`${group}: `)).toSorted((a, b) => b.length - a.length)[0]
  const [group = line] = named === undefined ? line.split(': ') : [named]
  return { group, reason: line.slice(group.length + 2) }
}

/** A cut, topic by topic in the order of their names (pure). */
export function cutSummary(cut: Cut | null): CutSummary | null {
  if (cut === null) return null
  const names = new Set([...Object.keys(cut.sourceEnds), ...Object.keys(cut.targetEnds)])
  const topics = Map.groupBy(names, (name) => parseTopicPartition(name).topic)
  return [...topics]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([topic, own]) => ({
      topic,
      partitions: own.length,
      sourceEnds: rangeOf(own, cut.sourceEnds),
      targetEnds: rangeOf(own, cut.targetEnds),
      equalEnds: own.filter((name) => cut.sourceEnds[name] !== undefined && cut.sourceEnds[name] === cut.targetEnds[name]).length,
    }))
}

function rangeOf(names: readonly string[], ends: OffsetsJson): CutSummary[number]['sourceEnds'] {
  const sorted = names
    .flatMap((name) => ends[name] ?? [])
    .map(BigInt)
    .toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const [lowest, highest] = [sorted[0], sorted.at(-1)]
  return lowest === undefined || highest === undefined ? null : { lowest: lowest.toString(), highest: highest.toString() }
}
