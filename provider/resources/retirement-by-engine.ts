import type { RetirementEngine } from './retirement-guard.ts'

/** The engine itself, loaded when something is really asked: a preview of a new colour asks nothing, and the clients of Kafka and etcd take half a second. */
export const retirementEngine: RetirementEngine = {
  routeStoreOf: async (fleet, caFile) => (await import('../../engine/run/local-platform.ts')).localRouteStoreAccess(fleet, caFile),
  reasonsAgainst: async (question, call) => (await import('../../engine/run/retirement.ts')).mayRetire(question, call.clock, call.cancelled),
}
