/** The shell commands that the docs tell people to type, taken from the Markdown itself, and which test types each of them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { projectDir } from '../../tools/paths.ts'

/** One command of a fenced shell block or of a code span. */
export interface DocsCommand {
  readonly file: string
  readonly line: number
  readonly command: string
}

/** The command of a line of a shell block, without its comment; empty for a line that holds none. */
function commandOf(line: string): string {
  return line.replace(/(^|\s+)#\s.*$/, '').trim()
}

/** Every line of a Markdown text that stands in a fenced shell block. `section` limits it to what stands under that heading. */
export function fencedCommands(markdown: string, section?: string): readonly { readonly line: number; readonly command: string }[] {
  let heading = ''
  let fence: string | undefined
  return markdown.split('\n').flatMap((text, index) => {
    const mark = /^```(\w*)/.exec(text)
    if (mark) {
      fence = fence === undefined ? (mark[1] ?? '') : undefined
      return []
    }
    if (fence === undefined && /^#+ /.test(text)) heading = text.replace(/^#+ /, '')
    const isShell = fence !== undefined && ['sh', 'bash', 'shell', 'console'].includes(fence)
    const command = isShell && (section === undefined || section === heading) ? commandOf(text) : ''
    return command === '' ? [] : [{ line: index + 1, command }]
  })
}

/** Code spans in running text that are commands: `npx ...` and `npm ...`, each part of an `&&` for itself. */
function spanCommands(markdown: string): readonly { readonly line: number; readonly command: string }[] {
  let fenced = false
  return markdown.split('\n').flatMap((text, index) => {
    if (text.startsWith('```')) fenced = !fenced
    if (fenced) return []
    const spans = [...text.matchAll(/`((?:npx|npm) [^`]+)`/g)].flatMap((match) => (match[1] ?? '').split(' && '))
    return spans.map((command) => ({ line: index + 1, command: command.trim() }))
  })
}

/** Every command of README.md and docs/. */
export function docsCommands(): readonly DocsCommand[] {
  const docs = readdirSync(join(projectDir, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'))
  return [join(projectDir, 'README.md'), ...docs.map((name) => join(projectDir, 'docs', name))].flatMap((path) => {
    const markdown = readFileSync(path, 'utf8')
    return [...fencedCommands(markdown), ...spanCommands(markdown)].map((found) => ({ file: relative(projectDir, path), ...found }))
  })
}

/** The commands of one section of README.md, as they stand there. */
export function readmeCommands(section: string): readonly string[] {
  return fencedCommands(readFileSync(join(projectDir, 'README.md'), 'utf8'), section).map(({ command }) => command)
}

/** The commands of one section of an example's README, as they stand there. */
export function exampleCommands(example: string, section: string): readonly string[] {
  return fencedCommands(readFileSync(join(projectDir, 'examples', example, 'README.md'), 'utf8'), section).map(({ command }) => command)
}

/** README's sections that `test/e2e/tour.test.ts` types line by line. */
export const tourSections = { tour: 'The five-minute tour', end: 'Everything at an end' } as const

/** Commands beside the tour's own lines that `test/e2e/tour.test.ts` types as well; it fails when it left one of them out. */
export const tourAlsoRuns: readonly string[] = [
  'npx kbg doctor',
  'npx pulumi preview -s traffic',
  'npx kbg ack',
  'npx kbg abort',
  'npx kbg repair',
  'npx kbg report',
  'npx pulumi config rm --path consumers.wave-1 -s traffic',
  'npx kbg groups --reset billing',
  'npx pulumi config set --path unprovenGroups.billing stay -s traffic',
  'npx pulumi config set --path unprovenGroups.billing redeliver -s traffic',
  'npx pulumi cancel -s traffic --yes',
  'npx pulumi stack output clients -s traffic',
]

/** Commands that `test/e2e/mishaps.test.ts` types; it fails when it left one of them out. */
export const mishapsRun: readonly string[] = ['npx pulumi refresh -s traffic']

/** Commands that start the tests or the demo themselves, with the file that runs what they run. */
export const startedElsewhere: Readonly<Record<string, string>> = {
  'npm test': 'test/run.ts',
  'npm run check': 'test/run.ts',
  'npm run rollout': 'cli/rollout/rollout.ts',
  'npm run test:long': 'vitest.config.ts',
  'npm run test:examples': 'test/examples/adopt.test.ts',
  'npm run test:msk-connect': 'test/msk-connect/switchover.test.ts',
  'npm run test:bench': 'test/bench-long/moves.test.ts',
  'npm run test:kubernetes': 'test/kubernetes/api-server.test.ts',
  // their smallest forms run in test/bench-long, by `npm run test:bench`
  'npm run bench -- window': 'test/bench/window.ts',
  'npm run bench -- translate': 'test/bench/translate.ts',
  'npm run bench -- auto-rollback': 'test/bench/auto-rollback.ts',
  'npm run bench -- policy': 'test/bench/policy.ts',
  'npm run bench -- audit': 'test/bench/audit.ts',
  'npm run bench -- translate-scale': 'test/bench/translate-scale.ts',
  'npm run bench -- verify-at-switch': 'test/bench/verify-at-switch.ts',
  // those of these run in test/bench/smoke.test.ts, by `npm test`
  'npm run bench -- preview': 'test/bench/preview.ts',
  'npm run bench -- provision': 'test/bench/provision.ts',
  'npm run bench -- fresh': 'test/bench/fresh.ts',
  'npm run bench -- adopt': 'test/bench/adopt.ts', // its smoke form in test/integration/adopt.test.ts
  // what they run, in shorter forms, are the tests of test/simulation
  'npm run simulate -- --seeds 1000 --from 1': 'test/simulation/main.ts',
  'npm run simulate -- --explore': 'test/simulation/main.ts',
  // its short form runs in test/chaos/script.test.ts
  'npm run chaos -- audit': 'test/chaos/main.ts',
  // its first half, which needs no broker, runs in test/policy/planted.test.ts
  'npm run test:policy': 'test/policy/main.ts',
  'npm run test:policy -- --write-docs': 'test/policy/main.ts',
  // its short form runs in test/chaos/soak.test.ts
  'npm run chaos -- --minutes 40': 'test/chaos/main.ts',
  'npm run chaos -- --minutes 90 --rounds 120 --kinds kills': 'test/chaos/main.ts',
  'npm run chaos -- pulumi': 'test/chaos/main.ts',
}
