/**
 * The arrows between the rooms: who may import whom. Run as a program it prints every import that goes against them and exits 1.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A room's files, and what they may import besides their own room: other rooms, packages, Node's modules (`node:`). */
interface Rule {
  readonly room: string
  readonly mayImport: readonly string[]
}

/** First match wins, so that the narrower room stands first. */
export const rules: readonly Rule[] = [
  { room: 'engine/model', mayImport: ['zod', 'ipaddr.js'] },
  { room: 'engine/gate', mayImport: ['engine/model', 'zod'] },
  { room: 'engine/offsets', mayImport: ['engine/model', 'zod'] },
  { room: 'engine/audit', mayImport: ['engine/model', 'engine/gate', 'zod'] },
  { room: 'engine/analysis', mayImport: ['engine/model'] },
  { room: 'engine/adopt', mayImport: ['engine/model', 'engine/gate'] },
  { room: 'engine/switchover', mayImport: ['engine/model', 'engine/gate', 'zod'] },
  { room: 'engine/ports', mayImport: ['engine/model', 'engine/audit'] },
  {
    room: 'engine/adapters',
    mayImport: [
      'engine/model',
      'engine/ports',
      'engine/offsets',
      'engine/audit',
      'tools',
      'zod',
      'node:',
      '@platformatic/kafka',
      'xxhash-wasm',
      'etcd3',
      'kafkajs',
      'node-forge',
      '@aws-sdk/client-kafkaconnect',
      'aws-msk-iam-sasl-signer-js',
      '@aws-sdk/client-route-53',
      '@aws-sdk/client-ssm',
    ],
  },
  {
    room: 'engine/run',
    mayImport: [
      'engine/model',
      'engine/ports',
      'engine/gate',
      'engine/switchover',
      'engine/offsets',
      'engine/audit',
      'engine/analysis',
      'engine/adopt',
      'engine/adapters',
      'tools/paths.ts',
      'zod',
      'node:',
    ],
  },
  { room: 'client', mayImport: ['engine/model', 'kafkajs', 'etcd3', '@aws-sdk/client-ssm', 'zod', 'node:'] },
  { room: 'components', mayImport: ['engine/model', 'tools/paths.ts', '@pulumi/', 'node:'] },
  { room: 'infra', mayImport: ['components', 'engine/model', '@pulumi/pulumi', 'tools/paths.ts', 'yaml', 'zod', 'node:'] },
  { room: 'provider', mayImport: ['engine', '@pulumi/pulumi', '@grpc/grpc-js', 'google-protobuf', 'zod', 'node:'] },
  { room: 'policy', mayImport: ['engine/model', '@pulumi/', 'zod'] },
]

/** One import that goes against the arrows. */
export interface Trespass {
  readonly file: string
  readonly imports: string
  readonly room: string
}

/** Every import statement's target in a source text: static, dynamic, and `export ... from`. */
export function importsOf(source: string): readonly string[] {
  const found = source.matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^'"\n;]*?(?:\n[^'"\n;]*?)*?from\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s+['"]([^'"]+)['"]/g,
  )
  return [...found].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}

/** The imports of one file (path relative to the project, with forward slashes) that its room doesn't allow. */
export function trespasses(file: string, source: string): readonly Trespass[] {
  const rule = rules.find((candidate) => file.startsWith(`${candidate.room}/`))
  if (!rule) return []
  const isAllowed = (target: string) => target.startsWith(`${rule.room}/`) || rule.mayImport.some((allowed) => matches(target, allowed))
  return importsOf(source)
    .map((imported) => (imported.startsWith('.') ? posix.normalize(posix.join(posix.dirname(file), imported)) : imported))
    .filter((target) => !isAllowed(target))
    .map((target) => ({ file, imports: target, room: rule.room }))
}

function matches(target: string, allowed: string): boolean {
  if (allowed.endsWith('/') || allowed.endsWith(':')) return target.startsWith(allowed)
  return target === allowed || target.startsWith(`${allowed}/`)
}

/** All trespasses of the project's rooms. */
export function allTrespasses(root: string): readonly Trespass[] {
  const rooms = [...new Set(rules.map((rule) => rule.room.split('/')[0] ?? ''))]
  return rooms
    .flatMap((room) => sourceFiles(join(root, room)))
    .flatMap((file) => trespasses(relative(root, file).split(sep).join('/'), readFileSync(file, 'utf8')))
}

function sourceFiles(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter(
      (entry) =>
        entry.isFile() &&
        entry.name.endsWith('.ts') &&
        !`${entry.parentPath}${sep}`.includes(`${sep}node_modules${sep}`) &&
        !`${entry.parentPath}${sep}`.includes(`${sep}dist${sep}`),
    )
    .map((entry) => join(entry.parentPath, entry.name))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = allTrespasses(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))
  for (const { file, imports, room } of found) console.error(`${file} imports ${imports}: ${room} may not (test/support/arrows.ts says who may import whom)`)
  console.log(found.length === 0 ? 'arrows: every import goes the right way' : `arrows: ${found.length} imports go the wrong way`)
  process.exitCode = found.length === 0 ? 0 : 1
}
