import type { Colour } from '../../../engine/model/colour.ts'
import { systemClock } from '../../../engine/ports/clock.ts'
import type { ChaosPair } from './chaos-pair.ts'

const recordsPerSend = 20
const pauseMs = 20

/** A producer that sends without end, and knows what was acknowledged to it: the history that both sides are held against. */
export class Load {
  /** By partition, the values in the order in which they were acknowledged. One send is in flight at a time, so that is their order in the log. */
  readonly acknowledged: readonly string[][]
  #sent = 0
  #isStopped = false
  readonly #sending: Promise<void>

  constructor(chaos: ChaosPair, colour: Colour, topic: string, partitions: number, acknowledged?: readonly string[][]) {
    this.acknowledged = acknowledged ?? Array.from({ length: partitions }, () => [])
    this.#sent = this.total
    this.#sending = this.#run(chaos, colour, topic, partitions)
    this.#sending.catch(() => undefined) // awaited by stop()
  }

  get total(): number {
    return this.acknowledged.reduce((sum, values) => sum + values.length, 0)
  }

  /** @throws what a send has thrown: then nobody knows what was acknowledged */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#sending
  }

  async #run(chaos: ChaosPair, colour: Colour, topic: string, partitions: number): Promise<void> {
    for (let turn = 0; !this.#isStopped; turn++) {
      const partition = turn % partitions
      const values = Array.from({ length: recordsPerSend }, (_, index) => `${this.#sent + index}`)
      this.#sent += values.length
      await chaos.send(
        colour,
        topic,
        values.map((value) => ({ key: `k${Number(value) % 17}`, value })),
        partition,
      )
      this.acknowledged[partition]?.push(...values)
      await systemClock.sleep(pauseMs)
    }
  }
}
