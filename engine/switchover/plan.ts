import type { Verdict } from '../gate/assess.ts'
import { noAudit } from '../gate/audit.ts'
import { checkLine, refusals } from '../gate/check.ts'
import { noGuardian } from '../gate/guardians.ts'
import type { Colour } from '../model/colour.ts'
import { firstFive } from '../model/error.ts'
import { confirmMs, type Hook } from '../model/hook.ts'
import type { StepName } from '../model/journal.ts'
import type { Limits } from '../model/limits.ts'
import type { LossyMove } from '../model/loss.ts'
import type { RoutePublications } from '../model/route-publication.ts'
import type { Intent } from '../model/wiring.ts'
import type { Course } from './resume.ts'
import { longestPolledStallMs, longestStallMs } from './stall.ts'
import { type Step, steps } from './steps.ts'

/** The plan as text, for the preview's log: every step with its bound, for how long producers may be held, and what would refuse it now. */
export function planText(course: Course, limits: Limits, verdict: Verdict | null, guardians: readonly Colour[]): string {
  const lines = [courseLine(course)]
  if (course.kind === 'switch' && course.lossy !== null) lines.push(...lossyLines(course.source, course.target, course.lossy))
  else if (course.kind === 'switch') {
    if (course.sick !== null) lines.push(...sickLines(course.source, course.sick))
    for (const step of steps) lines.push(stepLine(step, limits, guardians.length > 0, course.sick !== null))
    lines.push(guardians.length > 0 ? `${stallText(limits)}.` : `${noGuardian}.`)
  }
  if (verdict !== null) {
    const refused = refusals(verdict.checks)
    lines.push(refused.length === 0 ? `Nothing would refuse it now (${verdict.checks.length} checks pass).` : 'It would be refused now:')
    lines.push(...refused.map((check) => `  ${checkLine(check)}`))
    if (verdict.checks.some(({ observed }) => observed === noAudit)) lines.push(`${noAudit}.`)
  }
  return lines.join('\n')
}

/** What clients that follow a publication have to expect of a switchover; nobody waits for them. */
export function polledLines(course: Course, limits: Limits, { parameter }: RoutePublications): readonly string[] {
  if (course.kind !== 'switch' || parameter === undefined) return []
  const boundSeconds = Math.ceil(longestPolledStallMs(limits, parameter.pollIntervalMs) / 1_000)
  return [
    `Clients that poll ${parameter.name} every ${parameter.pollIntervalMs} ms acknowledge nothing: the fence refuses them until they have seen the hold, and they go on that much later; ${boundSeconds} s at most.`,
  ]
}

/** Who is asked behind the gate; a preview asks nobody. */
export function confirmLines(hooks: readonly Hook[]): readonly string[] {
  const asked = hooks.flatMap(({ name, events }) => (events.includes('confirm') ? [name] : []))
  return asked.length === 0
    ? []
    : [`Behind the gate these hooks are asked, and any of them can refuse: ${firstFive(asked)}; within ${confirmMs(hooks)} ms, under the fleet's lock.`]
}

/** A word that lets records be lost is for one move: one that waits in the config for the next is told. */
export function leftWordLines(course: Course, { acceptLoss, failover }: Pick<Intent, 'acceptLoss' | 'failover'>): readonly string[] {
  const left = [...(acceptLoss === undefined ? [] : ['acceptLoss']), ...(failover === undefined ? [] : ['failover'])]
  return course.kind === 'switch' || left.length === 0 ? [] : [`${left.join(' and ')} in the config would let a later move leave records behind: take it out.`]
}

/** What is asked of a colour that has failed its watch, and what isn't: said before the steps. */
function sickLines(source: Colour, sick: string): readonly string[] {
  return [
    `  ${source} has failed its watch (${sick}): this is the way off it, and nothing is asked of it that it may refuse for that.`,
    `  The gate lets pass of ${source}: replicas out of sync, a silent voter, other rights or configs, open transactions, a mirror that is behind for a moment, and groups, which are proven one by one when they move; those that can't be stay.`,
    '  Nothing less is proven of the records: every broker fenced, everything drained, both sides compared up to the cut, or it is taken back.',
  ]
}

/** What step 3 and step 11 are instead, on the way off a colour that has failed its watch. */
const offSick: Partial<Record<StepName, string>> = {
  arm: 'open connections; no canary crosses into S, and the reverse connector is created behind the release',
  watch: 'skipped: there is nothing sound to compare T with',
}

function stepLine(step: Step, limits: Limits, isWatched: boolean, isOffSick: boolean): string {
  const effect = (isOffSick ? offSick[step.name] : undefined) ?? step.effect
  const bound = isOffSick && step.name === 'watch' ? '' : ` (${boundOf(step, limits, isWatched, isOffSick)})`
  return `  ${String(step.number).padStart(2)}. ${step.name.padEnd(8)} ${effect}${bound}`
}

/** What is another thing than in an ordinary switchover: said before the steps of one would be believed. */
function lossyLines(source: Colour, target: Colour, lossy: LossyMove): readonly string[] {
  const behind = `  ${source} has diverged from then on: no mirror runs to or from it, and nothing moves there before it is a fresh cluster.`
  if (lossy === 'forced') {
    return [
      `  hold and fence as ever; the mirror is stopped for good; what only ${source} holds is counted, and taken back if it is more than acceptLoss.`,
      `  Then decide, release ${target}; groups that had read further go to the end of what ${target} has. The loss is journaled by partition and offsets of ${source}.`,
      behind,
    ]
  }
  return [
    `  nothing is asked of ${source}: no hold, no fence, no drain. Its mirror is stopped, what is known to be lost is compared with the number that the config repeats, then ${target} opens.`,
    `  Groups read on from what they have on ${target}, which may be long ago or nothing: their positions on ${source} can't be read.`,
    `  From here nobody can prove that ${source} takes no writes: make sure that its brokers are down or cut off. When it comes back a guardian fences it within seconds; until then a client that doesn't follow the route can write there.`,
    behind,
  ]
}

/** The bound of guardians in words: see {@link longestStallMs}. */
export function stallText(limits: Limits): string {
  return `Whatever ends or hangs, guardians see that producers are held for ${Math.ceil(longestStallMs(limits) / 1_000)} s at most, while the route store, the brokers of both colours and one of them live`
}

function boundOf(step: Step, limits: Limits, isWatched: boolean, isOffSick: boolean): string {
  if (step.name === 'watch') return isWatched ? `for ${step.deadlineMs(limits, isOffSick)} ms, behind the update` : 'skipped: no guardian is wired'
  return `within ${step.deadlineMs(limits, isOffSick)} ms; abort: ${step.abort}`
}

function courseLine(course: Course): string {
  switch (course.kind) {
    case 'nothing':
      return 'The route already is as wanted: nothing moves.'
    case 'switch':
      return `${course.lossy === null ? 'Switchover' : course.lossy === 'failover' ? 'FAILOVER, with loss,' : 'FORCED move, with loss,'} ${course.source} -> ${course.target}:`
    case 'waves':
      return wavesText(course)
    case 'close-untouched':
      return `An earlier switchover ended before it touched anything; it is closed now. The next update, with a gate of its own: ${courseLine(course.next)}`
    case 'abort':
      return `A switchover ${course.open.source} -> ${course.open.target} was left while clients were held: it is aborted, ${course.open.source} gets its writers back.`
    case 'finish-abort':
      return `An aborted switchover ${course.open.source} -> ${course.open.target} is finished: ${course.open.source} gets its writers back.`
    case 'finish-switch':
      return `A decided switchover ${course.open.source} -> ${course.open.target} is finished, from ${course.from === 'lift' ? 'the release' : 'the reverse mirror'} on.`
  }
}

function wavesText({ open, moves }: Extract<Course, { kind: 'waves' }>): string {
  return [
    ...open.map(({ wave, target, returning }) =>
      returning === null
        ? `${wave} was moved to ${target} by a run that ended: it is watched first.`
        : `${wave} was going back from ${target}: that is finished first.`,
    ),
    ...moves.map(
      ({ wave, source, target, groups }) =>
        `${wave} moves ${source} -> ${target} while the producers stay (${firstFive(groups)}): held, translated, written, read back, released, and watched.`,
    ),
  ].join('\n')
}
