const maxCharacters = 500
const maxBytes = 4 * maxCharacters

/** What a hook says: its first bytes are kept, the rest is read and forgotten. */
export class Said {
  readonly #chunks: Uint8Array[] = []
  #bytes = 0

  add(chunk: Uint8Array): void {
    if (this.isFull) return
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
  }

  get isFull(): boolean {
    return this.#bytes >= maxBytes
  }

  get text(): string {
    return Buffer.concat(this.#chunks).subarray(0, maxBytes).toString('utf8')
  }
}

/** A text as one line of at most 500 characters, without control characters and without this secret. */
export function oneLine(text: string, secret: string | null = null): string {
  const open = secret === null ? text : text.replaceAll(secret, '***')
  return open
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, maxCharacters)
}
