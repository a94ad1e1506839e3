import type { CatalogChange } from '../../engine/adopt/catalog-changes.ts'
import type { AdoptedCatalog, LeftOut } from '../../engine/adopt/catalog-of.ts'
import type { Shortcoming } from '../../engine/adopt/shortcomings.ts'
import type { Catalog } from '../../engine/model/catalog.ts'

const shownAtOnce = 20

/** What a catalog holds, as one line. */
export function summaryLine({ topics, users, principals, acls, quotas, groups }: Catalog): string {
  const partitions = Object.values(topics).reduce((sum, topic) => sum + topic.partitions, 0)
  const waves = new Set(Object.values(groups).flatMap(({ wave }) => (wave === undefined ? [] : [wave])))
  const access = `${users.length} SCRAM users, ${principals.length} other principals, ${acls.length} ACLs, ${quotas.length} quotas`
  return `${Object.keys(topics).length} topics with ${partitions} partitions, ${access}, ${Object.keys(groups).length} groups in ${waves.size} waves`
}

/** What the cluster has otherwise than the file, area by area: `+` only the cluster has it, `-` only the file, `~` both, and otherwise. */
export function changeLines(changes: readonly CatalogChange[], all: boolean): readonly string[] {
  return [...Map.groupBy(changes, ({ area }) => area)].flatMap(([area, own]) => [
    `${area} (${own.length})`,
    ...capped(
      own.map(({ name, property, inCatalog, onCluster }) => {
        if (property !== 'declared') return `  ~ ${name} ${property}: ${inCatalog} -> ${onCluster}`
        return onCluster === 'declared' ? `  + ${name}` : `  - ${name}`
      }),
      all,
    ),
  ])
}

/** What the catalog doesn't take, each with why and what to do: those with the same reason and remedy together. */
export function leftOutLines(leftOut: readonly LeftOut[], all: boolean): readonly string[] {
  if (leftOut.length === 0) return []
  const lines = [...Map.groupBy(leftOut, ({ why, remedy }) => `${why}\n${remedy}`)].flatMap(([reason, own]) => {
    const [why = '', remedy = ''] = reason.split('\n')
    return [...capped(own.map(({ what }) => `  ${what}`), all), `    ${why} -> ${remedy}`] // biome-ignore format: one line
  })
  return [`not taken over (${leftOut.length})`, ...lines]
}

/** What the cluster can't offer, and what that rules out. */
export function shortcomingLines(shortcomings: readonly Shortcoming[]): readonly string[] {
  const line = ({ what, rulesOut, remedy }: Shortcoming) => [
    `  ${what}`,
    ...(rulesOut.length === 0 ? [] : [`    rules out: ${rulesOut.join(', ')}`]),
    `    ${remedy}`,
  ]
  const [ruling, others] = [shortcomings.filter(({ rulesOut }) => rulesOut.length > 0), shortcomings.filter(({ rulesOut }) => rulesOut.length === 0)]
  return [
    ruling.length === 0 ? 'nothing that was read rules out a step of a switchover' : `what rules out steps of a switchover (${ruling.length})`,
    ...ruling.flatMap(line),
    ...(others.length === 0 ? [] : ['good to know']),
    ...others.flatMap(line),
  ]
}

/** Each group with its suggested wave and why. */
export function waveLines({ suggested }: AdoptedCatalog, all: boolean): readonly string[] {
  const lines = suggested.map(({ groupId, spec, because }) => `  ${groupId}: ${spec.wave === undefined ? 'no wave' : `wave ${spec.wave}`}, ${because}`)
  return lines.length === 0 ? [] : ['suggested waves, the least critical first', ...capped(lines, all)]
}

function capped(lines: readonly string[], all: boolean): readonly string[] {
  if (all || lines.length <= shownAtOnce) return lines
  return [...lines.slice(0, shownAtOnce), `  and ${lines.length - shownAtOnce} more (--all)`]
}
