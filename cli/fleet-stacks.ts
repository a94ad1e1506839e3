import { KbgError } from '../engine/model/error.ts'
import { Wiring } from '../engine/model/wiring.ts'
import { projectDir, toolEnv } from '../tools/paths.ts'
import { pulumiEnv } from './init.ts'
import { Stacks } from './rollout/stacks.ts'

/** The three stacks of a fleet that `kbg init` made, quiet. */
export function openStacks(fleet: string): Stacks {
  process.env.PATH = toolEnv().PATH
  return new Stacks(fleet, projectDir, pulumiEnv(projectDir), () => undefined)
}

/**
 * What the fleet's traffic stack was last wired to: its output.
 *
 * @throws KbgError `not-up` when that stack was never brought up
 */
export async function wiringOf(stacks: Stacks): Promise<Wiring> {
  const outputs = await (await stacks.select('traffic')).outputs()
  const parsed = Wiring.safeParse(outputs.wiring?.value)
  if (parsed.success) return parsed.data
  throw new KbgError('not-up', `The traffic stack of ${stacks.fleet} has no wiring among its outputs.`, { remedy: 'Run pulumi up on it first.' })
}
