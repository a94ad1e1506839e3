import { messageOf } from '../model/error.ts'
import type { RouteDocument } from '../model/route.ts'
import { publishMs } from '../model/route-publication.ts'
import { Deadline } from '../ports/clock.ts'
import type { RoutePublication } from '../ports/route-publication.ts'
import type { Ports } from './ports.ts'

/**
 * Publishes what a run has decided, beside its steps: none waits for it, and none is undone for it. What doesn't succeed is told at the end; guardians go on with it, and so does the next run.
 */
export class Publisher {
  readonly #desks: readonly Desk[]

  constructor({ clock, publications }: Pick<Ports, 'clock' | 'publications'>) {
    this.#desks = publications.map((publication) => new Desk(clock, publication))
  }

  /** Of two that come while one is being published only the newer is. */
  take(route: RouteDocument): void {
    for (const desk of this.#desks) desk.take(route)
  }

  /** When nothing is under way any more: what could not be published, a line each. */
  async failures(): Promise<readonly string[]> {
    await Promise.all(this.#desks.map((desk) => desk.working))
    return this.#desks.flatMap(({ failure }) => failure ?? [])
  }
}

/** One publication, in a run: one write at a time. */
class Desk {
  readonly #clock: Ports['clock']
  readonly #publication: RoutePublication
  #wanted: RouteDocument | null = null
  #working: Promise<void> | null = null
  /** Of the newest route that was tried; null: it is published. */
  failure: string | null = null

  constructor(clock: Ports['clock'], publication: RoutePublication) {
    this.#clock = clock
    this.#publication = publication
  }

  get working(): Promise<void> {
    return this.#working ?? Promise.resolve()
  }

  take(route: RouteDocument): void {
    this.#wanted = route
    this.#working ??= this.#work().finally(() => {
      this.#working = null
    })
  }

  /** Never rejects: nobody listens before the run has ended. */
  async #work(): Promise<void> {
    while (this.#wanted !== null) {
      const route = this.#wanted
      this.#wanted = null
      const { place } = this.#publication
      try {
        await this.#publication.publish(route, new Deadline(this.#clock, publishMs, `${place} to tell epoch ${route.epoch}`))
        this.failure = null
      } catch (thrown) {
        this.failure = `${place} doesn't tell epoch ${route.epoch} yet: ${messageOf(thrown)}`
      }
    }
  }
}
