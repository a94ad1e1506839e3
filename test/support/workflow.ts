/** The steps of `.github/workflows/pull-request.yml`, so that tests run what a forge runs. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { projectDir } from '../../tools/paths.ts'

const Workflow = z.looseObject({
  jobs: z.looseObject({
    preview: z.looseObject({
      env: z.record(z.string(), z.string()),
      steps: z.array(
        z.looseObject({
          name: z.string().optional(),
          run: z.string().optional(),
          if: z.string().optional(),
          with: z.looseObject({ script: z.string().optional() }).optional(),
        }),
      ),
    }),
  }),
})

function workflow() {
  return Workflow.parse(parse(readFileSync(join(projectDir, '.github', 'workflows', 'pull-request.yml'), 'utf8'))).jobs.preview
}

/** A step by what its name begins with. @throws Error when there is none */
export function workflowStep(name: string) {
  const step = workflow().steps.find((each) => each.name?.startsWith(name))
  if (step === undefined) throw new Error(`the workflow has no step "${name}"`)
  return step
}

/** The environment that all of its steps have, as far as it is no expression of the forge's. */
export function workflowEnv(): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(workflow().env).filter(([, value]) => !value.includes('${{')))
}
