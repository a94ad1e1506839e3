/** `docs/pull-request.md`: the comment of each pull request, as it is rendered from the logs that real previews have left in `kept/`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEvents } from '../../../cli/pr/events.ts'
import { type PrComment, prComment } from '../../../cli/pr/markdown.ts'
import { stackPreview } from '../../../cli/pr/stack-preview.ts'
import { StackRole } from '../../../engine/model/fleet.ts'
import { projectDir } from '../../../tools/paths.ts'
import { type Scenario, scenarios } from './scenarios.ts'

export const documentFile = join(projectDir, 'docs', 'pull-request.md')
export const keptDir = join(projectDir, 'test', 'policy', 'pull-request', 'kept')

const head = `# What a pull request says

The comment that \`kbg pr\` makes of the previews of all three stacks, for five pull requests to a fleet that stands: blue is live, and green has more request threads by a declared exception. Written by
\`npm run test:policy -- --write-docs\` from real previews; [Policies](policies.md) says what is checked.
`

export function keptFile({ name }: Scenario, role: StackRole): string {
  return join(keptDir, `${name}.${role}.jsonl`)
}

/** The comment of a scenario, from the logs that were kept of it. */
export function keptComment(scenario: Scenario): PrComment {
  return prComment(StackRole.options.map((role) => stackPreview(role, parseEvents(readFileSync(keptFile(scenario, role), 'utf8'), keptFile(scenario, role)))))
}

/** Each comment quoted, so that its headings stand below the document's own. */
export function pullRequestDocument(): string {
  const quoted = (markdown: string) =>
    markdown
      .trimEnd()
      .split('\n')
      .slice(1) // the marker
      .map((line) => `> ${line}`.trimEnd())
      .join('\n')
  return `${[head, ...scenarios.map((scenario) => `## ${scenario.title}\n\n${quoted(keptComment(scenario).markdown)}\n`)].join('\n')}`
}
