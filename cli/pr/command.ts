import { readFileSync, writeFileSync } from 'node:fs'
import { KbgError, messageOf } from '../../engine/model/error.ts'
import { parseEvents } from './events.ts'
import { prComment } from './markdown.ts'
import { type StackPreview, stackPreview, unreadPreview } from './stack-preview.ts'

/**
 * `kbg pr STACK=FILE...`: one comment of the previews of a fleet's stacks, as markdown; 0: nothing speaks against it, 1: something does.
 *
 * @param previews `STACK=FILE`, the file written by `pulumi preview --event-log`
 */
export function runPr(previews: readonly string[], out: string | undefined): number {
  const read = previews.map((each) => {
    const [stack, file] = [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]
    if (!each.includes('=') || stack === '' || file === '') {
      throw new KbgError('usage', `kbg pr takes STACK=FILE, not "${each}".`, { remedy: 'kbg pr blue=blue.events green=green.events traffic=traffic.events' })
    }
    return previewOf(stack, file)
  })
  if (read.length === 0)
    throw new KbgError('usage', 'kbg pr needs the previews of the stacks.', { remedy: 'kbg pr blue=blue.events green=green.events traffic=traffic.events' })
  const { markdown, isGreen } = prComment(read)
  if (out === undefined) process.stdout.write(markdown)
  else writeFileSync(out, markdown)
  return isGreen ? 0 : 1
}

/** A log that isn't there, or is torn, is something to say in the comment: without one nobody would see why there is no verdict. */
function previewOf(stack: string, file: string): StackPreview {
  try {
    return stackPreview(stack, parseEvents(contentOf(file), file))
  } catch (error) {
    if (error instanceof KbgError && error.code === 'event-log') return unreadPreview(stack, messageOf(error))
    throw error
  }
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new KbgError('event-log', `The event log ${file} can't be read.`, { cause, remedy: 'Make it with pulumi preview --event-log FILE.' })
  }
}
