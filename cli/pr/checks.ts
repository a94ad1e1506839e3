import { type Colour, colours } from '../../engine/model/colour.ts'
import type { Change, StackPreview } from './stack-preview.ts'

/** What no policy can see, because it has neither an old state nor another stack: judged over the previews of all stacks. */
export interface PrCheck {
  readonly name: string
  readonly verdict: 'pass' | 'fail'
  /** What was seen; for a failure, what mends it too. */
  readonly text: string
}

const topicType = 'kafka:index/topic:Topic'
const clusterType = 'kbg:index:LocalCluster'
const dataTypes: readonly string[] = [clusterType, topicType]
const switchoverType = 'kbg:index:Switchover'

export function prChecks(previews: readonly StackPreview[]): readonly PrCheck[] {
  return [
    policiesRan(previews),
    previewsWhole(previews),
    partitionDecrease(previews),
    dataKept(previews),
    liveColourUntouched(previews),
    oneColour(previews),
    oneMoveAtATime(previews),
  ]
}

function check(name: string, problems: readonly string[], fine: string, remedy: string): PrCheck {
  return problems.length === 0 ? { name, verdict: 'pass', text: fine } : { name, verdict: 'fail', text: `${problems.join('; ')}. ${remedy}` }
}

function policiesRan(previews: readonly StackPreview[]): PrCheck {
  const without = previews.filter(({ hasPolicies }) => !hasPolicies).map(({ stack }) => `no policy pack ran on ${stack}`)
  const notRun = previews.flatMap(({ stack, policiesNotRun }) => policiesNotRun.map((policy) => `${policy} could not run on ${stack}`))
  return check('policies ran', [...without, ...notRun], 'on every stack', 'Preview with --policy-pack policy.')
}

function previewsWhole(previews: readonly StackPreview[]): PrCheck {
  const broken = previews.flatMap(({ stack, isWhole, errors }) =>
    errors.length > 0 ? [`${stack}: ${errors[0]?.split('\n')[0]}`] : isWhole ? [] : [`${stack}: the preview did not come to its end`],
  )
  return check('previews', broken, 'all came to their end', 'Mend it, then preview again.')
}

function partitionDecrease(previews: readonly StackPreview[]): PrCheck {
  const fewer = changesOf(previews, topicType).flatMap(({ stack, change }) => {
    const [before, after] = [numberOf(change.old, 'partitions'), numberOf(change.next, 'partitions')]
    return before !== null && after !== null && after < before ? [`${change.name} on ${stack} from ${before} to ${after}`] : []
  })
  return check('no partition decrease', fewer, 'no topic gets fewer partitions', 'Kafka can’t take a partition away: make a new topic.')
}

const losing = /^(?:delete|delete-replaced|replace|create-replacement|discard)$/

/** Topics and clusters that go. A colour whose guard says `retire` may: the guard decides when it is destroyed. */
function dataKept(previews: readonly StackPreview[]): PrCheck {
  const lost = previews.flatMap((preview) =>
    isRetiring(preview)
      ? []
      : preview.changes.filter(({ type, op }) => dataTypes.includes(type) && losing.test(op)).map(({ name, op }) => `${name} on ${preview.stack} (${op})`),
  )
  return check('no data replaced or deleted', [...new Set(lost)], 'what holds records stays', 'Take it back, or retire the colour with its own config key.')
}

function liveColourUntouched(previews: readonly StackPreview[]): PrCheck {
  const live = liveColour(previews)
  if (live === null) return { name: 'live colour', verdict: 'pass', text: 'no colour is live yet' }
  const touched = previews
    .filter(({ role }) => role === live)
    .flatMap(({ changes }) => changes.filter(({ type, op }) => type === clusterType && op !== 'create'))
  return check(
    'live colour',
    touched.map(({ name, op }) => `${name} of ${live}, which is live (${op})`),
    `${live}’s cluster stays as it is`,
    'Make the change on the other colour, and switch.',
  )
}

/** Catalog changes go to both colours at once; what they stand on doesn't. */
function oneColour(previews: readonly StackPreview[]): PrCheck {
  const touched = colours.filter((colour) =>
    previews.some(({ role, changes }) => role === colour && changes.some(({ type, op }) => type === clusterType && op !== 'create')),
  )
  return check(
    'one colour’s data plane',
    touched.length > 1 ? [`${touched.join(' and ')} change in one pull request`] : [],
    'at most one colour’s cluster changes',
    'Change one colour, switch, then change the other.',
  )
}

function oneMoveAtATime(previews: readonly StackPreview[]): PrCheck {
  const moves = intendedMove(previews)
  const prepares = previews
    .filter(({ role, changes }) => role !== 'traffic' && changes.some(({ type }) => dataTypes.includes(type)) && moves !== null)
    .map(({ stack }) => `${stack} is prepared`)
  const retires = previews.filter((preview) => isRetiring(preview) && preview.role !== 'traffic' && moves !== null).map(({ stack }) => `${stack} is retired`)
  const together = [...prepares, ...retires].map((what) => `${what} in the pull request that switches to ${moves}`)
  return check(
    'prepare, switch and retire apart',
    together,
    moves === null ? 'nothing is switched' : `only the switch to ${moves}`,
    'Make them pull requests of their own, one after the other.',
  )
}

/** The colour that the traffic stack's preview found live; null: there is no route yet. */
export function liveColour(previews: readonly StackPreview[]): Colour | null {
  const live = switchoverOf(previews)?.old?.outputs?.live
  return colours.find((colour) => colour === live) ?? null
}

/** The colour that traffic is to move to; null: it stays. */
export function intendedMove(previews: readonly StackPreview[]): Colour | null {
  const wanted = switchoverOf(previews)?.next?.inputs?.live
  const [live, target] = [liveColour(previews), colours.find((colour) => colour === wanted) ?? null]
  return live !== null && target !== null && live !== target ? target : null
}

function switchoverOf(previews: readonly StackPreview[]): Change | undefined {
  return previews.flatMap(({ resources }) => resources).find(({ type }) => type === switchoverType)
}

function isRetiring({ resources }: StackPreview): boolean {
  return resources.some(
    ({ type, next }) => type === 'kbg:index:RetirementGuard' && (next?.inputs?.retire === true || typeof next?.inputs?.decommission === 'string'),
  )
}

function changesOf(previews: readonly StackPreview[], type: string) {
  return previews.flatMap(({ stack, changes }) => changes.filter((change) => change.type === type).map((change) => ({ stack, change })))
}

function numberOf(state: Change['old'], property: string): number | null {
  const value = state?.inputs?.[property]
  return typeof value === 'number' ? value : null
}
