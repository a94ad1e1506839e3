import type { EngineEvent, OutputMap, Stack } from '@pulumi/pulumi/automation/index.js'
import { KbgError } from '../../engine/model/error.ts'
import { type StackRole, stackName } from '../../engine/model/fleet.ts'

/** Says one line of an update: which stack, and what its resources report. */
export type StackLine = (stack: string, line: string) => void

/** A fleet's three stacks, driven through Pulumi's Automation API: the same as `pulumi config set` and `pulumi up` by hand. */
export class Stacks {
  readonly fleet: string
  readonly #projectDir: string
  readonly #env: Record<string, string>
  readonly #say: StackLine
  readonly #only: string | undefined
  readonly #selected = new Map<StackRole, Promise<Stack>>()

  /** @param only the one stack that holds all of the fleet */
  constructor(fleet: string, projectDir: string, env: Record<string, string>, say: StackLine, only?: string) {
    this.fleet = fleet
    this.#projectDir = projectDir
    this.#env = env
    this.#say = say
    this.#only = only
  }

  async select(role: StackRole): Promise<Stack> {
    const known = this.#selected.get(role)
    if (known) return await known
    const opened = this.#open(this.#only ?? stackName({ fleet: this.fleet, role }))
    this.#selected.set(role, opened)
    return await opened
  }

  /** Pulumi's SDK is loaded with the first stack: in a pod there is none, and little room. */
  async #open(name: string): Promise<Stack> {
    const { LocalWorkspace } = await import('@pulumi/pulumi/automation/index.js')
    return await LocalWorkspace.selectStack({ stackName: name, workDir: this.#projectDir }, { envVars: this.#env })
  }

  async setConfig(role: StackRole, values: Readonly<Record<string, string>>): Promise<void> {
    const stack = await this.select(role)
    await stack.setAllConfig(Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { value }])))
  }

  /** @throws KbgError `pulumi` with the update's own diagnostics */
  async up(role: StackRole): Promise<OutputMap> {
    const stack = await this.select(role)
    const diagnostics: string[] = []
    try {
      const result = await stack.up({ suppressProgress: true, color: 'never', onEvent: (event) => this.#relay(stack.name, event, diagnostics) })
      return result.outputs
    } catch (thrown) {
      throw refusal(stack.name, 'up', diagnostics, thrown)
    }
  }

  /** The steps of a preview, by operation; throws as {@link up} does. */
  async preview(role: StackRole): Promise<Readonly<Record<string, number>>> {
    const stack = await this.select(role)
    const diagnostics: string[] = []
    try {
      const result = await stack.preview({ suppressProgress: true, color: 'never', onEvent: (event) => this.#relay(stack.name, event, diagnostics) })
      return { ...result.changeSummary }
    } catch (thrown) {
      throw refusal(stack.name, 'preview', diagnostics, thrown)
    }
  }

  async destroy(role: StackRole): Promise<void> {
    const stack = await this.select(role)
    const diagnostics: string[] = []
    try {
      await stack.destroy({ suppressProgress: true, color: 'never', onEvent: (event) => this.#relay(stack.name, event, diagnostics) })
    } catch (thrown) {
      throw refusal(stack.name, 'destroy', diagnostics, thrown)
    }
  }

  /** Removes the stack's state and its stack file. */
  async remove(role: StackRole): Promise<void> {
    const stack = await this.select(role)
    await stack.workspace.removeStack(stack.name)
    this.#selected.delete(role)
  }

  #relay(stack: string, event: EngineEvent, diagnostics: string[]): void {
    const diagnostic = event.diagnosticEvent
    if (!diagnostic) return
    const text = diagnostic.message.replaceAll(/<\{%[^%]*%\}>/g, '').trim()
    if (text === '') return
    if (diagnostic.severity === 'error') diagnostics.push(text)
    else if (diagnostic.severity.startsWith('info')) this.#say(stack, text)
  }
}

function refusal(stack: string, what: string, diagnostics: readonly string[], thrown: unknown): KbgError {
  const seen = [...new Set(diagnostics)].join('\n')
  return new KbgError('pulumi', `pulumi ${what} of ${stack} failed:\n${seen || String(thrown)}`, { cause: seen ? undefined : thrown })
}
