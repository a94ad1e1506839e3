import { KbgError } from '../../engine/model/error.ts'
import type { JournalEntry } from '../../engine/model/journal.ts'
import type { GateReport } from './evidence.ts'
import { cutSummary, groupOutcome, reasonOf } from './journal-parts.ts'
import type { JournaledSwitchover } from './journaled.ts'
import { orchestratorWindow, relativeMarks } from './orchestrator-window.ts'
import { watched } from './watched.ts'

type Entry<K extends JournalEntry['kind']> = Extract<JournalEntry, { kind: K }>

/** One switchover's part of a journal: from its `opened` entry to its `closed` one, or as far as it goes. */
interface Chapter {
  readonly opened: Entry<'opened'>
  readonly entries: readonly JournalEntry[]
  /** The same, and what was said behind its end, up to the next one. */
  readonly withWatch: readonly JournalEntry[]
}

/** What a report needs besides the journal. */
export interface Beside {
  readonly fleet: string
  /** Which one: 1 is the newest switchover, 2 the one before it. */
  readonly newest: number
  readonly readAt: Date
  /** The gate in Pulumi's state with its limits; it counts only for the switchover that it let begin. */
  readonly evidence: { readonly gate: GateReport; readonly limits: Readonly<Record<string, number | string>> } | null
}

/**
 * The report of one switchover, from the fleet's journal (pure).
 *
 * @param journal every kept entry, as `RouteStore.history` tells them
 * @throws KbgError `no-switchover` when there is none of that number; names those that there are. `journal-mismatch` when positions are missing
 */
export function switchoverFromJournal(journal: readonly JournalEntry[], beside: Beside): JournaledSwitchover {
  const chapters = chaptersOf(journal)
  const chapter = chapters.at(-beside.newest)
  if (chapter === undefined || beside.newest < 1) throw noSuch(chapters, beside)
  const { opened, entries, withWatch } = chapter
  const closed = entries.find((entry) => entry.kind === 'closed') ?? null
  const evidence = judgedThis(chapter, chapters) && beside.evidence?.gate.epoch === opened.epoch ? beside.evidence : null
  const report: Omit<JournaledSwitchover, 'notObserved'> = {
    version: 1,
    kind: 'switchover',
    fleet: beside.fleet,
    ...{ source: opened.source, target: opened.target, attempt: opened.attempt },
    outcome: closed?.outcome ?? 'unfinished',
    reason: reasonOf(opened.target, entries, closed),
    ...{ openedEpoch: opened.epoch, closedEpoch: closed?.epoch ?? null },
    ...{ openedAt: opened.atWallClock, closedAt: closed?.atWallClock ?? null, readAt: beside.readAt.toISOString() },
    runs: new Set(entries.map((entry) => entry.term)).size,
    ...orchestratorWindow(entries, closed),
    marks: [...relativeMarks(closed?.timeline ?? [])],
    ...groupOutcome(entries),
    ...decision(entries),
    ...connectorsAndFences(entries),
    ...watched(withWatch),
    ...{ gate: evidence?.gate ?? null, limits: { ...evidence?.limits } },
  }
  return { ...report, notObserved: [...notObserved(report)] }
}

function chaptersOf(journal: readonly JournalEntry[]): readonly Chapter[] {
  return journal.flatMap((opened, index) => {
    if (opened.kind !== 'opened') return []
    const rest = journal.slice(index)
    const end = rest.findIndex((entry) => entry.kind === 'closed')
    const next = rest.findIndex((entry, at) => at > 0 && entry.kind === 'opened')
    const until = end < 0 || (next >= 0 && next < end) ? next : end + 1
    return [{ opened, entries: until < 0 ? rest : rest.slice(0, until), withWatch: next < 0 ? rest : rest.slice(0, next) }]
  })
}

/** Pulumi's state keeps the newest gate: when a later switchover was opened at the same epoch (this one touched nothing), it is that one's. */
function judgedThis({ opened }: Chapter, chapters: readonly Chapter[]): boolean {
  return chapters.every((other) => other.opened.number <= opened.number || other.opened.epoch !== opened.epoch)
}

function noSuch(chapters: readonly Chapter[], { fleet, newest }: Beside): KbgError {
  if (chapters.length === 0) {
    return new KbgError('no-switchover', `The journal of ${fleet} holds no switchover yet.`, { remedy: 'kbg status says what the fleet does now.' })
  }
  const known = chapters.toReversed().map(({ opened, entries }, index) => {
    const outcome = entries.find((entry) => entry.kind === 'closed')?.outcome ?? 'unfinished'
    return `\n  ${index + 1}: ${opened.source} -> ${opened.target}, ${outcome}, opened ${opened.atWallClock} at epoch ${opened.epoch}`
  })
  return new KbgError('no-switchover', `The journal of ${fleet} holds no switchover ${newest}, counted from the newest. There are:${known.join('')}`)
}

function decision(entries: readonly JournalEntry[]): Pick<JournaledSwitchover, 'graceful' | 'cut' | 'auditedRecords' | 'emptiedPartitions'> {
  const decided = entries.find((entry) => entry.kind === 'decided' && entry.outcome === 'switch')
  // Not the closing entry's word: a run that only finishes a switchover says there that it isn't known.
  if (decided?.kind !== 'decided') return { graceful: null, cut: null, auditedRecords: null, emptiedPartitions: [] }
  const { graceful, cut } = decided
  return { graceful, cut: cutSummary(cut), auditedRecords: cut?.audit?.alignedRecords ?? null, emptiedPartitions: cut?.audit?.emptied ?? [] }
}

function connectorsAndFences(entries: readonly JournalEntry[]): Pick<JournaledSwitchover, 'mirror' | 'fences'> {
  return {
    mirror: entries.flatMap((entry) => {
      if (entry.kind !== 'mirror') return []
      const { atWallClock, connector, source, target, what } = entry
      return [{ at: atWallClock, connector, source, target, what }]
    }),
    fences: entries.flatMap((entry) => {
      if (entry.kind !== 'fence') return []
      return [{ at: entry.atWallClock, colour: entry.colour, what: entry.what, bindings: entry.bindings.length }]
    }),
  }
}

/** What the journal of a switchover doesn't tell, whatever happened in it; then what this one's doesn't. */
function notObserved(report: Omit<JournaledSwitchover, 'notObserved'>): readonly string[] {
  const { runs, window, gate, batches } = report
  return [
    'What the clients saw: lost, duplicated, redelivered and reordered records, errors, and how long each producer waited. The journal holds nothing of it.',
    'The write window at the clients. The window on this page is the orchestrator’s: it doesn’t contain a producer’s way into the hold and out of it.',
    'Load, throughput and latency, and the versions of the brokers.',
    ...(report.auditedRecords === null
      ? ['A record-by-record comparison of both colours: the ends of both sides and their last visible records were compared.']
      : []),
    ...(gate === null ? ["The gate's evidence: Pulumi's state keeps the newest gate that passed, and that isn't this switchover's."] : []),
    "The second look at both colours right before the hold: a refusal would have ended the update, but its evidence isn't kept.",
    ...(runs > 1 ? [`Moments of all ${runs} runs: only the run that closes a switchover leaves its marks.`] : []),
    ...(window === null || window.runs === 'one' ? [] : ['How far the clocks of two runs differ: the window was taken from both.']),
    ...(batches === 0 ? [] : ['Groups that came up on the source while groups moved: they stay there, and the route names them, not the journal.']),
  ]
}
