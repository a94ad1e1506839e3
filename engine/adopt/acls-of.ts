import { bindingText } from '../gate/catalog-parity.ts'
import { AclSpec } from '../model/catalog.ts'
import { isReservedUser } from '../model/cluster-access.ts'
import type { AclBinding } from '../model/facts.ts'
import { type LeftOut, ofTheClusterItself, reservedName } from './catalog-of.ts'

/** What the catalog declares: a binding that names none of it is dormant. */
interface Declared {
  readonly topics: ReadonlySet<string>
  readonly groups: ReadonlySet<string>
  /** Users whose bindings stay with the cluster. */
  readonly own: ReadonlySet<string>
}

const resourceTypes: Readonly<Record<AclBinding['resourceType'], string>> = {
  topic: 'Topic',
  group: 'Group',
  cluster: 'Cluster',
  'transactional-id': 'TransactionalID',
  'delegation-token': 'DelegationToken',
  user: 'User',
}

/** The bindings that a catalog can hold, sorted; the others are left out by name. */
export function aclsOf(bindings: readonly AclBinding[], declared: Declared, leftOut: LeftOut[]): AclSpec[] {
  return bindings
    .flatMap((binding) => {
      const spec = AclSpec.safeParse(written(binding, declared))
      const why = spec.success ? whyNot(binding, declared.own) : { why: 'the catalog has no such binding', remedy: byHand }
      if (why === null && spec.success) return [spec.data]
      if (why !== null) leftOut.push({ what: `ACL ${bindingText(binding)}`, ...why })
      return []
    })
    .sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
}

const byHand = 'Make it on both colours by hand: the gate compares them, and refuses while only one has it.'

function written(binding: AclBinding, declared: Declared): unknown {
  const { principal, resourceType, resourceName, patternType, operation, permission, host } = binding
  return {
    ...{ principal, resourceType: resourceTypes[resourceType], resourceName, operation, host },
    patternType: patternType === 'literal' ? 'Literal' : 'Prefixed',
    permission: permission === 'allow' ? 'Allow' : 'Deny',
    ...(isDormant(binding, declared) ? { dormant: true } : {}),
  }
}

function isDormant({ resourceType, resourceName, patternType }: AclBinding, { topics, groups }: Declared): boolean {
  const names = resourceType === 'topic' ? topics : resourceType === 'group' ? groups : undefined
  if (names === undefined || resourceName === '*') return false
  return patternType === 'prefixed' ? ![...names].some((name) => name.startsWith(resourceName)) : !names.has(resourceName)
}

function whyNot({ principal, operation, permission }: AclBinding, own: ReadonlySet<string>): Pick<LeftOut, 'why' | 'remedy'> | null {
  const user = principal.slice('User:'.length)
  if (user === '*' && operation === 'IdempotentWrite' && permission === 'allow') return { why: 'every colour has it', remedy: 'Nothing to do.' }
  if (user === '*' && permission === 'deny') {
    return { why: 'it denies something to everyone, as a fence does', remedy: 'Deny it to the users that it is meant for: lifting a fence could take it away.' }
  }
  if (own.has(user)) return ofTheClusterItself
  return isReservedUser(user) ? reservedName : null
}

function sortKey(acl: AclSpec): string {
  return [acl.principal, acl.resourceType, acl.resourceName, acl.patternType, acl.operation, acl.permission, acl.host].join('|')
}
