import type { PolicyResource } from '@pulumi/policy'
import { z } from 'zod'
import { platformUsers } from '../engine/model/cluster-access.ts'
import { type Colour, colours } from '../engine/model/colour.ts'
import { isCredentialName } from '../engine/model/credential-name.ts'
import type { ColourInventory } from '../engine/model/inventory.ts'
import { brokerUser } from '../engine/model/local-brokers.ts'
import { readInventories } from './inventories.ts'
import { type Known, read } from './judging/known.ts'
import { type Finding, type Judgement, rule } from './judging/rule.ts'

/** Who may do what on a colour, and what travels in the clear. */

/** Judges both colours; what a colour's stack file doesn't say is unknown. */
function ofColours(
  resources: readonly PolicyResource[],
  judge: (inventory: ColourInventory, colour: Colour) => readonly Omit<Finding, 'urn'>[] | Unknown,
): Judgement {
  const inventories = readInventories(resources)
  if (inventories.kind !== 'read') return { findings: [], unknown: inventories.kind === 'unknown' ? [inventories.why] : [] }
  const judged = colours.map((colour) => ({ colour, judgement: judge(inventories[colour], colour) }))
  return {
    findings: judged.flatMap(({ judgement }) => (isUnknown(judgement) ? [] : judgement.map((finding) => ({ ...finding, urn: inventories.urn })))),
    unknown: judged.flatMap(({ colour, judgement }) => (isUnknown(judgement) ? [`${judgement.unknown} of the brokers of ${colour}: not declared`] : [])),
  }
}

/** What a colour's stack file doesn't say. */
interface Unknown {
  readonly unknown: string
}

function isUnknown(judgement: readonly unknown[] | Unknown): judgement is Unknown {
  return 'unknown' in judgement
}

const unclean = 'unclean.leader.election.enable'

/** Server properties that every colour has to run with. */
const brokerPromises: Readonly<Record<string, string>> = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'allow.everyone.if.no.acl.found': 'false',
  'auto.create.topics.enable': 'false',
  [unclean]: 'false',
}

export const securityBrokers = rule({
  name: 'security-brokers',
  displayName: 'Brokers authorize, and make nothing by themselves',
  description:
    'An authorizer is on and allows nobody by default; topics are not created by asking for them; a replica that lags is never elected leader, of no topic.',
  severity: 'critical',
  level: 'mandatory',
  remedy: 'Take the property out of brokerConfig, or out of the topic’s config: the platform sets it.',
  settings: {},
  judge: (resources) =>
    ofColours(resources, ({ brokers: { promises, config }, topics }, colour) => {
      if (promises === null) return { unknown: 'what is promised' }
      const ofBrokers = Object.entries(brokerPromises).flatMap(([property, required]) => {
        const observed = config[property] ?? promises[property] ?? 'not set'
        return observed === required ? [] : [{ where: `brokers of ${colour}`, property, observed, required }]
      })
      const ofTopics = Object.entries(topics).flatMap(([topic, { ownConfig }]) =>
        ownConfig[unclean] === 'true' ? [{ where: `topic ${topic} of ${colour}`, property: unclean, observed: 'true', required: 'false' }] : [],
      )
      return [...ofBrokers, ...ofTopics]
    }),
})

/** Super users of every platform: between brokers, operators and guardians, and the mirror, which has to write where everybody else is fenced. */
const platformSuperUsers = [brokerUser, platformUsers.admin, platformUsers.operator, platformUsers.mirror]

export const securityPrincipals = rule({
  name: 'security-principals',
  displayName: 'Nobody is a super user who needs not be one',
  description: 'Only the platform’s own users are super users, whom no fence and no binding stops: no application, and nobody without a name.',
  severity: 'critical',
  level: 'mandatory',
  remedy: 'Give the application a user of its own in catalog.yaml, with the bindings that it needs.',
  settings: { superUsers: z.array(z.string()).default(platformSuperUsers) },
  judge: (resources, settings) =>
    ofColours(resources, ({ brokers: { promises, config }, users }, colour) => {
      if (promises === null) return { unknown: 'who is a super user' }
      const allowed = (settings.superUsers as readonly string[]).filter((user) => !users.includes(user)).map((user) => `User:${user}`)
      const named = (config['super.users'] ?? promises['super.users'] ?? '').split(';').filter((principal) => principal !== '')
      return named
        .filter((principal) => !allowed.includes(principal))
        .map((observed) => ({ where: `brokers of ${colour}`, property: 'super.users', observed, required: `none but ${allowed.join(', ')}` }))
    }),
})

export const securityTransport = rule({
  name: 'security-transport',
  displayName: 'Listeners log clients in, and encrypt',
  description: 'Every listener asks for a login; it encrypts too, unless all of the colour stays on loopback addresses of one machine.',
  severity: 'high',
  level: 'mandatory',
  remedy: 'Switch TLS on for the colour, or declare an exception with a reason and an expiry date.',
  settings: {},
  judge: (resources) =>
    ofColours(resources, ({ brokers: { listeners, isLoopbackOnly } }, colour) => {
      if (listeners === null) return { unknown: 'listeners' }
      return Object.entries(listeners).flatMap(([name, text]) => {
        const [where, property] = [`brokers of ${colour}`, `listeners.${name}`]
        const isLoggedIn = /^SASL_|^SSL mutual/.test(text)
        const isEncrypted = /SSL/.test(text)
        if (!isLoggedIn) return [{ where, property, observed: text, required: 'SASL_SSL, or SSL with client certificates' }]
        return isEncrypted || isLoopbackOnly === true ? [] : [{ where, property, observed: text, required: 'SASL_SSL' }]
      })
    }),
})

/** Operations on a topic that are the catalog's: an application that has one changes a colour behind the gate. */
const tooMuchOnTopic: readonly string[] = ['All', 'Alter', 'AlterConfigs', 'Create', 'Delete']

/** Operations that an application never needs on a whole cluster. */
const tooMuchOnCluster: readonly string[] = ['All', 'Alter', 'AlterConfigs', 'ClusterAction', 'Create']

export const securityAcls = rule({
  name: 'security-acls',
  displayName: 'Bindings give no more than is needed',
  description:
    'No binding allows everybody or an anonymous client, writing to every topic, changing what the catalog owns, or the administration of a cluster.',
  severity: 'high',
  level: 'mandatory',
  remedy: 'Name the user, the topic or prefix, and the operation in catalog.yaml.',
  settings: {},
  judge: (resources) => {
    const inventories = readInventories(resources)
    if (inventories.kind !== 'read') return { findings: [], unknown: inventories.kind === 'unknown' ? [inventories.why] : [] }
    const acls = [...new Set([...inventories.blue.acls, ...inventories.green.acls])]
    const findings = acls.flatMap((acl): Finding[] => {
      const [principal = '', , operation = '', permission, resourceType, resourceName] = acl.split('|')
      if (permission !== 'Allow') return []
      const finding = (property: string, observed: string, required: string) => ({ where: `acl ${acl}`, property, observed, required, urn: inventories.urn })
      return [
        ...(['User:*', 'User:ANONYMOUS'].includes(principal) ? [finding('principal', principal, 'a named user')] : []),
        ...(resourceType === 'Cluster' && tooMuchOnCluster.includes(operation)
          ? [finding('operation', `${operation} on the cluster`, 'an operation on topics or groups')]
          : []),
        ...(resourceType === 'Topic' && tooMuchOnTopic.includes(operation)
          ? [finding('operation', `${operation} on ${resourceName === '*' ? 'every topic' : resourceName}`, 'Read, Write or Describe, of named topics')]
          : []),
        ...(resourceType === 'Topic' && resourceName === '*' && operation === 'Write'
          ? [finding('resourceName', 'every topic', 'named topics, or a prefix')]
          : []),
      ]
    })
    return { findings, unknown: [] }
  },
})

/** Inputs that are made to hold a credential, and that Pulumi keeps encrypted. Policies get secrets unwrapped and can't tell, so these are named. */
const madeForSecrets: Readonly<Record<string, readonly string[]>> = {
  'kafka:index/userScramCredential:UserScramCredential': ['password', 'passwordWo'],
  'kubernetes:core/v1:Secret': ['data', 'stringData'],
  'pulumi:providers:kafka': ['saslPassword', 'clientKey', 'clientKeyPassphrase'],
}

const credentialText = /password\s*=\s*["']?[^\s"';$]{3,}|:\/\/[^/\s:@]+:[^/\s:@$]+@|-----BEGIN [A-Z ]*PRIVATE KEY-----/

export const securityCredentials = rule({
  name: 'security-credentials',
  displayName: 'No credential stands in an input',
  description:
    'No input of any resource holds a password, a login configuration, a private key or an address with a password in it; references (a ConfigProvider’s, a file’s name) do.',
  severity: 'critical',
  level: 'mandatory',
  remedy: 'Hand over a reference: the name of a credentials file, or a reference of a ConfigProvider.',
  settings: {},
  judge: (resources) => {
    const judged = resources.filter(({ type }) => !type.startsWith('pulumi:pulumi:')).map(credentialsIn)
    return { findings: judged.flatMap(({ findings }) => findings), unknown: [] }
  },
})

/** What isn't known yet can't be a text that somebody wrote down: no input of it stands in the sources. */
function credentialsIn(resource: PolicyResource): Judgement {
  const named = madeForSecrets[resource.type] ?? []
  const findings = Object.keys(resource.props)
    .filter((property) => !named.includes(property) && property !== '__provider')
    .flatMap((property) => {
      const value: Known<unknown> = read(resource, property, z.unknown())
      return value.kind === 'unknown' ? [] : suspicious(property, value.value)
    })
  return {
    findings: findings.map((property) => ({
      where: resource.name,
      property,
      observed: 'a credential in plain text',
      required: 'a reference',
      urn: resource.urn,
    })),
    unknown: [],
  }
}

/** A login configuration (JAAS) that holds nothing: who it is says the role that a process runs with. */
const loginByRole = 'software.amazon.msk.auth.iam.IAMLoginModule required;'

/** Paths of what looks like a credential in a value. */
function suspicious(path: string, value: unknown): readonly string[] {
  if (typeof value === 'string') {
    const isReference = value === '' || /^\$\{[^${}]+\}$/.test(value) || value === loginByRole
    return !isReference && (isCredentialName(path) || credentialText.test(value)) ? [path] : []
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, each]) => suspicious(`${path}.${key}`, each))
}
