import { isCredentialName } from '../../engine/model/credential-name.ts'
import { firstFive } from '../../engine/model/error.ts'
import type { Change, PreviewedResource, StackPreview } from './stack-preview.ts'

/** What changes, in the words of catalog and config instead of Pulumi's resource names. */

/** Resources that change nothing outside of Pulumi's state: what they hold is shown as parity, or not at all. */
const isBookkeeping = ({ type }: Change) => type.startsWith('pulumi:') || type === 'kbg:catalog:Parity'

interface Kind {
  readonly singular: string
  readonly plural: string
  /** What names it: paths in its inputs, joined; none: its resource name. */
  readonly namedBy: readonly string[]
}

const kinds: Readonly<Record<string, Kind>> = {
  'kafka:index/topic:Topic': { singular: 'topic', plural: 'topics', namedBy: ['name'] },
  'kubernetes:kafka.strimzi.io/v1:KafkaTopic': { singular: 'topic', plural: 'topics', namedBy: ['spec.topicName'] },
  'kafka:index/acl:Acl': {
    singular: 'binding',
    plural: 'bindings',
    namedBy: ['aclPrincipal', 'aclPermissionType', 'aclOperation', 'aclResourceType', 'aclResourceName'],
  },
  'kafka:index/userScramCredential:UserScramCredential': { singular: 'user', plural: 'users', namedBy: ['username'] },
  'kafka:index/quota:Quota': { singular: 'quota of', plural: 'quotas of', namedBy: ['entityName'] },
  'kbg:index:LocalCluster': { singular: 'cluster of', plural: 'clusters of', namedBy: ['colour'] },
  'aws:msk/cluster:Cluster': { singular: 'MSK cluster', plural: 'MSK clusters', namedBy: ['clusterName'] },
  'kbg:index:RetirementGuard': { singular: 'retirement guard', plural: 'retirement guards', namedBy: [] },
}
const other: Kind = { singular: '', plural: '', namedBy: [] }

/** A resource by what it is, for example `topic orders`. */
export function nameOf(resource: PreviewedResource): string {
  const { singular } = kinds[resource.type] ?? other
  return [singular, bareName(resource)].filter((part) => part !== '').join(' ')
}

function bareName({ type, name, old, next }: PreviewedResource): string {
  const inputs = next?.inputs ?? old?.inputs ?? {}
  const named = (kinds[type] ?? other).namedBy.map((path) => valueAt(inputs, path)).filter((value) => typeof value === 'string')
  return named.length === 0 ? name : named.join(' ')
}

/** One line of the table of changes: a stack, what is done, and to what. */
export interface ChangeLine {
  readonly stack: string
  readonly op: Change['op']
  readonly what: string
}

/** The changes of a stack, what is lost first; resources of one kind to which the same is done share a line. */
export function changeLines({ stack, changes }: StackPreview): readonly ChangeLine[] {
  const shown = changes.filter((change) => !isBookkeeping(change))
  const ops = ['replace', 'delete', 'update', 'create', 'import'] as const
  return ops.flatMap((op) => {
    const grouped = Map.groupBy(
      shown.filter((change) => change.op === op),
      (change) => [change.type in kinds ? change.type : '', ...detailsOf(change)].join('\n'),
    )
    return [...grouped.values()].flatMap((each) => (each[0] === undefined ? [] : [{ stack, op, what: groupText(each, each[0]) }]))
  })
}

function groupText(group: readonly Change[], first: Change): string {
  const { singular, plural } = kinds[first.type] ?? other
  const names = firstFive(group.map(bareName).toSorted())
  const said = [group.length === 1 ? singular : plural, names].filter((part) => part !== '').join(' ')
  const details = detailsOf(first)
  return details.length === 0 ? said : `${said}: ${firstFive(details)}`
}

/** What of it: for a topic that is made its size, for the rest what differs, old -> new where both are plain values. */
function detailsOf({ op, type, paths, old, next }: Change): readonly string[] {
  if (op === 'create' && type === 'kafka:index/topic:Topic')
    return [`${text(next?.inputs?.partitions)} partitions, ${text(next?.inputs?.replicationFactor)} replicas`]
  if (op !== 'update' && op !== 'replace') return []
  return paths.toSorted().map((path) => {
    const [before, after] = [valueAt(old?.inputs, path), valueAt(next?.inputs, path)]
    const isPlain = [before, after].every((value) => typeof value !== 'object') && !isCredentialName(path)
    return isPlain ? `${path} ${text(before)} -> ${text(after)}` : path
  })
}

function text(value: unknown): string {
  return value === undefined ? 'not set' : String(value)
}

/** The value at one of Pulumi's property paths, such as `config["retention.ms"]` or `limits.lagSamples`. */
export function valueAt(inputs: unknown, path: string): unknown {
  const keys = [...path.matchAll(/\["([^"]+)"\]|\[(\d+)\]|([^.[\]]+)/g)].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
  return keys.reduce<unknown>((value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined), inputs)
}
