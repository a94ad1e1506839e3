import { failoverText } from '../gate/unmirrored.ts'
import { type Colour, colours } from '../model/colour.ts'
import { firstFive } from '../model/error.ts'
import type { JournalEntry } from '../model/journal.ts'
import { divergedBecause, divergences, failoverWord, rangesText, type Unmirrored } from '../model/loss.ts'
import type { RouteDocument } from '../model/route.ts'
import type { Reading } from '../model/snapshot.ts'

/** What the status says of records that stand on one colour only (pure). */
export interface LossFacts {
  readonly journal: readonly JournalEntry[]
  /** The clusters that the colours are now; absent: not told. */
  readonly clusterIds?: Readonly<Record<Colour, string>>
  /** What a failover would lose, while the live colour doesn't answer; absent: it answers. */
  readonly without?: Unmirrored
  /** Which guardians reach it all the same, in words. */
  readonly reaching?: Reading<readonly string[]>
}

/** Colours that have diverged, and what a failover would lose while the live one is gone (pure). */
export function lossLines({ journal, clusterIds, without, reaching }: LossFacts, { live, epoch }: Pick<RouteDocument, 'live' | 'epoch'>): readonly string[] {
  const diverged = colours.flatMap((colour) => {
    const why = clusterIds === undefined ? null : divergedBecause(journal, colour, clusterIds[colour])
    const loss = divergences(journal).find((one) => one.colour === colour)
    if (why === null || loss === undefined) return []
    return [
      `diverged  ${why}: ${rangesText(loss.ranges)}`,
      `          ${colour} needs a fresh cluster before traffic can move there; see "A colour has diverged" in the runbook`,
    ]
  })
  if (without === undefined) return diverged
  return [
    ...diverged,
    `gone      no broker of ${live} can be asked from here; ${failoverText(without, live)}`,
    ...reachingLines(reaching),
    `          nothing moves by itself; when it can not come back, see "The live colour is gone" in the runbook; the word for it is ${failoverWord(without, epoch)}`,
  ]
}

/** A guardian that can't be heard may reach it: that is told as unknown, and a failover refuses by it. */
function reachingLines(reaching: LossFacts['reaching']): readonly string[] {
  if (reaching === undefined) return []
  if (!reaching.seen) return [`          whether a guardian reaches it can't be read: ${reaching.why}`]
  return reaching.value.length === 0 ? [] : [`          but it lives: ${firstFive(reaching.value)}`]
}
