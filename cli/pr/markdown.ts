import { brokerProperties } from '../../engine/model/broker-inventory.ts'
import { firstFive } from '../../engine/model/error.ts'
import { ColourInventory, inventoryDifferences } from '../../engine/model/inventory.ts'
import { intendedMove, liveColour, type PrCheck, prChecks } from './checks.ts'
import type { StackPreview, Violation } from './stack-preview.ts'

/** By this a later run finds the comment that it is to edit. */
export const marker = '<!-- kbg pr -->'

export interface PrComment {
  readonly markdown: string
  /** Whether nothing speaks against merging: every check passes and no mandatory policy is violated. */
  readonly isGreen: boolean
}

/** The pull request's comment: verdict first, then what changes, parity, the plan of a switch, and what the policies say. */
export function prComment(previews: readonly StackPreview[]): PrComment {
  const checks = prChecks(previews)
  const violations = previews.flatMap(({ stack, violations: all }) => all.map((violation) => ({ stack, ...violation })))
  const isGreen = checks.every(({ verdict }) => verdict === 'pass') && violations.every(({ isMandatory }) => !isMandatory)
  const parts = [
    `${marker}\n## Kafka blue-green: ${isGreen ? 'nothing speaks against this' : '**this can’t be merged**'}`,
    headline(previews),
    checkTable(checks),
    changeTable(previews),
    parityTable(previews),
    planOf(previews),
    policyList(violations, previews),
  ]
  return { markdown: `${parts.filter((part) => part !== '').join('\n\n')}\n`, isGreen }
}

function headline(previews: readonly StackPreview[]): string {
  const [live, move] = [liveColour(previews), intendedMove(previews)]
  if (live === null) return 'No colour is live yet.'
  return move === null ? `${live} is live, and stays it.` : `${live} is live. **This moves all traffic to ${move}.**`
}

function checkTable(checks: readonly PrCheck[]): string {
  return ['| check | | |', '|---|---|---|', ...checks.map(({ name, verdict, text }) => row(name, verdict === 'pass' ? 'pass' : '**fail**', text))].join('\n')
}

function changeTable(previews: readonly StackPreview[]): string {
  const lines = previews.map(({ stack, changes }) => {
    const byOp = Map.groupBy(changes, ({ op }) => op)
    const counts = [...byOp].map(([op, each]) => `${each.length} ${op}: ${firstFive(each.map(({ name }) => name))}`)
    return row(stack, counts.length === 0 ? 'no change' : counts.join('; '))
  })
  return ['| stack | changes |', '|---|---|', ...lines].join('\n')
}

/** Areas of both inventories: how many each colour has, and what differs. */
function parityTable(previews: readonly StackPreview[]): string {
  const outputs = previews.flatMap(({ resources }) => resources).find(({ type, next }) => type === 'kbg:catalog:Parity' && next?.inputs !== undefined)
    ?.next?.inputs
  const [blue, green] = [ColourInventory.safeParse(outputs?.blue), ColourInventory.safeParse(outputs?.green)]
  if (!blue.success || !green.success) return 'Parity: **not shown**, no preview has the inventories of both colours.'
  const differences = inventoryDifferences(blue.data, green.data)
  const areas = (['topics', 'acls', 'users', 'quotas', 'groups'] as const).map((area) => {
    const differing = differences.filter((difference) => difference.area === area)
    const said = differing.map(({ name, property, blue: onBlue, green: onGreen }) => `${name} ${property}: ${onBlue} / ${onGreen}`)
    return row(area, sizeOf(blue.data[area]), sizeOf(green.data[area]), said.length === 0 ? 'equal' : firstFive(said))
  })
  const [onBlue, onGreen] = [brokerProperties(blue.data.brokers), brokerProperties(green.data.brokers)]
  const differing = [...new Set([...Object.keys(onBlue), ...Object.keys(onGreen)])].filter((key) => onBlue[key] !== onGreen[key])
  const brokers = row(
    'brokers',
    `${onBlue.count} x ${blue.data.brokers.kafkaVersion}`,
    `${onGreen.count} x ${green.data.brokers.kafkaVersion}`,
    differing.length === 0 ? 'equal' : firstFive(differing.map((key) => `${key}: ${onBlue[key] ?? 'not set'} / ${onGreen[key] ?? 'not set'}`)),
  )
  return ['| parity | blue | green | |', '|---|---|---|---|', ...areas, brokers].join('\n')
}

function sizeOf(area: object): string {
  return String(Array.isArray(area) ? area.length : Object.keys(area).length)
}

function planOf(previews: readonly StackPreview[]): string {
  const plan = previews.find(({ role }) => role === 'traffic')?.plan
  if (plan === undefined || plan === null) return ''
  return `<details><summary>What the update of the traffic stack would do, and what would refuse it now</summary>\n\n\`\`\`\n${plan.replaceAll('```', "'''")}\n\`\`\`\n</details>`
}

function policyList(violations: readonly (Violation & { readonly stack: string })[], previews: readonly StackPreview[]): string {
  const lines = violations.map(
    ({ stack, policy, message, isMandatory }) => `- ${isMandatory ? '**violation**' : 'advice'} on ${stack}, \`${policy}\`: ${oneLine(message)}`,
  )
  const unjudged = previews.flatMap(({ stack, unjudged: each }) => each.map((why) => `- on ${stack}: ${oneLine(why)}`))
  return [
    lines.length === 0 ? 'No policy is violated.' : lines.join('\n'),
    ...(unjudged.length === 0 ? [] : [`Not judged, because a preview doesn’t know it yet:\n${unjudged.join('\n')}`]),
  ].join('\n\n')
}

/** Text of others in a table or a list: no line of its own, no column of its own, no markup. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('@', '@\u200b')
}

function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => (cell.startsWith('**') ? cell : oneLine(cell))).join(' | ')} |`
}
