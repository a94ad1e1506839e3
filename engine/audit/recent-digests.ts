/** Bytes of one kept digest. */
const digestBytes = 4

/**
 * The last digests that both sides hold, 32 bits of each: tells an extra copy of a record from a foreign one. Only the name of a finding hangs on it, so a chance hit
 * (one in four million for a thousand kept) does no harm.
 */
export class RecentDigests {
  readonly #ring: Uint32Array
  #at = 0
  #used = 0

  /** @param text what {@link RecentDigests.toString} gave; of more digests than `capacity` the newest are kept */
  constructor(capacity: number, text = '') {
    this.#ring = new Uint32Array(capacity)
    const bytes = Buffer.from(text, 'base64')
    for (let at = 0; at + digestBytes <= bytes.length; at += digestBytes) this.#put(bytes.readUInt32LE(at))
  }

  add(digest: bigint): void {
    this.#put(Number(BigInt.asUintN(32, digest)))
  }

  has(digest: bigint): boolean {
    const at = this.#ring.indexOf(Number(BigInt.asUintN(32, digest)))
    return at !== -1 && at < this.#used
  }

  /** Oldest first, little endian, base64: at most six bytes per digest. */
  toString(): string {
    const bytes = Buffer.alloc(this.#used * digestBytes)
    const oldest = this.#used < this.#ring.length ? 0 : this.#at
    for (let index = 0; index < this.#used; index++) bytes.writeUInt32LE(this.#ring[(oldest + index) % this.#ring.length] ?? 0, index * digestBytes)
    return bytes.toString('base64')
  }

  #put(fingerprint: number): void {
    this.#ring[this.#at] = fingerprint
    this.#at = this.#at + 1 === this.#ring.length ? 0 : this.#at + 1
    if (this.#used < this.#ring.length) this.#used++
  }
}
