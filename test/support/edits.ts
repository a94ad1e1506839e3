/** Changes of a copied checkout, as data. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import type { StackRole } from '../../engine/model/fleet.ts'

/** A change of a stack's config, of a JSON file's top-level keys, or of a text that stands in a file once. */
export type Edit =
  | { readonly stack: StackRole; readonly config: Readonly<Record<string, string | Readonly<Record<string, string | number>>>> }
  | { readonly json: string; readonly set: Readonly<Record<string, unknown>> }
  | { readonly file: string; readonly from: string; readonly to: string }

/** Makes the changes, one after the other. @throws Error when a text doesn't stand in its file exactly once: the source has moved on, and so must the edit */
export function applyEdits(root: string, edits: readonly Edit[]): void {
  for (const edit of edits) {
    const file = join(root, fileOf(edit))
    const before = readFileSync(file, 'utf8')
    writeFileSync(file, edited(edit, before, file))
  }
}

/** Makes the changes for as long as the work takes. */
export async function withEdits<T>(root: string, edits: readonly Edit[], work: () => Promise<T>): Promise<T> {
  const before = new Map(edits.map((edit) => [fileOf(edit), readFileSync(join(root, fileOf(edit)), 'utf8')]))
  try {
    applyEdits(root, edits)
    return await work()
  } finally {
    for (const [file, text] of before) writeFileSync(join(root, file), text)
  }
}

function fileOf(edit: Edit): string {
  if ('stack' in edit) return `Pulumi.${edit.stack}.yaml`
  return 'json' in edit ? edit.json : edit.file
}

function edited(edit: Edit, text: string, file: string): string {
  if ('stack' in edit) return withConfig(text, edit.config)
  if ('json' in edit) return `${JSON.stringify({ ...JSON.parse(text), ...edit.set }, undefined, 2)}\n`
  const parts = text.split(edit.from)
  if (parts.length !== 2) throw new Error(`${file}: "${edit.from}" stands there ${parts.length - 1} times, not once`)
  return parts.join(edit.to)
}

/** Objects are merged, so that several edits may each set something of one key. */
function withConfig(text: string, values: Extract<Edit, { config: unknown }>['config']): string {
  const content = parse(text) as { config: Record<string, unknown> }
  for (const [name, value] of Object.entries(values)) {
    const key = `kafka-blue-green:${name}`
    const before = content.config[key]
    content.config[key] = typeof value === 'object' && typeof before === 'object' ? { ...before, ...value } : value
  }
  return stringify(content)
}
