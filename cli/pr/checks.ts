import { type Colour, colours } from '../../engine/model/colour.ts'
import { clusterTypes, dataTypes } from '../../engine/model/data-types.ts'
import { StackRole } from '../../engine/model/fleet.ts'
import { nameOf } from './changes.ts'
import type { Change, PreviewedResource, StackPreview } from './stack-preview.ts'

/** What no policy can see, because it has neither an old state nor another stack: judged over the previews of all stacks. */
export interface PrCheck {
  readonly name: string
  /** `not shown`: a preview that it needs did not come to its end. It keeps a change back as a failure does. */
  readonly verdict: 'pass' | 'fail' | 'not shown'
  /** What was seen; for a failure, what mends it too. */
  readonly text: string
}

const topicType = 'kafka:index/topic:Topic'
const switchoverType = 'kbg:index:Switchover'
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
  const fewer = changesOf(previews, topicType).flatMap(({ stack, change }) => {
    const [before, after] = [numberOf(change.old, 'partitions'), numberOf(change.next, 'partitions')]
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
  const live = liveColour(previews)
  const traffic = previews.find(({ role }) => role === 'traffic')
  if (live === null && traffic === undefined) return { name, verdict: 'not shown', text: 'no preview says who is live' }
  if (live === null) return { name, verdict: 'pass', text: 'no colour is live yet' }
  const own = previews.filter(({ role }) => role === live)
  const touched = own.flatMap(({ changes }) => changes.filter(isClusterChange).map((change) => `${nameOf(change)} of ${live}, which is live (${change.op})`))
  const retired = own.filter(isRetiring).map(() => `${live} is told to retire, and is live`)
  return check(name, [...touched, ...retired], `${live}’s cluster stays as it is`, 'Make the change on the other colour, and switch.')
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
  const move = intendedMove(previews)
  const onColours = move === null ? [] : previews.filter(({ role }) => role !== 'traffic')
  const prepared = onColours.filter(({ changes }) => changes.some(({ type }) => dataTypes.includes(type))).map(({ stack }) => `${stack} is prepared`)
  const retired = onColours.filter(isRetiring).map(({ stack }) => `${stack} is retired`)
  return check(
    'prepare, switch and retire apart',
    [...prepared, ...retired].map((what) => `${what} in the pull request that moves ${move}`),
    move === null ? 'nothing is switched' : `it only moves ${move}`,
    'Make them pull requests of their own, one after the other.',
  )
}

/** A preview of a move always tells its plan, if only that it can't be made now; without one nobody has read what would refuse the move. */
function planTold(previews: readonly StackPreview[]): PrCheck {
  const move = intendedMove(previews)
  const untold = move === null ? [] : previews.filter(({ role, plan }) => role === 'traffic' && plan === null)
  return check(
    'plan of the move',
    untold.map(({ stack }) => `the preview of ${stack} moves ${move} and tells no plan`),
    move === null ? 'nothing is switched' : 'told below',
    'Preview with the release whose kbg reads it.',
  )
}

function isClusterChange({ type, op }: Change): boolean {
  return clusterTypes.includes(type) && op !== 'create'
}

/** The colour that the traffic stack's preview found live; null: there is no route yet, or the preview doesn't tell. */
export function liveColour(previews: readonly StackPreview[]): Colour | null {
  return colourIn(switchoverOf(previews)?.old?.outputs?.live)
}

/** What is to move where, in words: all traffic, or waves of groups; null: everything stays. */
export function intendedMove(previews: readonly StackPreview[]): string | null {
  const switchover = switchoverOf(previews)
  const [live, wanted] = [liveColour(previews), colourIn(switchover?.next?.inputs?.live)]
  if (live === null || wanted === null) return null
  const reads = (side: unknown, at: Colour) => (wave: string) => (isRecord(side) && typeof side[wave] === 'string' ? side[wave] : at)
  const [observed, asked] = [switchover?.old?.outputs?.consumers, switchover?.next?.inputs?.consumers]
  const [before, after] = [reads(observed, live), reads(asked, wanted)]
  const waves = [...new Set([observed, asked].flatMap((side) => Object.keys(isRecord(side) ? side : {})))].toSorted()
  const moved = live === wanted ? waves.filter((wave) => before(wave) !== after(wave)).map((wave) => `${wave} to ${after(wave)}`) : []
  const all = live === wanted ? [] : [`all traffic to ${wanted}`]
  return all.length + moved.length === 0 ? null : [...all, ...moved].join(', ')
}

function colourIn(value: unknown): Colour | null {
  return colours.find((colour) => colour === value) ?? null
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function switchoverOf(previews: readonly StackPreview[]): PreviewedResource | undefined {
  return previews.flatMap(({ resources }) => resources).find(({ type }) => type === switchoverType)
}

function isRetiring({ resources }: StackPreview): boolean {
  return resources.some(({ type, next }) => type === guardType && (next?.inputs?.retire === true || typeof next?.inputs?.decommission === 'string'))
}

function changesOf(previews: readonly StackPreview[], type: string) {
  return previews.flatMap(({ stack, changes }) => changes.filter((change) => change.type === type).map((change) => ({ stack, change })))
}

function numberOf(state: Change['old'], property: string): number | null {
  const value = state?.inputs?.[property]
  return typeof value === 'number' ? value : null
}
