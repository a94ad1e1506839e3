/** The pull request's workflow, step by step as it stands in `.github/workflows/pull-request.yml`, on a pair that stands. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEvents } from '../../../cli/pr/events.ts'
import { StackRole } from '../../../engine/model/fleet.ts'
import type { Checkout } from '../../support/checkout.ts'
import { applyEdits, withEdits } from '../../support/edits.ts'
import { endLocalFleet } from '../../support/local-fleet.ts'
import { previewed } from '../../support/previewed.ts'
import { workflowEnv, workflowStep } from '../../support/workflow.ts'
import type { Tried } from '../main.ts'
import { documentFile, keptComment, keptDir, keptFile, pullRequestDocument } from './document.ts'
import { keptLog } from './kept-log.ts'
import { type Scenario, scenarios, standing } from './scenarios.ts'

/** @param copy whose stacks were made; its fleet is brought up, and ended with its processes */
export async function pullRequests(copy: Checkout, writesDocs: boolean, say: (line: string) => void): Promise<readonly Tried[]> {
  applyEdits(copy.root, standing)
  try {
    for (const stack of StackRole.options) await copy.run(`npx pulumi up --skip-preview -s ${stack} --non-interactive`, 180)
    const tried: Tried[] = []
    for (const stack of StackRole.options) tried.push(await knowsAll(copy, stack))
    for (const scenario of scenarios) {
      const { markdown, problem } = await withEdits(copy.root, scenario.edits, () => pullRequest(copy, scenario))
      say(`\n${scenario.title}\n\n${markdown}`)
      tried.push({ what: `pull request: ${scenario.title}`, problem })
      if (writesDocs) keep(copy, scenario)
      tried.push(asKept(scenario, markdown))
    }
    if (writesDocs) writeFileSync(documentFile, pullRequestDocument())
    return tried
  } finally {
    await endLocalFleet(copy.root, 'main')
  }
}

/** Of stacks that stand nothing is unknown: whatever a policy could not judge would be a hole. */
async function knowsAll(copy: Checkout, stack: StackRole): Promise<Tried> {
  const { output, preview } = await previewed(copy, stack, 'policy/production.json')
  const { violations, errors, unjudged, policiesNotRun } = preview
  const all = [violations, errors, unjudged, policiesNotRun]
  return { what: `${stack}, standing: all is judged`, problem: all.every(({ length }) => length === 0) ? '' : `${JSON.stringify(all)}\n${output}` }
}

/** Previews and comment, by the workflow's own commands. */
async function pullRequest(copy: Checkout, { isGreen, says }: Scenario): Promise<{ readonly markdown: string; readonly problem: string }> {
  const variables = Object.entries(workflowEnv()).map(([name, value]) => `export ${name}=${value}`)
  await copy.run(['rm -rf out/pr', ...variables, workflowStep('previews').run].join('\n'), 240)
  const { exitCode, output } = await copy.start(workflowStep('the comment').run ?? '', 60).ended
  const markdown = readFileSync(join(copy.root, 'out', 'pr', 'comment.md'), 'utf8')
  const unsaid = says.filter((said) => !said.test(markdown)).map(String)
  if (exitCode !== (isGreen ? 0 : 1)) return { markdown, problem: `kbg pr ended with ${exitCode}\n${output}` }
  return { markdown, problem: unsaid.length === 0 ? '' : `it does not say ${unsaid.join(', ')}` }
}

function keep(copy: Checkout, scenario: Scenario): void {
  mkdirSync(keptDir, { recursive: true })
  for (const role of StackRole.options) {
    const log = readFileSync(join(copy.root, 'out', 'pr', `${role}.events`), 'utf8')
    writeFileSync(keptFile(scenario, role), keptLog(parseEvents(log, role)).replaceAll(copy.root, '/checkout'))
  }
}

/** Whether the comment in the docs, which the quick tests render from the logs that were kept, still is what real previews come to. */
function asKept(scenario: Scenario, markdown: string): Tried {
  const kept = keptComment(scenario).markdown
  return {
    what: `${scenario.name}: docs/pull-request.md shows what the previews say`,
    problem: steady(kept) === steady(markdown) ? '' : `kept:\n${kept}\nnow:\n${markdown}\nKeep it anew: npm run test:policy -- --write-docs`,
  }
}

/** Without what the gate would say at the moment: a busy machine's mirror is behind. */
function steady(markdown: string): string {
  return markdown.replaceAll(/(?:Nothing would refuse it now|It would be refused now)[^`]*?(?=\n\n|\n```)/g, 'What would refuse it now')
}
