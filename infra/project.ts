import { join } from 'node:path'
import { projectDir } from '../tools/paths.ts'

/** A file of the checkout, wherever Pulumi was started. */
export function projectFile(name: string): string {
  return join(projectDir, name)
}
