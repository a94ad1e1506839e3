import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type CredentialsFile, parseCredentials } from '../../model/cluster-access.ts'
import { KbgError } from '../../model/error.ts'
import { type Clock, Deadline, systemClock } from '../../ports/clock.ts'
import { withFileLock } from './file-lock.ts'
import { credentialsPath } from './state.ts'

/**
 * Makes sure that the fleet's credentials file (0600) has a password for each of these users. Existing passwords stay;
 * missing ones are made from 24 random bytes. Several processes may do this at once: both colours share the file.
 *
 * @returns the file's absolute path
 * @throws KbgError `credentials` when the file is damaged, `busy` when another process holds it for 10 s
 */
export async function ensureCredentials(projectRoot: string, fleet: string, users: readonly string[], clock: Clock = systemClock): Promise<string> {
  const file = credentialsPath(projectRoot, fleet)
  const patience = new Deadline(clock, 10_000, `the lock of ${file}`)
  await withFileLock(`${file}.lock`, `the credentials of fleet ${fleet}`, patience, async () => {
    const known = existsSync(file) ? readCredentials(file).passwords : {}
    const missing = users.filter((user) => !Object.hasOwn(known, user))
    if (existsSync(file)) chmodSync(file, 0o600)
    if (missing.length === 0) return
    const made = Object.fromEntries(missing.map((user) => [user, randomBytes(24).toString('base64url')]))
    writePrivately(file, `${JSON.stringify({ version: 1, passwords: { ...known, ...made } } satisfies CredentialsFile, null, 2)}\n`)
  })
  return file
}

/**
 * Gives these users their passwords in the fleet's credentials file, before a colour makes others: their applications log in at both colours alike.
 *
 * @throws KbgError `credentials` naming users that have another password there already, `busy`
 */
export async function takePasswords(projectRoot: string, fleet: string, passwords: Readonly<Record<string, string>>, clock: Clock): Promise<void> {
  const file = credentialsPath(projectRoot, fleet)
  await withFileLock(`${file}.lock`, `the credentials of fleet ${fleet}`, new Deadline(clock, 10_000, `the lock of ${file}`), async () => {
    const known = existsSync(file) ? readCredentials(file).passwords : {}
    const others = Object.keys(passwords).filter((user) => Object.hasOwn(known, user) && known[user] !== passwords[user])
    if (others.length > 0) {
      throw new KbgError('credentials', 'Users of the adopted cluster have other passwords in the fleet already.', {
        facts: { users: others, file },
        remedy: 'Bring the adopted colour up before the other one; that one takes the passwords over. Or give those users the same password on both.',
      })
    }
    writePrivately(file, `${JSON.stringify({ version: 1, passwords: { ...known, ...passwords } } satisfies CredentialsFile, null, 2)}\n`)
  })
}

/** The passwords by user. @throws KbgError `credentials`, never with the file's text in it */
export function readCredentials(file: string): CredentialsFile {
  const credentials = existsSync(file) ? parseCredentials(readFileSync(file, 'utf8')) : undefined
  if (credentials) return credentials
  throw new KbgError('credentials', 'The credentials file is missing or damaged.', {
    facts: { file },
    remedy: 'Restore it; without it nobody can log in to what was started with it. To start afresh, destroy what uses it and remove the file.',
  })
}

/** One user's password. @throws KbgError `credentials` */
export function passwordOf(credentials: CredentialsFile, user: string): string {
  const password = Object.hasOwn(credentials.passwords, user) ? credentials.passwords[user] : undefined
  if (password === undefined) throw new KbgError('credentials', `The credentials file has no password of ${user}.`)
  return password
}

/** Writes a file that is never seen half written nor by anybody else: mode 0600 from the start, renamed into place. */
export function writePrivately(file: string, content: string | Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const fresh = `${file}.${process.pid}.new`
  writeFileSync(fresh, content, { mode: 0o600, flush: true })
  renameSync(fresh, file)
}
