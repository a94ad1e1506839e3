import { stripVTControlCharacters } from 'node:util'
import { parseStackName, type StackRole } from '../../engine/model/fleet.ts'
import type { EngineEvent, ResourceState } from './events.ts'

/** A resource as a preview leaves it. */
export interface PreviewedResource {
  readonly type: string
  /** The last part of its URN. */
  readonly name: string
  readonly old: ResourceState | null
  readonly next: ResourceState | null
}

/** A resource that an update would make, change or delete. */
export interface Change extends PreviewedResource {
  readonly op: 'create' | 'update' | 'replace' | 'delete' | 'import'
  /** What differs, by its path; empty: all of it, or Pulumi doesn't say. */
  readonly paths: readonly string[]
}

/** What a policy said of a stack. */
export interface PolicyReport {
  readonly policy: string
  readonly finding: string
  /** What mends it; empty where the policy doesn't say. */
  readonly remedy: string
  readonly isMandatory: boolean
}

/** What a preview of one stack says. */
export interface StackPreview {
  readonly stack: string
  readonly role: StackRole
  /** One for each resource, in the order in which Pulumi came to it. */
  readonly changes: readonly Change[]
  readonly violations: readonly PolicyReport[]
  /** What policies could not judge. */
  readonly unjudged: readonly string[]
  /** What would be a violation, but for a declared exception that holds. */
  readonly excepted: readonly string[]
  readonly errors: readonly string[]
  /** The switchover's plan, as the preview tells it; null: none. */
  readonly plan: string | null
  /** The stack's resources as the preview leaves them. */
  readonly resources: readonly PreviewedResource[]
  /** Whether the preview came to its end: then nothing that it changes is missing here. */
  readonly isWhole: boolean
  /** How many policies of the pack judged the stack as a whole; null: they did not run, or the preview broke off before. */
  readonly policiesRun: number | null
  /** Policies of it that touched an unknown value, and so judged nothing. */
  readonly policiesNotRun: readonly string[]
}

/** The pack that has to run, by the name that `policy/pack.ts` gives it. */
const packName = 'kafka-blue-green'

/** A policy that touches an unknown value is turned into this advisory by Pulumi: nothing was shown. */
const notRun = /(?:^|\n)can't run policy /

/** Pulumi's own markers of colours, as an event log keeps them. */
const markers = /<\{%[^%]*%\}>/g

/** The switchover stands in a component, so its type in the URN follows that of its parent. */
const switchoverUrn = /[:$]kbg:index:Switchover::/

/** What Pulumi says at the end of any preview that was refused: the reason stands elsewhere. */
const consequence = /^preview failed$/i

export function stackPreview(stack: string, events: readonly EngineEvent[]): StackPreview {
  const policyEvents = events.flatMap(({ policyEvent }) => (policyEvent === undefined ? [] : [policyEvent]))
  const isNotRun = (event: (typeof policyEvents)[number]) => notRun.test(plain(event.message))
  const kindOf = (event: (typeof policyEvents)[number]) =>
    event.policyName === 'unjudged' || isNotRun(event) ? 'unjudged' : event.policyName === 'excepted' ? 'excepted' : 'violation'
  const ofKind = (kind: ReturnType<typeof kindOf>) => policyEvents.filter((event) => kindOf(event) === kind).map(reportOf)
  const diagnostics = events.flatMap(({ diagnosticEvent }) => (diagnosticEvent === undefined ? [] : [diagnosticEvent]))
  const errors = diagnostics.filter(({ severity }) => severity === 'error').map(({ message }) => readable(plain(message)))
  const judged = events.map((event) => event.policyAnalyzeStackSummaryEvent).find((event) => event?.policyPackName === packName)
  return {
    stack,
    role: parseStackName(stack).role,
    changes: changesOf(events),
    violations: ofKind('violation'),
    unjudged: ofKind('unjudged').map(({ finding }) => finding),
    excepted: ofKind('excepted').map(({ finding }) => finding),
    errors: errors.filter((message) => !consequence.test(message)),
    plan: planOf(diagnostics),
    resources: [...lastByUrn(events).values()].map(resourceOf),
    isWhole: events.some(({ summaryEvent }) => summaryEvent !== undefined),
    policiesRun: judged === undefined ? null : (judged.passed?.length ?? 0) + (judged.failed?.length ?? 0),
    policiesNotRun: [...new Set(policyEvents.filter(isNotRun).map(({ policyName }) => policyName))],
  }
}

/** Everything that the switchover tells: the plan, and what stands beside it. */
function planOf(diagnostics: readonly NonNullable<EngineEvent['diagnosticEvent']>[]): string | null {
  const told = diagnostics.filter(({ urn, severity }) => severity === 'info' && switchoverUrn.test(urn ?? '')).map(({ message }) => plain(message))
  return told.length === 0 ? null : told.join('\n')
}

type Metadata = NonNullable<EngineEvent['resourcePreEvent']>['metadata']

/** The last event of each resource: a refresh comes before what is planned by what it found. */
function lastByUrn(events: readonly EngineEvent[]): ReadonlyMap<string, Metadata> {
  const last = new Map<string, Metadata>()
  for (const { resourcePreEvent, resOutputsEvent } of events) {
    const metadata = (resOutputsEvent ?? resourcePreEvent)?.metadata
    if (metadata !== undefined) last.set(metadata.urn, metadata)
  }
  return last
}

function resourceOf({ urn, type, old, new: next }: Metadata): PreviewedResource {
  return { type, name: urn.split('::').at(-1) ?? urn, old: old ?? null, next: next ?? null }
}

/** A replacement is three steps of one resource: told once, with both states. */
function changesOf(events: readonly EngineEvent[]): readonly Change[] {
  const steps = events.flatMap(({ resourcePreEvent }) => (resourcePreEvent === undefined ? [] : [resourcePreEvent.metadata]))
  const byUrn = Map.groupBy(
    steps.filter(({ op }) => opOf(op) !== undefined),
    ({ urn }) => urn,
  )
  return [...byUrn.values()].flatMap((each): Change[] => {
    const shown = each.find(({ op }) => op === 'replace') ?? each[0]
    const op = shown && opOf(shown.op)
    return shown === undefined || op === undefined ? [] : [{ ...resourceOf(shown), op, paths: Object.keys(shown.detailedDiff ?? {}) }]
  })
}

/** What an operation of Pulumi's engine comes to; undefined: it changes nothing. Source: pulumi/sdk/v3/go/common/display/operation.go. */
function opOf(op: string): Change['op'] | undefined {
  switch (op) {
    case 'create':
    case 'update':
      return op
    case 'replace':
    case 'create-replacement':
    case 'delete-replaced':
    case 'discard-replaced':
    case 'import-replacement':
    case 'read-replacement':
      return 'replace'
    case 'delete':
    case 'discard':
    case 'remove-pending-replace':
      return 'delete'
    case 'import':
      return 'import'
    case 'same':
    case 'read':
    case 'refresh':
    case 'read-discard':
      return undefined
    default:
      return 'update' // a kind that is newer than this: shown rather than left out
  }
}

/** Pulumi puts the policy's description on a line before what it reports: the finding, and on the next line what mends it. */
function reportOf({ policyName, message, enforcementLevel }: NonNullable<EngineEvent['policyEvent']>): PolicyReport {
  const lines = plain(message).split('\n')
  const [finding = '', ...remedy] = lines.length === 1 ? lines : lines.slice(1)
  return { policy: policyName, finding, remedy: remedy.join(' '), isMandatory: enforcementLevel === 'mandatory' }
}

function plain(text: string): string {
  return stripVTControlCharacters(text.replaceAll(markers, '')).trim()
}

/** A URN's last part says which resource it is; the rest of it, and how Pulumi leads a refused property in, are Pulumi's. */
function readable(text: string): string {
  return text
    .replaceAll(/urn:pulumi:[^\s"']*::([^\s"':]+)/g, '$1')
    .replace(/^\S+ resource '([^']+)': property (\S+) value \{.*?\} has a problem: /s, '$1, $2: ')
}

/** A stack whose event log can't be read: nothing is shown, and that keeps the change back. */
export function unreadPreview(stack: string, why: string): StackPreview {
  return { ...stackPreview(stack, []), errors: [why] }
}
