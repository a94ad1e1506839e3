import { Resolver } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import type { KafkaConfig, SASLOptions } from 'kafkajs'
import { trustIn } from '../../../engine/adapters/trust.ts'
import { CredentialsFile, type Login } from '../../../engine/model/cluster-access.ts'
import type { Colour } from '../../../engine/model/colour.ts'
import { KbgError } from '../../../engine/model/error.ts'
import type { WorkloadConfig } from './config.ts'
import type { ClientFactory } from './factory.ts'
import { type PlainClientsConfig, plainClients } from './kafkajs-clients.ts'
import { movableClients } from './movable-clients.ts'
import { NamedConsumer } from './named-consumer.ts'
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
      return routedClients({ ...client, from: { routeStore: client.routeStore }, sasl, security })
    case 'published':
      return publishedClients(client, { sasl, security })
  }
}

/** Clients of a program that doesn't reach the route store. */
function publishedClients(
  { fleet, parameter, dns, nameOfGroup }: Extract<WorkloadConfig['client'], { readonly kind: 'published' }>,
  connection: Pick<PlainClientsConfig, 'sasl' | 'security'>,
): ClientFactory {
  const routed = routedClients({ fleet, from: { routeParameter: parameter }, ...connection })
  const resolver = new Resolver({ timeout: 2_000, tries: 3 })
  resolver.setServers([dns])
  const texts = async (name: string) => (await resolver.resolveTxt(name)).map((parts) => parts.join(''))
  const plain = (colour: Colour, servers: readonly string[]) =>
    plainClients({ colour, produceBootstrapServers: servers, consumeBootstrapServers: servers, ...connection })
  return {
    producer: (request) => routed.producer(request),
    consumer: (request) => {
      const name = nameOfGroup[request.groupId]
      return name === undefined ? routed.consumer(request) : new NamedConsumer(request, () => texts(name), plain)
    },
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
