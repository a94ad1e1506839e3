/** From an offset on, batches are of this leader epoch at most. */
interface Stretch {
  readonly from: bigint
  readonly epoch: number
}

/** The leader epochs of one side's batches, for as long as a restart may have to name the one before it: one entry for each change of leader behind that place. */
export class EpochTrail {
  #stretches: Stretch[]

  /** @param epoch of what lies before the first offset that will be read; -1: not known */
  constructor(epoch: number) {
    this.#stretches = [{ from: -1n, epoch }]
  }

  /** Batches up to here were read, the last one of this epoch. Where several epochs came at once, all of it counts as of the last one. */
  read(from: bigint, epoch: number): void {
    if (this.#stretches.at(-1)?.epoch !== epoch) this.#stretches.push({ from, epoch })
  }

  /** The epoch of the batch right before an offset; -1: not known. Nobody asks for an earlier one afterwards. */
  before(offset: bigint): number {
    const passed = this.#stretches.findLastIndex(({ from }) => from < offset)
    if (passed > 0) this.#stretches = this.#stretches.slice(passed)
    return this.#stretches[0]?.epoch ?? -1
  }
}
