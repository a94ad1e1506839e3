import { z } from 'zod'
import { type Colour, colours } from '../../engine/model/colour.ts'
import type { ResourceState } from './events.ts'
import type { PreviewedResource, StackPreview } from './stack-preview.ts'

/** Where traffic is and where a change would bring it, as far as previews tell. */

const switchoverType = 'kbg:index:Switchover'
const jobType = 'kbg:switchover:KubernetesSwitchover'
const configMapType = 'kubernetes:core/v1:ConfigMap'
const jobFile = 'orchestrator.json'

/** Who is live. `none`: there is no route yet. */
export type Live = { readonly kind: 'known'; readonly colour: Colour } | { readonly kind: 'none' } | { readonly kind: 'unknown'; readonly why: string }

export function liveNow(previews: readonly StackPreview[]): Live {
  const colour = colourIn(resourceOf(previews, switchoverType)?.old?.outputs?.live)
  if (colour !== null) return { kind: 'known', colour }
  if (movesByJob(previews)) return { kind: 'unknown', why: 'on Kubernetes a preview can’t ask the route; kbg status says it' }
  const traffic = previews.find(({ role }) => role === 'traffic')
  if (traffic === undefined) return { kind: 'unknown', why: 'there is no preview of the traffic stack' }
  return traffic.isWhole ? { kind: 'none' } : { kind: 'unknown', why: 'the traffic stack was not previewed to its end' }
}

/** Whether traffic moves by a job in a Kubernetes cluster, which no preview can look into. */
export function movesByJob(previews: readonly StackPreview[]): boolean {
  const job = resourceOf(previews, jobType)
  return job !== undefined && job.next !== null
}

/** Whether there was no such job before: it makes the first route, or moves what there is. */
export function isFirstJob(previews: readonly StackPreview[]): boolean {
  return movesByJob(previews) && resourceOf(previews, jobType)?.old === null
}

/** What is to move where, in words: all traffic, or waves of groups; null: everything stays. */
export function intendedMove(previews: readonly StackPreview[]): string | null {
  const isJob = movesByJob(previews)
  const { from, to } = isJob ? jobIntents(previews) : switchoverIntents(previews)
  if (to === null) return isJob ? 'what its preview doesn’t tell' : null
  if (from === null) return isJob ? `all traffic to ${to.live}, or makes its first route there` : null
  if (from.live !== to.live) return `all traffic to ${to.live}`
  const waves = [...new Set([from, to].flatMap(({ consumers }) => Object.keys(consumers)))].toSorted()
  const at = (side: Intents, wave: string) => side.consumers[wave] ?? side.live
  const moved = waves.filter((wave) => at(from, wave) !== at(to, wave)).map((wave) => `${wave} to ${at(to, wave)}`)
  return moved.length === 0 ? null : moved.join(', ')
}

/** What a plan says of the gate: its answer, that none is asked, or null where the plan couldn't be made. */
export function gateAnswer(plan: string | null): string | null {
  if (plan === null || /^The plan can/.test(plan)) return null
  const lines = plan.split('\n')
  const from = lines.findIndex((line) => /^(?:Nothing would refuse it now|It would be refused now)/.test(line))
  if (from === -1) return 'No gate is asked.'
  const behind = lines.slice(from + 1)
  const end = behind.findIndex((line) => !line.startsWith('  '))
  const refusals = (end === -1 ? behind : behind.slice(0, end)).map((line) => line.trim())
  const more = refusals.length > 5 ? ` and ${refusals.length - 5} more, in the plan` : ''
  return `${lines[from]} ${refusals.slice(0, 5).join('; ')}${more}`.trim()
}

interface Intents {
  readonly live: Colour
  readonly consumers: Readonly<Record<string, unknown>>
}

type FromTo = { readonly from: Intents | null; readonly to: Intents | null }

/** From where traffic is, which a refresh has found. */
function switchoverIntents(previews: readonly StackPreview[]): FromTo {
  const switchover = resourceOf(previews, switchoverType)
  return { from: intentsIn(switchover?.old?.outputs), to: intentsIn(switchover?.next?.inputs) }
}

const JobConfig = z.object({ [jobFile]: z.string() })
const OrchestratorIntent = z.object({ intent: z.looseObject({}) })

/** From what the last job was asked for, to what the next one is: of one that was taken back the traffic is elsewhere, and its config is due to say so. */
function jobIntents(previews: readonly StackPreview[]): FromTo {
  const config = [...previews.flatMap(({ changes }) => changes), ...previews.flatMap(({ resources }) => resources)].find(isJobConfig)
  return { from: jobIntent(config?.old), to: jobIntent(config?.next) }
}

function isJobConfig({ type, old, next }: PreviewedResource): boolean {
  return type === configMapType && [old, next].some((state) => JobConfig.safeParse(state?.inputs?.data).success)
}

function jobIntent(state: ResourceState | null | undefined): Intents | null {
  const data = JobConfig.safeParse(state?.inputs?.data)
  if (!data.success) return null
  try {
    return intentsIn(OrchestratorIntent.parse(JSON.parse(data.data[jobFile])).intent)
  } catch {
    return null // not this project's
  }
}

function intentsIn(side: Readonly<Record<string, unknown>> | null | undefined): Intents | null {
  const live = colourIn(side?.live)
  return live === null ? null : { live, consumers: isRecord(side?.consumers) ? side.consumers : {} }
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
