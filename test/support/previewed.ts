/** `pulumi preview` of a copy of the checkout with the policies and an event log, as the pull request's workflow does it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEvents } from '../../cli/pr/events.ts'
import { type StackPreview, stackPreview } from '../../cli/pr/stack-preview.ts'
import type { Checkout, Ended } from './checkout.ts'

export interface Previewed extends Ended {
  readonly preview: StackPreview
}

/** Previews a stack with `policy/`. Whatever it came to, its event log has to be there. @param config the pack's configuration, a file; none: its defaults */
export async function previewed(copy: Checkout, stack: string, config?: string): Promise<Previewed> {
  const log = `${stack}.events`
  const pack = `--policy-pack policy${config === undefined ? '' : ` --policy-pack-config ${config}`}`
  const ended = await copy.start(`rm -f ${log}; PULUMI_DEBUG_COMMANDS=true npx pulumi preview -s ${stack} --non-interactive ${pack} --event-log ${log}`, 180)
    .ended
  return { ...ended, preview: stackPreview(stack, parseEvents(readFileSync(join(copy.root, log), 'utf8'), log)) }
}

/** What is created, by type. */
export function counted({ changes }: StackPreview): Record<string, number> {
  const types = changes.filter(({ op }) => op === 'create').map(({ type }) => type.split(':').at(-1) ?? '')
  return Object.fromEntries(Object.entries(Object.groupBy(types, (type) => type)).map(([type, all]) => [type, all?.length ?? 0]))
}
