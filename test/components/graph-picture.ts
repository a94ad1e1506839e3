/** A golden graph as a diagram, for people: the same resources, told once for each kind that needs the same. */

interface Resource {
  /** `type/name`. */
  readonly id: string
  readonly type: string
  readonly name: string
  readonly isProtected: boolean
  readonly needs: readonly string[]
}

/** Names that a box shows; the others are counted. */
const mostNames = 3

/**
 * Mermaid's text of a graph as {@link graphText} writes it. Resources of one type that need the same are one box; an arrow leads to what is made later, and deleted earlier.
 *
 * @param owner what every name begins with, and no box repeats
 */
export function graphPicture(graph: string, owner: string): string {
  const resources = parsed(graph)
  const groups = groupsOf(resources)
  const members = Map.groupBy(resources, ({ id }) => groups.get(id) ?? 0)
  const boxes = [...members].map(([group, all]) => `  g${group}["${labelOf(all, owner)}"]${all[0]?.isProtected ? ':::protected' : ''}`)
  const arrows = [...members].flatMap(([group, all]) => groupsNeeded(all, groups).map((needed) => `  g${needed} --> g${group}`))
  return ['flowchart LR', ...boxes, ...arrows, '  classDef protected stroke-width:3px'].join('\n')
}

/** Components are no lines of a graph: what waits for one waits for what it holds, whose names begin with its own. */
function parsed(graph: string): readonly Resource[] {
  const lines = graph.trim().split('\n')
  const ids = lines.map((line) => line.split(' ', 1)[0] ?? line)
  const held = (component: string) => ids.filter((id) => nameOf(id).startsWith(`${nameOf(component)}-`))
  return lines.map((line, index) => {
    const id = ids[index] ?? line
    const needs = line.split(' <- ')[1]?.split(', ') ?? []
    return {
      ...{ id, type: id.slice(0, id.indexOf('/')), name: nameOf(id), isProtected: / \(protected\)/.test(line) },
      needs: needs.flatMap((each) => (ids.includes(each) ? [each] : held(each))),
    }
  })
}

function nameOf(id: string): string {
  return id.slice(id.indexOf('/') + 1)
}

/** The coarsest groups of one type each, whose members need the same groups. */
function groupsOf(resources: readonly Resource[]): ReadonlyMap<string, number> {
  let groups = numbered(resources, ({ type, isProtected }) => `${type} ${isProtected}`)
  for (;;) {
    const before = groups
    const finer = numbered(resources, (each) => `${each.type} ${each.isProtected} ${groupsNeeded([each], before).join()}`)
    if (sizeOf(finer) === sizeOf(before)) return finer
    groups = finer
  }
}

function numbered(resources: readonly Resource[], keyOf: (resource: Resource) => string): ReadonlyMap<string, number> {
  const keys = resources.map(keyOf)
  const numbers = new Map([...new Set(keys)].map((key, number) => [key, number]))
  return new Map(resources.map(({ id }, index) => [id, numbers.get(keys[index] ?? '') ?? 0]))
}

function sizeOf(groups: ReadonlyMap<string, number>): number {
  return new Set(groups.values()).size
}

function groupsNeeded(resources: readonly Resource[], groups: ReadonlyMap<string, number>): readonly number[] {
  const needed = resources.flatMap(({ needs }) => needs.flatMap((id) => groups.get(id) ?? []))
  return [...new Set(needed)].sort((a, b) => a - b)
}

function labelOf(resources: readonly Resource[], owner: string): string {
  const names = resources.map(({ name }) => (name.startsWith(`${owner}-`) ? name.slice(owner.length + 1) : name))
  const more = names.length > mostNames ? `<br>and ${names.length - mostNames} more` : ''
  const type = `${resources[0]?.type}${resources.length === 1 ? '' : ` × ${resources.length}`}`
  return `${type}<br>${names.slice(0, mostNames).join('<br>')}${more}`
}
