import { existsSync, readFileSync } from 'node:fs'
import * as pulumi from '@pulumi/pulumi'
import { type ClusterAccess, type CredentialsFile, parseCredentials } from '../../engine/model/cluster-access.ts'
import { KbgError } from '../../engine/model/error.ts'

/**
 * A user's password on a colour, as a secret: read from the credentials file when it is needed, so that stack outputs and inputs hold only the file's name.
 *
 * The cluster's provisioning writes the file. A preview that comes before it has an unknown password, an update without it fails.
 */
export function passwordOf(access: pulumi.Input<ClusterAccess>, user: string): pulumi.Output<string> {
  return pulumi.secret(pulumi.output(access).apply(({ credentialsFile }) => passwordIn(credentialsFile, user, provisioned)))
}

/** The same, of a file that somebody has written. */
export function filedPassword(credentialsFile: string, user: string): pulumi.Output<string> {
  return pulumi.secret(passwordIn(credentialsFile, user, written))
}

/** A credentials file of these users alone, as a secret: what a pod is given. */
export function filedCredentials(credentialsFile: string, users: readonly string[]): pulumi.Output<string> {
  const passwords = pulumi.all(Object.fromEntries(users.map((user) => [user, filedPassword(credentialsFile, user)])))
  return passwords.apply((known) => JSON.stringify({ version: 1, passwords: known } satisfies CredentialsFile))
}

/**
 * A certificate (PEM), from a file that somebody has written.
 * @throws KbgError `certificate` where there is none, or more than that
 */
export function filedCertificate(file: string): string {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  if (text.includes('-----BEGIN CERTIFICATE-----') && !text.includes('PRIVATE KEY-----')) return text
  throw new KbgError('certificate', 'There is no certificate where one is expected.', {
    facts: { file, observed: text === '' ? 'no such file, or an empty one' : 'a file without a certificate, or with a private key' },
    remedy: 'Put the certificate (PEM) there, and nothing else: it becomes part of what everybody can read.',
  })
}

/** A private key (PEM) as a secret. @throws KbgError `private-key`, never with the file's text in it */
export function filedKey(file: string): pulumi.Output<string> {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  if (text.includes('PRIVATE KEY-----')) return pulumi.secret(text)
  throw new KbgError('private-key', 'There is no private key where one is expected.', {
    facts: { file, observed: text === '' ? 'no such file, or an empty one' : 'a file without a private key' },
    remedy: 'Put the key (PEM) of the certificate there, with mode 0600.',
  })
}

function passwordIn(file: string, user: string, remedy: string): string {
  // Unknown: Pulumi shows it as known after the update.
  return pulumi.runtime.isDryRun() ? (readPassword(file, user) ?? (pulumi.unknown as string)) : requirePassword(file, user, remedy)
}

/** @throws KbgError `credentials` when the file or the user in it is missing */
export function requirePassword(file: string, user: string, remedy = provisioned): string {
  const password = readPassword(file, user)
  if (password !== undefined) return password
  throw new KbgError('credentials', `There is no password for the user ${user}.`, { facts: { file }, remedy })
}

const provisioned = 'The colour provisions it: bring the cluster up with this user in its list.'
const written = 'Write one there, as {"version": 1, "passwords": {"<user>": "<password>"}}, with mode 0600: where a cloud keeps the users nobody else makes it.'

function readPassword(file: string, user: string): string | undefined {
  if (!existsSync(file)) return undefined
  const credentials = parseCredentials(readFileSync(file, 'utf8'))
  if (credentials === undefined) throw new KbgError('credentials', 'The credentials file has another form than this version writes.', { facts: { file } })
  return credentials.passwords[user]
}
