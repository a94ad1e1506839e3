import type { AuditRecord } from './record.ts'

/**
 * What becomes of the next record of one side or of both: `pair` both and equal; `changed`, `swapped` both and not equal; `blue`, `green` only that side's.
 */
export type Fate = 'pair' | 'changed' | 'swapped' | 'blue' | 'green'

/** A stretch larger than this (records of one side times records of the other) is not searched for equal records inside. */
const mostCells = 1_000_000

/** One stretch between two places where both sides go on equally. */
interface Stretch {
  readonly blue: readonly AuditRecord[]
  readonly green: readonly AuditRecord[]
}

/**
 * Fates of the records of a stretch that differs, in order: the longest common subsequence is paired, and between its records the same ones in another order are swapped, as many on
 * both sides changed, what is left over one side's own.
 *
 * @param isCopy whether both sides hold a record of this digest near: a surplus is looked for among copies first
 */
export function fatesOf(blue: readonly AuditRecord[], green: readonly AuditRecord[], isCopy: (digest: bigint) => boolean): readonly Fate[] {
  const whole = { blue, green }
  if (isPermuted(whole)) return permuted(whole)
  if (blue.length * green.length > mostCells) return gap(whole, isCopy)
  const fates: Fate[] = []
  let [fromBlue, fromGreen] = [0, 0]
  for (const [atBlue, atGreen] of [...commonRecords(blue, green), [blue.length, green.length] as const]) {
    fates.push(...gap({ blue: blue.slice(fromBlue, atBlue), green: green.slice(fromGreen, atGreen) }, isCopy))
    if (atBlue < blue.length) fates.push('pair')
    fromBlue = atBlue + 1
    fromGreen = atGreen + 1
  }
  return fates
}

/** Indices of a longest common subsequence. */
function commonRecords(blue: readonly AuditRecord[], green: readonly AuditRecord[]): readonly (readonly [number, number])[] {
  const width = green.length + 1
  const lengths = new Uint32Array((blue.length + 1) * width)
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0
  for (let i = blue.length - 1; i >= 0; i--) {
    for (let j = green.length - 1; j >= 0; j--) {
      lengths[i * width + j] = blue[i]?.digest === green[j]?.digest ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const common: (readonly [number, number])[] = []
  for (let i = 0, j = 0; i < blue.length && j < green.length; ) {
    if (blue[i]?.digest === green[j]?.digest) common.push([i++, j++])
    else if (at(i + 1, j) >= at(i, j + 1)) i++
    else j++
  }
  return common
}

/** A stretch without a record in common at the same place. */
function gap(stretch: Stretch, isCopy: (digest: bigint) => boolean): readonly Fate[] {
  if (isPermuted(stretch)) return permuted(stretch)
  const { blue, green } = stretch
  const surplus = blue.length > green.length ? 'blue' : 'green'
  const longer = surplus === 'blue' ? blue : green
  let surplusRecords = Math.abs(blue.length - green.length)
  const fates: Fate[] = []
  let [pairs, at] = [Math.min(blue.length, green.length), 0]
  while (at < longer.length) {
    const record = longer[at++]
    const isSurplus = surplusRecords > 0 && (pairs === 0 || (record !== undefined && isCopy(record.digest)))
    fates.push(isSurplus ? surplus : 'changed')
    if (isSurplus) surplusRecords--
    else pairs--
  }
  return fates
}

function isPermuted({ blue, green }: Stretch): boolean {
  if (blue.length !== green.length) return false
  const counts = new Map<bigint, number>()
  for (const { digest } of blue) counts.set(digest, (counts.get(digest) ?? 0) + 1)
  return green.every(({ digest }) => {
    const left = counts.get(digest) ?? 0
    counts.set(digest, left - 1)
    return left > 0
  })
}

function permuted({ blue, green }: Stretch): readonly Fate[] {
  return blue.map((record, index) => (record.digest === green[index]?.digest ? 'pair' : 'swapped'))
}
