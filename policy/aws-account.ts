import type { PolicyResource } from '@pulumi/policy'
import { z } from 'zod'
import { check, flag, isGiven, judged, text } from './judging/checks.ts'
import { readAt } from './judging/known.ts'
import { type Judgement, rule } from './judging/rule.ts'

/** What stands around a colour in its account (keys, logs, networks, names, roles): each rule names the public controls that ask for the same. */

/** Days, at least, that logs are kept; 0 means for ever. */
const leastRetentionDays = 365
const key = 'aws:kms/key:Key'
const logGroup = 'aws:cloudwatch/logGroup:LogGroup'
const keyChecks = [
  check({ type: key, path: ['enableKeyRotation'], schema: flag, required: 'true', isFine: (value) => value === true }),
  check({ type: logGroup, path: ['kmsKeyId'], schema: text, required: 'a key of this account', isFine: isGiven }),
  check({
    ...{ type: logGroup, path: ['retentionInDays'], schema: z.number().nullable(), required: `at least ${leastRetentionDays}, or 0: for ever` },
    isFine: (days) => days === null || days === 0 || days >= leastRetentionDays,
  }),
]

export const awsKeys = rule({
  name: 'aws-keys',
  displayName: 'Keys are rotated, and logs kept under them',
  description: 'Keys are rotated (Security Hub KMS.4; CKV_AWS_7); logs are encrypted with one (CKV_AWS_158) and kept for a year (CKV_AWS_338).',
  severity: 'medium',
  level: 'mandatory',
  remedy: 'Leave keys and log groups to the components.',
  settings: {},
  judge: (resources) => judged(resources, keyChecks),
})

/** Ports of Kafka's and ZooKeeper's listeners on MSK, from and to. */
const brokerPorts: readonly (readonly [number, number])[] = [
  [9092, 9098],
  [9194, 9198],
  [2181, 2182],
]
const internet = ['0.0.0.0/0', '::/0']
const port = z.number().nullable()

export const awsNetwork = rule({
  name: 'aws-network',
  displayName: 'No rule opens the brokers to the internet, and no subnet is public',
  description:
    'No security group lets everybody in at a port of Kafka’s or ZooKeeper’s (CKV_AWS_24, 25 and 260 are of their kind), and no subnet gives out public addresses (EC2.15; CKV_AWS_130).',
  severity: 'critical',
  level: 'mandatory',
  remedy: 'Name the networks of the clients in the colour’s `aws.clients`.',
  settings: {},
  judge: (resources) => {
    const subnets = judged(resources, [
      check({ type: 'aws:ec2/subnet:Subnet', path: ['mapPublicIpOnLaunch'], schema: flag, required: 'false', isFine: (value) => value !== true }),
    ])
    const rules = resources.filter(({ type }) => type === 'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule').map(openedBy)
    return {
      findings: [...subnets.findings, ...rules.flatMap(({ findings }) => findings)],
      unknown: [...subnets.unknown, ...rules.flatMap((each) => each.unknown)],
    }
  },
})

function openedBy(resource: PolicyResource): Judgement {
  const values = [
    readAt(resource, ['cidrIpv4'], text),
    readAt(resource, ['cidrIpv6'], text),
    readAt(resource, ['fromPort'], port),
    readAt(resource, ['toPort'], port),
  ] as const
  const [ipv4, ipv6, from, to] = values
  if (ipv4.kind === 'unknown') return { findings: [], unknown: [ipv4.why] }
  if (ipv6.kind === 'unknown') return { findings: [], unknown: [ipv6.why] }
  if (from.kind === 'unknown') return { findings: [], unknown: [from.why] }
  if (to.kind === 'unknown') return { findings: [], unknown: [to.why] }
  const source = [ipv4.value, ipv6.value].find((cidr) => cidr !== null && internet.includes(cidr))
  // A rule without ports is one for all of them.
  const [first, last] = [from.value ?? 0, to.value ?? 65_535]
  const opened = brokerPorts.filter(([low, high]) => first <= high && low <= last)
  if (source === undefined || opened.length === 0) return { findings: [], unknown: [] }
  const observed = `${source} at ${first} to ${last}`
  return { findings: [{ where: resource.name, property: 'cidrIpv4', observed, required: 'networks of clients', urn: resource.urn }], unknown: [] }
}

/** Longest time, in seconds, that names of the route may be kept. */
const mostTtlSeconds = 60
const record = 'aws:route53/record:Record'
const nameChecks = [
  check({
    ...{ type: record, path: ['ttl'], schema: z.number().nullable(), required: `at most ${mostTtlSeconds}` },
    isFine: (ttl) => ttl !== null && ttl <= mostTtlSeconds,
  }),
  check({ type: record, path: ['type'], schema: text, required: 'TXT: brokers’ certificates carry no other names', isFine: (type) => type !== 'CNAME' }),
]

export const awsNames = rule({
  name: 'aws-names',
  displayName: 'Names of the route are forgotten soon, and are no aliases',
  description: 'A name is kept for a minute at most, and none is a CNAME: over TLS its clients would compare it with the broker’s certificate.',
  severity: 'high',
  level: 'mandatory',
  remedy: 'Leave names to RouteNames.',
  settings: {},
  judge: (resources) => judged(resources, nameChecks),
})

const PolicyText = z.object({
  Statement: z.array(
    z.object({ Effect: z.string(), Action: z.union([z.string(), z.array(z.string())]), Resource: z.union([z.string(), z.array(z.string())]) }),
  ),
})

export const awsRoles = rule({
  name: 'aws-roles',
  displayName: 'Roles name what they may do, and to what',
  description: 'No statement that allows every resource or every action (CKV_AWS_355, CKV_AWS_356; IAM.21).',
  severity: 'high',
  level: 'mandatory',
  remedy: 'Name the cluster, topic or group, and the action; `*` may stand at the end of a name.',
  settings: {},
  judge: (resources) => {
    const judgements = resources.filter(({ type }) => type === 'aws:iam/rolePolicy:RolePolicy').map(allowedBy)
    return { findings: judgements.flatMap(({ findings }) => findings), unknown: judgements.flatMap(({ unknown }) => unknown) }
  },
})

function allowedBy(resource: PolicyResource): Judgement {
  const policy = readAt(resource, ['policy'], z.string())
  if (policy.kind === 'unknown') return { findings: [], unknown: [policy.why] }
  const parsed = PolicyText.safeParse(JSON.parse(policy.value))
  if (!parsed.success) return { findings: [], unknown: [`policy of ${resource.name} has another form than this policy reads`] }
  const allowed = parsed.data.Statement.filter(({ Effect }) => Effect === 'Allow')
  const wide = (property: 'Action' | 'Resource') =>
    allowed
      .flatMap((statement) => statement[property])
      .filter((each) => each === '*' || (property === 'Action' && each.endsWith(':*')))
      .map((observed) => ({ where: resource.name, property: `policy.${property}`, observed, required: 'a name', urn: resource.urn }))
  return { findings: [...wide('Action'), ...wide('Resource')], unknown: [] }
}
