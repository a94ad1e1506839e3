import { z } from 'zod'

/** The route of a fleet's drill: on the same pair, under keys of its own below the fleet's. */
export function drillFleet(fleet: string): string {
  return `${fleet}/drill`
}

/** Topics that a drill makes on both colours and deletes again: `records` is mirrored and switched, `canary` shows that a colour accepts writes. */
export const drillTopics = { records: 'kbg.drill.records', canary: 'kbg.drill.canary' } as const

/** The group that reads in a drill. */
export const drillGroup = 'kbg.drill.readers'

/** What a drill's mirror connectors are called, and what in their place the engine calls a fleet's. */
export const drillConnectorPrefix = 'kbg-drill-'

export function isDrillTopic(topic: string): boolean {
  return topic.startsWith('kbg.drill.')
}

/** Who runs a drill says so in the route store before making anything, and takes it back behind everything: where it stands while no drill runs, something was left. */
export const DrillMark = z.strictObject({ holder: z.string().min(1), begunAtUtc: z.iso.datetime() })
export type DrillMark = z.infer<typeof DrillMark>

/** How the holder of a lock is named that a drill has taken. */
export const drillHolder = 'kbg drill'

/** What the clients of a drill saw, and whether it passed. */
export const DrillResult = z.strictObject({
  passed: z.boolean(),
  /** Records whose send was acknowledged. */
  acknowledged: z.int().nonnegative(),
  /** Acknowledged, and not in the log in the end. */
  lost: z.int().nonnegative(),
  /** In the log in the end, and never read by the group. */
  unread: z.int().nonnegative(),
  /** Copies in the log beyond the first. */
  duplicated: z.int().nonnegative(),
  /** Deliveries to the group beyond what the log holds. */
  redelivered: z.int().nonnegative(),
  /** The longest time without an acknowledgement, there and back. */
  windowsMs: z.array(z.number().nonnegative()),
  /** Why it ended early; empty: it didn't. */
  reason: z.string(),
})
export type DrillResult = z.infer<typeof DrillResult>
