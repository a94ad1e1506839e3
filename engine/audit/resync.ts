import type { AuditRecord } from './record.ts'

/** The records of one side that may be looked at now. */
export interface Lookahead {
  readonly length: number
  /** Nothing stands behind the last one before the end that was asked for, or before what retention took. */
  readonly ended: boolean
  /** Ended before what retention took: the other side may well go on. */
  readonly isCutShort: boolean
  at(index: number): AuditRecord | undefined
}

/** How far to look, and what counts as going on equally. */
export interface ResyncLimits {
  /** Records of each side that are looked at. */
  readonly lookaheadRecords: number
  /** So many equal records confirm a place; whichever block of equal neighbours the last of them stands in must end on both sides alike. */
  readonly confirmRecords: number
  /** At most so many records of each side are skipped. */
  readonly skipBlue: number
  readonly skipGreen: number
}

/** Where both sides go on equally: behind `blue` and `green` skipped records. `open`: more must be read to know; `combined` is where to go on with the search. */
export type Resync =
  | { readonly kind: 'found'; readonly blue: number; readonly green: number }
  | { readonly kind: 'open'; readonly combined: number }
  | { readonly kind: 'none' }

/**
 * The smallest combined skip behind which both sides go on equally; of those with the same sum the most even one. The answer depends on the records alone, not on how many
 * happen to be there: a place is taken only when every nearer one is refuted, so while one of them could still be confirmed the answer is `open`.
 *
 * @param combined the smallest sum of skips to try: 0 where the first records may be the same, else 1
 */
export function findResync(blue: Lookahead, green: Lookahead, limits: ResyncLimits, combined: number): Resync {
  const [mostBlue, mostGreen] = [mostSkipped(blue, limits.skipBlue, limits), mostSkipped(green, limits.skipGreen, limits)]
  for (let sum = combined; sum <= mostBlue + mostGreen; sum++) {
    for (let apart = sum % 2; apart <= sum; apart += 2) {
      const [fewer, more] = [(sum - apart) / 2, (sum + apart) / 2]
      for (const [skipBlue, skipGreen] of apart === 0 ? [[fewer, more] as const] : [[fewer, more] as const, [more, fewer] as const]) {
        if (skipBlue > mostBlue || skipGreen > mostGreen) continue
        const judgement = judge(blue, green, skipBlue, skipGreen, limits)
        if (judgement === 'confirmed') return { kind: 'found', blue: skipBlue, green: skipGreen }
        if (judgement === 'open') return { kind: 'open', combined: sum }
      }
    }
  }
  return { kind: 'none' }
}

/** All of a side that has ended within the lookahead; else one record always stays to go on with. */
function mostSkipped(side: Lookahead, limit: number, { lookaheadRecords }: ResyncLimits): number {
  return Math.min(limit, side.ended && side.length < lookaheadRecords ? side.length : lookaheadRecords - 1)
}

type Judgement = 'confirmed' | 'refuted' | 'open'

function judge(blue: Lookahead, green: Lookahead, skipBlue: number, skipGreen: number, limits: ResyncLimits): Judgement {
  const room = limits.lookaheadRecords - Math.max(skipBlue, skipGreen)
  let previous: bigint | undefined
  for (let equal = 0; equal < room; equal++) {
    const [left, right] = [blue.at(skipBlue + equal), green.at(skipGreen + equal)]
    if (left === undefined || right === undefined) {
      return judgeEnd(left === undefined ? blue : null, right === undefined ? green : null, left ?? right, equal, previous, limits.confirmRecords)
    }
    if (left.digest !== right.digest) return 'refuted'
    const endsBlock = previous === undefined ? limits.confirmRecords === 1 : left.digest !== previous
    if (equal + 1 >= limits.confirmRecords && endsBlock) return 'confirmed'
    previous = left.digest
  }
  return room >= limits.confirmRecords ? 'confirmed' : 'refuted'
}

/**
 * Equal up to where one side or both have no more: both at their end confirms, a side that may go on leaves it open. Where one ends and the other goes on, that mustn't be with one
 * more of the same neighbours, unless retention cut the first one short.
 */
function judgeEnd(
  blue: Lookahead | null,
  green: Lookahead | null,
  goesOn: AuditRecord | undefined,
  equal: number,
  previous: bigint | undefined,
  confirmRecords: number,
): Judgement {
  if (blue?.ended === false || green?.ended === false) return 'open'
  // Nothing at all in common before a gap doesn't mean that what stands behind it goes together.
  if (blue?.isCutShort === true || green?.isCutShort === true) return equal > 0 ? 'confirmed' : 'refuted'
  if (blue !== null && green !== null) return 'confirmed'
  return equal >= confirmRecords && goesOn?.digest !== previous ? 'confirmed' : 'refuted'
}

/** Which sides retention took the head of, so that the other one may have a surplus there. */
export interface Headless {
  readonly blue: boolean
  readonly green: boolean
}

/**
 * The record of one side that the other one begins with, where retention took a head; skips of both sides only when there is none. A place that is confirmed on one side is
 * taken without waiting for what the other would need to be searched as far.
 */
export function findHead(blue: Lookahead, green: Lookahead, limits: ResyncLimits, headless: Headless): Resync {
  const onGreen = headless.blue ? firstPlace(mostSkipped(green, limits.skipGreen, limits), (skip) => judge(blue, green, 0, skip, limits)) : null
  const onBlue = headless.green ? firstPlace(mostSkipped(blue, limits.skipBlue, limits), (skip) => judge(blue, green, skip, 0, limits)) : null
  const [skipGreen, skipBlue] = [onGreen?.kind === 'confirmed' ? onGreen.skip : null, onBlue?.kind === 'confirmed' ? onBlue.skip : null]
  if (skipGreen !== null && (skipBlue === null || skipGreen <= skipBlue)) return { kind: 'found', blue: 0, green: skipGreen }
  if (skipBlue !== null) return { kind: 'found', blue: skipBlue, green: 0 }
  return onGreen !== null || onBlue !== null ? { kind: 'open', combined: 0 } : findResync(blue, green, limits, 0)
}

/** The first skip that isn't refuted; null when all are. */
function firstPlace(most: number, judgeSkip: (skip: number) => Judgement): { readonly kind: Judgement; readonly skip: number } | null {
  for (let skip = 0; skip <= most; skip++) {
    const kind = judgeSkip(skip)
    if (kind !== 'refuted') return { kind, skip }
  }
  return null
}

/**
 * The place behind the smallest skip where one record is equal, for compacted topics, whose holes may stand too dense for more. What remains of a compacted log is in the order of the
 * whole, so one record in common decides: all before it on either side is absent from the other. Looks as far as it must by doubling, so that a near one is cheap to find.
 *
 * A side that fills the lookahead without one, while the other holds fewer, is the less compacted one: all of that is skipped. `none` when both fill it.
 */
export function findNearestEqual(blue: Lookahead, green: Lookahead, lookaheadRecords: number): Resync {
  for (let radius = 8; ; radius *= 2) {
    const within = Math.min(radius, lookaheadRecords)
    const found = nearestWithin(blue, green, within)
    if (found !== null) return { kind: 'found', ...found }
    if (within === lookaheadRecords || (within >= blue.length && within >= green.length)) break
  }
  const [isBlueFull, isGreenFull] = [blue.length >= lookaheadRecords, green.length >= lookaheadRecords]
  if (isBlueFull && isGreenFull) return { kind: 'none' }
  if (isBlueFull) return { kind: 'found', blue: lookaheadRecords, green: 0 }
  if (isGreenFull) return { kind: 'found', blue: 0, green: lookaheadRecords }
  return blue.ended && green.ended ? { kind: 'found', blue: blue.length, green: green.length } : { kind: 'open', combined: 1 }
}

function nearestWithin(blue: Lookahead, green: Lookahead, within: number): { readonly blue: number; readonly green: number } | null {
  const firstOnGreen = new Map<bigint, number>()
  for (let index = Math.min(within, green.length) - 1; index >= 0; index--) {
    const record = green.at(index)
    if (record !== undefined) firstOnGreen.set(record.digest, index)
  }
  let best: { blue: number; green: number } | null = null
  for (let index = 0; index < Math.min(within, blue.length); index++) {
    const record = blue.at(index)
    const onGreen = record === undefined ? undefined : firstOnGreen.get(record.digest)
    if (onGreen !== undefined && (best === null || index + onGreen < best.blue + best.green)) best = { blue: index, green: onGreen }
  }
  return best
}
