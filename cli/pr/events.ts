import { z } from 'zod'
import { KbgError } from '../../engine/model/error.ts'

/** A resource as an engine event shows it; secrets are masked by Pulumi. Source: pulumi/sdk/v3/go/common/apitype/events.go. */
const ResourceState = z.looseObject({
  inputs: z.record(z.string(), z.unknown()).nullish(),
  outputs: z.record(z.string(), z.unknown()).nullish(),
  protect: z.boolean().nullish(),
})
export type ResourceState = z.infer<typeof ResourceState>

const ResourceEvent = z.looseObject({
  metadata: z.looseObject({
    op: z.string(),
    urn: z.string(),
    type: z.string(),
    old: ResourceState.nullish(),
    new: ResourceState.nullish(),
    /** What differs, by its path. */
    detailedDiff: z.record(z.string(), z.unknown()).nullish(),
  }),
})

const PolicyEvent = z.looseObject({
  resourceUrn: z.string().nullish(),
  message: z.string(),
  policyName: z.string(),
  enforcementLevel: z.string(),
})

/** Comes when the stack as a whole was judged, which is behind everything else: a preview that broke off before has none. */
const PolicySummaryEvent = z.looseObject({
  policyPackName: z.string(),
  passed: z.array(z.string()).nullish(),
  failed: z.array(z.string()).nullish(),
})

const DiagnosticEvent = z.looseObject({ urn: z.string().nullish(), message: z.string(), severity: z.string() })

const SummaryEvent = z.looseObject({ resourceChanges: z.record(z.string(), z.number()).nullish() })

/** One line of `pulumi preview --event-log FILE`; kinds that nothing here reads pass through. */
const EngineEvent = z.looseObject({
  resourcePreEvent: ResourceEvent.optional(),
  resOutputsEvent: ResourceEvent.optional(),
  policyEvent: PolicyEvent.optional(),
  policyAnalyzeStackSummaryEvent: PolicySummaryEvent.optional(),
  diagnosticEvent: DiagnosticEvent.optional(),
  summaryEvent: SummaryEvent.optional(),
})
export type EngineEvent = z.infer<typeof EngineEvent>

/**
 * Reads an event log: one JSON object a line.
 *
 * @param file names it in messages
 * @throws KbgError `event-log` with the first line that can't be read: half a log would show half of what changes
 */
export function parseEvents(text: string, file: string): readonly EngineEvent[] {
  return text.split('\n').flatMap((line, index): EngineEvent[] => {
    if (line.trim() === '') return []
    const parsed = EngineEvent.safeParse(jsonOf(line))
    if (parsed.success) return [parsed.data]
    throw new KbgError('event-log', `The event log ${file} can't be read.`, {
      facts: { line: index + 1, problem: parsed.error.issues.map(({ path, message }) => `${path.map(String).join('.') || 'line'}: ${message}`) },
      remedy: 'Make it with pulumi preview --event-log, and hand it over as it is.',
    })
  })
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined // the schema refuses it, with the line's number
  }
}
