import { readFileSync } from 'node:fs'
import type { KafkaConfig, SASLOptions } from 'kafkajs'
import { trustIn } from '../../../engine/adapters/trust.ts'
import { CredentialsFile, type Login } from '../../../engine/model/cluster-access.ts'
import { KbgError } from '../../../engine/model/error.ts'
import type { WorkloadConfig } from './config.ts'
import type { ClientFactory } from './factory.ts'
import { plainClients } from './kafkajs-clients.ts'
import { movableClients } from './movable-clients.ts'
import { routedClients } from './routed-clients.ts'

/** The clients that the configuration names. */
export function clientsOf({ client, credentialsFile, caFile }: WorkloadConfig): ClientFactory {
  const sasl = loginsOf(credentialsFile)
  const security = securityOf(caFile)
  switch (client.kind) {
    case 'plain':
      return plainClients({ ...client, sasl, security })
    case 'movable':
      return movableClients(client.start, (colour) => plainClients({ colour, ...client.clusters[colour], sasl, security }))
    case 'routed':
      return routedClients({ ...client, sasl, security })
  }
}

/** kafkajs' side of TLS with brokers whose certificates are by this authority; without one, plaintext. */
export function securityOf(caFile: string | undefined): Pick<KafkaConfig, 'ssl'> {
  const trust = trustIn(caFile)
  return trust === undefined ? {} : { ssl: { ...trust } }
}

/**
 * The logins of a credentials file, by user (SCRAM-SHA-512) or as a colour's access says them; without a file, none.
 *
 * @throws KbgError `unknown-user` when a user has no password there
 */
export function loginsOf(file: string | null): (user: string | Login) => SASLOptions | undefined {
  if (file === null) return () => undefined
  const { passwords } = CredentialsFile.parse(JSON.parse(readFileSync(file, 'utf8')))
  return (user) => {
    const { username, mechanism }: Login = typeof user === 'string' ? { username: user, mechanism: 'SCRAM-SHA-512' } : user
    const password = passwords[username]
    if (password === undefined) throw new KbgError('unknown-user', `${username} has no login.`, { facts: { users: Object.keys(passwords) } })
    switch (mechanism) {
      case 'PLAIN':
        return { mechanism: 'plain', username, password }
      case 'SCRAM-SHA-256':
        return { mechanism: 'scram-sha-256', username, password }
      case 'SCRAM-SHA-512':
        return { mechanism: 'scram-sha-512', username, password }
    }
  }
}
