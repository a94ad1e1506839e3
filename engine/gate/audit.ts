import type { AuditedPartition, AuditFacts } from '../model/audit-facts.ts'
import { firstFive } from '../model/error.ts'
import type { Limits } from '../model/limits.ts'
import { parseTopicPartition } from '../model/partition.ts'
import type { Reading } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

const remedy = 'kbg audit says where the two sides differ, or how far the comparison has come.'

/**
 * Has the audit compared every record of every topic, found both sides equal, and was it at the end of both logs a moment ago? What it doesn't cover
 * is not passed over.
 *
 * @param partitions how many partitions each of the catalog's topics has; null: that couldn't be seen
 */
export function checkAudit(audit: Reading<AuditFacts>, partitions: ReadonlyMap<string, number> | null, limits: Limits): readonly Check[] {
  const [required, requiredAge] = ['every partition equal', `at most ${limits.maxWatermarkAgeMs} ms ago at the end of both logs`]
  if (!audit.seen || partitions === null) {
    const why = audit.seen ? "the topics' partitions couldn't be read" : audit.why
    return [judged('audit', 'inconclusive', why, required, remedy), judged('audit watermark', 'inconclusive', why, requiredAge, remedy)]
  }
  const own = audit.value.partitions.filter(({ partition }) => partitions.has(parseTopicPartition(partition).topic))
  const missing = [...partitions].flatMap(([topic, count]) => uncovered(topic, count, own))
  return [verdictCheck(audit.value, own, missing, required), watermarkCheck(own, missing, limits, requiredAge)]
}

function uncovered(topic: string, count: number, own: readonly AuditedPartition[]): readonly string[] {
  const covered = new Set(own.map(({ partition }) => partition))
  return Array.from({ length: count }, (_, index) => `${topic}-${index}`).filter((partition) => !covered.has(partition))
}

function verdictCheck(facts: AuditFacts, own: readonly AuditedPartition[], missing: readonly string[], required: string): Check {
  const differing = own.flatMap(({ partition, state }) => (state.kind === 'differs' ? [`${partition}: ${state.reason}`] : []))
  if (differing.length > 0) return judged('audit', 'fail', firstFive(differing), required, remedy)
  const open = [
    ...facts.unreachable,
    ...missing.map((partition) => `${partition} isn't compared`),
    ...own.flatMap(({ partition, state, trouble }) => {
      if (trouble !== '') return [`${partition}: ${trouble}`]
      return state.kind === 'undecided' ? [`${partition}: ${state.reason}`] : []
    }),
  ]
  if (open.length > 0) return judged('audit', 'inconclusive', firstFive(open), required, remedy)
  const records = own.reduce((sum, { alignedRecords }) => sum + alignedRecords, 0)
  return judged('audit', 'pass', `${own.length} partitions equal, ${records} records on both sides`, required, remedy)
}

function watermarkCheck(own: readonly AuditedPartition[], missing: readonly string[], limits: Limits, required: string): Check {
  const name = 'audit watermark'
  // One that can't be read grows old by that alone: how old says nothing then.
  const isUnknown = ({ watermarkAgeMs, trouble }: AuditedPartition) => trouble !== '' || watermarkAgeMs === null || !Number.isFinite(watermarkAgeMs)
  const unknown = [...missing, ...own.filter(isUnknown).map(({ partition }) => partition)]
  if (unknown.length > 0) return judged(name, 'inconclusive', `not known of ${firstFive(unknown)}`, required, remedy)
  const oldest = own.reduce((age, { watermarkAgeMs }) => Math.max(age, watermarkAgeMs ?? 0), 0)
  const behind = own.filter(({ watermarkAgeMs }) => (watermarkAgeMs ?? 0) > limits.maxWatermarkAgeMs).map(({ partition }) => partition)
  const where = behind.length > 0 ? ` (${firstFive(behind)})` : ''
  return judged(name, behind.length > 0 ? 'fail' : 'pass', `${Math.round(oldest)} ms ago${where}`, required, remedy)
}
