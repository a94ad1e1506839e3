import { colours } from '../../engine/model/colour.ts'
import { clusterTypes, dataTypes, topicTypes } from '../../engine/model/data-types.ts'
import { StackRole } from '../../engine/model/fleet.ts'
import { nameOf, valueAt } from './changes.ts'
import { gateAnswer, intendedMove, liveNow, movesByJob } from './move.ts'
import type { Change, StackPreview } from './stack-preview.ts'

/** What no policy can see, because it has neither an old state nor another stack: judged over the previews of all stacks. */
export interface PrCheck {
  readonly name: string
  /** `not shown`: a preview doesn't tell what it needs, or did not come to its end; it keeps a change back as a failure does. `unknown` is what no preview of this fleet can tell, and what an update asks before it acts: that keeps nothing back. */
  readonly verdict: 'pass' | 'fail' | 'not shown' | 'unknown'
  /** What was seen; for a failure, what mends it too. */
  readonly text: string
}

const guardType = 'kbg:index:RetirementGuard'

export function prChecks(previews: readonly StackPreview[]): readonly PrCheck[] {
  return [
    policiesRan(previews),
    previewsWhole(previews),
    exceptionsHold(previews),
    ...[partitionDecrease, dataKept, liveColourKept, oneColour, oneMoveAtATime, planTold].map((judge) => unlessBroken(judge(previews), previews)),
  ]
}

function check(name: string, problems: readonly string[], fine: string, remedy: string): PrCheck {
  return problems.length === 0 ? { name, verdict: 'pass', text: fine } : { name, verdict: 'fail', text: `${problems.join('; ')}. ${remedy}` }
}

/** What a preview that broke off didn't come to can't be judged: only what was found counts. */
function unlessBroken(judged: PrCheck, previews: readonly StackPreview[]): PrCheck {
  const broken = previews.filter(isBroken).map(({ stack }) => stack)
  return judged.verdict === 'pass' && broken.length > 0
    ? { ...judged, verdict: 'not shown', text: `the preview of ${broken.join(' and ')} did not come to its end` }
    : judged
}

/** Whether something that the change does may be missing in a preview. */
export function isBroken({ isWhole, errors }: StackPreview): boolean {
  return !isWhole || errors.length > 0
}

function policiesRan(previews: readonly StackPreview[]): PrCheck {
  const without = previews.filter(({ policiesRun }) => policiesRun === null).map(({ stack }) => `no policy judged ${stack}`)
  const notRun = previews.flatMap(({ stack, policiesNotRun }) => policiesNotRun.map((policy) => `${policy} could not run on ${stack}`))
  const counts = [...new Set(previews.map(({ policiesRun }) => policiesRun))].join(' to ')
  return check('policies ran', [...without, ...notRun], `${counts} on every stack`, 'Preview with --policy-pack policy, to its end.')
}

function previewsWhole(previews: readonly StackPreview[]): PrCheck {
  const missing = StackRole.options.filter((role) => !previews.some((preview) => preview.role === role)).map((role) => `no preview of a ${role} stack`)
  const broken = previews
    .filter(isBroken)
    .map(({ stack, errors }) =>
      errors.length > 0 ? `${stack}: ${errors.map((error) => error.split('\n')[0]?.replace(/\.$/, '')).join('; ')}` : `${stack}: it did not come to its end`,
    )
  return check('previews', [...missing, ...broken], 'all came to their end', 'Mend it, then preview again.')
}

/** Also of an advisory policy: whoever let the date pass has decided nothing. */
function exceptionsHold(previews: readonly StackPreview[]): PrCheck {
  const expired = previews.flatMap(({ violations }) => violations.filter(({ finding }) => finding.includes('its exception expired on')))
  const said = new Set(expired.map(({ policy, finding }) => `${policy}, ${finding.replace(/,? required:.*$/, '')}`))
  return check('exceptions', [...said], 'none has expired', 'End the difference, or decide anew: a reason and another date.')
}

function partitionDecrease(previews: readonly StackPreview[]): PrCheck {
  const fewer = changesOf(previews, topicTypes).flatMap(({ stack, change }) => {
    const [before, after] = [partitionsIn(change.old), partitionsIn(change.next)]
    return before !== null && after !== null && after < before ? [`${nameOf(change)} on ${stack} from ${before} to ${after}`] : []
  })
  return check('no partition decrease', fewer, 'no topic gets fewer partitions', 'Kafka can’t take a partition away: make a new topic.')
}

/** Topics and clusters that go. A colour whose guard says `retire` may: the guard decides when it is destroyed. */
function dataKept(previews: readonly StackPreview[]): PrCheck {
  const lost = previews
    .filter((preview) => !isRetiring(preview))
    .flatMap(({ stack, changes }) =>
      changes
        .filter(({ type, op }) => dataTypes.includes(type) && (op === 'delete' || op === 'replace'))
        .map((change) => `${nameOf(change)} on ${stack} (${change.op})`),
    )
  return check('no data replaced or deleted', lost, 'what holds records stays', 'Take it back, or retire the colour with its own config key.')
}

function liveColourKept(previews: readonly StackPreview[]): PrCheck {
  const name = 'live colour'
  const live = liveNow(previews)
  if (live.kind === 'none') return { name, verdict: 'pass', text: 'no colour is live yet' }
  const own = previews.filter(({ role }) => (live.kind === 'known' ? role === live.colour : role !== 'traffic'))
  const whose = (role: StackRole) => (live.kind === 'known' ? `${role}, which is live` : role)
  const touched = own.flatMap(({ role, changes }) => changes.filter(isClusterChange).map((change) => `${nameOf(change)} of ${whose(role)} (${change.op})`))
  const retired = own.filter(isRetiring).map(({ role }) => `${role} is told to retire${live.kind === 'known' ? ', and is live' : ''}`)
  if (live.kind === 'known')
    return check(name, [...touched, ...retired], `${live.colour}’s cluster stays as it is`, 'Make the change on the other colour, and switch.')
  if (!movesByJob(previews)) return { name, verdict: 'not shown', text: 'no preview says who is live' }
  if (touched.length + retired.length === 0) return { name, verdict: 'pass', text: 'both colours’ clusters stay as they are' }
  return { name, verdict: 'not shown', text: `${[...touched, ...retired].join('; ')}, and who is live isn’t known here: ${live.why}` }
}

/** Catalog changes go to both colours at once; what they stand on doesn't. */
function oneColour(previews: readonly StackPreview[]): PrCheck {
  const touched = colours.filter((colour) => previews.some(({ role, changes }) => role === colour && changes.some(isClusterChange)))
  return check(
    'one colour’s data plane',
    touched.length > 1 ? [`${touched.join(' and ')} change in one pull request`] : [],
    'at most one colour’s cluster changes',
    'Change one colour, switch, then change the other.',
  )
}

function oneMoveAtATime(previews: readonly StackPreview[]): PrCheck {
  const name = 'prepare, switch and retire apart'
  const move = intendedMove(previews)
  const onColours = move === null ? [] : previews.filter(({ role }) => role !== 'traffic')
  const prepared = onColours.filter(({ changes }) => changes.some(({ type }) => dataTypes.includes(type))).map(({ stack }) => `${stack} is prepared`)
  const retired = onColours.filter(isRetiring).map(({ stack }) => `${stack} is retired`)
  const together = [...prepared, ...retired].map((what) => `${what} in the pull request that moves ${move?.what}`)
  if (move?.isAsked === false && together.length > 0) return { name, verdict: 'unknown', text: together.join('; ') }
  const fine = move === null ? 'nothing is switched' : `it only moves ${move.what}`
  return check(name, together, fine, 'Make them pull requests of their own, one after the other.')
}

/** A preview of a move always tells a plan, if only that it can't be made now; where nobody can have read what would refuse the move that is said. */
function planTold(previews: readonly StackPreview[]): PrCheck {
  const name = 'plan of the move'
  const move = intendedMove(previews)
  if (move === null) return { name, verdict: 'pass', text: 'nothing is switched' }
  if (movesByJob(previews)) return { name, verdict: 'unknown', text: 'on Kubernetes a job asks the gate, and a preview can’t' }
  const plan = previews.find(({ role }) => role === 'traffic')?.plan ?? null
  if (plan === null) return { name, verdict: 'not shown', text: `the preview of the traffic stack moves ${move.what} and tells no plan: preview again` }
  if (gateAnswer(plan) === null) return { name, verdict: 'unknown', text: plan.split('\n')[0] ?? '' }
  return { name, verdict: 'pass', text: 'told below' }
}

function isClusterChange({ type, op }: Change): boolean {
  return clusterTypes.includes(type) && op !== 'create'
}

function isRetiring({ resources }: StackPreview): boolean {
  return resources.some(({ type, next }) => type === guardType && (next?.inputs?.retire === true || typeof next?.inputs?.decommission === 'string'))
}

function changesOf(previews: readonly StackPreview[], types: readonly string[]) {
  return previews.flatMap(({ stack, changes }) => changes.filter(({ type }) => types.includes(type)).map((change) => ({ stack, change })))
}

/** A topic's own, or a KafkaTopic's of Strimzi. */
function partitionsIn(state: Change['old']): number | null {
  const value = valueAt(state?.inputs, 'partitions') ?? valueAt(state?.inputs, 'spec.partitions')
  return typeof value === 'number' ? value : null
}
