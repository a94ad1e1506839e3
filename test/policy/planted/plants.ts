/** What somebody might do to a checkout, one for each policy at least, and what the policy has to say of it. */
import type { Edit } from '../../support/edits.ts'

export interface Plant {
  readonly policy: string
  /** The stack whose preview shows it. */
  readonly shownBy: 'blue' | 'traffic'
  readonly edits: readonly Edit[]
  readonly says: { readonly resource: string; readonly property: string; readonly observed: string; readonly required: string }
}

const says = (resource: string, property: string, observed: string, required: string): Plant['says'] => ({ resource, property, observed, required })
const brokerConfig = (stack: 'blue' | 'green', property: string, value: string): Edit => ({ stack, config: { brokerConfig: { [property]: value } } })
const everybody = '  - { principal: "User:*", resourceType: Topic, resourceName: orders, operation: Read }\n'

export const plants: readonly Plant[] = [
  {
    policy: 'parity-topics',
    shownBy: 'blue',
    edits: [brokerConfig('green', 'message.max.bytes', '2097152')],
    says: says('topic orders', 'max.message.bytes', 'not set on blue and 2097152 on green', 'the same on both'),
  },
  {
    policy: 'parity-access',
    shownBy: 'blue',
    // Both colours take these from one catalog, so it takes a program that doesn't.
    edits: [
      {
        file: 'infra/inventories.ts',
        from: 'inventoryOf(colour, catalog, brokersOf(config)) : undefined',
        to: "inventoryOf(colour, colour === 'green' ? { ...catalog, quotas: [] } : catalog, brokersOf(config)) : undefined",
      },
    ],
    says: says('quota of reporting-app', 'consumer_byte_rate', '20971520 on blue and not set on green', 'the same on both'),
  },
  {
    policy: 'parity-brokers',
    shownBy: 'blue',
    edits: [brokerConfig('green', 'num.io.threads', '16')],
    says: says('brokers', 'config.num.io.threads', 'not set on blue and 16 on green', 'the same on both'),
  },
  {
    policy: 'parity-version',
    shownBy: 'blue',
    edits: [
      { stack: 'blue', config: { kafkaVersion: '4.3.1' } },
      { stack: 'green', config: { kafkaVersion: '3.9.2' } },
    ],
    says: says('brokers of green', 'kafkaVersion', '3.9.2', 'at least 4.3.1, as blue has'),
  },
  {
    policy: 'declared-resources',
    shownBy: 'blue',
    // Of a colour that does not stand a preview knows the brokers, not yet what stands on them.
    edits: [
      {
        file: 'components/cluster/colour.ts',
        from: '{ fleet, colour, kafkaVersion, nodes, brokerConfig, tls, applicationUsers',
        to: "{ fleet, colour, kafkaVersion, nodes, brokerConfig: { ...brokerConfig, 'num.network.threads': '9' }, tls, applicationUsers",
      },
    ],
    says: says('brokers', 'config.num.network.threads', '9', 'not there: the inventory does not have it'),
  },
  {
    policy: 'declared-deployed',
    shownBy: 'traffic',
    edits: [{ file: 'catalog.yaml', from: '  payments:\n    partitions: 3\n', to: '  payments:\n    partitions: 4\n' }],
    says: says('topic payments of blue', 'partitions', '3', '4'),
  },
  {
    policy: 'safety-protection',
    shownBy: 'blue',
    edits: [
      {
        file: 'components/cluster/colour.ts',
        from: 'applicationUsers: catalog.users },\n      { parent: this, protect },',
        to: 'applicationUsers: catalog.users },\n      { parent: this },',
      },
    ],
    says: says('blue-cluster', 'protect', 'false', 'true while the colour is not being retired'),
  },
  {
    policy: 'safety-route',
    shownBy: 'traffic',
    edits: [
      {
        file: 'components/traffic/traffic.ts',
        from: 'gate: verdict, decommission',
        to: "gate: { verdict: 'pass', epoch: 1 }, decommission",
      },
    ],
    says: says('traffic-switchover', 'gate', 'a verdict that no gate of this stack gave', 'the outputs of this stack’s gate'),
  },
  {
    policy: 'safety-mirror',
    shownBy: 'traffic',
    edits: [{ file: 'engine/model/mirror-template.ts', from: "'isolation.level': 'read_committed'", to: "'isolation.level': 'read_uncommitted'" }],
    says: says('mirror connector', 'source.consumer.isolation.level', 'read_uncommitted', 'read_committed'),
  },
  {
    policy: 'safety-limits',
    shownBy: 'traffic',
    edits: [{ stack: 'traffic', config: { limits: { maxMirrorLagMs: 5_000 } } }],
    says: says('limits', 'maxMirrorLagMs', '5000', 'at most 1000'),
  },
  {
    policy: 'safety-guardians',
    shownBy: 'traffic',
    edits: [{ file: 'components/traffic/traffic.ts', from: "{ wiring, limits, colour: 'green' }", to: "{ wiring, limits, colour: 'blue' }" }],
    says: says('guardian of green', 'declared', 'not there', 'one'),
  },
  {
    policy: 'isolation-clusters',
    shownBy: 'blue',
    edits: [{ file: 'engine/model/local-brokers.ts', from: 'brokerIds: nodes.map(({ nodeId }) => nodeId),', to: 'brokerIds: [1, 2, 3],' }],
    says: says('both colours', 'brokerIds', '1, 2, 3 on both', 'disjoint ids'),
  },
  {
    policy: 'security-brokers',
    shownBy: 'blue',
    edits: [brokerConfig('green', 'auto.create.topics.enable', 'true')],
    says: says('brokers of green', 'auto.create.topics.enable', 'true', 'false'),
  },
  {
    policy: 'security-transport',
    shownBy: 'blue',
    edits: [
      {
        file: 'engine/model/local-brokers.ts',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source's text
        from: 'consume: `${protocol} SCRAM-SHA-512`',
        to: "consume: 'PLAINTEXT'",
      },
    ],
    says: says('brokers of blue', 'listeners.consume', 'PLAINTEXT', 'SASL_SSL, or SSL with client certificates'),
  },
  {
    policy: 'security-principals',
    shownBy: 'blue',
    edits: [
      {
        file: 'engine/model/local-brokers.ts',
        from: 'platformUsers.operator, platformUsers.mirror].map(',
        to: "platformUsers.operator, platformUsers.mirror, 'orders-app'].map(",
      },
    ],
    says: says('brokers of blue', 'super.users', 'User:orders-app', 'none but User:broker, User:admin, User:operator, User:mirror'),
  },
  {
    policy: 'security-acls',
    shownBy: 'blue',
    edits: [{ file: 'catalog.yaml', from: 'acls:\n', to: `acls:\n${everybody}` }],
    says: says('acl User:*|*|Read|Allow|Topic|orders|Literal', 'principal', 'User:*', 'a named user'),
  },
  {
    policy: 'security-credentials',
    shownBy: 'blue',
    edits: [brokerConfig('blue', 'reporter.password', 'of-a-test')],
    says: says('blue-cluster', 'brokerConfig.reporter.password', 'a credential in plain text', 'a reference'),
  },
]
