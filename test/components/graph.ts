/** What a program declares, as text: every resource with what it takes from others, waits for or goes with. Golden files hold it, so that a change of the graph is seen in a review. */
import * as pulumi from '@pulumi/pulumi'

/** One registered resource. */
export interface Declared {
  readonly type: string
  readonly name: string
  readonly inputs: Readonly<Record<string, unknown>>
  readonly options: pulumi.CustomResourceOptions
}

/** Adds to what a mocked resource gives besides its inputs, its id and its `arn`. */
export type Given = (args: pulumi.runtime.MockResourceArgs) => Record<string, unknown>

/** The end of a type token and the name: what ids of mocked resources are made of. */
export function idOf({ type, name }: Pick<Declared, 'type' | 'name'>): string {
  return `${type.split(':').at(-1)}/${name}`
}

/** What `program` declares under Pulumi's own mocks, when all of it is registered. @param program gives every resource that it makes itself these options */
export async function declaredBy(stack: string, given: Given, program: (opts: pulumi.ComponentResourceOptions) => void): Promise<readonly Declared[]> {
  const declared: Declared[] = []
  const options = new Map<string, pulumi.CustomResourceOptions>()
  await pulumi.runtime.setMocks(
    {
      newResource: (args) => {
        const id = idOf(args)
        declared.push({ type: args.type, name: args.name, inputs: args.inputs, options: options.get(id) ?? {} })
        return { id, state: { ...args.inputs, arn: `arn:test:${id}`, ...given(args) } }
      },
      call: () => ({}),
    },
    'kafka-blue-green',
    stack,
    false,
    'organization',
  )
  const record: pulumi.ResourceTransformation = ({ type, name, opts }) => {
    options.set(idOf({ type, name }), opts)
    return undefined
  }
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0 // the SDK keeps a stack trace of every promise: half of the time
  try {
    program({ transformations: [record] })
    await pulumi.runtime.disconnect()
  } finally {
    Error.stackTraceLimit = limit
  }
  return declared
}

/** The graph's lines, sorted: `type/name <- what it takes from, waits for or goes with`. Components hold nothing themselves and are left out. */
export function graphText(declared: readonly Declared[]): string {
  const ids = new Set(declared.map(idOf))
  const lines = declared
    .filter(({ type }) => !/^kbg:(?!index:)/.test(type))
    .map((each) => {
      const taken = textsIn(each.inputs).map((text) => text.replace(/^arn:test:/, ''))
      const awaited = [each.options.dependsOn ?? [], each.options.deletedWith ?? [], ...awaitedByParents(each, declared)]
        .flat()
        .map((resource) => resourceId(resource))
      const needs = [...new Set([...taken.filter((text) => ids.has(text)), ...awaited])].sort()
      return `${idOf(each)}${each.options.protect ? ' (protected)' : ''}${needs.length === 0 ? '' : ` <- ${needs.join(', ')}`}`
    })
  return `${lines.sort().join('\n')}\n`
}

/** What a component waits for, all that it holds waits for. */
function awaitedByParents({ options: { parent } }: Pick<Declared, 'options'>, declared: readonly Declared[]): readonly unknown[] {
  const holder = parent === undefined ? undefined : declared.find((each) => idOf(each) === resourceId(parent))
  return holder === undefined ? [] : [holder.options.dependsOn ?? [], ...awaitedByParents(holder, declared)]
}

function resourceId(resource: unknown): string {
  const { __pulumiType: type, __name: name } = resource as { readonly __pulumiType: string; readonly __name: string }
  return idOf({ type, name })
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}
