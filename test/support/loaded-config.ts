/** A stack's configuration as tests write it: keys without their namespace. */
import { KbgError } from '../../engine/model/error.ts'
import { loadConfig, projectName } from '../../infra/config.ts'

/** @param others keys of other namespaces, which stand there too */
export function load(stack: string, keys: Readonly<Record<string, string>>, others: Readonly<Record<string, string>> = {}) {
  return loadConfig(projectName, stack, { ...others, ...Object.fromEntries(Object.entries(keys).map(([key, value]) => [`${projectName}:${key}`, value])) })
}

/** The lines that name the problems. @throws Error when nothing was refused */
export function problems(stack: string, keys: Readonly<Record<string, string>>): string[] {
  try {
    load(stack, keys)
  } catch (error) {
    if (!(error instanceof KbgError) || error.code !== 'config') throw error
    return error.message.split('\n').flatMap((line) => (line.startsWith('  - ') ? [line.slice(4)] : []))
  }
  throw new Error('nothing was refused')
}
