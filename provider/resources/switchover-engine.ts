/** What the resource `Switchover` asks of the engine, and the engine that answers. */
import type { Limits } from '../../engine/model/limits.ts'
import type { Intent, Wiring } from '../../engine/model/wiring.ts'
import type { Actual } from '../../engine/run/execution.ts'
import type { Call } from '../resource-definition.ts'

/** One operation's question: what is wired, what is wanted, within which bounds. */
export interface Wanted {
  readonly wiring: Wiring
  readonly intent: Intent
  readonly limits: Limits
}

/** The engine's functions that this resource delegates to. */
export interface SwitchoverEngine {
  /** Publishes the first route, or adopts one that agrees; never moves traffic. */
  createRoute(wanted: Wanted, call: Call): Promise<Actual>
  /** Finishes or takes back what is open, then moves if there is something to move. @throws an error with `actual` when it ended in a known state that isn't the wanted one */
  moveLive(wanted: Wanted, gateEpoch: number, call: Call): Promise<Actual>
  /** @throws KbgError when the route can't be read, or when there is none: never an invented state */
  observe(wiring: Wiring, call: Call): Promise<Actual>
  /** The plan as text; says itself what can't be reached. */
  describePlan(wanted: Wanted, call: Call): Promise<string>
  /** Reasons against ending the route; none: it may end. */
  reasonsAgainstEnd(wiring: Wiring, decommission: string | null, call: Call): Promise<readonly string[]>
}
