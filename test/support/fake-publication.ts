import type { RouteDocument } from '../../engine/model/route.ts'
import type { RoutePublication } from '../../engine/ports/route-publication.ts'

/** A publication in memory, which refuses while it is told to. */
export class FakePublication implements RoutePublication {
  readonly place: string
  readonly tries: number[] = []
  told: RouteDocument | null = null
  refusing: Error | null = null

  constructor(place = 'a board') {
    this.place = place
  }

  async epoch(): Promise<number> {
    if (this.refusing !== null) throw this.refusing
    return this.told?.epoch ?? 0
  }

  async publish(route: RouteDocument) {
    this.tries.push(route.epoch)
    await Promise.resolve()
    if (this.refusing !== null) throw this.refusing
    const epoch = this.told?.epoch ?? 0
    if (epoch >= route.epoch) return epoch === route.epoch ? 'there' : 'ahead'
    this.told = route
    return 'published'
  }

  refuseUnfit(): void {
    // everything fits
  }

  close(): void {
    // nothing was opened
  }
}
