import type { PolicyResource } from '@pulumi/policy'
import { z } from 'zod'
import type { BrokerInventory } from '../engine/model/broker-inventory.ts'
import { type Colour, colours } from '../engine/model/colour.ts'
import { isCredentialName } from '../engine/model/credential-name.ts'
import { readInventories } from './inventories.ts'
import { type Known, read } from './judging/known.ts'
import { type Finding, type Judgement, rule } from './judging/rule.ts'

/** Who may do what on a colour, and what travels in the clear. */

function ofBrokers(
  resources: readonly PolicyResource[],
  judge: (brokers: BrokerInventory, colour: Colour) => readonly Omit<Finding, 'where' | 'urn'>[] | Unknown,
): Judgement {
  const inventories = readInventories(resources)
  if (inventories.kind !== 'read') return { findings: [], unknown: inventories.kind === 'unknown' ? [inventories.why] : [] }
  const judged = colours.map((colour) => ({ colour, judgement: judge(inventories[colour].brokers, colour) }))
  return {
    findings: judged.flatMap(({ colour, judgement }) =>
      isUnknown(judgement) ? [] : judgement.map((finding) => ({ ...finding, where: `brokers of ${colour}`, urn: inventories.urn })),
    ),
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

/** Server properties that every colour has to run with. */
const brokerPromises: Readonly<Record<string, string>> = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'allow.everyone.if.no.acl.found': 'false',
  'auto.create.topics.enable': 'false',
  'unclean.leader.election.enable': 'false',
}

export const securityBrokers = rule({
  name: 'security-brokers',
  displayName: 'Brokers authorize, and make nothing by themselves',
  description: 'An authorizer is on and allows nobody by default; topics are not created by asking for them; a replica that lags is never elected leader.',
  severity: 'critical',
  level: 'mandatory',
  remedy: 'Take the property out of brokerConfig: the platform sets it.',
  settings: {},
  judge: (resources) =>
    ofBrokers(resources, ({ promises, config }) => {
      if (promises === null) return { unknown: 'what is promised' }
      return Object.entries(brokerPromises).flatMap(([property, required]) => {
        const observed = config[property] ?? promises[property] ?? 'not set'
        return observed === required ? [] : [{ property, observed, required }]
      })
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
    ofBrokers(resources, ({ listeners, isLoopbackOnly }) => {
      if (listeners === null) return { unknown: 'listeners' }
      return Object.entries(listeners).flatMap(([name, text]) => {
        const isLoggedIn = /^SASL_|^SSL mutual/.test(text)
        const isEncrypted = /SSL/.test(text)
        if (!isLoggedIn) return [{ property: `listeners.${name}`, observed: text, required: 'SASL_SSL, or SSL with client certificates' }]
        return isEncrypted || isLoopbackOnly === true ? [] : [{ property: `listeners.${name}`, observed: text, required: 'SASL_SSL' }]
      })
    }),
})

/** Operations that an application never needs on a whole cluster. */
const tooMuchOnCluster: readonly string[] = ['All', 'Alter', 'AlterConfigs', 'ClusterAction', 'Create']

export const securityAcls = rule({
  name: 'security-acls',
  displayName: 'Bindings give no more than is needed',
  description: 'No binding allows everybody or an anonymous client, everything on every topic, or the administration of a cluster.',
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
        ...(resourceType === 'Topic' && resourceName === '*' && operation === 'All'
          ? [finding('operation', 'All on every topic', 'Read, Write or Describe, of named topics')]
          : []),
      ]
    })
    return { findings, unknown: [] }
  },
})

/** Inputs that are made to hold a credential, and that Pulumi keeps encrypted. Policies get secrets unwrapped and can't tell, so these are named. */
const madeForSecrets: Readonly<Record<string, readonly string[]>> = {
  'kafka:index/userScramCredential:UserScramCredential': ['password', 'passwordWo'],
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
