import { KbgError, messageOf } from './error.ts'

/**
 * What can be wrong between two sides of which at least one speaks TLS, by error code, and the marks by which each is known: error codes of Node's TLS (OpenSSL's verify results and alerts), and their words, which is all that gRPC hands on.
 * The first that matches counts.
 */
const problems = {
  'tls-expired': {
    marks: ['CERT_HAS_EXPIRED', 'certificate has expired', 'CERT_NOT_YET_VALID', 'certificate is not yet valid'],
    says: 'its certificate is not valid today',
    remedy:
      "Compare the machine's date with the certificate's. A local process gets a new certificate when it is started: end it, and `pulumi up` starts it again.",
  },
  'tls-name': {
    marks: ['ERR_TLS_CERT_ALTNAME_INVALID', "does not match certificate's altnames"],
    says: 'its certificate is for another address',
    remedy: 'Use the address that the certificate names; if something forwards to it, let it forward from there.',
  },
  'tls-untrusted': {
    marks: [
      ...['CERT_SIGNATURE_FAILURE', 'certificate signature failure', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unable to verify the first certificate'],
      ...['UNABLE_TO_GET_ISSUER_CERT', 'unable to get local issuer certificate', 'SELF_SIGNED_CERT', 'self-signed certificate'],
    ],
    says: 'its certificate is by another authority than the trusted one',
    remedy: "Trust the authority of this fleet (`caFile`, .kbg/<fleet>/tls/ca.pem); if that is trusted already, another fleet's process listens there.",
  },
  'tls-version': {
    marks: ['alert protocol version', 'PROTOCOL_VERSION', 'unsupported protocol', 'UNSUPPORTED_PROTOCOL'],
    says: 'it speaks no TLS from 1.2 on',
    remedy: 'Let it speak TLS 1.2 or 1.3; older versions are never used.',
  },
  'tls-plaintext-server': {
    marks: ['wrong version number', 'WRONG_VERSION_NUMBER', 'packet length too long', 'PACKET_LENGTH_TOO_LONG'],
    says: 'it speaks no TLS, and there is no falling back to plaintext',
    remedy: 'Let all three stacks of the fleet say `tls: true`, or find out what else listens there.',
  },
  'tls-required': {
    marks: ['Broker requires TLS'],
    says: 'it speaks TLS only, and nothing says which authority to trust',
    remedy: 'Name the certificate of its authority (`caFile`).',
  },
} as const satisfies Record<string, { readonly marks: readonly string[]; readonly says: string; readonly remedy: string }>

/**
 * The refusal when TLS is why a connection failed; undefined for any other reason. Never retriable: nobody's waiting mends a certificate.
 *
 * @param where address, for people
 * @param thrown the library's error; its causes are looked through too
 */
export function tlsRefusal(where: string, thrown: unknown): KbgError | undefined {
  const said = saidBy(thrown)
  const found = Object.entries(problems).find(([, { marks }]) => marks.some((mark) => said.includes(mark)))
  if (found === undefined) return undefined
  const [code, { says, remedy }] = found
  return new KbgError(code, `Not connected to ${where}: ${says}.`, { remedy, cause: thrown })
}

/** Whether an error is a {@link tlsRefusal}. */
export function isTlsRefusal(thrown: unknown): thrown is KbgError {
  return thrown instanceof KbgError && Object.hasOwn(problems, thrown.code)
}

/** Codes and messages of an error and its causes. */
function saidBy(thrown: unknown): string {
  const codes: string[] = []
  for (let error = thrown; error instanceof Error; error = error.cause) if ('code' in error) codes.push(String(error.code))
  return [...codes, messageOf(thrown)].join(' ')
}
