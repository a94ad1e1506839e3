import { type ColourAddresses, endpointText, type NodeAddresses } from '../../model/addresses.ts'
import { platformUsers } from '../../model/cluster-access.ts'
import { jaasEntry, loginModules } from '../../model/jaas.ts'
import { brokerUser, localBrokerPromises } from '../../model/local-brokers.ts'
import { tlsVersions } from '../../model/mirror-template.ts'

/** Names and prefixes (ending in a dot) of what the platform decides alone: who is who, where it listens, and what replication promises. */
const owned: readonly string[] = [
  'node.id',
  'process.roles',
  'broker.id',
  'controller.',
  'listeners',
  'advertised.listeners',
  'listener.',
  'early.start.listeners',
  'inter.broker.',
  'sasl.',
  'ssl.',
  'security.',
  'password.',
  'principal.',
  'connections.max.reauth.ms',
  'authorizer.',
  'super.users',
  'allow.everyone.if.no.acl.found',
  'config.providers',
  'config.providers.',
  'log.dir',
  'log.dirs',
  'metadata.log.dir',
  'auto.create.topics.enable',
  'default.replication.factor',
  'min.insync.replicas',
  'unclean.leader.election.enable',
  'offsets.topic.replication.factor',
  'transaction.state.log.replication.factor',
  'transaction.state.log.min.isr',
  'group.initial.rebalance.delay.ms',
]

/** Whether the platform sets this broker configuration itself. */
export function isOwnedKey(key: string): boolean {
  return owned.some((each) => (each.endsWith('.') ? key.startsWith(each) : key === each))
}

/** For small machines; a colour's `brokerConfig` may say otherwise. */
const defaults: Readonly<Record<string, string>> = {
  'num.network.threads': '2',
  'num.io.threads': '3',
  'background.threads': '2',
  'num.recovery.threads.per.data.dir': '1',
  'log.cleaner.dedupe.buffer.size': '16777216',
  'offsets.topic.num.partitions': '10',
  'transaction.state.log.num.partitions': '10',
  // Each broker that a transaction writes to adds its partitions at the coordinator, one after the other; who comes second asks again after this.
  // With Kafka 4's 20 ms, given up after 100 ms, a mirror's producer was refused 13 times a second and started over; like this never. (3.9 doesn't know them.)
  'add.partitions.to.txn.retry.backoff.ms': '1',
  'add.partitions.to.txn.retry.backoff.max.ms': '1000',
}

export interface BrokerSettings {
  readonly node: NodeAddresses
  readonly colour: ColourAddresses
  readonly dataDirectory: string
  readonly brokerConfig: Readonly<Record<string, string>>
  readonly passwords: { readonly broker: string; readonly admin: string }
  /** What its listeners speak TLS with, PEM; undefined: plaintext. */
  readonly tls: BrokerTls | undefined
}

export interface BrokerTls {
  /** Key and certificate of this node. */
  readonly keystore: string
  readonly caFile: string
}

/** One node's `server.properties`: a combined KRaft node with a listener each for brokers and operators, the quorum, producers, and consumers. */
export function serverProperties(settings: BrokerSettings): Readonly<Record<string, string>> {
  const { node, colour } = settings
  const client = `INTERNAL://${endpointText(node.internal)},PRODUCE://${endpointText(node.produce)},CONSUME://${endpointText(node.consume)}`
  return {
    ...defaults,
    ...settings.brokerConfig,
    'process.roles': 'broker,controller',
    'node.id': String(node.nodeId),
    'controller.quorum.voters': colour.nodes.map((each) => `${each.nodeId}@${endpointText(each.controller)}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    // An ACL change waits for nothing: each metadata write goes to the log at once (measured: fence proven in 34 instead of 93 ms).
    'controller.quorum.append.linger.ms': '0',
    listeners: `CONTROLLER://${endpointText(node.controller)},${client}`,
    'advertised.listeners': client,
    'listener.security.protocol.map': ['CONTROLLER', 'INTERNAL', 'PRODUCE', 'CONSUME']
      .map((name) => `${name}:${settings.tls === undefined ? 'SASL_PLAINTEXT' : 'SASL_SSL'}`)
      .join(','),
    ...(settings.tls === undefined ? {} : overTls(settings.tls)),
    'inter.broker.listener.name': 'INTERNAL',
    'log.dirs': settings.dataDirectory,
    ...logins(settings.passwords),
    ...localBrokerPromises,
    // A moved group's first member reads at once instead of after 3 s.
    'group.initial.rebalance.delay.ms': '0',
  }
}

/** For every listener, brokers' and controllers' own connections too; whoever connects checks that the certificate names the address. */
function overTls({ keystore, caFile }: BrokerTls): Readonly<Record<string, string>> {
  return {
    ...tlsVersions,
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keystore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': caFile,
    'ssl.endpoint.identification.algorithm': 'https',
  }
}

/** Who may log in where: PLAIN users stand in this file, SCRAM users in the cluster's metadata. Clients' listeners know SCRAM only. */
function logins(passwords: BrokerSettings['passwords']): Readonly<Record<string, string>> {
  const self = { username: brokerUser, password: passwords.broker, [`user_${brokerUser}`]: passwords.broker }
  const scram = jaasEntry(loginModules.scram)
  return {
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'sasl.mechanism.controller.protocol': 'PLAIN',
    'listener.name.controller.sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.controller.plain.sasl.jaas.config': jaasEntry(loginModules.plain, self),
    'listener.name.internal.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
    'listener.name.internal.plain.sasl.jaas.config': jaasEntry(loginModules.plain, { ...self, [`user_${platformUsers.admin}`]: passwords.admin }),
    'listener.name.internal.scram-sha-512.sasl.jaas.config': scram,
    'listener.name.produce.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.produce.scram-sha-512.sasl.jaas.config': scram,
    'listener.name.consume.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.consume.scram-sha-512.sasl.jaas.config': scram,
  }
}
