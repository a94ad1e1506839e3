import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { projectDir } from '../../tools/paths.ts'

const document = readFileSync(join(projectDir, 'docs', 'testing.md'), 'utf8')
const table = /<!-- ports -->\n([\s\S]*?)\n<!-- \/ports -->/.exec(document)?.[1] ?? ''
/** What stands in code spans of one column, of all rows. */
function named(column: number): readonly string[] {
  const cells = table
    .split('\n')
    .slice(2)
    .map((row) => row.split(' | ')[column] ?? '')
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ''))
}
const sources = (directory: string) =>
  readdirSync(join(projectDir, 'engine', directory), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))

test('docs/testing.md says of every adapter what it is proven against, once', () => {
  expect([...named(1)].sort()).toEqual(sources('adapters').sort())
})

test('and names every port', () => {
  const ports = named(0).filter((name) => name.startsWith('ports/'))
  expect([...new Set(ports)].sort()).toEqual(
    sources('ports')
      .map((name) => `ports/${name}`)
      .sort(),
  )
})

test('and tests that are there', () => {
  const tests = named(2).filter((name) => name.includes('/'))
  expect(tests.length).toBeGreaterThan(20)
  expect(tests.filter((name) => !existsSync(join(projectDir, 'test', `${name}.test.ts`)))).toEqual([])
})

test('and stand-ins that are there', () => {
  const stoodIn = named(3).filter((name) => name.endsWith('.ts'))
  const support = readdirSync(join(projectDir, 'test', 'support'), { recursive: true, encoding: 'utf8' })
  expect(stoodIn.length).toBeGreaterThan(10)
  expect(stoodIn.filter((name) => !support.some((file) => file === name || file.endsWith(`/${name}`)))).toEqual([])
})
