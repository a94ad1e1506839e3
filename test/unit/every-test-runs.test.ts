import { readdirSync, readFileSync } from 'node:fs'
import { join, matchesGlob } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { projectDir } from '../../tools/paths.ts'
import config from '../../vitest.config.ts'
import { suites } from '../support/suites.ts'

interface Project {
  readonly test: { readonly name: string; readonly include: readonly string[]; readonly exclude?: readonly string[] }
}

const projects = config.test?.projects as unknown as readonly Project[]
const inNpmTest = suites.map(({ name }) => name)
const scripts: Readonly<Record<string, string>> = JSON.parse(readFileSync(join(projectDir, 'package.json'), 'utf8')).scripts
const nightly: readonly string[] = parse(readFileSync(join(projectDir, '.github', 'workflows', 'nightly.yml'), 'utf8')).jobs.long.strategy.matrix.script
const projectsOf = (script: string) => [...(scripts[script.split(' ')[0] ?? ''] ?? '').matchAll(/--project (\S+)/g)].map(([, name]) => name)

const files = readdirSync(join(projectDir, 'test'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts'))
const matches = (file: string, globs: readonly string[]) => globs.some((glob) => matchesGlob(`test/${file}`, glob))

test('every test file belongs to one project of vitest', () => {
  const owners = (file: string) => projects.filter(({ test: { include, exclude = [] } }) => matches(file, include) && !matches(file, exclude)).length
  expect(files.length).toBeGreaterThan(100)
  expect(files.filter((file) => owners(file) !== 1)).toEqual([])
})

test('what a project includes or leaves out is there', () => {
  const globs = projects.flatMap(({ test: { include, exclude = [] } }) => [...include, ...exclude])
  expect(globs.filter((glob) => !files.some((file) => matches(file, [glob])))).toEqual([])
})

test('every project is run by npm test or at night', () => {
  expect([...new Set([...inNpmTest, ...nightly.flatMap(projectsOf)])].sort()).toEqual(projects.map(({ test: { name } }) => name).sort())
})

test('what runs at night is a script that is there', () => {
  expect(nightly.filter((script) => scripts[script.split(' ')[0] ?? ''] === undefined)).toEqual([])
})
