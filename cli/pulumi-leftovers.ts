import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { isPidAlive } from '../engine/adapters/local/process.ts'
import { firstFive } from '../engine/model/error.ts'
import { pulumiEnv } from './init.ts'
import type { Stacks } from './rollout/stacks.ts'

/** The lock that Pulumi's file backend keeps of a stack, as far as it is read here. */
const PulumiLock = z.looseObject({ pid: z.int().positive().optional(), username: z.string().optional(), hostname: z.string().optional() })
type PulumiLock = z.infer<typeof PulumiLock>

const Deployment = z.looseObject({
  pending_operations: z.array(z.looseObject({ type: z.string(), resource: z.looseObject({ urn: z.string() }) })).nullish(),
})

/** What there is of Pulumi's own: the locks of the traffic stack, whether their processes live, and operations that a killed update didn't end. */
export interface PulumiTraces {
  readonly stack: string
  readonly locks: readonly { readonly by: string; readonly isAlive: boolean }[]
  readonly pending: readonly string[]
}

/** What a killed update of the traffic stack has left in Pulumi's state, and what to type; no line when there is nothing. */
export async function pulumiLeftovers(stacks: Stacks, projectDir: string): Promise<readonly string[]> {
  const stack = await stacks.select('traffic')
  const { deployment } = await stack.exportStack()
  const pending = Deployment.safeParse(deployment).data?.pending_operations ?? []
  const traces: PulumiTraces = {
    stack: stack.name,
    locks: locksOf(projectDir, stack.name).map((lock) => ({ by: ownerText(lock), isAlive: isAlive(lock) })),
    pending: pending.map(({ type, resource }) => `${type} ${resource.urn.slice(resource.urn.lastIndexOf('::') + 2)}`),
  }
  return leftoverLines(traces)
}

/** The traces in words, each with what to type (pure). */
export function leftoverLines({ stack, locks, pending }: PulumiTraces): readonly string[] {
  const [living, left] = [locks.filter(({ isAlive: lives }) => lives), locks.filter(({ isAlive: lives }) => !lives)]
  return [
    ...living.map(({ by }) => `An update of the stack ${stack} runs (${by}); Pulumi lets nobody else in before it ends.`),
    ...(left.length === 0
      ? []
      : [
          `An update of the stack ${stack} was killed (${firstFive(left.map(({ by }) => by))}) and left Pulumi's lock. Type: npx pulumi cancel -s ${stack} --yes`,
        ]),
    ...(pending.length === 0
      ? []
      : [`It was killed in the middle of ${firstFive(pending)}. Traffic is the engine's, below; for Pulumi's own state type: npx pulumi up -s ${stack}`]),
  ]
}

/** Only a backend of files can be looked at; elsewhere Pulumi itself says that a stack is locked. */
function locksOf(projectDir: string, stack: string): readonly PulumiLock[] {
  const url = process.env.PULUMI_BACKEND_URL ?? pulumiEnv(projectDir).PULUMI_BACKEND_URL
  if (url === undefined || !url.startsWith('file://')) return []
  const directory = join(url.slice('file://'.length), '.pulumi', 'locks')
  if (!existsSync(directory)) return []
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes(`${stack}/`) && name.endsWith('.json'))
  return files.filter((name) => name.split('/').at(-2) === stack).flatMap((name) => readLock(join(directory, name)))
}

function readLock(file: string): readonly PulumiLock[] {
  try {
    return [PulumiLock.parse(JSON.parse(readFileSync(file, 'utf8')))]
  } catch {
    return existsSync(file) ? [{}] : [] // one that is just being removed is none; one that can't be read is a lock all the same
  }
}

function ownerText({ pid, username, hostname: host }: PulumiLock): string {
  return `${username ?? 'somebody'}@${host ?? 'somewhere'}, pid ${pid ?? 'not known'}`
}

/** On another machine it is taken for alive: nobody here can tell. */
function isAlive({ pid, hostname: host }: PulumiLock): boolean {
  if (pid === undefined) return false
  return host !== undefined && host !== hostname() ? true : isPidAlive(pid)
}
