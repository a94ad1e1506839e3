/** Bits that each key sets. */
const probes = 4

/**
 * Keys that both sides hold a value of, as a Bloom filter: `false` is certain, `true` may be wrong (one in a hundred at a key per ten bits). Keys aren't removed from it.
 */
export class KeyFilter {
  readonly #bytes: Uint8Array

  /** @param text what {@link KeyFilter.toString} gave for a filter of the same size */
  constructor(bytes: number, text = '') {
    this.#bytes = new Uint8Array(bytes)
    this.#bytes.set(Buffer.from(text, 'base64').subarray(0, bytes))
  }

  add(key: bigint): void {
    for (const bit of this.#bits(key)) this.#bytes[bit >>> 3] = (this.#bytes[bit >>> 3] ?? 0) | (1 << (bit & 7))
  }

  mayHave(key: bigint): boolean {
    return this.#bits(key).every((bit) => ((this.#bytes[bit >>> 3] ?? 0) & (1 << (bit & 7))) !== 0)
  }

  /** Base64; empty for an empty filter. */
  toString(): string {
    return this.#bytes.some((byte) => byte !== 0) ? Buffer.from(this.#bytes).toString('base64') : ''
  }

  /** Double hashing of the two halves: the keys are hashes already. */
  #bits(key: bigint): readonly number[] {
    const [low, high] = [Number(BigInt.asUintN(32, key)), Number(BigInt.asUintN(32, key >> 32n)) | 1]
    const bits = this.#bytes.length * 8
    return Array.from({ length: probes }, (_, probe) => (low + probe * high) % bits)
  }
}
