import { z } from 'zod'
import { Colour } from './colour.ts'
import { firstFive } from './error.ts'
import type { JournalEntry } from './journal.ts'
import { OffsetText } from './offset-json.ts'

/**
 * A move that leaves records behind, because the operator wants it all the same. `forced`: the source lives and is fenced, but its mirror can't bring the rest; `failover`: the source is
 * gone, and nothing of it can be proven.
 */
export const LossyMove = z.enum(['forced', 'failover'])
export type LossyMove = z.infer<typeof LossyMove>

/** Records of one partition that stand on the source only: its offsets `from` up to before `to`; `to` null: where the source ends isn't known. */
export const LostRange = z.strictObject({ from: OffsetText, to: OffsetText.nullable(), records: z.int().nonnegative() })
export type LostRange = z.infer<typeof LostRange>

/** What a move has left behind on its source, as it stands in the journal. Whoever wants it later reads it there: the colour stays fenced. */
export const Loss = z.strictObject({
  how: LossyMove,
  colour: Colour,
  /** Of the cluster that the colour was then: a fresh one has diverged from nothing. */
  clusterId: z.string().min(1),
  /** The operator's attempt that has used up what was accepted: under it nothing more may be left behind. */
  attempt: z.int().nonnegative(),
  /** `at least` behind a failover, `at most` where offsets were counted instead of records; null: nothing is known. */
  records: z.int().nonnegative().nullable(),
  bound: z.enum(['exactly', 'at least', 'at most']),
  /** Only partitions in which something is known to be left. */
  ranges: z.record(z.string(), LostRange),
})
export type Loss = z.infer<typeof Loss>

/** Records that one colour holds and the other doesn't, as they were counted. */
export type Unmirrored = Pick<Loss, 'records' | 'bound' | 'ranges'> & {
  /** What the number rests on, in words. */
  readonly by: string
  /** Of a colour that is gone: up to where an audit had compared it, the offsets of all partitions together. A colour that has lived on since has come further; absent: no audit tells. */
  readonly comparedTo?: bigint
}

/** A bare number is the form of old: it held for no moment in particular, so nothing can be made of it. */
const likeWord = 'the word that preview and status show, such as 12@57.48211 or unknown@57, and no bare number'

/**
 * What the operator repeats for a failover, as preview and status show it: `12@57.48211` is 12 records, stated at the route's epoch 57, when the audit had compared the colour up to 48211; `unknown@57`: nothing is
 * known. It holds for what was seen then: a route that has moved since, or a colour that has lived on, makes it void.
 */
export const FailoverWord = z.string(likeWord).regex(/^(\d+|unknown)@[1-9]\d*(\.\d+)?$/, likeWord)
export type FailoverWord = z.infer<typeof FailoverWord>

/** A {@link FailoverWord} in its parts. */
export interface FailoverStatement {
  readonly records: number | 'unknown'
  readonly epoch: number
  /** null: no audit told. */
  readonly comparedTo: bigint | null
}

/** The word to repeat for a failover now. */
export function failoverWord({ records, comparedTo }: Unmirrored, epoch: number): FailoverWord {
  return `${records ?? 'unknown'}@${epoch}${comparedTo === undefined ? '' : `.${comparedTo}`}`
}

export function failoverStatement(word: FailoverWord): FailoverStatement {
  const [records, at = ''] = word.split('@')
  const [epoch, comparedTo] = at.split('.')
  return { records: records === 'unknown' ? records : Number(records), epoch: Number(epoch), comparedTo: comparedTo === undefined ? null : BigInt(comparedTo) }
}

/** The number in words: `at least 12 records`. */
export function recordsText({ records, bound }: Pick<Loss, 'records' | 'bound'>): string {
  if (records === null) return 'an unknown number of records'
  return bound === 'exactly' ? `${records} records` : `${bound} ${records} records`
}

/** Per partition how many, and from which offset on. */
export function rangesText(ranges: Loss['ranges']): string {
  const texts = Object.entries(ranges).map(
    ([partition, { from, to, records }]) => `${partition} ${records} (from ${from}${to === null ? '' : ` to before ${to}`})`,
  )
  return texts.length === 0 ? 'none' : firstFive(texts)
}

/** A colour that holds records which no other one has, and will never be asked for them by itself. */
export type Divergence = Loss & { readonly since: string }

/** Every colour that has diverged, by the journal; whether it still is that cluster, the caller compares (pure). */
export function divergences(journal: readonly JournalEntry[]): readonly Divergence[] {
  const losses = journal.flatMap((entry) =>
    entry.kind === 'decided' && entry.outcome === 'switch' && entry.loss !== undefined ? [{ ...entry.loss, since: entry.atWallClock }] : [],
  )
  return [...new Map(losses.map((loss) => [loss.colour, loss])).values()]
}

/** Why this cluster may not be copied to or moved to again; null: it hasn't diverged (pure). */
export function divergedBecause(journal: readonly JournalEntry[], colour: Colour, clusterId: string): string | null {
  const found = divergences(journal).find((loss) => loss.colour === colour && loss.clusterId === clusterId)
  if (found === undefined) return null
  const how = found.how === 'failover' ? 'a failover left it' : 'a forced move left it'
  return `${colour} has diverged: ${how} at ${found.since} with ${recordsText(found)} that the other colour doesn't have`
}
