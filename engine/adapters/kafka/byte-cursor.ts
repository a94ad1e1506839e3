/** Reads Kafka's variable-length integers (zig-zag, ByteUtils.readVarint) from a buffer; the hot path of every record. */
export class ByteCursor {
  readonly #bytes: Buffer
  position: number

  constructor(bytes: Buffer, position: number) {
    this.#bytes = bytes
    this.position = position
  }

  skip(length: number): void {
    this.position += length
  }

  #unsigned(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes.readUInt8(this.position++)
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
  }

  /** Whether the next integer ends within four bytes. */
  #isShort(): boolean {
    for (let ahead = 0; ahead < 4; ahead++) if (this.#bytes.readUInt8(this.position + ahead) < 0x80) return true
    return false
  }

  varint(): number {
    const raw = this.#unsigned()
    return (raw >>> 1) ^ -(raw & 1)
  }

  varlong(): bigint {
    if (this.#isShort()) return BigInt(this.varint()) // nearly always, and much cheaper
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#bytes.readUInt8(this.position++)
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return (value >> 1n) ^ -(value & 1n)
    }
  }
}
