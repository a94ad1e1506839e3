import * as kafka from '@pulumi/kafka'
import * as pulumi from '@pulumi/pulumi'
import type { AclSpec, Catalog as CatalogSpec } from '../../engine/model/catalog.ts'
import { type ClusterAccess, platformUsers } from '../../engine/model/cluster-access.ts'
import { quotaConfig } from '../../engine/model/inventory.ts'
import { passwordOf } from './credentials.ts'

export interface CatalogArgs {
  readonly catalog: CatalogSpec
  /** The colour that it is provisioned on. */
  readonly access: pulumi.Input<ClusterAccess>
  /** Whether topics refuse to be deleted: everywhere but in a colour that is being retired. */
  readonly protectTopics: boolean
  /** Set where this process's IAM role makes it, on MSK, whose users are secrets of AWS's; left out, the first super user does, and the catalog's users too. */
  readonly role?: { readonly region: string }
  /** The cluster as a resource: when it goes, what stands on it goes with it, and nobody asks brokers that are ending. */
  readonly cluster?: pulumi.Resource
}

/** Longest time, in seconds, that one request to the brokers may take. */
const timeoutSeconds = 30

/**
 * The catalog on one colour: topics, ACLs, quotas and, but for MSK, SCRAM users through @pulumi/kafka.
 *
 * Bindings and users of the platform (the probe's, the fence's) are not its business: it neither makes nor sees them.
 */
export class Catalog extends pulumi.ComponentResource {
  readonly topics: Readonly<Record<string, kafka.Topic>>
  /** Names of the topics, once all of them are there. */
  readonly topicNames: pulumi.Output<string[]>
  /** Known once everything is there. */
  readonly made: pulumi.Output<pulumi.ID[]>

  constructor(name: string, args: CatalogArgs, options?: pulumi.ComponentResourceOptions) {
    super('kbg:catalog:Catalog', name, {}, options)
    const provider = this.#provider(name, args)
    const child = { parent: this, provider, ...(args.cluster ? { deletedWith: args.cluster } : {}) }
    const { catalog, access } = args

    const topics = Object.entries(catalog.topics).map(([topic, spec]) => {
      const { partitions, replicationFactor, config } = spec
      return [
        topic,
        new kafka.Topic(`${name}-topic-${topic}`, { name: topic, partitions, replicationFactor, config }, { ...child, protect: args.protectTopics }),
      ] as const
    })
    const users = (args.role === undefined ? catalog.users : []).map(
      (username) =>
        new kafka.UserScramCredential(`${name}-user-${username}`, { username, scramMechanism: 'SCRAM-SHA-512', password: passwordOf(access, username) }, child),
    )
    const acls = catalog.acls.map((acl) => new kafka.Acl(`${name}-acl-${aclName(acl)}`, aclArgs(acl), { ...child, deleteBeforeReplace: true }))
    const quotas = catalog.quotas.map(({ user, ...limits }) => {
      const config = Object.fromEntries(Object.entries(quotaConfig(limits)).map(([key, value]) => [key, String(value)]))
      // Replaced the other way round, the old quota's deletion would take the new one's limits away.
      const options = { ...child, deleteBeforeReplace: true, dependsOn: users }
      return new kafka.Quota(`${name}-quota-${user}`, { entityType: 'user', entityName: user, config }, options)
    })

    this.topics = Object.fromEntries(topics)
    this.topicNames = pulumi.all(topics.map(([, topic]) => topic.name))
    this.made = pulumi.all([...topics.map(([, topic]) => topic), ...users, ...acls, ...quotas].map(({ id }) => id))
    this.registerOutputs({ topicNames: this.topicNames })
  }

  /** Logs in on the internal listener as the first super user, who is there before any SCRAM user is, or as the role: then no credential is an input, the plugin finds them in its environment. */
  #provider(name: string, { access, role }: CatalogArgs): kafka.Provider {
    const caFile = pulumi.output(access).apply((known) => known.caFile)
    const admin = () => ({ saslMechanism: 'plain', saslUsername: platformUsers.admin, saslPassword: passwordOf(access, platformUsers.admin) })
    return new kafka.Provider(
      `${name}-provider`,
      {
        bootstrapServers: pulumi.output(access).internalBootstrapServers,
        ...(role === undefined ? admin() : { saslMechanism: 'aws-iam', saslAwsRegion: role.region }),
        tlsEnabled: caFile.apply((file) => file !== undefined),
        caCert: caFile, // its path
        timeout: timeoutSeconds,
      },
      { parent: this },
    )
  }
}

function aclArgs(acl: AclSpec): kafka.AclArgs {
  return {
    aclPrincipal: acl.principal,
    aclHost: acl.host,
    aclOperation: acl.operation,
    aclPermissionType: acl.permission,
    aclResourceType: acl.resourceType,
    aclResourceName: acl.resourceName,
    resourcePatternTypeFilter: acl.patternType,
  }
}

/** A name that says what the binding is, so that reordering the catalog changes nothing. */
function aclName(acl: AclSpec): string {
  const usual = acl.permission === 'Allow' && acl.host === '*' ? [] : [acl.permission, acl.host]
  const pattern = acl.patternType === 'Literal' ? [] : ['prefix']
  return [acl.principal.replace(/^User:/, ''), ...usual, acl.operation, acl.resourceType, ...pattern, acl.resourceName].join('-')
}
