import { planAddresses } from './addresses.ts'
import type { BrokerInventory } from './broker-inventory.ts'
import { platformUsers } from './cluster-access.ts'
import type { Colour } from './colour.ts'
import { replicationPromises } from './replication-promises.ts'

/** Kafka's user between the brokers of one colour, SASL/PLAIN. */
export const brokerUser = 'broker'

/** Server properties of every local broker that decide who may do what, and what replication promises. A stack can't set them. */
export const localBrokerPromises: Readonly<Record<string, string>> = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': [brokerUser, platformUsers.admin, platformUsers.operator, platformUsers.mirror].map((user) => `User:${user}`).join(';'),
  'allow.everyone.if.no.acl.found': 'false',
  ...replicationPromises,
}

/** What a stack says of a local colour. */
export interface LocalColourSpec {
  readonly fleet: string
  readonly kafkaVersion: string
  readonly nodes: number
  readonly brokerConfig: Readonly<Record<string, string>>
  readonly tls: boolean
}

/** A local colour's brokers as the parity policies see them. @param subnets whether each colour has a loopback subnet of its own, see {@link planAddresses} */
export function localBrokers(colour: Colour, spec: LocalColourSpec, subnets: boolean): BrokerInventory {
  const { nodes } = planAddresses(spec.fleet, { subnets })[colour]
  const hosts = nodes.map(({ produce }) => produce.host)
  const protocol = spec.tls ? 'SASL_SSL' : 'SASL_PLAINTEXT'
  return {
    platform: 'local',
    kafkaVersion: spec.kafkaVersion,
    count: spec.nodes,
    instanceClass: 'process',
    storage: "a directory of the machine's disk",
    storageBytes: null,
    config: spec.brokerConfig,
    promises: localBrokerPromises,
    listeners: {
      controller: `${protocol} PLAIN`,
      internal: `${protocol} PLAIN,SCRAM-SHA-512`,
      produce: `${protocol} SCRAM-SHA-512`,
      consume: `${protocol} SCRAM-SHA-512`,
    },
    isLoopbackOnly: hosts.every((host) => host.startsWith('127.')),
    brokerIds: nodes.map(({ nodeId }) => nodeId),
    subnets: subnets ? [...new Set(hosts.map((host) => `${host.split('.').slice(0, 3).join('.')}.0/24`))] : [],
  }
}
