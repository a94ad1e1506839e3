import { readFileSync } from 'node:fs'
import { type Document, isMap, isNode, LineCounter, type Node, parseDocument } from 'yaml'
import type { z } from 'zod'
import { type AclSpec, Catalog } from '../engine/model/catalog.ts'
import { isReservedUser } from '../engine/model/cluster-access.ts'
import { firstFive, KbgError } from '../engine/model/error.ts'

type Path = readonly PropertyKey[]
interface Problem {
  readonly path: Path
  readonly text: string
}

/**
 * Reads a catalog file.
 *
 * @throws KbgError `catalog` with every problem at once, each with line and path
 */
export function loadCatalog(file: string): Catalog {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new KbgError('catalog', `The catalog ${file} can't be read.`, { cause, remedy: 'Write it, or run from the project directory.' })
  }
  return parseCatalog(text, file)
}

/**
 * Reads a catalog's text. Beyond the schema it checks what only the whole catalog shows: names that nothing declares,
 * declarations that stand twice, and names and bindings that belong to the platform.
 *
 * @param file names it in messages
 * @throws KbgError `catalog` with every problem at once, each with line and path
 */
export function parseCatalog(text: string, file: string): Catalog {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  if (document.errors.length > 0) {
    throw refusal(
      file,
      document.errors.map((error) => `line ${lines.linePos(error.pos[0]).line}: ${(error.message.split('\n')[0] ?? '').replace(/ at line .*/, '')}`),
    )
  }
  const raw: unknown = document.toJS() ?? {}
  const parsed = Catalog.safeParse(raw)
  const problems = parsed.success ? acrossCatalog(parsed.data) : [...parsed.error.issues.flatMap(schemaProblems), ...acrossRest(raw, parsed.error.issues)]
  if (problems.length > 0) throw refusal(file, inLineOrder(problems, document, lines))
  if (!parsed.success) throw refusal(file, ['unreadable'])
  return parsed.data
}

/** What only the whole catalog shows is told beside unknown keys too: the rest of it is read as if they weren't there. With other problems it can't be read. */
function acrossRest(raw: unknown, issues: readonly z.core.$ZodIssue[]): Problem[] {
  const rest = structuredClone(raw)
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') return []
    const parent = issue.path.reduce<unknown>((value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined), rest)
    if (typeof parent === 'object' && parent !== null) for (const key of issue.keys) Reflect.deleteProperty(parent, key)
  }
  const parsed = Catalog.safeParse(rest)
  return parsed.success ? acrossCatalog(parsed.data) : []
}

function schemaProblems(issue: z.core.$ZodIssue): Problem[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ path: [...issue.path, key], text: 'unknown key' }))
  // A record's key that is refused carries its reasons one level down.
  if (issue.code === 'invalid_key') return issue.issues.map((inner) => ({ path: issue.path, text: `the name is not allowed: ${inner.message}` }))
  return [{ path: issue.path, text: issue.message }]
}

/** The rules that span more than one entry. */
function acrossCatalog(catalog: Catalog): Problem[] {
  return [
    ...repeated(catalog.users, (user) => user, 'users'),
    ...repeated(catalog.principals, (name) => name, 'principals'),
    ...catalog.principals.flatMap((name, index) => (catalog.users.includes(name) ? [{ path: ['principals', index], text: `${name} is one of users` }] : [])),
    ...repeated(catalog.acls, (acl) => JSON.stringify(acl), 'acls'),
    ...repeated(catalog.quotas, (quota) => quota.user, 'quotas'),
    ...catalog.users.flatMap((user, index) => (isReservedUser(user) ? [{ path: ['users', index], text: `${user} is a user of the platform` }] : [])),
    ...catalog.quotas.flatMap((quota, index) => quotaProblems(quota, catalog).map((text) => ({ path: ['quotas', index], text }))),
    ...catalog.acls.flatMap((acl, index) => aclProblems(acl, catalog).map((text) => ({ path: ['acls', index], text }))),
    ...Object.entries(catalog.groups).flatMap(([group, spec]) =>
      spec.alsoProduces && spec.wave !== undefined
        ? [{ path: ['groups', group, 'wave'], text: 'a group that also produces moves with the producers, in no wave' }]
        : [],
    ),
  ]
}

function quotaProblems(quota: Catalog['quotas'][number], catalog: Catalog): string[] {
  const limited = quota.producerByteRate ?? quota.consumerByteRate ?? quota.requestPercentage
  return [
    ...unknownUser(quota.user, catalog),
    ...(limited === undefined ? ['limits nothing; allowed: producerByteRate, consumerByteRate, requestPercentage'] : []),
  ]
}

function aclProblems(acl: AclSpec, catalog: Catalog): string[] {
  const user = acl.principal.slice('User:'.length)
  const everyone = user === '*'
  // The fence and the right to warm up on a fenced standby are the platform's: a catalog that also had them would lift a fence when it changes.
  if (everyone && (acl.permission === 'Deny' || acl.operation === 'IdempotentWrite'))
    return ['a binding for everyone that denies, or IdempotentWrite, belongs to the platform']
  return [...(everyone ? [] : unknownUser(user, catalog)), ...unknownResource(acl, catalog)]
}

function unknownUser(user: string, catalog: Catalog): string[] {
  if (isReservedUser(user)) return [`${user} is a user of the platform`]
  return catalog.users.includes(user) || catalog.principals.includes(user) ? [] : [`the user ${user} is not declared; users: ${firstFive(catalog.users)}`]
}

function unknownResource(acl: AclSpec, catalog: Catalog): string[] {
  const declared = acl.resourceType === 'Topic' ? Object.keys(catalog.topics) : acl.resourceType === 'Group' ? Object.keys(catalog.groups) : undefined
  if (declared === undefined || acl.resourceName === '*' || acl.dormant) return []
  const meant = acl.patternType === 'Prefixed' ? declared.some((name) => name.startsWith(acl.resourceName)) : declared.includes(acl.resourceName)
  return meant ? [] : [`no ${acl.resourceType.toLowerCase()} of the catalog is called ${acl.resourceName}; there are: ${firstFive(declared)}`]
}

/** Entries that stand twice: the second one is named. */
function repeated<Entry>(entries: readonly Entry[], identity: (entry: Entry) => string, name: string): Problem[] {
  const seen = new Set<string>()
  return entries.flatMap((entry, index) => {
    const known = seen.has(identity(entry))
    seen.add(identity(entry))
    return known ? [{ path: [name, index], text: 'stands here a second time' }] : []
  })
}

function inLineOrder(problems: readonly Problem[], document: Document, lines: LineCounter): string[] {
  return problems
    .map(({ path, text }) => ({ line: lineOf(path, document, lines), text: `${pathText(path)}: ${text}` }))
    .sort((a, b) => a.line - b.line)
    .map(({ line, text }) => `line ${line}: ${text}`)
}

/** The line of the deepest part of the path that the file has; a missing key is reported where its parent stands. */
function lineOf(path: Path, document: Document, lines: LineCounter): number {
  for (let depth = path.length; depth > 0; depth--) {
    const parent = document.getIn(path.slice(0, depth - 1), true)
    const last = path[depth - 1]
    const key = isMap(parent) ? parent.items.find((item) => isNode(item.key) && String(item.key) === String(last))?.key : undefined
    const node = (key ?? document.getIn(path.slice(0, depth), true)) as Node | undefined
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  }
  return 1
}

function pathText(path: Path): string {
  return (
    path
      .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
      .join('')
      .replace(/^\./, '') || 'catalog'
  )
}

function refusal(file: string, problems: readonly string[]): KbgError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  return new KbgError('catalog', `The catalog ${file} has ${count}:\n${problems.map((problem) => `  - ${problem}`).join('\n')}\n`, {
    remedy: 'Nothing was changed.',
  })
}
