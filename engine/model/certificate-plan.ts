/** What a certificate of the local platform says; times are wall-clock milliseconds. */
export interface CertificatePlan {
  readonly commonName: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** IP addresses that it is for; empty for an authority. */
  readonly addresses: readonly string[]
}

const dayMs = 86_400_000
/** Longer than any process runs: each start makes a new certificate. */
const serverDays = 397
const authorityDays = 3_650
/** A clock that was set back by a little still takes a new certificate. */
const backdatedMs = 5 * 60_000

/** The authority that everything of one fleet is signed by. */
export function authorityPlan(fleet: string, nowMs: number): CertificatePlan {
  return { commonName: `kbg ${fleet} authority`, notBeforeMs: nowMs - backdatedMs, notAfterMs: nowMs + authorityDays * dayMs, addresses: [] }
}

/** A process that listens: valid for exactly its addresses, each named once. */
export function serverPlan(name: string, addresses: readonly string[], nowMs: number): CertificatePlan {
  return { commonName: name, notBeforeMs: nowMs - backdatedMs, notAfterMs: nowMs + serverDays * dayMs, addresses: [...new Set(addresses)] }
}
