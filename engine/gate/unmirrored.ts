import type { AuditedPartition, AuditFacts } from '../model/audit-facts.ts'
import { type Colour, otherColour } from '../model/colour.ts'
import { divergences, type FailoverStatement, failoverWord, type LostRange, rangesText, recordsText, type Unmirrored } from '../model/loss.ts'
import { parseTopicPartition } from '../model/partition.ts'
import type { ColourSnapshot, Reading, Snapshot } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

/** The name of the check that counts what a move would leave behind; a moment mends it with the mirror. */
export const leftBehind = 'records left behind'
/** The name of the checks that compare that with the operator's number: no moment mends them. */
const lossAccepted = 'loss accepted'

/**
 * What would stay behind if traffic moved now. Asked only where the mirror doesn't keep up: the other checks refuse by themselves, and this one says what going all the same would cost.
 *
 * @returns nothing where the mirror keeps up
 */
export function checkLeftBehind(snapshot: Snapshot): readonly Check[] {
  const { unmirrored, source, target, colours } = snapshot
  if (unmirrored === null) return []
  const required = `every record of ${source} on ${target}`
  if (livesBecause(colours[source]) === null) {
    const loss = lossWithout(snapshot.audit, source, snapshot.topics)
    const remedy = `Bring ${source} back. If it can't come back: ${failoverRemedy(loss, snapshot)}.`
    return [judged(leftBehind, 'fail', `${source} is gone: ${failoverText(loss, source)}`, required, remedy)]
  }
  const remedy = `Let the mirror catch up. To move without them: pulumi config set acceptLoss <number>, at most so many may stay behind; ${source} has then diverged and needs a fresh cluster.`
  if (!unmirrored.seen) return [judged(leftBehind, 'inconclusive', `they can't be counted: ${unmirrored.why}`, required, remedy)]
  return [judged(leftBehind, unmirrored.value.records === 0 ? 'pass' : 'fail', leftText(unmirrored.value, source, target), required, remedy)]
}

/** A forced move: is what stays behind no more than the operator has accepted? It is counted again behind the fence. */
export function checkAccepted({ unmirrored, source, target }: Snapshot, accepted: number): Check {
  const required = `at most ${accepted} (acceptLoss)`
  const remedy = 'The number grows while producers write. Stop them, or set the config key acceptLoss to what may be lost at most.'
  // An acceptLoss that was left in the config must not turn a planned move, which loses nothing, into one that leaves its last moments behind. 0 leaves nothing behind: it is the
  // operator's way off a colour that can't be mirrored into any more, and so can't be left by an ordinary move.
  if (unmirrored === null)
    return judged(
      lossAccepted,
      accepted === 0 ? 'pass' : 'fail',
      'the mirror keeps up',
      'a mirror that does not, or 0',
      'Take acceptLoss out of the config: nothing has to be left behind.',
    )
  if (!unmirrored.seen) return judged(lossAccepted, 'inconclusive', unmirrored.why, required, remedy)
  const { records } = unmirrored.value
  return judged(lossAccepted, records !== null && records <= accepted ? 'pass' : 'fail', leftText(unmirrored.value, source, target), required, remedy)
}

function leftText(unmirrored: Unmirrored, source: Colour, target: Colour): string {
  return `${recordsText(unmirrored)} of ${source} aren't on ${target}: ${rangesText(unmirrored.ranges)}; ${unmirrored.by}`
}

/** A move that leaves records behind: is it wanted anew? What was accepted once is used up; left in the config it must not go for the next move too. */
export function checkAcceptedAnew({ route }: Snapshot, attempt: number): Check {
  const name = 'accepted anew'
  const required = 'an attempt above the one that last left records behind'
  if (!route.seen) return judged(name, 'inconclusive', route.why, required, 'Make the route store reachable.')
  const used = divergences(route.value.journal).reduce((newest, loss) => Math.max(newest, loss.attempt), -1)
  const remedy = `Take acceptLoss and failover out of the config. If records may be left behind again, set attempt to ${used + 1}.`
  return judged(name, attempt > used ? 'pass' : 'fail', used < 0 ? 'none has' : `attempt ${used} has, this is attempt ${attempt}`, required, remedy)
}

/** A failover: is the source gone? One that answers can be fenced, and one broker that still takes writes can't be kept from it without a quorum. */
export function checkGone(source: ColourSnapshot): Check {
  const why = livesBecause(source)
  const remedy = `While ${source.colour} answers, move ordinarily or with acceptLoss; what is left of a colour without a quorum has to be stopped first, because nothing can fence it.`
  return judged(`${source.colour} is gone`, why === null ? 'pass' : 'fail', why ?? 'no quorum and no broker answers', 'no broker that answers', remedy)
}

/** Why a colour isn't gone; null: neither its quorum nor any broker answers. */
export function livesBecause({ cluster, topics, quorum, probes, colour }: ColourSnapshot): string | null {
  if (quorum.seen && quorum.value.leaderId >= 0) return `its metadata quorum answers (leader ${quorum.value.leaderId})`
  const alive = probes.seen ? probes.value.filter(({ answer }) => answer !== 'unreachable') : []
  if (alive.length > 0) return `broker ${alive.map(({ brokerId, answer }) => `${brokerId} answers (${answer})`).join(', ')}`
  // Brokers without a quorum still tell of topics, also where the probe can't reach the applications' listener.
  return cluster.seen || topics.seen ? `a broker of ${colour} tells of its topics` : null
}

/**
 * A failover: was it stated for what is now? One that was refused may wait in the config for days, and whoever retries for ever (CI, an operator of Kubernetes) would carry it out when that colour is gone another time.
 */
export function checkStatedNow(snapshot: Snapshot, { epoch, comparedTo }: FailoverStatement): Check {
  const { route, source } = snapshot
  const name = 'failover stated for now'
  const required = 'a failover that was stated at this epoch, with nothing read of the colour since'
  if (!route.seen) return judged(name, 'inconclusive', route.why, required, 'Make the route store reachable.')
  const loss = lossWithout(snapshot.audit, source, snapshot.topics)
  const now = route.value.route?.epoch ?? 0
  const hasMoved = epoch === now ? [] : [`it was stated at epoch ${epoch}, the route is at ${now}: it has moved since`]
  const read = comparedTo === (loss.comparedTo ?? null) ? [] : [comparedText(comparedTo, loss.comparedTo ?? null, source)]
  const stale = [...hasMoved, ...read]
  const remedy = `Look at what would be lost now; then ${failoverRemedy(loss, snapshot)}.`
  return judged(name, stale.length === 0 ? 'pass' : 'fail', stale.length === 0 ? `at epoch ${epoch}` : stale.join('; '), required, remedy)
}

function comparedText(stated: bigint | null, now: bigint | null, source: Colour): string {
  if (now === null) return `it was stated when the audit had compared ${source} up to ${stated}, and no audit tells now`
  if (stated === null) return `it was stated without an audit, which has compared ${source} up to ${now}`
  return `it was stated when the audit had compared ${source} up to ${stated}, and it has come to ${now}: ${now > stated ? `${source} has lived on since` : 'the audit begins again'}`
}

/** A failover: does the operator repeat what is known to be lost? */
export function checkRepeated(snapshot: Snapshot, { records }: FailoverStatement): Check {
  const loss = lossWithout(snapshot.audit, snapshot.source, snapshot.topics)
  const isSame = records === (loss.records ?? 'unknown')
  return judged(lossAccepted, isSame ? 'pass' : 'fail', failoverText(loss, snapshot.source), `failover: ${records}`, `${failoverRemedy(loss, snapshot)}.`)
}

/** What a failover has to say first. */
export function failoverText(loss: Unmirrored, source: Colour): string {
  if (loss.records === null) return `how many records of ${source} would be lost isn't known: ${loss.by}`
  return `${recordsText(loss)} of ${source} would be lost: ${rangesText(loss.ranges)}; ${loss.by}`
}

function failoverRemedy(loss: Unmirrored, { route }: Snapshot): string {
  const epoch = route.seen ? (route.value.route?.epoch ?? 0) : 0
  return `pulumi config set failover ${failoverWord(loss, epoch)} on the traffic stack moves without it`
}

/**
 * What is known to be lost without a colour: what the audit has read there and not found on the other one (pure). What came since nobody knows, so it is never an exact number.
 */
export function lossWithout(audit: Reading<AuditFacts> | null, source: Colour, topics: readonly string[]): Unmirrored {
  const unknown = (by: string): Unmirrored => ({ records: null, bound: 'at least', ranges: {}, by })
  if (audit === null) return unknown('the fleet has no audit')
  if (!audit.seen) return unknown(`the audit doesn't answer (${audit.why})`)
  const own = audit.value.partitions.filter(({ partition }) => topics.includes(parseTopicPartition(partition).topic))
  const told = new Set(own.map(({ partition }) => parseTopicPartition(partition).topic))
  const untold = own.some(({ unmatched }) => unmatched === undefined) || topics.some((topic) => !told.has(topic))
  if (untold || audit.value.unreachable.length > 0) return unknown('the audit can not tell it of every partition')
  const ranges = Object.fromEntries(
    own.flatMap((each): readonly (readonly [string, LostRange])[] => {
      const missing = missingBelow(each, source)
      const records = (each.unmatched?.[source] ?? 0) + (missing?.records ?? 0)
      return records === 0 ? [] : [[each.partition, { from: missing?.from ?? each.watermark[source], to: null, records }]]
    }),
  )
  const records = Object.values(ranges).reduce((sum, range) => sum + range.records, 0)
  const ages = own.map(({ watermarkAgeMs }) => watermarkAgeMs)
  const age = ages.includes(null)
    ? 'not both ends of every partition yet'
    : `the ends of both colours ${Math.round(Math.max(...ages.map((ms) => ms ?? 0)) / 1_000)} s ago`
  const comparedTo = own.reduce((sum, { watermark }) => sum + BigInt(watermark[source]), 0n)
  return { records, bound: 'at least', ranges, by: `the audit has seen ${age}; what came since is lost too, and nobody knows how much`, comparedTo }
}

/** What an audit has passed and found on this side only: no mirror brings it any more (pure). null: nothing */
export function missingBelow(partition: AuditedPartition, source: Colour): Pick<LostRange, 'from' | 'records'> | null {
  const records = partition[source].extra
  if (records === 0) return null
  const first = partition.differences.shown.find(({ kind, on }) => kind === 'missing' && on === otherColour(source))
  return { from: first?.[source] ?? partition.watermark[source], records }
}
