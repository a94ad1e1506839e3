/** A column of 32-bit integers that grows: histories have millions of positions, which as objects would not fit into memory. */
export class IntColumn {
  #data = new Int32Array(1024)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The value at `index`, which must be below `length`. */
  at(index: number): number {
    return this.#data[index] as number
  }

  set(index: number, value: number): void {
    this.#data[index] = value
  }

  push(value: number): void {
    if (this.#length === this.#data.length) {
      const larger = new Int32Array(this.#data.length * 2)
      larger.set(this.#data)
      this.#data = larger
    }
    this.#data[this.#length++] = value
  }
}

/** A column of offsets as doubles: exact to 2^53, which no partition of a test reaches. */
export class OffsetColumn {
  #data = new Float64Array(1024)
  #length = 0

  at(index: number): number {
    return this.#data[index] as number
  }

  push(value: number): void {
    if (this.#length === this.#data.length) {
      const larger = new Float64Array(this.#data.length * 2)
      larger.set(this.#data)
      this.#data = larger
    }
    this.#data[this.#length++] = value
  }
}

/** Gives names numbers, in order of appearance. */
export class Names {
  readonly #numbers = new Map<string, number>()
  readonly #names: string[] = []

  number(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    this.#numbers.set(name, this.#names.length)
    this.#names.push(name)
    return this.#names.length - 1
  }

  name(number: number): string {
    return this.#names[number] ?? '?'
  }

  get size(): number {
    return this.#names.length
  }
}
