import { AclOperations, AclPermissionTypes, createAclsV3, deleteAclsV3, describeAclsV3, ResourcePatternTypes, ResourceTypes } from '@platformatic/kafka'
import { z } from 'zod'
import { requireNone } from '../../../../engine/adapters/kafka/refusal.ts'
import { KbgError } from '../../../../engine/model/error.ts'
import type { ResourceType } from './resource.ts'

const resourceTypes = {
  Topic: ResourceTypes.TOPIC,
  Group: ResourceTypes.GROUP,
  Cluster: ResourceTypes.CLUSTER,
  TransactionalID: ResourceTypes.TRANSACTIONAL_ID,
} as const
const patternTypes = { Literal: ResourcePatternTypes.LITERAL, Prefixed: ResourcePatternTypes.PREFIXED } as const
const permissionTypes = { Allow: AclPermissionTypes.ALLOW, Deny: AclPermissionTypes.DENY } as const
const operations = {
  All: AclOperations.ALL,
  Read: AclOperations.READ,
  Write: AclOperations.WRITE,
  Create: AclOperations.CREATE,
  Delete: AclOperations.DELETE,
  Alter: AclOperations.ALTER,
  Describe: AclOperations.DESCRIBE,
  ClusterAction: AclOperations.CLUSTER_ACTION,
  DescribeConfigs: AclOperations.DESCRIBE_CONFIGS,
  AlterConfigs: AclOperations.ALTER_CONFIGS,
  IdempotentWrite: AclOperations.IDEMPOTENT_WRITE,
} as const

function oneOf<Name extends string>(names: Readonly<Record<Name, unknown>>) {
  return z.enum(Object.keys(names) as [Name, ...Name[]])
}

const schema = z.strictObject({
  aclPrincipal: z.string().min(1),
  aclHost: z.string().min(1),
  aclOperation: oneOf(operations),
  aclPermissionType: oneOf(permissionTypes),
  aclResourceType: oneOf(resourceTypes),
  aclResourceName: z.string().min(1),
  resourcePatternTypeFilter: oneOf(patternTypes).default('Literal'),
})
type Binding = z.infer<typeof schema>

/** The parts of an id, in the official plugin's order. */
const idParts = ['aclPrincipal', 'aclHost', 'aclOperation', 'aclPermissionType', 'aclResourceType', 'aclResourceName', 'resourcePatternTypeFilter'] as const

/** `kafka.Acl`: a binding has no parts that could change; every change is another binding. */
export const acl: ResourceType<Binding> = {
  token: 'kafka:index/acl:Acl',
  schema,
  secrets: [],
  id: (inputs) => idParts.map((part) => inputs[part]).join('|'),
  replaces: () => true,
  read: async (id, _known, brokers, deadline) => {
    const binding = schema.safeParse(Object.fromEntries(id.split('|').map((value, index) => [idParts[index], value])))
    if (!binding.success) throw new KbgError('acl-id', `An ACL's id has seven parts: ${idParts.join('|')}.`, { facts: { observed: id } })
    const answer = await brokers.request('DescribeAcls', describeAclsV3.api, [toWire(binding.data)], 'none', deadline)
    requireNone(answer.errorCode, "Can't describe ACLs.", {}, answer.errorMessage)
    return answer.resources.some((resource) => resource.acls.length > 0) ? binding.data : undefined
  },
  create: async (inputs, brokers, deadline) => {
    const answer = await brokers.request('CreateAcls', createAclsV3.api, [[toWire(inputs)]], 'repeatable', deadline)
    for (const result of answer.results) requireNone(result.errorCode, `Can't create the ACL ${acl.id(inputs)}.`, {}, result.errorMessage)
  },
  update: () => Promise.reject(new KbgError('acl-update', 'An ACL is replaced, never updated.')),
  delete: async (olds, brokers, deadline) => {
    const answer = await brokers.request('DeleteAcls', deleteAclsV3.api, [[toWire(olds)]], 'repeatable', deadline)
    for (const result of answer.filterResults) requireNone(result.errorCode, `Can't delete the ACL ${acl.id(olds)}.`, {}, result.errorMessage)
  },
}

/** The binding in Kafka's codes; as a filter it matches exactly this one. */
function toWire(binding: Binding) {
  return {
    resourceType: resourceTypes[binding.aclResourceType],
    resourceName: binding.aclResourceName,
    resourcePatternType: patternTypes[binding.resourcePatternTypeFilter],
    principal: binding.aclPrincipal,
    host: binding.aclHost,
    operation: operations[binding.aclOperation],
    permissionType: permissionTypes[binding.aclPermissionType],
  }
}
