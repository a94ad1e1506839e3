/** No command stands in the docs that nothing runs. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { inventoryDifferences } from '../../engine/model/inventory.ts'
import { loadCatalog } from '../../infra/catalog.ts'
import { projectName } from '../../infra/config.ts'
import { bothInventories } from '../../infra/inventories.ts'
import { projectFile } from '../../infra/project.ts'
import { projectDir } from '../../tools/paths.ts'
import {
  docsCommands,
  exampleCommands,
  fencedCommands,
  mishapsRun,
  readmeCommands,
  startedElsewhere,
  tourAlsoRuns,
  tourSections,
} from '../support/docs-commands.ts'

/** `main` is the fleet of the tour's stacks: what a placeholder stands for there. */
function typedInTour(command: string): string {
  return command.replace(/ --fleet NAME$/, '').replace('<fleet>', 'main')
}

test('every command of README and docs is run by a test', () => {
  const known = new Set([
    ...readmeCommands(tourSections.tour),
    ...readmeCommands(tourSections.end),
    ...tourAlsoRuns,
    ...mishapsRun,
    ...Object.keys(startedElsewhere),
  ])
  const unknown = docsCommands().filter(({ command }) => !known.has(typedInTour(command)))
  expect(unknown.map(({ file, line, command }) => `${file}:${line}: ${command}`)).toEqual([])
})

test('the sections that the tour types are there, and begin and end as a tour does', () => {
  const [first, last] = [readmeCommands(tourSections.tour), readmeCommands(tourSections.end)]
  expect(first[0]).toBe('npm run setup')
  expect(first).toContain('npx pulumi preview -s traffic --policy-pack policy')
  expect(last.filter((command) => command.startsWith('npx pulumi destroy'))).toHaveLength(3)
})

test('an example tells of no command but those that are typed: its stack files are copied, adopted, brought up and switched, in this order', () => {
  const commands = exampleCommands('adopt', 'In this order')
  const starts = ['cp ', 'cp ', 'chmod 600 ', 'rm catalog.yaml', 'npx kbg adopt ', 'npx kbg init --fleet adopt', ...Array(3).fill('npx pulumi up -s adopt-')]
  starts.forEach((start, index) => {
    expect(commands[index]).toMatch(new RegExp(`^${start}`))
  })
  const everything = fencedCommands(readFileSync(join(projectDir, 'examples', 'adopt', 'README.md'), 'utf8')).map(({ command }) => command)
  expect(everything).toEqual(commands)
})

test.each([
  ['adopt', 'adopt', 'examples/adopt/catalog.yaml', ['external', 'local']],
  ['msk', 'msk', 'catalog.yaml', ['aws', 'aws']],
  ['kubernetes', 'k8s', 'catalog.yaml', ['kubernetes', 'kubernetes']],
  ['msk-to-kubernetes', 'move', 'catalog.yaml', ['aws', 'kubernetes']],
])('the stack files of examples/%s are what its stacks take, and its catalog is one', (example, fleet, catalog, platforms) => {
  const { blue, green } = bothInventories(join(projectDir, 'examples', example), projectName, fleet, loadCatalog(projectFile(catalog)))
  if (blue === undefined || green === undefined) throw new Error('a stack file is missing')
  expect([blue, green].map(({ brokers }) => [brokers.platform, brokers.count])).toEqual(platforms.map((platform) => [platform, 3]))
  expect(inventoryDifferences(blue, green)).toEqual([])
})

test('what is started elsewhere is there: the script, and the file that does it', () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(readFileSync(join(projectDir, 'package.json'), 'utf8'))
  for (const [command, file] of Object.entries(startedElsewhere)) {
    expect(scripts[command.replace(/^npm (run )?/, '').replace(/ -- .*$/, '')]).toBeDefined()
    expect(existsSync(join(projectDir, file))).toBe(true)
  }
})

test('comments are left out, other blocks and other sections too', () => {
  const markdown = [
    '## A',
    '```sh',
    'npm test # all',
    '# nothing',
    '',
    'npx kbg ack',
    '```',
    '```ts',
    "const a = '#1'",
    '```',
    '## B',
    '```bash',
    'npm run b',
    '```',
  ].join('\n')
  expect(fencedCommands(markdown).map(({ line, command }) => `${line} ${command}`)).toEqual(['3 npm test', '6 npx kbg ack', '13 npm run b'])
  expect(fencedCommands(markdown, 'A').map(({ command }) => command)).toEqual(['npm test', 'npx kbg ack'])
})
