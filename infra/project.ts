import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { projectDir } from '../tools/paths.ts'

/** A file of the checkout, wherever Pulumi was started. */
export function projectFile(name: string): string {
  return join(projectDir, name)
}

/** A file that a stack file names: relative to the checkout, or absolute. */
export function fromProject(name: string): string {
  return resolve(projectDir, name)
}

/** A fleet's catalog: `catalog.<fleet>.yaml` where there is one, else the `catalog.yaml` that fleets share. */
export function catalogFile(fleet: string): string {
  const own = projectFile(`catalog.${fleet}.yaml`)
  return existsSync(own) ? own : projectFile('catalog.yaml')
}
