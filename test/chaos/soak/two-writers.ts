/** Asks both colours' fences all the time, as nobody of the product does, and says when both were open. */
import type { Colour } from '../../../engine/model/colour.ts'
import { KbgError } from '../../../engine/model/error.ts'
import type { Wiring } from '../../../engine/model/wiring.ts'
import { systemClock } from '../../../engine/ports/clock.ts'
import { closePorts, connectPorts, type OversightPorts } from '../../../engine/run/ports.ts'
import { within } from './parts.ts'

/** A moment at which both colours would have taken an application's write. */
export interface TwoWriters {
  readonly atMonotonicMs: number
  readonly what: string
}

const pauseMs = 100

export class TwoWritersWatch {
  readonly #ports: OversightPorts
  readonly #stop = new AbortController()
  readonly found: TwoWriters[] = []
  /** Observations of both colours that were answered by at least one broker each. */
  observations = 0
  #running: Promise<void> = Promise.resolve()

  private constructor(ports: OversightPorts) {
    this.#ports = ports
  }

  static async start(wiring: Wiring): Promise<TwoWritersWatch> {
    const watch = new TwoWritersWatch(await connectPorts(wiring, systemClock))
    watch.#running = watch.#run()
    watch.#running.catch(() => undefined) // told at the end, which awaits it
    return watch
  }

  /** Repeating it does nothing. */
  async end(): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#stop.abort(new Error('the watch for two writers has ended'))
    await this.#running
    await closePorts(this.#ports)
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#observe()
      await systemClock.sleep(pauseMs, this.#stop.signal).catch(() => undefined) // ended: the loop's condition sees it
    }
  }

  /**
   * Asked twice: between two times that a colour was open it was open, unless it was closed and opened in between, which moves the route. So both were open at once where both said so both times
   * and the route is the same before and behind.
   */
  async #observe(): Promise<void> {
    const before = await this.#route()
    const first = await this.#open()
    if (first === null) return
    this.observations += 1
    if (!(first.blue.length > 0 && first.green.length > 0)) return
    const second = await this.#open()
    if (second === null) return
    const still = (colour: Colour) => first[colour].filter((brokerId) => second[colour].includes(brokerId))
    const [blue, green] = [still('blue'), still('green')]
    if (blue.length === 0 || green.length === 0) return
    const after = await this.#route()
    if (before !== null && after !== null && before !== after) return
    const what = `brokers ${blue.join(', ')} of blue and ${green.join(', ')} of green answered as open; route ${before ?? 'not readable'}`
    this.found.push({ atMonotonicMs: systemClock.monotonicMs(), what })
  }

  /** Brokers that would take a write; null: a colour doesn't answer. */
  async #open(): Promise<Readonly<Record<Colour, readonly number[]>> | null> {
    const of = async (colour: Colour) =>
      (await this.#ports.clusters[colour].fence.probe(within(3))).flatMap(({ answer, brokerId }) => (answer === 'open' ? [brokerId] : []))
    return await unlessAway(async () => {
      const [blue, green] = await Promise.all([of('blue'), of('green')])
      return { blue, green }
    })
  }

  async #route(): Promise<string | null> {
    return await unlessAway(async () => {
      const { route } = await this.#ports.store.glance(within(2))
      return route === null ? null : `${route.state}, live ${route.live}, epoch ${route.epoch}`
    })
  }
}

/** null while whoever is asked is away: that is what a soak does to them. */
async function unlessAway<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask()
  } catch (thrown) {
    if (thrown instanceof KbgError) return null
    throw thrown
  }
}
