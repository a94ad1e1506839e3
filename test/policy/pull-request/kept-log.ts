/** An event log of a real preview, reduced to what `kbg pr` reads of it: what is kept renders the same comment. */
import type { EngineEvent } from '../../../cli/pr/events.ts'

/** Resources of which `kbg pr` reads more than that they change. */
const readAnyway: readonly string[] = ['kbg:catalog:Parity', 'kbg:index:Switchover', 'kbg:index:RetirementGuard']
const quiet: readonly string[] = ['same', 'read', 'refresh']

export function keptLog(events: readonly EngineEvent[]): string {
  return `${events
    .flatMap(keptOf)
    .map((event) => JSON.stringify(event))
    .join('\n')}\n`
}

function keptOf(event: EngineEvent): readonly EngineEvent[] {
  const { resourcePreEvent, resOutputsEvent, policyEvent, policyAnalyzeStackSummaryEvent, diagnosticEvent, summaryEvent } = event
  if (resourcePreEvent !== undefined) return isRead(resourcePreEvent) ? [{ resourcePreEvent: reduced(resourcePreEvent) }] : []
  // What follows a step shows the same resource once more, with what the provider answered.
  if (resOutputsEvent !== undefined) return readAnyway.slice(1).includes(resOutputsEvent.metadata.type) ? [{ resOutputsEvent: reduced(resOutputsEvent) }] : []
  if (policyEvent !== undefined) return [{ policyEvent }]
  if (policyAnalyzeStackSummaryEvent !== undefined) return [{ policyAnalyzeStackSummaryEvent }]
  if (diagnosticEvent !== undefined) return ['error', 'info'].includes(diagnosticEvent.severity) ? [{ diagnosticEvent }] : []
  return summaryEvent === undefined ? [] : [{ summaryEvent }]
}

type ResourceEvent = NonNullable<EngineEvent['resourcePreEvent']>

function isRead({ metadata: { op, type } }: ResourceEvent): boolean {
  return readAnyway.includes(type) || !quiet.includes(op)
}

/** Without what names this machine: addresses and directories in what the stacks are wired to. */
function reduced({ metadata: { op, urn, type, old, new: next, detailedDiff } }: ResourceEvent): ResourceEvent {
  const paths = Object.keys(detailedDiff ?? {})
  const state = (side: typeof old) =>
    side ? { inputs: plainInputs(type, side.inputs ?? {}, paths), ...(type.endsWith(':Switchover') ? { outputs: told(side.outputs) } : {}) } : null
  const before = type === 'kbg:catalog:Parity' ? null : state(old)
  return { metadata: { op, urn, type, old: before, new: state(next), detailedDiff: Object.fromEntries(paths.map((path) => [path, {}])) } }
}

const wired: readonly string[] = ['wiring', 'cluster', 'clusters', 'target', 'gate']

function plainInputs(type: string, inputs: Readonly<Record<string, unknown>>, paths: readonly string[]) {
  const names = type === 'kbg:catalog:Parity' ? ['blue', 'green'] : Object.keys(inputs).filter((name) => !wired.includes(name))
  const differing = paths.flatMap((path) => (path.startsWith('wiring.') ? [path.split(/[.[]/)[1] ?? ''] : []))
  return { ...picked(inputs, names), ...(differing.length === 0 ? {} : { wiring: picked(inputs.wiring, differing) }) }
}

function picked(from: unknown, names: readonly string[]) {
  return Object.fromEntries(names.map((name) => [name, typeof from === 'object' && from !== null ? Reflect.get(from, name) : undefined]))
}

function told(outputs: Readonly<Record<string, unknown>> | null | undefined) {
  return { live: outputs?.live, consumers: outputs?.consumers }
}
