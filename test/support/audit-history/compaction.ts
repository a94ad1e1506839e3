import fc from 'fast-check'
import type { AuditRecord } from '../../../engine/audit/record.ts'
import type { Log, Logs } from './logs.ts'

/** One write to a compacted topic. */
export interface Write {
  readonly key: bigint
  readonly digest: bigint
  readonly tombstone: boolean
}

/** Up to `most` writes to few keys, every fourth of them a tombstone. */
export const writes = (most: number): fc.Arbitrary<readonly Write[]> =>
  fc
    .array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 3 })), { maxLength: most })
    .map((drawn) =>
      drawn.map(([key, nth], index) => ({ key: BigInt(key) * 0x9e3779b97f4a7c1n, digest: BigInt(index + 1) * 0x2545f4914f6cdd1dn, tombstone: nth === 0 })),
    )

/**
 * What Kafka's cleaner leaves when it has cleaned all below `cleanedTo`: of each key the newest record there, later ones untouched; with `tombstonesToo` also without those
 * tombstones. Offsets stay, so each side is given the writes' own offsets times `stride`.
 */
export function compactedLog(all: readonly Write[], cleanedTo: number, tombstonesToo: boolean, stride: bigint): Log {
  const newest = new Map(all.slice(0, cleanedTo).map((write, index) => [write.key, index]))
  const records = all.flatMap((write, index): AuditRecord[] => {
    const isRemoved = index < cleanedTo && (newest.get(write.key) !== index || (write.tombstone && tombstonesToo))
    return isRemoved ? [] : [{ offset: BigInt(index) * stride, digest: write.digest, key: write.key, tombstone: write.tombstone }]
  })
  return { start: 0n, end: BigInt(all.length) * stride, records }
}

/** The newest record of each key that has a value, by brute force: what a table built from the log holds. */
export function tableOf(log: Log): ReadonlyMap<bigint, bigint> {
  const table = new Map<bigint, bigint>()
  for (const { key, digest, tombstone } of log.records) {
    if (tombstone === true) table.delete(key ?? 0n)
    else table.set(key ?? 0n, digest)
  }
  return table
}

/** Both sides of one history, each cleaned on its own. */
export const compactedLogs = (most: number): fc.Arbitrary<Logs> =>
  fc.tuple(writes(most), fc.nat(), fc.nat(), fc.boolean(), fc.boolean()).map(([all, blueTo, greenTo, blueTombstones, greenTombstones]) => ({
    blue: compactedLog(all, blueTo % (all.length + 1), blueTombstones, 1n),
    green: compactedLog(all, greenTo % (all.length + 1), greenTombstones, 2n),
  }))
