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
/** From then on before its end a certificate is told of. */
const noticeDays = 30
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

/** Whether whoever runs a process has to hear of its certificate's end by now. */
export function endsSoon(notAfterMs: number, nowMs: number): boolean {
  return notAfterMs - nowMs < noticeDays * dayMs
}

/** Whether an authority will soon refuse to issue what would outlive it. */
export function issuesNotMuchLonger(notAfterMs: number, nowMs: number): boolean {
  return endsSoon(notAfterMs - serverDays * dayMs, nowMs)
}
