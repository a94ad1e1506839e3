/** The policies in previews of stacks that don't stand: the example as it is, with everything planted at once, and with a pack that can't judge. */

import { prComment } from '../../../cli/pr/markdown.ts'
import type { StackPreview } from '../../../cli/pr/stack-preview.ts'
import { rules } from '../../../policy/pack.ts'
import type { Checkout } from '../../support/checkout.ts'
import { applyEdits, type Edit, withEdits } from '../../support/edits.ts'
import { previewed } from '../../support/previewed.ts'
import type { Tried } from '../main.ts'
import { type Found, foundIn, foundTable } from './found.ts'
import { plants } from './plants.ts'
import { importColours } from './stand-in-stacks.ts'

/** The line of the policy behind which one touches what isn't known. */
const guardRead = "  const guard = ofType(resources, 'kbg:index:RetirementGuard')[0]\n"

/** Packs that judge nothing, or less: what has to keep a change back. */
const brokenPacks: readonly { readonly what: string; readonly edit: Edit; readonly says: string }[] = [
  {
    what: 'a pack that can’t be loaded',
    edit: { file: 'policy/index.js', from: "'./pack.ts'", to: "'./no-such-pack.ts'" },
    says: 'no policy judged blue',
  },
  {
    what: 'a policy that touches what a preview doesn’t know',
    edit: { file: 'policy/safety.ts', from: guardRead, to: `${guardRead}    JSON.stringify(guard?.props.cluster)\n` },
    says: 'safety-protection could not run on blue',
  },
]

/** @param copy whose stacks were made; it is changed for good */
export async function plantedPreviews(copy: Checkout, say: (line: string) => void): Promise<readonly Tried[]> {
  const broken: Tried[] = []
  for (const { what, edit, says } of brokenPacks) {
    const { preview } = await withEdits(copy.root, [edit], () => previewed(copy, 'blue'))
    const { isGreen, markdown } = prComment([preview])
    broken.push({ what, problem: !isGreen && markdown.includes(says) ? '' : markdown })
  }
  const green = [await judgedFine(copy, 'blue')]
  await importColours(copy)
  green.push(await judgedFine(copy, 'traffic'))
  applyEdits(
    copy.root,
    plants.flatMap(({ edits }) => edits),
  )
  const red: StackPreview[] = []
  for (const stack of ['blue', 'traffic']) red.push((await previewed(copy, stack)).preview)
  const found = foundIn(plants, red)
  say(foundTable(found))
  return [...broken, ...green, ...plantsFound(found, red)]
}

/** That each plant was found; where it wasn't, what its policy said instead. */
export function plantsFound(found: readonly Found[], red: readonly StackPreview[]): readonly Tried[] {
  return found.map(({ policy, resource, remedy }) => {
    const said = red.flatMap(({ violations, errors }) => [...violations.filter((each) => each.policy === policy).map(({ finding }) => finding), ...errors])
    return { what: `${policy} names ${resource}`, problem: remedy === '' ? `it says: ${said.join('\n')}` : '' }
  })
}

/** A stack as it is in the checkout: every policy ran, and none has anything to say. */
export async function judgedFine(copy: Checkout, stack: string): Promise<Tried> {
  const { exitCode, output, preview } = await previewed(copy, stack)
  const { violations, errors, policiesNotRun, policiesRun } = preview
  const isFine = exitCode === 0 && [violations, errors, policiesNotRun].every(({ length }) => length === 0) && policiesRun === rules.length + 2
  return { what: `${stack}, as it is`, problem: isFine ? '' : `${JSON.stringify({ violations, errors, policiesNotRun, policiesRun })}\n${output}` }
}
