const sixtyFour = new BigUint64Array(1)
const halves = new Uint32Array(sixtyFour.buffer)

/** Digits of the hexadecimal form of 32 bits. */
const hexDigits = 8

/**
 * An order-sensitive digest over a sequence of record digests: `next = mix(previous, record)`, 64 bits in two 32-bit halves `h1`, `h2`, so that nothing is allocated per record:
 *
 * `h1' = (rotl(h1, 13) ^ low) * 0x9E3779B1 + h2 + 0x27D4EB2F`, `h2' = ((rotl(h2, 17) ^ high) * 0x85EBCA6B) ^ rotl(h1', 5)`.
 *
 * Each step is a bijection of the previous state for a fixed record, and of the record for a fixed previous state: a single changed record can't be absorbed by equal ones behind it,
 * and since the state isn't a sum, repeated or swapped records don't cancel. Against accident, not against an adversary.
 */
export class RollingDigest {
  #h1: number
  #h2: number

  /** @param text what {@link RollingDigest.toString} gave, to go on from there */
  constructor(text = '243f6a8885a308d3') {
    this.#h1 = Number.parseInt(text.slice(0, hexDigits), 16) | 0
    this.#h2 = Number.parseInt(text.slice(hexDigits), 16) | 0
  }

  /** Appends one record. */
  add(recordDigest: bigint): void {
    sixtyFour[0] = recordDigest
    const [low, high] = [halves[0] ?? 0, halves[1] ?? 0]
    const h1 = (Math.imul(((this.#h1 << 13) | (this.#h1 >>> 19)) ^ low, 0x9e3779b1) + this.#h2 + 0x27d4eb2f) | 0
    this.#h2 = Math.imul(((this.#h2 << 17) | (this.#h2 >>> 15)) ^ high, 0x85ebca6b) ^ ((h1 << 5) | (h1 >>> 27))
    this.#h1 = h1
  }

  /** Sixteen hexadecimal digits. */
  toString(): string {
    return [this.#h1, this.#h2].map((half) => (half >>> 0).toString(16).padStart(hexDigits, '0')).join('')
  }
}
