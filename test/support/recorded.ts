/** Previews on the recording stand-ins for plugins of clouds (`providers/recording`), beside colours whose stacks say what `pulumi up` would have left: nothing brings colours up there. */
import { writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { projectName } from '../../infra/config.ts'
import type { Checkout } from './checkout.ts'

/** Puts the copy's stand-ins first on the PATH of what it runs. @returns takes them off again */
export function withRecordingProviders(copy: Checkout): () => void {
  const path = process.env.PATH
  process.env.PATH = [join(copy.root, 'test', 'support', 'providers', 'recording'), path].join(delimiter)
  return () => {
    process.env.PATH = path
  }
}

/** Gives a stack outputs, and nothing else. */
export async function importStack(copy: Checkout, stack: string, outputs: object): Promise<void> {
  const type = 'pulumi:pulumi:Stack'
  const urn = `urn:pulumi:${stack}::${projectName}::${type}::${projectName}-${stack}`
  const deployment = { manifest: { time: '2026-01-01T00:00:00Z', magic: '', version: '' }, resources: [{ urn, custom: false, type, outputs }] }
  const file = join('.kbg', `${stack}.state.json`)
  writeFileSync(join(copy.root, file), JSON.stringify({ version: 3, deployment }))
  await copy.run(`npx pulumi stack import -s ${stack} --file ${file}`)
}
