import { readFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { z } from 'zod'
import { KbgError } from '../engine/model/error.ts'
import { Limits } from '../engine/model/limits.ts'
import { Wiring } from '../engine/model/wiring.ts'
import type { RunRequest } from '../engine/run/under-lock.ts'
import { projectDir, toolEnv } from '../tools/paths.ts'
import { pulumiEnv } from './init.ts'
import { Stacks } from './rollout/stacks.ts'

/** The three stacks of a fleet that `kbg init` made, quiet; or the one stack of a program of its own, which `KBG_PROJECT` (its directory) and `KBG_STACK` name. */
export function openStacks(fleet: string): Stacks {
  process.env.PATH = toolEnv().PATH
  const { KBG_PROJECT: directory = projectDir, KBG_STACK: stack } = process.env
  return new Stacks(fleet, directory, pulumiEnv(projectDir), () => undefined, stack)
}

/**
 * What the fleet's traffic stack was last wired to: its output.
 *
 * @throws KbgError `not-up` when that stack was never brought up
 */
export async function wiringOf(stacks: Stacks): Promise<Wiring> {
  const parsed = Wiring.safeParse((await trafficOutputs(stacks)).wiring)
  if (parsed.success) return parsed.data
  throw new KbgError('not-up', `The traffic stack of ${stacks.fleet} has no wiring among its outputs.`, { remedy: 'Run pulumi up on it first.' })
}

/** The bounds within which the fleet's switchover and guardians work, as they were last deployed; the defaults where the stack is from before they were an output. */
export async function limitsOf(stacks: Stacks): Promise<Limits> {
  return Limits.parse((await trafficOutputs(stacks)).limits ?? {})
}

/**
 * What the traffic stack says; a program with several fleets says it of each under its name. In a pod, where there is no stack, what that pod is started with says it too: `KBG_WIRED` names the file.
 */
async function trafficOutputs(stacks: Stacks): Promise<Readonly<Record<string, unknown>>> {
  const { KBG_WIRED: file } = process.env
  if (file !== undefined) return readWired(file)
  const outputs = await (await stacks.select('traffic')).outputs()
  const ofFleet: unknown = outputs[stacks.fleet]?.value
  if (typeof ofFleet === 'object' && ofFleet !== null) return { ...ofFleet }
  return Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value as unknown]))
}

function readWired(file: string): Readonly<Record<string, unknown>> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (cause) {
    throw new KbgError('wired-unreadable', `KBG_WIRED names ${file}, which can't be read as what a guardian is started with.`, { cause })
  }
}

/** A run of the engine for a person at a terminal: who asks is told to others, each line of progress to him, and ^C cancels. */
export async function atTerminal<T>(command: string, stacks: Stacks, run: (request: Omit<RunRequest, 'intent'>) => Promise<T>): Promise<T> {
  const [wiring, limits] = [await wiringOf(stacks), await limitsOf(stacks)]
  const stop = new AbortController()
  const cancel = () => stop.abort(new KbgError('cancelled', 'Cancelled by ^C.'))
  process.once('SIGINT', cancel)
  try {
    const holder = `${command} by ${userInfo().username}@${hostname()}, pid ${process.pid}`
    return await run({ wiring, limits, holder, tell: ({ step, text }) => console.log(`  ${step.padEnd(8)}${text}`), cancelled: stop.signal })
  } finally {
    process.removeListener('SIGINT', cancel)
  }
}
