import { readFileSync } from 'node:fs'
import { KbgError } from '../model/error.ts'

/** What a TLS connection is made with: `tls.connect`'s options. */
export interface Trust {
  /** The one authority that is trusted, PEM; the system's own are not. */
  readonly ca: Buffer
  readonly minVersion: 'TLSv1.2'
  readonly rejectUnauthorized: true
}

/**
 * Trust in exactly the authority of this file, read now, so that a new one is taken up by the next connection.
 *
 * @returns undefined without a file: the other side is reached in plaintext
 * @throws KbgError `tls-authority` when it can't be read; `tls-unverified` where Node is told to take any certificate, which gRPC and kafkajs would follow
 */
export function trustIn(caFile: string): Trust
export function trustIn(caFile: string | undefined): Trust | undefined
export function trustIn(caFile: string | undefined): Trust | undefined {
  if (caFile === undefined) return undefined
  refuseUnverified()
  try {
    return { ca: readFileSync(caFile), minVersion: 'TLSv1.2', rejectUnauthorized: true }
  } catch (cause) {
    throw new KbgError('tls-authority', "The certificate of the authority to trust can't be read, and there is no falling back to plaintext.", {
      facts: { caFile },
      remedy: 'It is written when the fleet is provisioned with `tls: true`; restore it.',
      cause,
    })
  }
}

/** @throws KbgError `tls-unverified` where Node is told to take any certificate */
export function refuseUnverified(): void {
  if (process.env.NODE_TLS_REJECT_UNAUTHORIZED !== '0') return
  throw new KbgError('tls-unverified', 'NODE_TLS_REJECT_UNAUTHORIZED=0 would let any certificate pass.', { remedy: 'Unset it.' })
}
