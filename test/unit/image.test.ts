/** No container engine is here: what can be said of the image without one. */
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { expect, test } from 'vitest'
import { projectDir, toolPaths } from '../../tools/paths.ts'
import { importsOf } from '../support/arrows.ts'

const dockerfile = readFileSync(join(projectDir, 'tools', 'image', 'Dockerfile'), 'utf8')
const manifest: { dependencies: Record<string, string>; devDependencies: Record<string, string> } = JSON.parse(
  readFileSync(join(projectDir, 'package.json'), 'utf8'),
)

/** Paths that the last stage has of this checkout. */
const copied = dockerfile
  .slice(dockerfile.lastIndexOf('FROM '))
  .split('\n')
  .flatMap((line) => /^COPY (?!--)(\S+)/.exec(line)?.slice(1) ?? [])

/** Every file and package that a program needs, by following imports. */
function neededBy(entry: string): { readonly files: ReadonlySet<string>; readonly packages: ReadonlySet<string> } {
  const files = new Set<string>()
  const packages = new Set<string>()
  const open = [entry]
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (files.has(file)) continue
    files.add(file)
    for (const imported of importsOf(readFileSync(join(projectDir, file), 'utf8'))) {
      if (imported.startsWith('.')) open.push(posix.join(posix.dirname(file), imported))
      else if (!imported.startsWith('node:'))
        packages.add(
          imported
            .split('/')
            .slice(0, imported.startsWith('@') ? 2 : 1)
            .join('/'),
        )
    }
  }
  return { files, packages }
}

const programs = ['birth', 'guardian', 'audit', 'write-back', 'orchestrator'].map((name) => `engine/run/${name}/main.ts`)
/** Of kbg those commands that look at a fleet or act on it by its wiring; each is loaded by itself. */
const commands = ['status', 'abort', 'repair', 'ack', 'groups/command', 'audit/command', 'clients/command'].map((name) => `cli/${name}.ts`)
test.each([...programs, ...commands])('the image holds all that %s imports', (entry) => {
  const { files, packages } = neededBy(entry)
  expect(files.size).toBeGreaterThan(10)
  const isCopied = (file: string) => copied.some((path) => file === path || file.startsWith(`${path}/`))
  expect([...files].filter((file) => !isCopied(file))).toEqual([])
  expect([...packages].filter((name) => manifest.dependencies[name] === undefined)).toEqual([])
})

test('it runs as nobody’s root, from a pinned base of the version that tests run on, and its context is no more than it copies', () => {
  expect(dockerfile).toMatch(/^USER 1000:1000$/m)
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base)
  expect(new Set(bases)).toEqual(new Set([`node:${manifest.devDependencies.node}-bookworm-slim`]))
  const ignored = readFileSync(join(projectDir, 'tools', 'image', 'Dockerfile.dockerignore'), 'utf8')
    .trim()
    .split('\n')
  expect(ignored[0]).toBe('*')
  const context = ignored.slice(1).map((line) => line.replace(/^!/, ''))
  for (const path of copied) expect(context).toContain(path)
  for (const path of context) expect(existsSync(join(projectDir, path)), dirname(path)).toBe(true)
})

test('kbg starts where nothing else of this checkout is, and is told what is wired by a file', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kbg-image-'))
  try {
    for (const path of copied) cpSync(join(projectDir, path), join(directory, path), { recursive: true })
    symlinkSync(join(projectDir, 'node_modules'), join(directory, 'node_modules'))
    const file = join(directory, 'wired.json')
    writeFileSync(file, JSON.stringify({ limits: {} }))
    const run = { cwd: directory, env: { KBG_WIRED: file } }
    const status = () => new Promise<string>((resolve) => execFile(toolPaths().node, ['cli/main.ts', 'status'], run, (_, __, stderr) => resolve(stderr)))
    expect(await status()).toMatch(/^kbg: not-up: The traffic stack of main has no wiring among its outputs\./)
    writeFileSync(file, '{"limits": {')
    expect(await status()).toMatch(/^kbg: wired-unreadable: KBG_WIRED names .*wired\.json, which can't be read/)
  } finally {
    rmSync(directory, { recursive: true })
  }
}, 60_000)
