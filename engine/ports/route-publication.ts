import type { RouteDocument } from '../model/route.ts'
import type { Deadline } from './clock.ts'

/** What became of a publication. `there`: this epoch stood there already; `ahead`: a newer one does, and stays. */
export type Published = 'published' | 'there' | 'ahead'

/**
 * A place where the decided route is told to those who can't reach the route store. Nothing is decided there: whoever holds the lock and every guardian writes it, from what the route store says, and any of them may be late.
 * So it never goes backwards for good: see {@link RoutePublication.publish}.
 */
export interface RoutePublication {
  /** For people: `the parameter /kbg/shop/route`. */
  readonly place: string
  /** The newest epoch that is told there; 0: none. @throws KbgError `publication-unreachable`, `publication-missing`, `publication-corrupt`, `publication-foreign`, `deadline` */
  epoch(deadline: Deadline): Promise<number>
  /**
   * Tells the route there, unless this epoch or a newer one is told already. Repeating it changes nothing.
   *
   * @throws KbgError `publication-unreachable`, `publication-missing`, `publication-foreign`, `publication-too-large`, `deadline`: it may have been written
   */
  publish(route: RouteDocument, deadline: Deadline): Promise<Published>
  /** Refuses a route that could never be told there. @throws KbgError `publication-too-large`, `route-name` */
  refuseUnfit(route: RouteDocument): void
  close(): void
}
