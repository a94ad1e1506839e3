import { readFileSync } from 'node:fs'
import type { SASLOptions } from 'kafkajs'
import { CredentialsFile } from '../../../engine/model/cluster-access.ts'
import { KbgError } from '../../../engine/model/error.ts'
import type { WorkloadConfig } from './config.ts'
import type { ClientFactory } from './factory.ts'
import { plainClients } from './kafkajs-clients.ts'
import { movableClients } from './movable-clients.ts'
import { routedClients } from './routed-clients.ts'

/** The clients that the configuration names. */
export function clientsOf({ client, credentialsFile }: WorkloadConfig): ClientFactory {
  const sasl = loginsOf(credentialsFile)
  switch (client.kind) {
    case 'plain':
      return plainClients({ ...client, sasl })
    case 'movable':
      return movableClients(client.start, (colour) => plainClients({ colour, ...client.clusters[colour], sasl }))
    case 'routed':
      return routedClients({ ...client, sasl })
  }
}

/**
 * The logins of a credentials file, by user; without a file, none.
 *
 * @throws KbgError `unknown-user` when a user has no password there
 */
export function loginsOf(file: string | null): (user: string) => SASLOptions | undefined {
  if (file === null) return () => undefined
  const { passwords } = CredentialsFile.parse(JSON.parse(readFileSync(file, 'utf8')))
  return (username) => {
    const password = passwords[username]
    if (password === undefined) throw new KbgError('unknown-user', `${username} has no login.`, { facts: { users: Object.keys(passwords) } })
    return { mechanism: 'scram-sha-512', username, password }
  }
}
