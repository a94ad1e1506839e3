/** The client as an application gets it: packed, plain JavaScript, with nothing of this project beside it. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
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
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
  const output = execFileSync(toolPaths().node, [program], { cwd: directory, encoding: 'utf8' })
  expect(JSON.parse(output)).toEqual({ problems: ['route-options', 'The producer is disconnected'], colour: null, idempotent: true, consumer: 'function' })
})
