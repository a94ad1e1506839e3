import { type Colour, otherColour } from '../model/colour.ts'
import type { Cut, JournalEntry } from '../model/journal.ts'
import type { LossyMove } from '../model/loss.ts'

/** What the journal says of the connector that copies source -> target. */
export interface MirrorRecord {
  readonly connector: string
  readonly source: Colour
  readonly target: Colour
  readonly what: 'created' | 'seeded' | 'running' | 'stopped' | 'deleted'
}

/** The newest connector of that direction that wasn't deleted; null: none. */
export function mirrorRecord(journal: readonly JournalEntry[], source: Colour): MirrorRecord | null {
  const entries = journal.filter((entry) => entry.kind === 'mirror' && entry.source === source)
  const newest = entries.at(-1)
  if (newest?.kind !== 'mirror' || newest.what === 'deleted') return null
  return { connector: newest.connector, source, target: otherColour(source), what: newest.what }
}

/** A switchover that was opened and not closed. */
export interface OpenSwitch {
  readonly source: Colour
  readonly target: Colour
  readonly attempt: number
  readonly openedTerm: string
  /** Why a guardian moves traffic back by itself; null: the operator wanted it. */
  readonly automatic: string | null
  /** How the source has failed its watch, where the operator leaves it for that; null: it counted as sound. */
  readonly sick: string | null
  /** Records stay behind on the source, because the operator wants it; null: none may. */
  readonly lossy: LossyMove | null
  readonly decided: { readonly outcome: 'switch' | 'abort'; readonly cut: Cut | null; readonly graceful: boolean } | null
  readonly entries: readonly JournalEntry[]
}

/** The switchover that is still open by the journal, with what was decided; null: every one is closed. */
export function openSwitch(journal: readonly JournalEntry[]): OpenSwitch | null {
  const start = journal.findLastIndex((entry) => entry.kind === 'opened')
  const opened = journal[start]
  if (opened?.kind !== 'opened') return null
  const entries = journal.slice(start)
  if (entries.some((entry) => entry.kind === 'closed')) return null
  const decision = entries.findLast((entry) => entry.kind === 'decided')
  return {
    source: opened.source,
    target: opened.target,
    attempt: opened.attempt,
    openedTerm: opened.term,
    automatic: opened.automatic ?? null,
    sick: opened.sick ?? null,
    lossy: opened.lossy ?? null,
    decided: decision?.kind === 'decided' ? { outcome: decision.outcome, cut: decision.cut, graceful: decision.graceful } : null,
    entries,
  }
}

/** Groups that the open switchover has already moved: a rerun leaves them alone. */
export function movedGroups(entries: readonly JournalEntry[]): ReadonlySet<string> {
  return new Set(entries.flatMap((entry) => (entry.kind === 'groups' ? entry.moved : [])))
}
