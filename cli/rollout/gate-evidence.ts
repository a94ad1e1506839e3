import { z } from 'zod'
import { Check } from '../../engine/gate/check.ts'
import type { GateReport } from '../report/evidence.ts'

/** The part of a stack's state that is read here: resources with their outputs. */
const Deployment = z.object({
  resources: z.array(z.object({ urn: z.string(), outputs: z.record(z.string(), z.unknown()).optional() })).default([]),
})

/** What the Gate resource stores when it passed. */
const GateOutputs = z.object({
  verdict: z.string(),
  epoch: z.int().nonnegative(),
  checks: z.array(Check),
  limits: z.record(z.string(), z.union([z.number(), z.string()])),
})

/** What the gate of the last update saw. */
export interface GateEvidence {
  readonly gate: GateReport
  /** The limits that it judged by. */
  readonly limits: Readonly<Record<string, number | string>>
}

/**
 * The checks that let the last update through, from the state that Pulumi keeps of the Gate resource (pure); null when there is no gate in it, or when it
 * had nothing to judge.
 *
 * @param deployment a stack's exported deployment
 * @param updates how many updates were asked for until this one passed
 */
export function gateEvidence(deployment: unknown, updates: number): GateEvidence | null {
  const parsed = Deployment.safeParse(deployment)
  if (!parsed.success) return null
  const gate = parsed.data.resources.find((resource) => /::(traffic-)?gate$/.test(resource.urn)) // without: a stack from before
  const outputs = GateOutputs.safeParse(gate?.outputs)
  if (!outputs.success || outputs.data.verdict !== 'pass') return null
  const { epoch, checks, limits } = outputs.data
  return { gate: { epoch, updates, checks }, limits }
}
