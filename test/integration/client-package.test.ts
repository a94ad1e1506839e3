/** The client as an application gets it: packed, plain JavaScript, with nothing of this project beside it. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nodeBinDir, projectDir, toolEnv, toolPaths } from '../../tools/paths.ts'

const directory = mkdtempSync(join(tmpdir(), 'kbg-client-package-'))
const installed = join(directory, 'node_modules', '@kafka-blue-green', 'client')

beforeAll(() => {
  const client = join(projectDir, 'client')
  execFileSync(join(nodeBinDir, 'tsc'), ['-p', 'tsconfig.build.json'], { cwd: client, env: toolEnv() })
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', directory], { cwd: client, env: toolEnv(), stdio: 'pipe' })
  const packed = readdirSync(directory).find((file) => file.endsWith('.tgz')) ?? 'no package'
  mkdirSync(installed, { recursive: true })
  execFileSync('tar', ['-xzf', join(directory, packed), '-C', installed, '--strip-components=1'])
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
  for (const dependency of ['kafkajs', 'etcd3', 'zod']) symlinkSync(join(projectDir, 'node_modules', dependency), join(directory, 'node_modules', dependency))
}, 120_000)

afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('holds JavaScript, types and nothing of the engine but its model', () => {
  const files = readdirSync(installed, { recursive: true }).map(String)
  expect(files).toContain(join('dist', 'client', 'index.js'))
  expect(files).toContain(join('dist', 'client', 'index.d.ts'))
  expect(files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))).toEqual([])
  const rooms = new Set(files.filter((file) => file.startsWith(join('dist', 'engine'))).map((file) => file.split(/[\\/]/)[2] ?? 'model'))
  expect([...rooms]).toEqual(['model'])
})

test('is imported in kafkajs’ place, and says what it lacks', () => {
  const program = join(directory, 'program.js')
  writeFileSync(
    program,
    `import { CompressionTypes, Kafka, logLevel, Partitioners } from '@kafka-blue-green/client'
const problems = []
try { new Kafka({ clientId: 'app' }) } catch (error) { problems.push(error.code) }
const kafka = new Kafka({ clientId: 'app', logLevel: logLevel.NOTHING, fleet: 'shop', routeStore: { endpoints: ['127.0.0.1:1'], password: 'unused' } })
const producer = kafka.producer({ createPartitioner: Partitioners.LegacyPartitioner })
try { await producer.send({ topic: 't', messages: [{ value: 'v' }], compression: CompressionTypes.GZIP }) } catch (error) { problems.push(error.message) }
console.log(JSON.stringify({ problems, colour: producer.colour, idempotent: producer.isIdempotent(), consumer: typeof kafka.consumer({ groupId: 'g' }).run }))
`,
  )
  const output = execFileSync(toolPaths().node, [program], { cwd: directory, encoding: 'utf8' })
  expect(JSON.parse(output)).toEqual({ problems: ['route-options', 'The producer is disconnected'], colour: null, idempotent: true, consumer: 'function' })
})

/** The TypeScript blocks of docs/clients.md: programs of an application that has nothing but the package. */
const snippets = [...readFileSync(join(projectDir, 'docs', 'clients.md'), 'utf8').matchAll(/^```ts\n(.*?)^```/gms)].map((match) => match[1] ?? '')

test('the programs of docs/clients.md compile against it, and run until they would connect', () => {
  const files = snippets.map((_, index) => join(directory, `snippet-${index}.ts`))
  for (const [index, file] of files.entries()) writeFileSync(file, snippets[index] ?? '')
  const compilerOptions = {
    ...{ strict: true, noEmit: true, target: 'es2024', module: 'nodenext', skipLibCheck: true },
    ...{ typeRoots: [join(projectDir, 'node_modules', '@types')], types: ['node'] },
  }
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  execFileSync(join(nodeBinDir, 'tsc'), ['-p', directory], { cwd: directory, env: toolEnv(), stdio: 'pipe' })
  const connecting = snippets.filter((snippet) => snippet.includes('await consumer.connect()'))
  expect([snippets.length, connecting.length]).toEqual([3, 1])
  const env = { ...process.env, KBG_FLEET: 'main', KBG_ROUTE_STORE: '127.0.0.1:1', KBG_ROUTE_STORE_CREDENTIALS: join(directory, 'credentials.json') }
  const credentials = { version: 1, passwords: { client: 'not-used-here' } }
  writeFileSync(env.KBG_ROUTE_STORE_CREDENTIALS, JSON.stringify(credentials))
  const [beforeConnect = ''] = (connecting[0] ?? '').split('await consumer.connect()')
  const program = join(directory, 'dual.ts')
  writeFileSync(program, `${beforeConnect}\nconsole.log(JSON.stringify({ counts: consumer.counts, reading: consumer.reading }))`)
  const output = execFileSync(toolPaths().node, [program], { cwd: directory, encoding: 'utf8', env })
  const counts = { handedOver: { blue: 0, green: 0 }, duplicatesDropped: 0, unknown: 0, withoutId: 0, expectedLost: 0 }
  expect(JSON.parse(output)).toEqual({ counts, reading: { blue: null, green: null } })
})
