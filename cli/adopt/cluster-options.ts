import { z } from 'zod'
import type { ExistingAccess } from '../../engine/adapters/kafka/existing.ts'
import { passwordOf, readCredentials } from '../../engine/adapters/local/credentials.ts'
import { Login } from '../../engine/model/cluster-access.ts'
import { KbgError } from '../../engine/model/error.ts'

/** Any cluster as it is named on the command line, and as whom it is read. */
export interface ClusterOptions {
  /** `host:port`, separated by commas. */
  readonly bootstrapServers: string | undefined
  /** Who logs in; undefined: nobody has to. */
  readonly user: string | undefined
  readonly mechanism: string | undefined
  /** File with the user's password, in the form of a CredentialsFile. */
  readonly credentials: string | undefined
  readonly ca: string | undefined
}

const Servers = z
  .string()
  .transform((text) => text.split(',').map((server) => server.trim()))
  .pipe(z.array(z.string().regex(/^.+:\d{1,5}$/, 'host:port')).min(1))

/** @throws KbgError `<command>-options` with every problem at once; `credentials` */
export function parseClusterOptions(
  command: string,
  { bootstrapServers, user, mechanism, credentials }: ClusterOptions,
): Pick<ExistingAccess, 'bootstrapServers' | 'login'> {
  const problems: string[] = []
  const servers = Servers.safeParse(bootstrapServers ?? '')
  if (!servers.success) problems.push('--bootstrap-servers HOST:PORT,... is needed')
  if ((user === undefined) !== (credentials === undefined)) problems.push('--user and --credentials go together: the file holds the password')
  if (user === undefined && mechanism !== undefined) problems.push('--mechanism goes with --user')
  const as = user === undefined ? undefined : Login.safeParse({ username: user, mechanism })
  if (as?.success === false) problems.push(`--mechanism is one of ${Login.shape.mechanism.unwrap().options.join(', ')}`)
  if (problems.length > 0 || !servers.success) throw new KbgError(`${command}-options`, `kbg ${command} can't begin: ${problems.join('; ')}.`)
  const login =
    as?.data === undefined || credentials === undefined ? undefined : { ...as.data, password: passwordOf(readCredentials(credentials), as.data.username) }
  return { bootstrapServers: servers.data, login }
}
