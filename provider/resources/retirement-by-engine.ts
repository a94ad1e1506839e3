import { localRouteStoreAccess } from '../../engine/run/local-platform.ts'
import { mayRetire } from '../../engine/run/retirement.ts'
import type { RetirementEngine } from './retirement-guard.ts'

/** The engine itself. */
export const retirementEngine: RetirementEngine = {
  routeStoreOf: localRouteStoreAccess,
  reasonsAgainst: (question, call) => mayRetire(question, call.clock, call.cancelled),
}
