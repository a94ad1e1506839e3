import { type Acl, AclOperations, AclPermissionTypes, ResourcePatternTypes, ResourceTypes } from '@platformatic/kafka'
import { KbgError } from '../../model/error.ts'
import type { AclBinding } from '../../ports/cluster.ts'

const resourceTypes = {
  topic: ResourceTypes.TOPIC,
  group: ResourceTypes.GROUP,
  cluster: ResourceTypes.CLUSTER,
  'transactional-id': ResourceTypes.TRANSACTIONAL_ID,
  'delegation-token': ResourceTypes.DELEGATION_TOKEN,
  user: ResourceTypes.USER,
} as const satisfies Record<AclBinding['resourceType'], number>

const patternTypes = { literal: ResourcePatternTypes.LITERAL, prefixed: ResourcePatternTypes.PREFIXED } as const satisfies Record<
  AclBinding['patternType'],
  number
>
const permissions = { allow: AclPermissionTypes.ALLOW, deny: AclPermissionTypes.DENY } as const satisfies Record<AclBinding['permission'], number>

/** `Describe_Configs`, `DescribeConfigs`, `DESCRIBE_CONFIGS` and `describe-configs` are one operation. */
function squeezed(name: string): string {
  return name.replace(/[-_ ]/g, '').toLowerCase()
}

const operations: ReadonlyMap<string, number> = new Map(Object.entries(AclOperations).map(([name, code]) => [squeezed(name), code]))

/** Kafka's own spelling of an operation's code (AclOperation, SecurityUtils.operationName): `DescribeConfigs`. */
function operationName(code: number): string {
  const name = Object.entries(AclOperations).find(([, value]) => value === code)?.[0] ?? 'UNKNOWN'
  return name
    .split('_')
    .map((word) => `${word.slice(0, 1)}${word.slice(1).toLowerCase()}`)
    .join('')
}

/** @throws KbgError `acl-operation` */
function operationCode(name: string): Acl['operation'] {
  const code = operations.get(squeezed(name))
  if (code === undefined) {
    throw new KbgError('acl-operation', 'Not an ACL operation.', { facts: { observed: name, allowed: [...operations.values()].map(operationName) } })
  }
  return code as Acl['operation']
}

/** A binding as Kafka's protocol writes it; as a delete filter it matches exactly itself. */
export function toWire(binding: AclBinding): Acl {
  return {
    resourceType: resourceTypes[binding.resourceType],
    resourceName: binding.resourceName,
    resourcePatternType: patternTypes[binding.patternType],
    principal: binding.principal,
    host: binding.host,
    operation: operationCode(binding.operation),
    permissionType: permissions[binding.permission],
  }
}

function nameOf<Name extends string>(names: Readonly<Record<Name, number>>, code: number, what: string): Name {
  const found = (Object.keys(names) as Name[]).find((name) => names[name] === code)
  if (found === undefined) throw new KbgError('acl-unknown', `An ACL has a ${what} that this version doesn't know.`, { facts: { observed: code } })
  return found
}

/** A binding as DescribeAcls answers it. @throws KbgError `acl-unknown`: a binding that can't be read is not left out silently */
export function fromWire(acl: {
  readonly resourceType: number
  readonly resourceName: string
  readonly resourcePatternType: number
  readonly principal: string
  readonly host: string
  readonly operation: number
  readonly permissionType: number
}): AclBinding {
  return {
    principal: acl.principal,
    host: acl.host,
    resourceType: nameOf(resourceTypes, acl.resourceType, 'resource type'),
    resourceName: acl.resourceName,
    patternType: nameOf(patternTypes, acl.resourcePatternType, 'pattern type'),
    operation: operationName(acl.operation),
    permission: nameOf(permissions, acl.permissionType, 'permission'),
  }
}

/** The throw-away binding behind each change of the fence; it names nobody. Parity ignores it should a lost connection leave it behind. */
export const nudgeBinding: AclBinding = {
  principal: 'User:kbg-nudge',
  host: '*',
  resourceType: 'topic',
  resourceName: 'kbg.nudge',
  patternType: 'literal',
  operation: 'Describe',
  permission: 'allow',
}
