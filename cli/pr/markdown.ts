import { compareBrokers } from '../../engine/model/broker-inventory.ts'
import { shownValue } from '../../engine/model/credential-name.ts'
import { firstFive } from '../../engine/model/error.ts'
import { InventoryText, inventoryDifferences } from '../../engine/model/inventory.ts'
import { changeLines } from './changes.ts'
import { isBroken, type PrCheck, prChecks } from './checks.ts'
import { gateAnswer, intendedMove, liveNow } from './move.ts'
import type { PolicyReport, StackPreview } from './stack-preview.ts'

/** By this a later run finds the comment that it is to edit. */
export const marker = '<!-- kbg pr -->'

/** A forge takes no longer comment (GitHub: 65,536 characters). */
const mostCharacters = 60_000

export interface PrComment {
  readonly markdown: string
  /** Whether nothing speaks against merging: every check passes and no mandatory policy is violated. */
  readonly isGreen: boolean
}

/** The pull request's comment: verdict first, then what speaks against it, what changes, parity, and the plan of a switch. */
export function prComment(previews: readonly StackPreview[]): PrComment {
  const checks = prChecks(previews)
  const reports = previews.flatMap(({ stack, violations }) => violations.map((report) => ({ stack, ...report })))
  const violations = reports.filter(({ isMandatory }) => isMandatory)
  const isGreen = checks.every(({ verdict }) => verdict === 'pass' || verdict === 'unknown') && violations.length === 0
  const parts = [
    `${marker}\n## Kafka blue-green: ${isGreen ? 'nothing speaks against this' : '**this can’t be merged**'}`,
    headline(previews),
    checkTable(checks),
    policyList('Violated', violations),
    changeTable(previews),
    parityTable(previews),
    planOf(previews),
    policyList(
      'Advice',
      reports.filter(({ isMandatory }) => !isMandatory),
    ),
    saidList('**Excepted**, for now', previews, ({ excepted }) => excepted),
    saidList('**Not judged**, because a preview doesn’t know it yet', previews, ({ unjudged }) => unjudged),
  ]
  return { markdown: bounded(`${parts.filter((part) => part !== '').join('\n\n')}\n`), isGreen }
}

function bounded(markdown: string): string {
  if (markdown.length <= mostCharacters) return markdown
  return `${markdown.slice(0, markdown.lastIndexOf('\n', mostCharacters))}\n\n**This is longer than a comment may be**; the job's log has the rest.\n`
}

function headline(previews: readonly StackPreview[]): string {
  const [live, move] = [liveNow(previews), intendedMove(previews)]
  if (live.kind === 'none') return 'No colour is live yet.'
  const where = live.kind === 'known' ? `${live.colour} is live` : `Who is live **isn’t known**: ${live.why}`
  if (move === null) return live.kind === 'known' ? `${where}, and stays it.` : `${where}.`
  const answer = gateAnswer(previews.find(({ role }) => role === 'traffic')?.plan ?? null)
  return `${where}. **This ${move.isAsked ? 'moves' : 'may move'} ${move.what}.** ${answer === null ? 'What would refuse it now **isn’t known**.' : oneLine(answer)}`
}

/** What keeps the change back stands in lines of its own, what doesn't in one. */
function checkTable(checks: readonly PrCheck[]): string {
  const [passed, others] = [checks.filter(({ verdict }) => verdict === 'pass'), checks.filter(({ verdict }) => verdict !== 'pass')]
  const fine = passed.length === 0 ? [] : [`Checked: ${passed.map(({ name, text }) => `${name} (${oneLine(text)})`).join('; ')}.`]
  const bySaying = [...Map.groupBy(others, ({ verdict, text }) => `${verdict}\n${text}`).values()]
  const lines = bySaying.flatMap((each) =>
    each[0] === undefined ? [] : [row(each.map(({ name }) => name).join('; '), `**${each[0].verdict}**`, each[0].text)],
  )
  const table = lines.length === 0 ? [] : [['| check | | |', '|---|---|---|', ...lines].join('\n')]
  return [...table, ...fine].join('\n\n')
}

function changeTable(previews: readonly StackPreview[]): string {
  const lines = previews.map((preview) => ({ preview, changes: changeLines(preview) }))
  const changed = lines.flatMap(({ changes }) => changes.map(({ stack, op, what }) => row(stack, op === 'replace' || op === 'delete' ? `**${op}**` : op, what)))
  const quiet = lines.filter(({ changes }) => changes.length === 0)
  const unchanged = quiet.filter(({ preview }) => !isBroken(preview)).map(({ preview }) => preview.stack)
  const unknown = previews.filter(isBroken).map(({ stack }) => stack)
  return [
    ...(changed.length === 0 ? [] : [['| stack | | what changes |', '|---|---|---|', ...changed].join('\n')]),
    ...(unchanged.length === 0 ? [] : [`Nothing changes in ${unchanged.join(', ')}.`]),
    ...(unknown.length === 0 ? [] : [`What else changes in ${unknown.join(', ')} **isn’t known**.`]),
  ].join('\n\n')
}

/** Areas of both inventories: how many each colour has, and what differs. */
function parityTable(previews: readonly StackPreview[]): string {
  const inputs = previews.flatMap(({ resources }) => resources).find(({ type, next }) => type === 'kbg:catalog:Parity' && next?.inputs !== undefined)
    ?.next?.inputs
  const [blue, green] = [InventoryText.safeParse(inputs?.blue), InventoryText.safeParse(inputs?.green)]
  if (!blue.success || !green.success) return 'Parity: **not shown**, no preview has the inventories of both colours.'
  const differences = inventoryDifferences(blue.data, green.data)
  const areas = (['topics', 'acls', 'users', 'quotas', 'groups'] as const).map((area) => {
    const said = differences
      .filter((difference) => difference.area === area)
      .map(({ name, property, blue: onBlue, green: onGreen }) => `${name} ${property}: ${onBlue} / ${onGreen}`)
    return parityRow(area, sizeOf(blue.data[area]), sizeOf(green.data[area]), said)
  })
  const { differing, unknown } = compareBrokers(blue.data.brokers, green.data.brokers)
  const said = differing.map(({ property, blue: onBlue, green: onGreen }) => `${property}: ${shownValue(property, onBlue)} / ${shownValue(property, onGreen)}`)
  const brokers = [blue.data.brokers, green.data.brokers].map(({ count, kafkaVersion }) => `${count} x ${kafkaVersion}`)
  return ['| parity | blue | green | |', '|---|---|---|---|', ...areas, parityRow('brokers', brokers[0] ?? '', brokers[1] ?? '', said, unknown)].join('\n')
}

function parityRow(area: string, blue: string, green: string, differing: readonly string[], unknown: readonly string[] = []): string {
  const compared = differing.length === 0 ? 'equal' : `**differ**: ${firstFive(differing)}`
  return row(area, blue, green, unknown.length === 0 ? compared : `${compared}, as far as it can be compared; not known: ${firstFive(unknown)}`)
}

function sizeOf(area: object): string {
  return String(Array.isArray(area) ? area.length : Object.keys(area).length)
}

/** Only where something moves: otherwise the headline says all. */
function planOf(previews: readonly StackPreview[]): string {
  const plan = previews.find(({ role }) => role === 'traffic')?.plan
  if (plan === undefined || plan === null || intendedMove(previews) === null) return ''
  return `<details><summary>What the update of the traffic stack would do</summary>\n\n\`\`\`\n${plan.replaceAll('```', "'''")}\n\`\`\`\n</details>`
}

/** By policy, with its remedy once; what several stacks' previews found is one finding. */
function policyList(title: string, reports: readonly (PolicyReport & { readonly stack: string })[]): string {
  const policies = [...Map.groupBy(reports, ({ policy }) => policy)].map(([policy, ofPolicy]) => {
    const remedies = [...new Set(ofPolicy.map(({ remedy }) => remedy).filter((remedy) => remedy !== ''))]
    const findings = [...Map.groupBy(ofPolicy, ({ finding }) => finding)].map(
      ([finding, each]) => `  - ${oneLine(finding)} (${[...new Set(each.map(({ stack }) => stack))].join(', ')})`,
    )
    return [[`- \`${policy}\`.`, ...remedies.map(oneLine)].join(' '), ...findings].join('\n')
  })
  return policies.length === 0 ? '' : `**${title}**\n${policies.join('\n')}`
}

/** Lines with the stacks whose previews say them. */
function saidList(title: string, previews: readonly StackPreview[], pick: (preview: StackPreview) => readonly string[]): string {
  const said = Map.groupBy(
    previews.flatMap((preview) => pick(preview).map((line) => ({ line, stack: preview.stack }))),
    ({ line }) => line,
  )
  const lines = [...said].map(([line, each]) => `- ${oneLine(line)} (${[...new Set(each.map(({ stack }) => stack))].join(', ')})`)
  return lines.length === 0 ? '' : `${title}\n${lines.join('\n')}`
}

/** Text of others in a table or a list: no line of its own, no column of its own, no markup. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('@', '@\u200b')
}

function row(...cells: readonly string[]): string {
  return `| ${cells.map(oneLine).join(' | ')} |`
}
