import { stripVTControlCharacters } from 'node:util'
import { parseStackName, type StackRole } from '../../engine/model/fleet.ts'
import type { EngineEvent, ResourceState } from './events.ts'

/** A resource that an update would make, change or delete. */
export interface Change {
  readonly op: string
  readonly type: string
  /** The last part of its URN. */
  readonly name: string
  readonly old: ResourceState | null
  readonly next: ResourceState | null
}

export interface Violation {
  readonly policy: string
  readonly message: string
  readonly isMandatory: boolean
}

/** What a preview of one stack says. */
export interface StackPreview {
  readonly stack: string
  readonly role: StackRole
  readonly changes: readonly Change[]
  readonly violations: readonly Violation[]
  /** What policies could not judge. */
  readonly unjudged: readonly string[]
  readonly errors: readonly string[]
  /** The switchover's plan, as the preview tells it; null: none. */
  readonly plan: string | null
  /** Values of the stack's resources by type, as the preview leaves them. */
  readonly resources: readonly Change[]
  /** Whether the preview came to its end. */
  readonly isWhole: boolean
  /** Whether the policy pack ran. */
  readonly hasPolicies: boolean
  /** Policies of it that touched an unknown value, and so judged nothing. */
  readonly policiesNotRun: readonly string[]
}

/** A policy that touches an unknown value is turned into this advisory by Pulumi: nothing was shown. */
const notRun = /(?:^|\n)can't run policy /

/** Pulumi's own markers of colours, as an event log keeps them. */
const markers = /<\{%[^%]*%\}>/g

export function stackPreview(stack: string, events: readonly EngineEvent[]): StackPreview {
  const resources = events.flatMap(({ resourcePreEvent, resOutputsEvent }) => {
    const event = resOutputsEvent ?? resourcePreEvent
    return event === undefined ? [] : [changeOf(event.metadata)]
  })
  const policyEvents = events.flatMap(({ policyEvent }) => (policyEvent === undefined ? [] : [policyEvent]))
  const isNotRun = (event: (typeof policyEvents)[number]) => notRun.test(plain(event.message))
  const isUnjudged = (event: (typeof policyEvents)[number]) => event.policyName === 'unjudged' || isNotRun(event)
  const diagnostics = events.flatMap(({ diagnosticEvent }) => (diagnosticEvent === undefined ? [] : [diagnosticEvent]))
  const summary = events.findLast(({ summaryEvent }) => summaryEvent !== undefined)?.summaryEvent
  return {
    stack,
    role: parseStackName(stack).role,
    changes: events
      .flatMap(({ resourcePreEvent }) => (resourcePreEvent === undefined ? [] : [changeOf(resourcePreEvent.metadata)]))
      .filter(({ op }) => !isQuiet(op)),
    violations: policyEvents
      .filter((event) => !isUnjudged(event))
      .map(({ policyName, message, enforcementLevel }) => ({
        policy: policyName,
        message: withoutDescription(message),
        isMandatory: enforcementLevel === 'mandatory',
      })),
    unjudged: policyEvents.filter(isUnjudged).map(({ message }) => withoutDescription(message)),
    errors: diagnostics.filter(({ severity }) => severity === 'error').map(({ message }) => plain(message)),
    plan:
      diagnostics
        .filter(({ urn, severity }) => severity === 'info' && urn?.includes('::kbg:index:Switchover::'))
        .map(({ message }) => plain(message))
        .at(-1) ?? null,
    resources,
    isWhole: summary !== undefined,
    policiesNotRun: [...new Set(policyEvents.filter(isNotRun).map(({ policyName }) => policyName))],
    hasPolicies: Object.keys(summary?.PolicyPacks ?? {}).length > 0,
  }
}

function changeOf({ op, urn, type, old, new: next }: NonNullable<EngineEvent['resourcePreEvent']>['metadata']): Change {
  return { op, type, name: urn.split('::').at(-1) ?? urn, old: old ?? null, next: next ?? null }
}

/** Operations that change nothing. */
function isQuiet(op: string): boolean {
  return ['same', 'read', 'refresh', 'read-discard'].includes(op)
}

/** Pulumi puts the policy's description on a line before what it reports. */
function withoutDescription(message: string): string {
  const [, ...rest] = plain(message).split('\n')
  return rest.length === 0 ? plain(message) : rest.join('\n')
}

function plain(text: string): string {
  return stripVTControlCharacters(text.replaceAll(markers, '')).trim()
}
