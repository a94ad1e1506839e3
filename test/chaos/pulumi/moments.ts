/** Moments of an update's switchover as anybody sees them who reads the store: the real provider process can't be asked to wait. Pure. */
import type { Colour } from '../../../engine/model/colour.ts'
import type { JournalEntry, StepName } from '../../../engine/model/journal.ts'
import type { RouteReading } from '../../../engine/ports/route-store.ts'

/** One cell: who is killed, and when. */
export interface UpdateCell {
  readonly step: StepName
  readonly side: 'before' | 'after'
  readonly victim: 'pulumi' | 'provider'
}

/** Every step once; sides and victims in turn, so that each victim meets both sides. */
export const updateCells: readonly UpdateCell[] = [
  { step: 'lock', side: 'after', victim: 'pulumi' },
  { step: 'gate', side: 'after', victim: 'provider' },
  { step: 'arm', side: 'before', victim: 'pulumi' },
  { step: 'hold', side: 'before', victim: 'provider' },
  { step: 'fence', side: 'before', victim: 'pulumi' },
  { step: 'drain', side: 'before', victim: 'provider' },
  { step: 'cut', side: 'after', victim: 'pulumi' },
  { step: 'release', side: 'before', victim: 'provider' },
  { step: 'reverse', side: 'before', victim: 'pulumi' },
  { step: 'groups', side: 'before', victim: 'provider' },
  { step: 'watch', side: 'after', victim: 'pulumi' },
  { step: 'finish', side: 'after', victim: 'provider' },
]

/**
 * Whether the store shows that the update has come to a step.
 *
 * A step that leaves no trace of its own is met by the nearest one: arm by its opened entry, drain by the fence's entry, the cut by the decision's, which stands right behind it.
 *
 * @param entries the journal's entries that are newer than the update
 */
export function hasCome({ step }: UpdateCell, { lock, route }: RouteReading, entries: readonly JournalEntry[], target: Colour): boolean {
  const has = (is: (entry: JournalEntry) => boolean) => entries.some(is)
  switch (step) {
    case 'lock':
      return lock !== null
    case 'gate':
      return has(({ kind }) => kind === 'opened')
    case 'arm':
      return has((entry) => entry.kind === 'mirror' && entry.what === 'created')
    case 'hold':
      return route?.state === 'held'
    case 'fence':
    case 'drain':
      return has((entry) => entry.kind === 'fence' && entry.what === 'raising')
    case 'cut':
    case 'release':
      return has((entry) => entry.kind === 'decided')
    case 'reverse':
      return route?.state === 'open' && route.live === target
    case 'groups':
      return has((entry) => entry.kind === 'mirror' && entry.what === 'running')
    case 'watch':
      return has((entry) => entry.kind === 'watch' && entry.what === 'begun')
    case 'finish':
      return has(({ kind }) => kind === 'closed')
  }
}
