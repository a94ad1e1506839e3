/** The two commands that set-up adds to `node_modules/.bin`, so that `npx pulumi` and `npx kbg` work from any shell. */
import { lstatSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { join, relative } from 'node:path'
import { KbgError } from '../engine/model/error.ts'
import { nodeBinDir, projectDir } from './paths.ts'
import { pulumiInUse } from './pulumi.ts'
import type { Step } from './step.ts'

/** `npx pulumi` and `npx kbg`. `npm ci` removes them, so this is looked at in every run. */
export function linksStep(): Step {
  const wanted = async (): Promise<ReadonlyMap<string, string>> => {
    if ((await pulumiInUse()) === undefined) throw new KbgError('pulumi-missing', 'There is no Pulumi CLI to link to.')
    return new Map([
      // Not the CLI itself: the launcher adds what `kbg init` made, so that a plain shell needs no variables.
      ['pulumi', relative(nodeBinDir, join(projectDir, 'tools', 'pulumi-launcher.sh'))],
      ['kbg', relative(nodeBinDir, join(projectDir, 'cli', 'kbg'))],
    ])
  }
  return {
    name: 'npx pulumi, npx kbg',
    done: async () => [...(await wanted())].every(([name, target]) => linkTarget(join(nodeBinDir, name)) === target),
    run: async () => {
      for (const [name, target] of await wanted()) {
        rmSync(join(nodeBinDir, name), { force: true })
        symlinkSync(target, join(nodeBinDir, name))
      }
      return 'linked in node_modules/.bin'
    },
  }
}

function linkTarget(file: string): string | undefined {
  return lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(file) : undefined
}
