/** What the files of refused.test.ts share. */
import { checkAudit } from '../../../engine/gate/audit.ts'
import type { AuditedPartition } from '../../../engine/model/audit-facts.ts'
import { Limits } from '../../../engine/model/limits.ts'
import { parseTopicPartition } from '../../../engine/model/partition.ts'
import { systemClock } from '../../../engine/ports/clock.ts'
import { type ChaosPair, within } from '../support/chaos-pair.ts'

/** The pair on which the faults are tried, once it stands, and what its gate answers. */
export interface Setting {
  readonly chaos: () => ChaosPair
  readonly gateLines: () => Promise<readonly string[]>
}

export const recentMs = (): number => systemClock.wallClock().getTime() - 60_000
export const texts = (from: number, count: number) => Array.from({ length: count }, (_, index) => `${from + index}`)
export const plain = (from: number, count: number) => texts(from, count).map((value) => ({ key: `k${value}`, value }))

/** What the gate makes of the audit's verdict on this one partition's topic. */
export async function auditChecks(chaos: ChaosPair, told: AuditedPartition) {
  const { topic } = parseTopicPartition(told.partition)
  const facts = await chaos.audit.facts(within(10))
  const partitions = facts.partitions.filter(({ partition }) => partition === told.partition)
  const [verdict] = checkAudit(
    { seen: true, value: { ...facts, partitions } },
    new Map([[topic, Number(parseTopicPartition(told.partition).partition) + 1]]),
    Limits.parse({}),
    'green',
  )
  return verdict
}
