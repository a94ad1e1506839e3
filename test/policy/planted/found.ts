/** What previews say of the plants, as a table: each named with resource, observed, required and remedy, or not. */
import type { StackPreview } from '../../../cli/pr/stack-preview.ts'
import { rules } from '../../../policy/pack.ts'
import type { Plant } from './plants.ts'

export interface Found {
  readonly policy: string
  readonly resource: string
  readonly observed: string
  readonly required: string
  /** As the policy said it; empty: it did not say this. */
  readonly remedy: string
}

/** @throws Error when a plant's policy doesn't exist */
export function foundIn(plants: readonly Plant[], previews: readonly StackPreview[]): readonly Found[] {
  return plants.map(({ policy, shownBy, says: { resource, property, observed, required } }) => {
    const rule = rules.find(({ name }) => name === policy)
    if (rule === undefined) throw new Error(`there is no policy ${policy}`)
    const finding = `${resource}: ${property} is ${observed}, required: ${required}.`
    const report = previews.find(({ role }) => role === shownBy)?.violations.find((each) => each.policy === policy && each.finding === finding)
    const isWhole = report?.remedy === rule.remedy && report.isMandatory === (rule.level === 'mandatory')
    return { policy, resource, observed: `${property} is ${observed}`, required, remedy: isWhole ? report.remedy : '' }
  })
}

/** One line each; what was not found says so. */
export function foundTable(found: readonly Found[]): string {
  const width = Math.max(...found.map(({ policy }) => policy.length))
  return found
    .map(({ policy, resource, observed, required, remedy }) => {
      const said = `${resource}: ${observed}, required: ${required}`
      return `${remedy === '' ? 'NOT FOUND' : 'found'.padEnd(9)}  ${policy.padEnd(width)}  ${said}${remedy === '' ? '' : `\n${' '.repeat(width + 13)}${remedy}`}`
    })
    .join('\n')
}
