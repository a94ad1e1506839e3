import { z } from 'zod'
import { Check } from '../../engine/gate/check.ts'
import type { GateReport } from '../report/evidence.ts'

/** The part of a stack's state that is read here: resources with their outputs. */
const Deployment = z.object({
  resources: z.array(z.object({ urn: z.string(), outputs: z.record(z.string(), z.unknown()).optional() })).default([]),
})

/** What the Gate resource stores when it passed. Its name is the program's choice, and Pulumi has one type for all dynamic resources. */
const GateOutputs = z.object({
  wiring: z.object({ fleet: z.string() }),
  verdict: z.string(),
  epoch: z.int().nonnegative(),
  checks: z.array(Check),
  limits: z.record(z.string(), z.union([z.number(), z.string()])),
})

const dynamicUrn = /[:$]pulumi-nodejs:dynamic:Resource::/

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
 * @param deployment a stack's exported deployment; it may hold other fleets too
 * @param updates how many updates were asked for until this one passed
 */
export function gateEvidence(deployment: unknown, fleet: string, updates: number): GateEvidence | null {
  const parsed = Deployment.safeParse(deployment)
  if (!parsed.success) return null
  const gates = parsed.data.resources.flatMap(({ urn, outputs }) => (dynamicUrn.test(urn) ? (GateOutputs.safeParse(outputs).data ?? []) : []))
  const gate = gates.find(({ wiring }) => wiring.fleet === fleet)
  if (gate?.verdict !== 'pass') return null
  const { epoch, checks, limits } = gate
  return { gate: { epoch, updates, checks }, limits }
}
