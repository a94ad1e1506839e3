/** A catalog as the text of its file: sorted, one line for what fits on one, so that two runs on the same cluster write the same. */
import { Document, isMap, isSeq, type Node, parseDocument, YAMLMap, YAMLSeq } from 'yaml'
import type { AdoptedCatalog } from '../../engine/adopt/catalog-of.ts'
import type { AclSpec, GroupSpec, QuotaSpec, TopicSpec } from '../../engine/model/catalog.ts'

const head = ` What this cluster holds, as \`kbg adopt\` read it: what must exist on both colours from now on. Read it before you trust it; waves are suggestions.`

/** The text of a new catalog. */
export function catalogText(adopted: AdoptedCatalog): string {
  const document = new Document({})
  document.commentBefore = head
  for (const section of sections) document.set(section, section === 'topics' || section === 'groups' ? new YAMLMap() : new YAMLSeq())
  write(document, adopted)
  for (const section of sections) {
    const node = document.get(section)
    if (section !== 'topics' && (isMap(node) || isSeq(node)) && node.items.length === 0) document.delete(section)
  }
  return textOf(document)
}

/**
 * The text of a catalog that was written before, with what is otherwise in this one; comments and order of what stays are kept.
 *
 * @param adopted as {@link keeping} gives it
 */
export function updatedText(text: string, adopted: AdoptedCatalog): string {
  const document = parseDocument(text)
  write(document, adopted)
  return textOf(document)
}

const sections = ['topics', 'users', 'principals', 'acls', 'quotas', 'groups'] as const

function textOf(document: Document): string {
  return document.toString({ lineWidth: 0 })
}

function write(document: Document, { catalog, suggested }: AdoptedCatalog): void {
  const because = new Map(suggested.map((each) => [each.groupId, each.because]))
  writeMap(document, 'topics', catalog.topics, topicValue, () => undefined)
  writeSeq(document, 'users', catalog.users, (user) => user)
  writeSeq(document, 'principals', catalog.principals, (name) => name)
  writeSeq(document, 'acls', catalog.acls, aclValue)
  writeSeq(document, 'quotas', catalog.quotas, quotaValue)
  writeMap(document, 'groups', catalog.groups, groupValue, (groupId) => because.get(groupId))
}

/** Sets what is new or otherwise, and deletes what is gone. */
function writeMap<T>(
  document: Document,
  section: string,
  entries: Readonly<Record<string, T>>,
  valueFrom: (value: T) => unknown,
  commentOf: (name: string) => string | undefined,
): void {
  const found = document.get(section)
  const map = isMap(found) ? found : new YAMLMap()
  const existing = (document.toJS() as Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>)[section] ?? {}
  for (const name of Object.keys(existing)) if (!Object.hasOwn(entries, name)) map.delete(name)
  for (const [name, value] of Object.entries(entries)) {
    const written = valueFrom(value)
    if (Object.hasOwn(existing, name) && JSON.stringify(valueFrom(existing[name] as T)) === JSON.stringify(written)) continue
    const node = document.createNode(written) as Node
    if (section === 'groups' || isFlat(written)) flow(node)
    const comment = Object.hasOwn(existing, name) ? undefined : commentOf(name)
    if (comment !== undefined) node.comment = ` ${comment}`
    map.set(document.createNode(name), node)
  }
  if (map.items.length > 0 || isMap(found)) document.set(section, map)
}

function isFlat(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).every((each) => typeof each !== 'object')
}

function writeSeq<T>(document: Document, section: string, items: readonly T[], valueFrom: (item: T) => unknown): void {
  const found = document.get(section)
  const list = isSeq(found) ? found : new YAMLSeq()
  const identity = (value: unknown) => JSON.stringify(valueFrom(value as T))
  const wanted = new Map(items.map((item) => [identity(item), item]))
  const existing = list.toJSON() as unknown[]
  list.items = list.items.filter((_, index) => wanted.has(identity(existing[index])))
  const kept = new Set(existing.map(identity))
  for (const [key, item] of wanted) {
    if (kept.has(key)) continue
    const node = document.createNode(valueFrom(item)) as Node
    flow(node)
    list.add(node)
  }
  if (list.items.length > 0 || isSeq(found)) document.set(section, list)
}

function flow(node: Node): void {
  if (isMap(node) || isSeq(node)) node.flow = true
}

/** Without what the format takes for granted. */
function topicValue({ partitions, replicationFactor, config }: TopicSpec): object {
  const own = Object.entries(config ?? {}).map(([key, value]) => [key, String(value)])
  return {
    partitions,
    ...((replicationFactor ?? 3) === 3 ? {} : { replicationFactor }),
    ...(own.length === 0 ? {} : { config: Object.fromEntries(own.sort(([a = ''], [b = '']) => (a < b ? -1 : 1))) }),
  }
}

function aclValue(acl: AclSpec): object {
  const { principal, resourceType, resourceName, patternType, operation, permission, host, dormant } = acl
  return {
    ...{ principal, resourceType, resourceName },
    ...((patternType ?? 'Literal') === 'Literal' ? {} : { patternType }),
    operation,
    ...((permission ?? 'Allow') === 'Allow' ? {} : { permission }),
    ...((host ?? '*') === '*' ? {} : { host }),
    ...(dormant ? { dormant } : {}),
  }
}

function quotaValue({ user, producerByteRate, consumerByteRate, requestPercentage }: QuotaSpec): object {
  const limits = { producerByteRate, consumerByteRate, requestPercentage }
  return { user, ...Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined)) }
}

function groupValue({ wave, alsoProduces }: GroupSpec): object {
  return { ...(wave === undefined ? {} : { wave }), ...(alsoProduces ? { alsoProduces } : {}) }
}
