import type { WorkloadConfig } from './config.ts'

/** What the demo's load is, apart from where it goes: `catalog.yaml`'s topics, users and groups. */
export type LoadProfile = Pick<WorkloadConfig, 'recordBytes' | 'tickMs' | 'topics' | 'producers' | 'groups'>

/**
 * Two producers and a transactional one (every fifth transaction aborted), groups of three waves, and one group that stays behind until it is resumed.
 *
 * @param ratePerSecond records of all producers together
 * @param preloadRecords records that are due at once at the start, so that the group that stays behind has something to be behind of
 */
export function demoLoad(ratePerSecond: number, preloadRecords: number): LoadProfile {
  const all = ['orders', 'payments', 'audit-log']
  const user = 'orders-app'
  const share = (part: number) => Math.max(1, Math.round(ratePerSecond * part))
  const transactions = { transactionalId: 'orders-app-payments', abortEvery: 5, everyMs: 100 }
  return {
    recordBytes: 1024,
    tickMs: 50,
    topics: [
      { name: 'orders', partitions: 6, keys: 500 },
      { name: 'payments', partitions: 3, keys: 200 },
      { name: 'audit-log', partitions: 3, keys: 0 },
    ],
    producers: [
      { id: 'orders-web', user, topics: ['orders'], ratePerSecond: share(0.4), preloadRecords, transactions: null },
      { id: 'orders-shop', user, topics: ['orders', 'audit-log'], ratePerSecond: share(0.4), preloadRecords: 0, transactions: null },
      { id: 'payments', user, topics: ['payments'], ratePerSecond: share(0.2), preloadRecords: 0, transactions },
    ],
    groups: [
      { groupId: 'orders-dashboard', user: 'reporting-app', topics: ['orders'], members: 1, pauseAfterRecords: null },
      { groupId: 'archive', user: 'reporting-app', topics: all, members: 1, pauseAfterRecords: 500 },
      { groupId: 'billing', user: 'billing-app', topics: ['orders', 'payments'], members: 1, pauseAfterRecords: null },
      { groupId: 'ledger', user: 'billing-app', topics: all, members: 1, pauseAfterRecords: null },
    ],
  }
}
