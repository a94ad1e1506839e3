/** What has been tried, and what it came to. */
import type { Explored } from './explore.ts'
import { fingerprint } from './fingerprint.ts'
import type { Simulation } from './simulation.ts'

export interface Failure {
  /** What was done, so that it can be repeated. */
  readonly scenario: string
  readonly simulation: Simulation
}

export class Tally {
  readonly #states = new Set<string>()
  readonly #failures: Failure[] = []
  #scenarios = 0
  #excepted = 0
  #longestStallMs = 0

  explored(requests: number): Explored {
    const [scenarios, excepted, longestStallMs] = [this.#scenarios, this.#excepted, this.#longestStallMs]
    return { scenarios, states: this.#states.size, requests, excepted, longestStallMs, failures: this.#failures }
  }

  /** One run: what it breaks is noted, and so is every point that a switchover stood at. */
  async judge(scenario: string, simulation: Simulation, work: () => Promise<unknown>): Promise<void> {
    this.#scenarios += 1
    simulation.onEffect.push(() => this.#states.add(fingerprint(simulation.world)))
    const { history } = simulation.world
    try {
      await work()
    } catch (thrown) {
      history.violations.push({ invariant: 'the run itself', text: String(thrown), atMs: simulation.world.nowMs })
    }
    this.#excepted += history.excepted.length
    this.#longestStallMs = Math.max(this.#longestStallMs, history.longestStallMs)
    if (history.violations.length > 0) this.#failures.push({ scenario, simulation })
  }
}
