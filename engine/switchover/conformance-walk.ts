/** One switchover's entries against the protocol (pure): which may stand where, and under which term. */
import type { JournalEntry } from '../model/journal.ts'

type Opened = Extract<JournalEntry, { kind: 'opened' }>
type Decided = Extract<JournalEntry, { kind: 'decided' }>

/** How far a switchover has come, by what was written down. */
type Phase = 'opened' | 'held' | 'switching' | 'published' | 'aborting' | 'restored' | 'closed'

interface Walk {
  readonly opened: Opened
  phase: Phase
  /** Under which term it was held. */
  heldTerm: string
  /** Under which term the source's fence was raised while it was held; null: it wasn't. */
  fencedTerm: string | null
  isForwardStopped: boolean
  isReverseSeeded: boolean
  isReverseRunning: boolean
  readonly found: string[]
}

/** Departures of one switchover: its entries behind `opened`, up to `closed` if it is closed. */
export function walkSwitchover(opened: Opened, entries: readonly JournalEntry[]): readonly string[] {
  const walk: Walk = {
    ...{ opened, phase: 'opened', heldTerm: '', fencedTerm: null },
    ...{ isForwardStopped: false, isReverseSeeded: false, isReverseRunning: false, found: [] },
  }
  for (const entry of entries) step(walk, entry)
  return walk.found
}

function depart(walk: Walk, entry: JournalEntry, text: string): void {
  walk.found.push(`entry ${entry.number} (${entry.kind}): ${text}`)
}

/** The phases in which an entry may stand. */
function expectPhase(walk: Walk, entry: JournalEntry, what: string, ...phases: readonly Phase[]): void {
  if (!phases.includes(walk.phase)) depart(walk, entry, `${what} while it is ${walk.phase}`)
}

function step(walk: Walk, entry: JournalEntry): void {
  switch (entry.kind) {
    case 'mirror':
      mirror(walk, entry)
      return
    case 'fence':
      fence(walk, entry)
      return
    case 'decided':
      decided(walk, entry)
      return
    case 'step':
      stepped(walk, entry)
      return
    case 'groups':
    case 'positions':
      expectPhase(walk, entry, 'groups move', 'published')
      // Off a colour that failed its watch groups don't wait for a mirror that it may not take.
      if (!walk.isReverseRunning && isMirrored(walk) && !isOffSick(walk)) depart(walk, entry, 'groups move before the reverse mirror runs')
      return
    case 'watch':
      watched(walk, entry)
      return
    case 'late':
      expectPhase(walk, entry, `late records are ${entry.what}`, 'published')
      if (walk.isReverseRunning) depart(walk, entry, `late records are ${entry.what} behind the reverse mirror's first copies`)
      return
    case 'closed':
      closed(walk, entry)
      return
    case 'notice': // what hooks didn't take changes nothing
      return
    case 'created':
    case 'opened':
    case 'wave':
    case 'group-reset':
    case 'drill':
      depart(walk, entry, 'it has no place in a switchover')
  }
}

function stepped(walk: Walk, entry: Extract<JournalEntry, { kind: 'step' }>): void {
  switch (`${entry.step} ${entry.what}`) {
    case 'hold begin':
      expectPhase(walk, entry, 'clients are held', 'opened')
      if (walk.opened.lossy === 'failover') depart(walk, entry, 'clients are held for a source that is gone')
      walk.phase = 'held'
      walk.heldTerm = entry.term
      return
    case 'release done':
      expectPhase(walk, entry, 'the target is published', 'switching')
      walk.phase = 'published'
      return
    case 'release skipped':
      expectPhase(walk, entry, 'the source is published', 'aborting')
      walk.phase = 'restored'
      return
    case 'reverse begin':
      expectPhase(walk, entry, 'the source is swept for late records', 'published')
      if (walk.isReverseRunning) depart(walk, entry, "the source is swept behind the reverse mirror's first copies")
      return
    default:
      if (entry.step === 'groups' || entry.step === 'watch') expectPhase(walk, entry, `${entry.step} ${entry.what}`, 'published')
      else depart(walk, entry, `${entry.step} ${entry.what} is nothing that a switchover says`)
  }
}

/** The baseline is of before the hold; the watch begins behind the release. That it halted may be said at any time. */
function watched(walk: Walk, entry: Extract<JournalEntry, { kind: 'watch' }>): void {
  if (entry.what === 'halted') return
  expectPhase(walk, entry, `a watch's ${entry.what}`, entry.what === 'baseline' ? 'opened' : 'published')
}

/** Records stay behind: then there is no mirror any more, in either direction. */
function isMirrored({ opened }: Walk): boolean {
  return opened.lossy === undefined
}

/** The source has failed its watch: a guardian goes back by itself, or the operator does. */
function isOffSick({ opened }: Walk): boolean {
  return opened.automatic !== undefined || opened.sick !== undefined
}

/** The one that leaves `held`, or a failover's that leaves nobody held: a switch by whoever has held and fenced, on a cut of these colours. */
function decided(walk: Walk, entry: Decided): void {
  const isFailover = walk.opened.lossy === 'failover'
  expectPhase(walk, entry, `it is decided to ${entry.outcome}`, isFailover ? 'opened' : 'held')
  const { source, target } = walk.opened
  walk.phase = entry.outcome === 'switch' ? 'switching' : 'aborting'
  if (entry.outcome === 'abort') return
  if (entry.loss?.how !== walk.opened.lossy)
    depart(walk, entry, `decided with a loss of a ${entry.loss?.how ?? 'lossless'} move, opened as ${walk.opened.lossy ?? 'lossless'}`)
  if (entry.loss !== undefined && entry.loss.colour !== source) depart(walk, entry, `what stays behind is of ${entry.loss.colour}`)
  if (!isFailover && entry.term !== walk.heldTerm) depart(walk, entry, `decided under term ${entry.term}, held under ${walk.heldTerm}`)
  if (!isFailover && entry.term !== walk.fencedTerm) depart(walk, entry, `decided under term ${entry.term}, fenced under ${walk.fencedTerm ?? 'none'}`)
  if (entry.cut === null) depart(walk, entry, 'decided without a cut')
  else if (entry.cut.source !== source || entry.cut.target !== target) depart(walk, entry, `the cut is of ${entry.cut.source} -> ${entry.cut.target}`)
}

/** Between the hold and the publication only the source's fence is raised; nobody lifts one then. */
function fence(walk: Walk, entry: Extract<JournalEntry, { kind: 'fence' }>): void {
  if (entry.what === 'lifting') {
    expectPhase(walk, entry, `the fence of ${entry.colour} is lifted`, 'opened', 'published', 'restored')
    return
  }
  expectPhase(walk, entry, `the fence of ${entry.colour} is raised`, 'opened', 'held', 'switching', 'published', 'restored')
  const isSources = entry.colour === walk.opened.source
  if ((walk.phase === 'held' || walk.phase === 'switching') && !isSources)
    depart(walk, entry, `the fence of ${entry.colour} is raised between hold and release`)
  if (walk.phase !== 'held') return
  if (entry.term !== walk.heldTerm) depart(walk, entry, `fenced under term ${entry.term}, held under ${walk.heldTerm}`)
  walk.fencedTerm = entry.term
}

/** The forward mirror runs until the release; the reverse one begins behind the cut, and never beside it. */
function mirror(walk: Walk, entry: Extract<JournalEntry, { kind: 'mirror' }>): void {
  const isForward = entry.source === walk.opened.source
  if (!isMirrored(walk) && !isForward) depart(walk, entry, 'a move that leaves records behind has a reverse mirror')
  switch (entry.what) {
    case 'created':
      // A way back off a colour that failed its watch asks nothing of it before the release.
      expectPhase(walk, entry, 'a connector is made', isOffSick(walk) ? 'published' : 'opened')
      if (isForward) depart(walk, entry, 'the connector that is made copies forward')
      return
    case 'stopped':
      expectPhase(walk, entry, 'a mirror is stopped', 'published')
      if (!isForward) depart(walk, entry, 'the mirror that is stopped is the reverse one')
      walk.isForwardStopped = true
      return
    case 'seeded':
    case 'running':
      expectPhase(walk, entry, `a mirror is ${entry.what}`, 'published')
      if (isForward) depart(walk, entry, `the mirror that is ${entry.what} is the forward one`)
      if (!walk.isForwardStopped) depart(walk, entry, `the reverse mirror is ${entry.what} before the forward one is stopped`)
      if (entry.what === 'running' && !walk.isReverseSeeded) depart(walk, entry, 'the reverse mirror runs unseeded')
      walk.isReverseSeeded = true
      walk.isReverseRunning ||= entry.what === 'running'
      return
    case 'deleted':
      if (isForward) expectPhase(walk, entry, 'the forward mirror is deleted', 'published')
      else expectPhase(walk, entry, 'the reverse mirror is deleted', 'opened', 'restored')
      if (isForward && isMirrored(walk) && !walk.isReverseRunning) depart(walk, entry, 'the forward mirror is deleted before the reverse one runs')
  }
}

function closed(walk: Walk, entry: Extract<JournalEntry, { kind: 'closed' }>): void {
  const { source, target } = walk.opened
  if (entry.outcome === 'switched') expectPhase(walk, entry, 'it is closed as switched', 'published')
  else expectPhase(walk, entry, 'it is closed as aborted', 'opened', 'restored')
  const live = entry.outcome === 'switched' ? target : source
  if (entry.live !== live) depart(walk, entry, `closed as ${entry.outcome} with ${entry.live} live`)
  if (entry.outcome === 'switched' && isMirrored(walk) && !walk.isReverseRunning) depart(walk, entry, 'closed before the reverse mirror runs')
  walk.phase = 'closed'
}
