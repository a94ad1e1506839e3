import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * How asker and audit worker show each other that they know the password of user `audit`, without sending it: HMAC-SHA-256 over a nonce that the asker makes for each request, what is asked, and
 * the bytes of body and answer. Whoever merely listens on a worker's address can't answer, and an answer of before isn't taken for another one's. It hides nothing: beyond loopback that is TLS's affair.
 */
const scheme = 'kbg-audit'
/** Header in which an answer carries its proof. */
export const proofHeader = 'x-kbg-proof'

/** A request's proof, and what its answer is checked with. */
export interface SignedRequest {
  /** `kbg-audit <nonce> <SHA-256 of the body> <proof>`, all in hexadecimal. */
  readonly authorization: string
  readonly nonce: string
}

/** What a request says that knows the password. */
export interface KnownRequest {
  readonly nonce: string
  /** The body's SHA-256: it comes behind this, and is checked by {@link isBody}. */
  readonly bodyDigest: string
}

/** The Authorization header of a request. */
export function signRequest(password: string, method: string, path: string, body: string): SignedRequest {
  const nonce = randomBytes(16).toString('hex')
  const bodyDigest = digestOf(body)
  return { authorization: `${scheme} ${nonce} ${bodyDigest} ${requestProof(password, method, path, nonce, bodyDigest)}`, nonce }
}

/** Reads the Authorization header of a request; null when whoever sent it doesn't know the password, or signed something else. */
export function knownRequest(password: string, method: string, path: string, authorization: string): KnownRequest | null {
  const match = /^kbg-audit ([0-9a-f]{32}) ([0-9a-f]{64}) ([0-9a-f]{64})$/.exec(authorization)
  const [, nonce, bodyDigest, proof] = match ?? []
  if (nonce === undefined || bodyDigest === undefined || proof === undefined) return null
  return isSame(proof, requestProof(password, method, path, nonce, bodyDigest)) ? { nonce, bodyDigest } : null
}

/** Whether this is the body that was signed. */
export function isBody({ bodyDigest }: KnownRequest, body: string): boolean {
  return isSame(bodyDigest, digestOf(body))
}

/** What an answer to the request with this nonce carries in {@link proofHeader}. */
export function answerProof(password: string, nonce: string, status: number, body: string): string {
  return macOf(password, ['answer', nonce, `${status}`, digestOf(body)])
}

/** Whether an answer comes from somebody who knows the password, and is the one to this request. */
export function isProvenAnswer(password: string, nonce: string, status: number, body: string, proof: string | null): boolean {
  return proof !== null && isSame(proof, answerProof(password, nonce, status, body))
}

function requestProof(password: string, method: string, path: string, nonce: string, bodyDigest: string): string {
  return macOf(password, ['request', method, path, nonce, bodyDigest])
}

/** No part holds a line break, so the parts can't be taken for others. */
function macOf(password: string, parts: readonly string[]): string {
  return createHmac('sha256', password).update(parts.join('\n')).digest('hex')
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Takes as long wherever they differ. */
function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
