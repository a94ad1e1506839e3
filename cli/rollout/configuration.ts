import { arch, cpus, platform, totalmem } from 'node:os'
import type { LoadProfile } from '../../test/support/workload/profile.ts'
import { connectVersion } from '../../tools/paths.ts'
import type { Configuration } from '../report/evidence.ts'

/** What ran beside the brokers, where, under which limits and load. No addresses and no names of machines: a report is passed on. */
export function configurationOf(load: LoadProfile, limits: Readonly<Record<string, number | string>>): Configuration {
  return {
    software: { 'Kafka Connect': connectVersion, 'Node.js': process.versions.node },
    machine: { cores: cpus().length, memoryMiB: Math.round(totalmem() / 2 ** 20), system: `${platform()} ${arch()}` },
    limits: { ...limits },
    load: {
      recordBytes: load.recordBytes,
      tickMs: load.tickMs,
      topics: load.topics.map(({ name, partitions, keys }) => ({ topic: name, partitions, keys })),
      producers: load.producers.map(({ id, topics, ratePerSecond, transactions }) => ({
        producer: id,
        topics: [...topics],
        recordsPerSecond: ratePerSecond,
        transactional: transactions !== null,
      })),
      groups: load.groups.map(({ groupId, topics, members, pauseAfterRecords }) => ({
        group: groupId,
        topics: [...topics],
        members,
        staysBehind: pauseAfterRecords !== null,
      })),
    },
  }
}
