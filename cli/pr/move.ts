import { z } from 'zod'
import { type Colour, colours } from '../../engine/model/colour.ts'
import type { ResourceState } from './events.ts'
import type { PreviewedResource, StackPreview } from './stack-preview.ts'

/** Where traffic is and where a change would bring it, as far as previews tell. */

const switchoverType = 'kbg:index:Switchover'
const betweenType = 'kbg:network:KubernetesBetween'
const jobType = 'kubernetes:batch/v1:Job'
const configMapType = 'kubernetes:core/v1:ConfigMap'
const jobFile = 'orchestrator.json'

/** Who is live. `none`: there is no route yet. */
export type Live = { readonly kind: 'known'; readonly colour: Colour } | { readonly kind: 'none' } | { readonly kind: 'unknown'; readonly why: string }

export function liveNow(previews: readonly StackPreview[]): Live {
  const colour = colourIn(resourceOf(previews, switchoverType)?.old?.outputs?.live)
  if (colour !== null) return { kind: 'known', colour }
  if (movesByJob(previews)) {
    const isNew = resourceOf(previews, betweenType)?.old === null
    return isNew ? { kind: 'none' } : { kind: 'unknown', why: 'on Kubernetes a preview can’t ask the route; kbg status says it' }
  }
  const traffic = previews.find(({ role }) => role === 'traffic')
  if (traffic === undefined) return { kind: 'unknown', why: 'there is no preview of the traffic stack' }
  return traffic.isWhole ? { kind: 'none' } : { kind: 'unknown', why: 'the traffic stack was not previewed to its end' }
}

/** Whether traffic moves by a job in a Kubernetes cluster, if at all: no preview can look into that. */
export function movesByJob(previews: readonly StackPreview[]): boolean {
  return resourceOf(previews, betweenType) !== undefined
}

/** What a change moves, in words. */
export interface Move {
  readonly what: string
  /** Whether the change asks for it; otherwise it only may come of it. */
  readonly isAsked: boolean
}

/** What is to move where: all traffic, or waves of groups; null: everything stays. */
export function intendedMove(previews: readonly StackPreview[]): Move | null {
  if (movesByJob(previews)) return jobsMove(previews)
  const switchover = resourceOf(previews, switchoverType)
  const [from, to] = [intentIn(switchover?.old?.outputs), intentIn(switchover?.next?.inputs)]
  const what = from === null || to === null ? null : difference(from, to)
  return what === null ? null : { what, isAsked: true }
}

/**
 * What a job would do that is made by the change. It is told by what the last one was asked for, and where that one's traffic is now nobody knows here: guardians may have taken it back, or the gate may have refused it.
 */
function jobsMove(previews: readonly StackPreview[]): Move | null {
  const traffic = previews.filter(({ role }) => role === 'traffic')
  const made = traffic.flatMap(({ changes }) => changes).filter((change) => change.op !== 'delete' && (change.type === jobType || isJobConfig(change)))
  if (made.length === 0) return null
  const config = [...made, ...traffic.flatMap(({ resources }) => resources)].find(isJobConfig)
  const [from, to] = [jobIntent(config?.old), jobIntent(config?.next)]
  if (to === null) return { what: 'what its preview doesn’t tell', isAsked: true }
  if (from === null) return liveNow(previews).kind === 'none' ? null : { what: `all traffic to ${to.live}, unless it is there`, isAsked: true }
  const what = difference(from, to)
  if (what !== null) return { what, isAsked: true }
  const isSame = (['attempt', 'acceptLoss', 'failover'] as const).every((key) => from.asked[key] === to.asked[key])
  return { what: `all traffic to ${to.live}, unless it is there`, isAsked: !isSame }
}

function difference(from: Intent, to: Intent): string | null {
  if (from.live !== to.live) return `all traffic to ${to.live}`
  const waves = [...new Set([from, to].flatMap(({ consumers }) => Object.keys(consumers)))].toSorted()
  const at = (side: Intent, wave: string) => side.consumers[wave] ?? side.live
  const moved = waves.filter((wave) => at(from, wave) !== at(to, wave)).map((wave) => `${wave} to ${at(to, wave)}`)
  return moved.length === 0 ? null : moved.join(', ')
}

/** What a plan says of the gate, or of what is done without one; null where the plan couldn't be made. */
export function gateAnswer(plan: string | null): string | null {
  if (plan === null || /^The plan can/.test(plan)) return null
  const lines = plan.split('\n')
  const from = lines.findIndex((line) => /^(?:Nothing would refuse it now|It would be refused now)/.test(line))
  if (from === -1) return lines[0] ?? null
  const behind = lines.slice(from + 1)
  const end = behind.findIndex((line) => !line.startsWith('  '))
  const refusals = (end === -1 ? behind : behind.slice(0, end)).map((line) => line.trim())
  const more = refusals.length > 5 ? ` and ${refusals.length - 5} more, in the plan` : ''
  return `${lines[from]} ${refusals.slice(0, 5).join('; ')}${more}`.trim()
}

interface Intent {
  readonly live: Colour
  readonly consumers: Readonly<Record<string, unknown>>
  /** Everything that is asked for. */
  readonly asked: Readonly<Record<string, unknown>>
}

const JobConfig = z.object({ [jobFile]: z.string() })
const OrchestratorIntent = z.object({ intent: z.looseObject({}) })

function isJobConfig({ type, old, next }: PreviewedResource): boolean {
  return type === configMapType && [old, next].some((state) => JobConfig.safeParse(state?.inputs?.data).success)
}

function jobIntent(state: ResourceState | null | undefined): Intent | null {
  const data = JobConfig.safeParse(state?.inputs?.data)
  if (!data.success) return null
  try {
    return intentIn(OrchestratorIntent.parse(JSON.parse(data.data[jobFile])).intent)
  } catch {
    return null // not in the form that this version reads
  }
}

function intentIn(asked: Readonly<Record<string, unknown>> | null | undefined): Intent | null {
  const live = colourIn(asked?.live)
  return live === null || !asked ? null : { live, consumers: isRecord(asked.consumers) ? asked.consumers : {}, asked }
}

function resourceOf(previews: readonly StackPreview[], type: string): PreviewedResource | undefined {
  return previews.flatMap(({ resources }) => resources).find((resource) => resource.type === type)
}

function colourIn(value: unknown): Colour | null {
  return colours.find((colour) => colour === value) ?? null
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
