import type { AuditedPartition, AuditFacts } from '../model/audit-facts.ts'
import { type Colour, otherColour } from '../model/colour.ts'
import { firstFive } from '../model/error.ts'
import type { Limits } from '../model/limits.ts'
import { parseTopicPartition } from '../model/partition.ts'
import type { Reading } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

const remedy = 'kbg audit says where the two sides differ, or how far the comparison has come.'

const deadRemedy =
  'A worker that has ended is started again by its supervisor within seconds; when that is gone too, pulumi up on the traffic stack starts both. It goes on where it was.'

/** What a cut rests on without an audit: said wherever a fleet has none. */
export const noAudit = "no audit: the cut rests on last records and Connect's offsets alone"

/** The check of a fleet that is wired without an audit: it doesn't keep the gate shut, since the wiring declares it, and says what is missing. */
export function checkNoAudit(): Check {
  return judged('audit', 'pass', noAudit, 'an audit, or a wiring that declares none', '')
}

/**
 * Has the audit compared every record of every topic, found both sides equal, and was it at the end of both logs a moment ago, and does the target still hold
 * what was compared? What it doesn't cover is not passed over.
 *
 * @param partitions how many partitions each of the catalog's topics has; null: that couldn't be seen
 */
export function checkAudit(audit: Reading<AuditFacts>, partitions: ReadonlyMap<string, number> | null, limits: Limits, target: Colour): readonly Check[] {
  const [required, requiredAge] = ['every partition equal', `at most ${limits.maxWatermarkAgeMs} ms ago at the end of both logs`]
  if (!audit.seen || partitions === null) {
    const why = audit.seen ? "the topics' partitions couldn't be read" : audit.why
    return [
      judged('audit', 'inconclusive', why, required, remedy),
      judged('audit watermark', 'inconclusive', why, requiredAge, remedy),
      judged(keptName, 'inconclusive', why, keptRequired, remedy),
    ]
  }
  const own = audit.value.partitions.filter(({ partition }) => partitions.has(parseTopicPartition(partition).topic))
  const missing = [...partitions].flatMap(([topic, count]) => uncovered(topic, count, own))
  return [
    verdictCheck(audit.value, own, missing, required, otherColour(target)),
    watermarkCheck(own, missing, limits, requiredAge),
    keptCheck(own, missing, limits, target),
  ]
}

function uncovered(topic: string, count: number, own: readonly AuditedPartition[]): readonly string[] {
  const covered = new Set(own.map(({ partition }) => partition))
  return Array.from({ length: count }, (_, index) => `${topic}-${index}`).filter((partition) => !covered.has(partition))
}

function verdictCheck(facts: AuditFacts, own: readonly AuditedPartition[], missing: readonly string[], required: string, source: Colour): Check {
  const differing = own.flatMap(({ partition, state }) => (state.kind === 'differs' ? [`${partition}: ${state.reason}`] : []))
  if (differing.length > 0) return judged('audit', 'fail', firstFive(differing), required, remedy)
  const open = [
    ...facts.unreachable,
    ...missing.map((partition) => `${partition} isn't compared`),
    ...own.flatMap(({ partition, state, trouble, emptied }) => {
      if (trouble !== '') return [`${partition}: ${trouble}`]
      return state.kind === 'undecided' && emptied !== source ? [`${partition}: ${state.reason}`] : []
    }),
  ]
  if (open.length > 0) return judged('audit', 'inconclusive', firstFive(open), required, facts.unreachable.length > 0 ? deadRemedy : remedy)
  // Of a partition that is empty on the source nothing can be missing on the target.
  const records = own.reduce((sum, { alignedRecords }) => sum + alignedRecords, 0)
  const empty = own.filter(({ state }) => state.kind !== 'equal').length
  const emptied = empty > 0 ? `, ${empty} that retention emptied on ${source}` : ''
  return judged('audit', 'pass', `${own.length - empty} partitions equal${emptied}, ${records} records on both sides`, required, remedy)
}

const keptName = 'audit retention'
const keptRequired = 'no record that the source still holds was deleted on the target'

/** Retention and DeleteRecords on the target: what they took there first goes with the switch, however equal both sides were when it was compared. */
function keptCheck(own: readonly AuditedPartition[], missing: readonly string[], limits: Limits, target: Colour): Check {
  const unknown = [...missing, ...own.filter(({ lost }) => lost === null).map(({ partition }) => partition)]
  if (unknown.length > 0) return judged(keptName, 'inconclusive', `not known of ${firstFive(unknown)}`, keptRequired, remedy)
  const lost = own.flatMap((each) => ((each.lost?.[target] ?? 0) > 0 ? [`${each.partition} (up to ${each.lost?.[target]} records)`] : []))
  if (lost.length === 0) return judged(keptName, 'pass', `${own.length} partitions`, keptRequired, '')
  const observed = `${target} deleted first in ${firstFive(lost)}`
  if (limits.expiredRecords === 'accept') return judged(keptName, 'pass', `${observed}; limits.expiredRecords accepts that`, keptRequired, '')
  return judged(keptName, 'fail', observed, keptRequired, keptRemedy)
}

const keptRemedy =
  'Wait until retention has passed them on the source too, copy the topic anew and keep retention.ms and retention.bytes longer until the switch, or set limits.expiredRecords to accept when they may be missed.'

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
