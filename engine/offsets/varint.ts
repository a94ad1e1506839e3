/** The most bytes that {@link writeVarint} needs for a safe integer. */
export const maxVarintBytes = 8

/**
 * Writes an unsigned number in groups of seven bits, lowest first, as Kafka's and protobuf's unsigned varints.
 *
 * @param value a safe integer, not negative
 * @returns where the next byte goes
 */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value
  let next = at
  // Division instead of shifts: JavaScript's shifts end at 32 bits.
  while (rest >= 0x80) {
    bytes[next++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  bytes[next++] = rest
  return next
}

/** Reads unsigned varints one after the other. */
export class VarintReader {
  readonly #bytes: Uint8Array
  #at: number

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  /** Where the next one begins. */
  get at(): number {
    return this.#at
  }

  /** The next number; NaN where the bytes end before it does, or it is no safe integer. */
  next(): number {
    const first = this.#bytes[this.#at]
    if (first !== undefined && first < 0x80) {
      this.#at++
      return first
    }
    return this.#longer()
  }

  #longer(): number {
    let value = 0
    let weight = 1
    for (let count = 0; count < maxVarintBytes; count++) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) return Number.NaN
      value += (byte & 0x7f) * weight
      if (byte < 0x80) return Number.isSafeInteger(value) ? value : Number.NaN
      weight *= 0x80
    }
    return Number.NaN
  }
}
