/**
 * The certificates of a fleet whose local platform speaks TLS: one authority for the fleet, and a new certificate for every process that listens whenever it is started.
 * Keys stand in `.kbg/<fleet>/` alone (directories 0700, files 0600). Node can read X.509 but not issue it: node-forge does, and writes PKCS #12, the one form of Connect's REST server.
 */
import { generateKeyPair, randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import forge from 'node-forge'
import { authorityPlan, type CertificatePlan, serverPlan } from '../../model/certificate-plan.ts'
import { firstFive, KbgError } from '../../model/error.ts'
import { type Clock, Deadline } from '../../ports/clock.ts'
import { writePrivately } from './credentials.ts'
import { withFileLock } from './file-lock.ts'
import { caFile, fleetDirectory } from './state.ts'

/** A certificate with its key and the authority's certificate, all PEM. */
export interface IssuedCertificate {
  /** PKCS #8. */
  readonly key: string
  readonly certificate: string
  readonly authority: string
}

interface Authority {
  readonly key: string
  readonly certificate: string
}

const newKeyPair = promisify(generateKeyPair)
const keyBits = 2_048

/**
 * Makes sure that the fleet has its authority; several processes may do this at once.
 *
 * @returns the absolute path of the authority's certificate: what a client trusts
 * @throws KbgError `busy` when another process holds it for 10 s; `tls-authority` when it is gone while what it has signed still stands
 */
export async function ensureAuthority(projectRoot: string, fleet: string, clock: Clock): Promise<string> {
  const file = caFile(projectRoot, fleet)
  const patience = new Deadline(clock, 10_000, `the certificate authority of ${fleet}`)
  await withFileLock(join(fleetDirectory(projectRoot, fleet), 'tls.lock'), `the certificate authority of fleet ${fleet}`, patience, async () => {
    if (existsSync(file)) return
    refuseSuccessor(projectRoot, fleet)
    const { key, certificate } = await issue(authorityPlan(fleet, clock.wallClock().getTime()))
    writePrivately(keyFile(projectRoot, fleet), key)
    writePrivately(file, certificate) // last: with it the authority counts as made
  })
  return file
}

/**
 * A certificate for a process that listens on these addresses of loopback, by the fleet's authority.
 *
 * @throws KbgError `tls-authority` when the authority isn't there, is damaged or ends before long
 */
export async function issueCertificate(
  projectRoot: string,
  fleet: string,
  name: string,
  addresses: readonly string[],
  clock: Clock,
): Promise<IssuedCertificate> {
  const authority = readAuthority(projectRoot, fleet)
  const plan = serverPlan(name, addresses, clock.wallClock().getTime())
  const untilMs = forge.pki.certificateFromPem(authority.certificate).validity.notAfter.getTime()
  if (untilMs < plan.notAfterMs) {
    throw new KbgError('tls-authority', `The certificate authority of fleet ${fleet} ends too soon to issue a certificate.`, {
      facts: { file: caFile(projectRoot, fleet), until: new Date(untilMs).toISOString(), required: new Date(plan.notAfterMs).toISOString() },
      remedy: 'Provision a new fleet and switch to it: a new authority takes effect only where everything is started afresh.',
    })
  }
  return { ...(await issue(plan, authority)), authority: authority.certificate }
}

/** Key and certificate in one PEM file (0600), as Kafka (`ssl.keystore.type=PEM`) and etcd read it. */
export function writeKeystore(file: string, { key, certificate }: IssuedCertificate): void {
  writePrivately(file, `${key}${certificate}`)
}

/** The same as PKCS #12 (0600), since Connect's REST server hands the type on to Java, which knows no PEM (`SSLUtils`). @returns the password that it is encrypted with */
export function writePkcs12(file: string, { key, certificate, authority }: IssuedCertificate): string {
  const password = randomBytes(24).toString('base64url')
  const chain = [certificate, authority].map((pem) => forge.pki.certificateFromPem(pem))
  const store = forge.pkcs12.toPkcs12Asn1(forge.pki.privateKeyFromPem(key), chain, password, { algorithm: 'aes256', friendlyName: 'rest' })
  writePrivately(file, Buffer.from(forge.asn1.toDer(store).getBytes(), 'binary'))
  return password
}

/** @param by none: the certificate signs itself */
export async function issue(plan: CertificatePlan, by?: Authority): Promise<Authority> {
  const { publicKey, privateKey } = await newKeyPair('rsa', {
    modulusLength: keyBits,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const subject = [{ shortName: 'CN', value: plan.commonName }]
  const made = forge.pki.createCertificate()
  made.publicKey = forge.pki.publicKeyFromPem(publicKey)
  made.serialNumber = `4${randomBytes(16).toString('hex').slice(1)}` // positive, and without a leading zero, which DER forbids
  made.validity.notBefore = new Date(plan.notBeforeMs)
  made.validity.notAfter = new Date(plan.notAfterMs)
  made.setSubject(subject)
  made.setIssuer(by === undefined ? subject : forge.pki.certificateFromPem(by.certificate).subject.attributes)
  made.setExtensions(by === undefined ? authorityExtensions : serverExtensions(plan.addresses))
  made.sign(forge.pki.privateKeyFromPem(by?.key ?? privateKey), forge.md.sha256.create())
  return { key: privateKey, certificate: forge.pki.certificateToPem(made).replaceAll('\r\n', '\n') }
}

const authorityExtensions = [
  { name: 'basicConstraints', cA: true, critical: true },
  { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
  { name: 'subjectKeyIdentifier' },
]

/** Also for clients: etcd's peers show the same certificate to each other. */
function serverExtensions(addresses: readonly string[]) {
  const ipAddress = 7 // GeneralName.iPAddress
  return [
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
    { name: 'subjectAltName', altNames: addresses.map((ip) => ({ type: ipAddress, ip })) },
    { name: 'subjectKeyIdentifier' },
  ]
}

/** What a process listens with, by its file's name; of PKCS #12 the certificate stands beside it for people and for `certificatesEndingSoon`. */
export const keystoreNames = { pem: 'tls.pem', pkcs12: 'rest.p12', restCertificate: 'rest.pem' } as const

/** A second authority would split the fleet: whatever is started next would be trusted by nothing that runs, nor trust it. */
function refuseSuccessor(projectRoot: string, fleet: string): void {
  const names: readonly string[] = Object.values(keystoreNames)
  const signed = readdirSync(fleetDirectory(projectRoot, fleet), { recursive: true, encoding: 'utf8' }).filter((name) => names.includes(basename(name)))
  if (signed.length === 0) return
  throw new KbgError('tls-authority', `The certificate authority of fleet ${fleet} is gone, and no other one can take its place.`, {
    facts: { file: caFile(projectRoot, fleet), signed: firstFive(signed) },
    remedy: 'Restore it with its key. Without it, end everything of this fleet and make a new one.',
  })
}

function keyFile(projectRoot: string, fleet: string): string {
  return caFile(projectRoot, fleet).replace(/\.pem$/, '-key.pem')
}

function readAuthority(projectRoot: string, fleet: string): Authority {
  try {
    return { key: readFileSync(keyFile(projectRoot, fleet), 'utf8'), certificate: readFileSync(caFile(projectRoot, fleet), 'utf8') }
  } catch (cause) {
    throw new KbgError('tls-authority', `The certificate authority of fleet ${fleet} can't be read.`, {
      facts: { file: keyFile(projectRoot, fleet) },
      remedy: 'Restore the directory; without its key no process of this fleet can be started again.',
      cause,
    })
  }
}
