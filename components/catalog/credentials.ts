import { existsSync, readFileSync } from 'node:fs'
import * as pulumi from '@pulumi/pulumi'
import { type ClusterAccess, CredentialsFile } from '../../engine/model/cluster-access.ts'
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
  const parsed = CredentialsFile.safeParse(JSON.parse(readFileSync(file, 'utf8')))
  if (!parsed.success) throw new KbgError('credentials', 'The credentials file has another form than this version writes.', { facts: { file } })
  return parsed.data.passwords[user]
}
